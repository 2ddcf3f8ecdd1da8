"""Tokens as they are issued, and the requests that are not token requests at all."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from joserfc import jwt

from gatekeeper.errors import ClockUnreliable, SettingsRefused
from gatekeeper.web.clients import ASSERTION_TYPE
from tests.oauth.city import AUDIENCE, ISSUER, NOW, City


def test_token_is_an_rfc_9068_access_token(city: City) -> None:
    """An issued token has the header and the claims of RFC 9068, and lives ten minutes."""
    answer = city.ask(city.assertion())
    assert answer.status_code == 200
    body = answer.get_json()
    assert {"access_token", "token_type", "expires_in", "scope"} == set(body)
    assert ("Bearer", 600, "reads:query ledger:read") == (
        body["token_type"],
        body["expires_in"],
        body["scope"],
    )
    kid, key = city.keys.signing()
    token = jwt.decode(body["access_token"], key, algorithms=["ES256"])
    assert {"alg": "ES256", "typ": "at+jwt", "kid": kid} == token.header
    jti = token.claims.pop("jti")
    assert 24 == len(jti)
    assert {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "signer",
        "client_id": "signer",
        "agency": "oakville",
        "credential": "ec-1",
        "scope": "reads:query ledger:read",
        "iat": NOW,
        "exp": NOW + 600,
    } == token.claims


def test_token_answer_is_not_cached(city: City) -> None:
    """Good and bad answers forbid storing (RFC 6749 section 5.1)."""
    for answer in (city.ask(city.assertion()), city.ask("x")):
        assert "no-store" == answer.headers["Cache-Control"]
        assert "no-cache" == answer.headers["Pragma"]
        assert "application/json" == answer.content_type


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_each_algorithm_of_fapi_works(city: City, alg: str) -> None:
    """ES256, PS256 and Ed25519 (also by its old name) authenticate a client."""
    assert 200 == city.ask(city.assertion(alg=alg)).status_code


def test_suspended_agency_still_gets_a_token(city: City) -> None:
    """Suspension is answered by the policy, with reasons, so the token is issued and accepted."""
    assert "suspended" == city.caller(f"Bearer {city.token('paused')}").agency_id


def test_scope_narrows_to_what_was_asked(city: City) -> None:
    """A client that asks for one of its scopes gets that one."""
    answer = city.ask(city.assertion(), scope="ledger:read")
    assert "ledger:read" == answer.get_json()["scope"]


@pytest.mark.parametrize(
    ("client_id", "scope"),
    [
        ("reader", "reads:query"),
        ("reader", "ledger:read reads:query"),
        ("signer", "admin"),
        ("signer", "reads:query admin"),
        ("signer", "READS:QUERY"),
        ("signer", " "),
        ("signer", "reads:query  ledger:read"),
        ("scopeless", None),
        ("scopeless", "admin"),
    ],
)
def test_scope_outside_the_grant_is_refused_not_dropped(
    city: City, client_id: str, scope: str | None
) -> None:
    """An unknown or ungranted scope is invalid_scope: never 200 with fewer scopes, or with none."""
    answer = city.ask(city.assertion(client_id), **dict[str, Any]({} if scope is None else {"scope": scope}))
    assert (400, "invalid_scope") == (answer.status_code, answer.get_json()["error"])


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "implicit", "<b>"])
def test_other_grants_are_refused(city: City, grant: str) -> None:
    """There is one grant; the name that was sent is not repeated."""
    answer = city.ask(city.assertion(), grant_type=grant)
    assert (400, {"error": "unsupported_grant_type"}) == (answer.status_code, answer.get_json())


def _body(city: City, **extra: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": city.assertion(),
        **extra,
    }


def test_json_body_is_refused(city: City) -> None:
    """Only a form is a token request."""
    answer = city.http.post("/oauth/token", json=_body(city))
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


def test_compressed_body_is_refused(city: City) -> None:
    """A body that would have to be unpacked is not read."""
    answer = city.http.post("/oauth/token", data=_body(city), headers={"Content-Encoding": "gzip"})
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


def test_parameters_in_the_address_are_refused(city: City) -> None:
    """An address ends up in access logs, so nothing may be sent in it."""
    answer = city.http.post("/oauth/token?grant_type=client_credentials", data=_body(city))
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


@pytest.mark.parametrize("name", ["grant_type", "client_assertion", "scope", "client_id", "unknown"])
def test_repeated_parameter_is_refused(city: City, name: str) -> None:
    """Two values of one name: which one counted would be anyone's guess (RFC 6749 section 3.2)."""
    body = {**_body(city), name: ["a", "b"]}
    answer = city.http.post("/oauth/token", data=body)
    assert (400, "a parameter is repeated") == (answer.status_code, answer.get_json()["error_description"])


@pytest.mark.parametrize(
    "body",
    [
        b"grant_type=client_credentials&scope=%00",
        b"grant_type=client_credentials&client_id=a%00b",
        b"grant_type=client_credentials&scope=%ED%A0%80",
        b"grant_type=client_credentials&scope=%FF",
        b"grant_type=client_credentials&scope=\xff",
        b"grant_type=client_credentials&scope=a%0Ab",
        b"grant_type",
        b"",
        b"&&&",
        b"&".join(b"p%d=1" % n for n in range(40)),
    ],
)
def test_nul_surrogates_and_noise_are_a_clean_400(city: City, body: bytes) -> None:
    """What is not printable text in well-formed parameters is refused before anything looks at it."""
    answer = city.http.post(
        "/oauth/token", data=body, content_type="application/x-www-form-urlencoded; charset=utf-16"
    )
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


