"""Attacks on what a private_key_jwt assertion claims, each named for what it would gain."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gatekeeper.web.clients import ASSERTION_TYPE
from tests.oauth.city import (
    EC_KEY,
    ISSUER,
    NOW,
    City,
    Key,
    at,
    b64,
    refused,
    registered,
    unb64,
)


def test_replay_of_a_jti_is_refused(city: City) -> None:
    """An assertion works once."""
    assertion = city.assertion()
    assert 200 == city.ask(assertion).status_code
    refused(city, city.ask(assertion), "replayed")


def test_replay_by_many_workers_at_once_gets_one_token(city: City) -> None:
    """Sixteen threads present one assertion: one token."""
    assertion = city.assertion()

    def ask(_: int) -> int:
        body = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        return int(city.app.test_client().post("/oauth/token", data=body).status_code)

    with ThreadPoolExecutor(16) as pool:
        answers = sorted(pool.map(ask, range(16)))
    assert [200] + 15 * [401] == answers


def test_replay_with_the_other_half_of_a_malleable_signature(city: City) -> None:
    """ECDSA's second valid signature (r, n - s) makes another text, but the jti is the same."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    assertion = city.assertion()
    assert 200 == city.ask(assertion).status_code
    head, payload, signature = assertion.split(".")
    raw = unb64(signature)
    twin = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    refused(city, city.ask(f"{head}.{payload}.{b64(twin)}"), "replayed")


def test_two_clients_may_use_the_same_jti(city: City) -> None:
    """A jti is unique per client, so nobody can use up another's."""
    assert 200 == city.ask(city.assertion("signer", jti="same")).status_code
    assert 200 == city.ask(city.assertion("other", jti="same")).status_code


def test_refused_assertion_takes_no_room_in_the_store(city: City) -> None:
    """Only an assertion that passes everything else is remembered."""
    city.ask(city.assertion(aud="x"))
    city.ask(city.assertion(key=ECKey.generate_key("P-256", {"kid": "ec-1"})))
    assert {} == city.registry.claimed


def test_jti_is_remembered_for_as_long_as_it_could_be_taken(city: City) -> None:
    """Beyond its end, the skew we allow, and the skew between our own workers."""
    city.ask(city.assertion(jti="kept"))
    assert at(NOW + 60 + 120) == city.registry.claimed["signer", "kept"]


@pytest.mark.parametrize(
    "aud",
    [
        [ISSUER],
        [ISSUER, "https://other.example"],
        f"{ISSUER}/oauth/token",
        f"{ISSUER}/",
        ISSUER.upper(),
        "https://other.example",
        "",
        None,
        True,
        {ISSUER: 1},
        ...,
    ],
)
def test_audience_that_is_not_exactly_our_issuer_is_refused(city: City, aud: Any) -> None:
    """A list, the token endpoint or a near miss could be an assertion made for another server."""
    refused(city, city.ask(city.assertion(aud=aud)), "audience")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW + 301}, "life_too_long"),
        ({"exp": NOW + 315_360_000}, "life_too_long"),
        ({"exp": NOW}, "life_too_long"),
        ({"exp": NOW - 1}, "life_too_long"),
        ({"exp": ...}, "claims"),
        ({"exp": str(NOW + 60)}, "claims"),
        ({"exp": True}, "claims"),
        ({"exp": float(NOW + 60)}, "claims"),
        ({"exp": 1e300}, "claims"),
        ({"exp": 10**400}, "life_too_long"),
        ({"exp": None}, "claims"),
        ({"iat": ...}, "claims"),
        ({"iat": 0}, "life_too_long"),
        ({"iat": -NOW}, "life_too_long"),
        ({"iat": 1, "exp": 200}, "expired"),
        ({"iat": NOW + 61, "exp": NOW + 100}, "not_yet_valid"),
        ({"iat": "now"}, "claims"),
        ({"nbf": NOW + 61}, "not_yet_valid"),
        ({"nbf": "soon"}, "claims"),
        ({"nbf": False}, "claims"),
        ({"iat": NOW - 361, "exp": NOW - 61}, "expired"),
        ({"iat": NOW - 360, "exp": NOW - 60}, "expired"),
    ],
)
def test_assertion_outside_its_time_is_refused(city: City, changes: dict[str, Any], reason: str) -> None:
    """Long-lived, undated, old and future assertions are refused, whatever type their times have."""
    refused(city, city.ask(city.assertion(**changes)), reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW + 300},
        {"iat": NOW + 60, "exp": NOW + 360},
        {"iat": NOW - 359, "exp": NOW - 59},
        {"nbf": NOW + 60},
        {"nbf": NOW, "unknown": {"claim": [1]}},
    ],
)
def test_assertion_just_inside_its_time_is_accepted(city: City, changes: dict[str, Any]) -> None:
    """A client whose clock is a minute off still gets in."""
    assert 200 == city.ask(city.assertion(**changes)).status_code


