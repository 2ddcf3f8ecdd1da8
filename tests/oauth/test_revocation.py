"""Revocation works at once, and a client reaches its own tokens only."""

from __future__ import annotations

from datetime import datetime

import pytest

from gatekeeper.errors import LedgerUnavailable, Unauthenticated
from gatekeeper.web.presented import Presenting
from tests.oauth.city import AUDIENCE, EC_KEY, ISSUER, NOW, PROXY, City, at, registered


def reason(city: City, token: str) -> str:
    """Say why a token is not believed, or nothing if it is."""
    try:
        city.caller(f"Bearer {token}")
    except Unauthenticated as refused:
        return refused.reason
    return ""


def test_revoked_token_is_refused_by_the_next_request(city: City) -> None:
    """Also one whose signature is remembered; the revocation names jti, client, agency and end."""
    token = city.token()
    jti = city.caller(f"Bearer {token}").token_id
    answer = city.ask(city.assertion(), "/oauth/revoke", token=token)
    assert (200, b"", "no-store") == (answer.status_code, answer.get_data(), answer.headers["Cache-Control"])
    assert [(jti, "signer", "oakville", at(NOW + 600))] == city.revocations
    assert "token_revoked" == reason(city, token)


def test_second_revocation_writes_nothing(city: City) -> None:
    """The log gets one entry a token."""
    token = city.token()
    for _ in range(2):
        assert 200 == city.ask(city.assertion(), "/oauth/revoke", token=token).status_code
    assert 1 == len(city.revocations)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "x"])
def test_hint_does_not_keep_a_token_alive(city: City, hint: str) -> None:
    """A wrong hint is no reason to answer 200 and do nothing."""
    token = city.token()
    city.ask(city.assertion(), "/oauth/revoke", token=token, token_type_hint=hint)
    assert "token_revoked" == reason(city, token)


def test_token_of_another_client_stays_alive(city: City) -> None:
    """And the answer is the one for a random string."""
    token = city.token("other")
    answers = [city.ask(city.assertion(), "/oauth/revoke", token=text) for text in (token, "random")]
    assert [(200, b""), (200, b"")] == [(answer.status_code, answer.get_data()) for answer in answers]
    assert [] == city.revocations
    assert "" == reason(city, token)


def test_revocation_that_was_not_committed_is_not_answered(city: City) -> None:
    """If the log cannot take it: 503, so that the client tries again."""

    def unavailable(_jti: str, _client: str, _agency: str, _end: datetime) -> None:
        raise LedgerUnavailable

    broken = City(city.keys)
    broken.app = type(broken.app)("broken")
    from gatekeeper.web.tokens import tokens_blueprint  # noqa: PLC0415  # only here

    broken.app.register_blueprint(
        tokens_blueprint(broken.config(revoke=unavailable), Presenting(ISSUER, PROXY))
    )
    broken.http = broken.app.test_client()
    token = broken.token()
    answer = broken.ask(broken.assertion(), "/oauth/revoke", token=token)
    assert (503, "temporarily_unavailable") == (answer.status_code, answer.get_json()["error"])


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
def test_endpoints_want_a_client_and_a_token(city: City, path: str) -> None:
    """Nobody may revoke or look without authenticating; a request without a token says nothing."""
    assert 401 == city.http.post(path, data={"token": city.token()}).status_code
    assert 401 == city.ask("x.y.z", path, token=city.token()).status_code
    answer = city.ask(city.assertion(), path)
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "." * 5000, "e30.e30.AAAA"])
def test_garbage_token_is_no_error(city: City, path: str, token: str) -> None:
    """RFC 7009 section 2.2, RFC 7662 section 2.2: an invalid token is a normal question."""
    assert 200 == city.ask(city.assertion(), path, token=token).status_code


def test_introspection_of_a_good_token(city: City) -> None:
    """The answer says what the token says."""
    token = city.token(scope="ledger:read")
    answer = city.ask(city.assertion(), "/oauth/introspect", token=token)
    body = answer.get_json()
    assert city.caller(f"Bearer {token}").token_id == body.pop("jti")
    assert {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "signer",
        "client_id": "signer",
        "agency": "oakville",
        "scope": "ledger:read",
        "iat": NOW,
        "exp": NOW + 600,
    } == body
    assert "no-store" == answer.headers["Cache-Control"]


def test_introspection_looks_at_revocation(city: City) -> None:
    """Authlib's own introspection of JWTs does not."""
    token = city.token()
    city.ask(city.assertion(), "/oauth/revoke", token=token)
    answer = city.ask(city.assertion(), "/oauth/introspect", token=token)
    assert {"active": False} == answer.get_json()


def test_introspection_of_another_client_s_token_tells_nothing(city: City) -> None:
    """Not even that it exists."""
    answer = city.ask(city.assertion(), "/oauth/introspect", token=city.token("other"))
    assert {"active": False} == answer.get_json()


def test_introspection_of_an_expired_token(city: City) -> None:
    """Over is over."""
    token = city.token()
    city.clock.seconds += 600
    answer = city.ask(city.assertion(), "/oauth/introspect", token=token)
    assert {"active": False} == answer.get_json()


def test_introspection_sees_the_key_that_was_revoked_since(city: City) -> None:
    """A token got with a revoked key is inactive, though its client still has another key."""
    token = city.token()
    keys = city.registry.clients["signer"].keys
    city.registry.change("signer", keys=(registered(EC_KEY, "ES256", "revoked"), *keys[1:]))
    answer = city.ask(city.assertion(alg="PS256"), "/oauth/introspect", token=token)
    assert {"active": False} == answer.get_json()