def test_huge_body_is_refused_unread(city: City) -> None:
    """A body over 16 KiB is 413, in the shape of RFC 6749."""
    answer = city.http.post("/oauth/token", data={"scope": "a" * 20_000})
    assert (413, "invalid_request") == (answer.status_code, answer.get_json()["error"])


def test_missing_grant_type_is_invalid_request(city: City) -> None:
    """A missing parameter is invalid_request; an empty one counts as missing."""
    answer = city.ask(city.assertion(), grant_type="")
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])


def test_no_credentials_at_all(city: City) -> None:
    """A request without client authentication is 401, and counted."""
    answer = city.http.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": "signer"})
    assert (401, "invalid_client") == (answer.status_code, answer.get_json()["error"])
    assert ["no_credentials"] == city.refused


def test_metadata_is_valid_rfc_8414(city: City) -> None:
    """The document passes Authlib's validation and names what is served, and nothing else."""
    answer = city.http.get("/.well-known/oauth-authorization-server", headers={"Host": "evil.example"})
    body = answer.get_json()
    # Required, but we have no authorization endpoint: empty, which Authlib takes for absent.
    assert [] == body["response_types_supported"]
    AuthorizationServerMetadata({**body, "response_types_supported": ["code"]}).validate()
    assert ISSUER == body["issuer"]
    assert f"{ISSUER}/oauth/token" == body["token_endpoint"]
    assert ["client_credentials"] == body["grant_types_supported"]
    assert ["ES256", "PS256", "Ed25519", "EdDSA"] == body["token_endpoint_auth_signing_alg_values_supported"]
    assert "evil" not in answer.get_data(as_text=True)


def test_secrets_are_offered_only_where_the_city_allows_them(city: City) -> None:
    """The metadata names client_secret_basic exactly if it works."""
    path = "/.well-known/oauth-authorization-server"
    methods = "token_endpoint_auth_methods_supported"
    assert ["private_key_jwt", "client_secret_basic"] == city.http.get(path).get_json()[methods]
    strict = City(city.keys, profiles=frozenset({"fapi", "private_key"}))
    assert ["private_key_jwt"] == strict.http.get(path).get_json()[methods]


def test_jwks_holds_no_private_key(city: City) -> None:
    """The published set has public members only, and says what each key is for."""
    keys = city.http.get("/oauth/jwks").get_json()["keys"]
    assert [{"kty", "crv", "x", "y", "kid", "use", "alg"}] == [set(key) for key in keys]
    assert [city.keys.signing()[0]] == [key["kid"] for key in keys]


def test_stepped_clock_issues_nothing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the clock cannot be trusted, no token can be dated: 503."""

    def stepped() -> int:
        raise ClockUnreliable

    monkeypatch.setattr(city.clock, "now_ms", stepped)
    answer = city.ask("a.b.c", client_id="signer")
    assertion = city.ask(city.assertion())
    assert 401 == answer.status_code
    assert (503, "temporarily_unavailable") == (assertion.status_code, assertion.get_json()["error"])


def test_defect_of_ours_answers_nothing_of_itself(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error is 500 server_error without a word of its text."""

    def broken() -> None:
        raise RuntimeError("inner text")

    monkeypatch.setattr(city.registry, "snapshot", broken)
    city.app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = city.ask(city.assertion())
    assert (500, {"error": "server_error"}) == (answer.status_code, answer.get_json())


def test_no_token_assertion_or_secret_is_logged(city: City, caplog: pytest.LogCaptureFixture) -> None:
    """Authlib's own grant writes the token to its debug log; nothing of the kind may come from ours."""
    with caplog.at_level(logging.DEBUG):
        assertion = city.assertion()
        token = city.ask(assertion).get_json()["access_token"]
        city.caller(f"Bearer {token}")
        city.ask(city.assertion(), "/oauth/introspect", token=token)
        city.ask(city.assertion(), "/oauth/revoke", token=token)
        city.ask(assertion)
    for secret in (token, assertion):
        assert not any(part in caplog.text for part in secret.split("."))


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://gate.example"},
        {"issuer": "https://gate.example/"},
        {"issuer": "https://gate.example/path"},
        {"issuer": "https://gate.example?x"},
        {"issuer": "https://user@gate.example"},
        {"issuer": "http://localhost:80@gate.example"},
        {"issuer": ""},
        {"audience": ""},
        {"token_life_s": 601},
        {"token_life_s": 0},
    ],
)
def test_unsafe_settings_are_refused(city: City, changes: dict[str, Any]) -> None:
    """An issuer in clear text or with extras, no audience, or a long life: no server is made."""
    with pytest.raises(SettingsRefused):
        city.config(**changes)


def test_errors_are_json_objects_of_rfc_6749(city: City) -> None:
    """Each refusal has ``error`` and at most a description."""
    for answer in (city.ask("x"), city.ask(city.assertion(), scope="x"), city.ask("x", grant_type="x")):
        assert {"error", "error_description"} >= set(json.loads(answer.get_data()))
