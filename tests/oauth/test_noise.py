"""Whatever is sent: a clean refusal, never a caller, a token or a crash."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.errors import StoreUnavailable, Unauthenticated
from gatekeeper.exchange.authenticate import REASONS
from tests.oauth.city import City

_QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_SEGMENT = string.ascii_letters + string.digits + "-_."
_NAMES = [
    "grant_type",
    "scope",
    "client_id",
    "client_assertion",
    "client_assertion_type",
    "client_secret",
    "x",
]


@_QUICK
@given(place=st.integers(0, 10_000), sign=st.sampled_from(_SEGMENT))
def test_one_changed_character_is_refused(city: City, place: int, sign: str) -> None:
    """Also in the last bits of a segment, which lax decoders ignore."""
    token = city.token()
    place %= len(token)
    changed = token[:place] + sign + token[place + 1 :]
    if changed != token:
        with pytest.raises(Unauthenticated) as caught:
            city.caller(f"Bearer {changed}")
        assert caught.value.reason in REASONS


@_QUICK
@given(header=st.text(max_size=40) | st.text(_SEGMENT, max_size=200).map("Bearer {}".format))
def test_any_header_is_refused_cleanly(city: City, header: str) -> None:
    """Any text at all, lone surrogates too, is Unauthenticated."""
    with pytest.raises(Unauthenticated):
        city.caller(header)


@_QUICK
@given(
    form=st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=60).filter(lambda t: t.isprintable())),
    header=st.none() | st.text(string.printable.strip(), max_size=60).map("Basic {}".format),
)
def test_any_form_is_answered_in_the_shape_of_rfc_6749(
    city: City, form: dict[str, str], header: str | None
) -> None:
    """400 or 401 with an error code; no token, no 500."""
    headers = {} if header is None else {"Authorization": header}
    answer = city.http.post("/oauth/token", data=form, headers=headers)
    assert answer.status_code in {400, 401}
    assert answer.get_json()["error"] in {"invalid_request", "invalid_client", "unsupported_grant_type"}


@_QUICK
@given(body=st.binary(max_size=300))
def test_any_bytes_are_answered_in_the_shape_of_rfc_6749(city: City, body: bytes) -> None:
    """What is no form at all is 400."""
    answer = city.http.post("/oauth/token", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400
    assert answer.get_json()["error"] in {"invalid_request", "unsupported_grant_type"}


@_QUICK
@given(
    claim=st.sampled_from(["iss", "sub", "aud", "jti", "iat", "exp", "nbf"]),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.lists(st.integers()),
)
def test_any_value_of_any_claim_is_answered_cleanly(city: City, claim: str, value: Any) -> None:
    """Types that no honest client sends: 401, or 200 where the value happens to be a good one."""
    answer = city.ask(city.assertion(**{claim: value}))
    good = (
        claim == "jti"
        or (claim == "nbf" and (value is None or type(value) is int))
        or claim in {"iat", "exp"}
    )
    assert answer.status_code == 401 or (good and answer.status_code == 200)


@pytest.mark.parametrize("part", ["snapshot", "claim_jti"])
def test_store_that_fails_gives_no_token(city: City, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the registry cannot be asked, or the jti cannot be claimed: 503, in the shape of RFC 6749."""

    def fails(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(city.registry, part, fails)
    answer = city.ask(city.assertion())
    assert (503, "temporarily_unavailable") == (answer.status_code, answer.get_json()["error"])
    assert answer.headers["Retry-After"]