@pytest.mark.parametrize("jti", [..., "", "a\x00b", "a b", "é", "\ud800", "x" * 257, 7, ["x"], None, True])
def test_jti_that_is_missing_or_unfit_is_refused(city: City, jti: Any) -> None:
    """Without a jti there is no once; a jti with NUL or without end would reach the database."""
    refused(city, city.ask(city.assertion(jti=jti)), "claims")


@pytest.mark.parametrize(
    "sub", ["nobody", "a\x00b", "signer ", "\ud800", "'; drop table", "x" * 129, 7, ["signer"], {}]
)
def test_subject_that_is_no_client_is_a_clean_401(city: City, sub: Any) -> None:
    """NUL, lone surrogates and other types in ``sub`` never reach the registry."""
    refused(city, city.ask(city.assertion(sub=sub, iss=sub)), "unknown_client")


@pytest.mark.parametrize("changes", [{"iss": "other"}, {"iss": ...}, {"iss": ["signer"]}, {"iss": ISSUER}])
def test_issuer_other_than_the_client_is_refused(city: City, changes: dict[str, Any]) -> None:
    """An assertion that somebody else issued about the client is not the client's."""
    refused(city, city.ask(city.assertion(**changes)), "subject")


def test_form_client_id_that_disagrees_is_refused(city: City) -> None:
    """``client_id=other`` with the assertion of ``signer`` is neither (they even share the key here)."""
    refused(city, city.ask(city.assertion("signer"), client_id="other"), "subject")


def test_form_client_id_that_agrees_is_accepted(city: City) -> None:
    """RFC 7521 section 4.2: the parameter is optional, and must agree."""
    assert 200 == city.ask(city.assertion(), client_id="signer").status_code


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "revoked"}, "client_revoked"),
        ({"status": "unheard-of"}, "client_revoked"),
        ({"keys": (registered(EC_KEY, "ES256", "revoked"),)}, "credential_revoked"),
        ({"keys": ()}, "unknown_key"),
        ({"profile": "basic"}, "method"),
        ({"profile": "unheard-of"}, "method"),
        ({"agency_id": "nowhere"}, "agency_closed"),
        ({"keys": (registered(EC_KEY, "RS256"),)}, "algorithm"),
        ({"keys": (Key("ec-1", "ES256", {"kty": "EC"}),)}, "unknown_key"),
    ],
)
def test_credential_that_is_no_longer_good_is_refused(
    city: City, changes: dict[str, Any], reason: str
) -> None:
    """A revoked client or key, another profile, an agency that does not exist."""
    city.registry.change("signer", **changes)
    refused(city, city.ask(city.assertion()), reason)


@pytest.mark.parametrize("status", ["closed", "", "ACTIVE", "pending"])
def test_closed_agency_gets_no_token(city: City, status: str) -> None:
    """Only active and suspended agencies are registered ones."""
    city.registry.agencies["oakville"] = type(city.registry.agencies["oakville"])("oakville", status)
    refused(city, city.ask(city.assertion()), "agency_closed")


@pytest.mark.parametrize(
    "kind", ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer"]
)
def test_other_assertion_types_are_refused(city: City, kind: str) -> None:
    """A type that we do not read is not read as ours."""
    answer = city.ask(city.assertion(), client_assertion_type=kind)
    assert (401, "invalid_client") == (answer.status_code, answer.get_json()["error"])


def test_two_methods_in_one_request_are_refused(city: City) -> None:
    """A secret and an assertion: invalid_request (RFC 6749 section 2.3)."""
    answer = city.http.post(
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": city.assertion(),
        },
        auth=("secretive", "x"),
    )
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])
    assert ["method"] == city.refused


def test_nothing_of_the_assertion_comes_back(city: City) -> None:
    """Descriptions are fixed sentences: no claim, name or value of the caller's is repeated."""
    each: list[dict[str, Any]] = [
        {"aud": "SENTINEL"},
        {"jti": "SENTINEL\n"},
        {"sub": "SENTINEL"},
        {"iat": "SENTINEL"},
    ]
    for claims in each:
        assert "SENTINEL" not in city.ask(city.assertion(**claims)).get_data(as_text=True)


def test_only_the_holder_of_the_key_is_told_what_is_wrong(city: City) -> None:
    """A stranger cannot learn from us which clients or keys exist."""
    strangers = [
        city.assertion("nobody"),
        city.assertion(key=ECKey.generate_key("P-256", {"kid": "ec-1"})),
        city.assertion(header={"kid": "none-such"}),
    ]
    told = {city.ask(stranger).get_json()["error_description"] for stranger in strangers}
    assert {"client authentication failed"} == told
    holder = city.ask(city.assertion(aud=f"{ISSUER}/oauth/token")).get_json()
    assert "aud must be the issuer identifier, as a string" == holder["error_description"]
