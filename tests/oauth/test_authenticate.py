"""Attacks on the resource side: everything in a token but a good one is Unauthenticated, with its reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

import gatekeeper
from gatekeeper.errors import ClockUnreliable, StoreUnavailable, Unauthenticated
from gatekeeper.exchange.authenticate import REASONS, Caller, TokenVerifier, authenticate
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.registrations import credentials
from gatekeeper.web.keys import TokenKeys
from tests.oauth.city import (
    ALL_PROFILES,
    AUDIENCE,
    EC_KEY,
    ISSUER,
    NONCES,
    NOW,
    RSA_KEY,
    City,
    at,
    b64,
    registered,
    sign,
    unb64,
)


def refused(city: City, header: str | None, reason: str) -> None:
    """Assert that the header is refused for this reason, and that the error says nothing else."""
    with pytest.raises(Unauthenticated) as caught:
        city.caller(header)
    assert reason == caught.value.reason == str(caught.value)
    assert reason in REASONS


def forged(city: City, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Sign a token with our real key, good but for the changes."""
    kid, key = city.keys.signing()
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "signer",
        "client_id": "signer",
        "agency": "oakville",
        "credential": "ec-1",
        "scope": "reads:query",
        "jti": "abc",
        "iat": NOW,
        "exp": NOW + 600,
    }
    claims = {name: value for name, value in {**good, **changes}.items() if value is not ...}
    head = {"alg": "ES256", "typ": "at+jwt", "kid": kid, **(header or {})}
    return sign({name: value for name, value in head.items() if value is not ...}, claims, key)


def test_good_token_makes_a_caller(city: City) -> None:
    """The control: the forger's good token is accepted, with exactly these facts."""
    assert Caller(
        client_id="signer",
        agency_id="oakville",
        profile="private_key",
        scopes=frozenset({"reads:query"}),
        token_id="abc",
        expires_at=at(NOW + 600),
    ) == city.caller(f"Bearer {forged(city)}")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_scheme_is_case_insensitive(city: City, scheme: str) -> None:
    """RFC 9110 section 11.1."""
    assert "signer" == city.caller(f"{scheme} {forged(city)}").client_id


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "no_credentials"),
        ("", "no_credentials"),
        ("Bearer", "malformed_header"),
        ("Bearer ", "malformed_header"),
        ("Bearer a b", "malformed_header"),
        ("Bearer é.é.é", "malformed_header"),
        ("Bearer a.b.c\n", "malformed_header"),
        ("Bearer a.b.c\x00", "malformed_header"),
        ("Bearer a,b", "malformed_header"),
        ("DPoP {}", "wrong_scheme"),
        ("Basic {}", "wrong_scheme"),
        ("MAC {}", "wrong_scheme"),
        ("Bearer\t{}", "wrong_scheme"),
        (" Bearer {}", "wrong_scheme"),
        ("{}", "wrong_scheme"),
        ("Bearer {},Bearer {}", "malformed_header"),
        ("Bearer {}, Bearer {}", "malformed_header"),
        ("Bearer {} {}", "malformed_header"),
        ("Bearer access_token={}", "malformed_header"),
        ("Basic eDp5,Bearer {}", "wrong_scheme"),
    ],
)
def test_header_that_is_not_one_bearer_token(city: City, header: str | None, reason: str) -> None:
    """No header, two of them, other schemes (a DPoP token is not taken as a bearer's), noise."""
    refused(city, header and header.format(forged(city), forged(city)), reason)


@pytest.mark.parametrize(
    "typ", [..., "JWT", "jwt", "AT+JWT", "application/at+jwt", "id_token", "dpop+jwt", ""]
)
def test_type_other_than_access_token(city: City, typ: Any) -> None:
    """RFC 9068 section 4: an absent or other ``typ`` could be anything that we sign."""
    refused(city, f"Bearer {forged(city, {'typ': typ})}", "type")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"crit": ["exp"], "exp": 1}, "header"),
        ({"crit": ["b64"], "b64": True}, "header"),
        ({"jwk": EC_KEY.as_dict(private=False)}, "header"),
        ({"jku": "https://evil.example"}, "header"),
        ({"x5c": ["a"]}, "header"),
        ({"b64": False}, "header"),
        ({"kid": 1}, "header"),
        ({"alg": None}, "header"),
        ({"alg": "none"}, "algorithm"),
        ({"alg": "NONE"}, "algorithm"),
        ({"alg": "HS256"}, "algorithm"),
        ({"alg": "RS256"}, "algorithm"),
        ({"alg": "PS256"}, "algorithm"),
        ({"alg": "Ed25519"}, "algorithm"),
        ({"kid": ...}, "unknown_key"),
        ({"kid": ""}, "unknown_key"),
        ({"kid": "ec-1"}, "unknown_key"),
    ],
)
def test_header_that_we_never_make(city: City, header: dict[str, Any], reason: str) -> None:
    """crit, embedded and remote keys, ``none``, confusion with HMAC, RSA: refused before any signature."""
    _, payload, signature = forged(city).split(".")
    head = {"alg": "ES256", "typ": "at+jwt", "kid": city.keys.signing()[0], **header}
    head = {name: value for name, value in head.items() if value is not ...}
    refused(city, f"Bearer {b64(json.dumps(head).encode())}.{payload}.{signature}", reason)


def test_signature_of_another_key(city: City) -> None:
    """Our kid over a stranger's signature, a client's own signature, a changed payload."""
    kid, _ = city.keys.signing()
    head, payload, signature = forged(city).split(".")
    stranger = sign({"alg": "ES256", "typ": "at+jwt", "kid": kid}, {"sub": "x"}, ECKey.generate_key("P-256"))
    refused(city, f"Bearer {stranger}", "signature")
    claims = json.loads(unb64(payload)) | {"agency": "harbor"}
    refused(city, f"Bearer {head}.{b64(json.dumps(claims).encode())}.{signature}", "signature")
    refused(city, f"Bearer {head}.{payload}.{signature[:-4]}AAAA", "signature")
    refused(city, f"Bearer {head}.{payload}.AAAA", "signature")


def test_client_s_assertion_is_no_access_token(city: City) -> None:
    """What proves a client to the token endpoint opens nothing else."""
    refused(city, f"Bearer {city.assertion(header={'typ': 'at+jwt'})}", "unknown_key")


@pytest.mark.parametrize(
    "token", ["x", "a.b", "..", "a..c", "a.b.c.d.e", "A.A.A", "e30.e30.AAAA", "W10.e30.AAAA"]
)
def test_garbage_token(city: City, token: str) -> None:
    """Clean refusals, whatever the libraries would raise."""
    with pytest.raises(Unauthenticated) as caught:
        city.caller(f"Bearer {token}")
    assert caught.value.reason in {"malformed", "algorithm", "type"}


def test_huge_token(city: City) -> None:
    """CVE-2025-61920: refused by its length."""
    refused(city, "Bearer " + "A" * 100_000, "oversized")
    head, payload, signature = forged(city).split(".")
    refused(city, f"Bearer {'A' * 600}.{payload}.{signature}", "oversized")
    refused(city, f"Bearer {head}.{payload}.{signature}{'A' * 700}", "oversized")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"iss": ...}, "issuer"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"aud": ISSUER}, "audience"),
        ({"aud": [AUDIENCE]}, "audience"),
        ({"aud": [AUDIENCE, "https://other.example"]}, "audience"),
        ({"aud": ...}, "audience"),
        ({"aud": AUDIENCE + "/"}, "audience"),
        ({"cnf": {"jkt": "abc"}}, "bound"),
        ({"cnf": {"x5t#S256": "abc"}}, "certificate_missing"),
        ({"cnf": {}}, "bound"),
        ({"cnf": []}, "bound"),
        ({"cnf": {"jkt": ["abc"]}}, "bound"),
        ({"cnf": {"kid": "abc"}}, "bound"),
        ({"authorization_details": {}}, "claims"),
        ({"cnf": None}, "bound"),
        ({"client_id": ["signer"]}, "claims"),
        ({"client_id": ...}, "claims"),
        ({"client_id": "other"}, "subject"),
        ({"sub": 7}, "claims"),
        ({"sub": ""}, "claims"),
        ({"sub": "other"}, "subject"),
        ({"sub": "a\x00b", "client_id": "a\x00b"}, "claims"),
        ({"sub": "\ud800", "client_id": "\ud800"}, "claims"),
        ({"scope": ["reads:query"]}, "claims"),
        ({"scope": ...}, "claims"),
        ({"scope": ""}, "claims"),
        ({"jti": ...}, "claims"),
        ({"jti": 7}, "claims"),
        ({"jti": ["abc"]}, "claims"),
        ({"agency": ...}, "claims"),
        ({"agency": ["oakville"]}, "claims"),
        ({"credential": ...}, "claims"),
        ({"exp": ...}, "claims"),
        ({"exp": str(NOW + 60)}, "claims"),
        ({"exp": True}, "claims"),
        ({"exp": 1e300}, "claims"),
        ({"exp": float(NOW + 60)}, "claims"),
        ({"exp": None}, "claims"),
        ({"iat": ...}, "claims"),
        ({"iat": "1"}, "claims"),
        ({"iat": False}, "claims"),
        ({"nbf": "1"}, "claims"),
        ({"nbf": NOW + 1}, "claims"),
        ({"exp": NOW + 601}, "life_too_long"),
        ({"exp": NOW + 315_360_000}, "life_too_long"),
        ({"exp": 10**300}, "life_too_long"),
        ({"iat": 10**300, "exp": 10**300 + 60}, "life_too_long"),
        ({"iat": -60, "exp": 60}, "life_too_long"),
        ({"exp": NOW}, "life_too_long"),
        ({"iat": NOW - 600, "exp": NOW}, "expired"),
        ({"iat": 1, "exp": 2}, "expired"),
        ({"iat": NOW + 61, "exp": NOW + 600}, "not_yet_valid"),
    ],
)
def test_claims_that_we_never_sign(city: City, changes: dict[str, Any], reason: str) -> None:
    """Even under our own signature: other destinations, other types, other times."""
    refused(city, f"Bearer {forged(city, **changes)}", reason)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "revoked"}, "client_revoked"),
        ({"status": "?"}, "client_revoked"),
        ({"keys": (registered(EC_KEY, "ES256", "revoked"),)}, "credential_revoked"),
        ({"keys": (registered(RSA_KEY, "PS256"),)}, "credential_revoked"),
        ({"profile": "basic"}, "credential_revoked"),
        ({"profile": "fapi"}, "bound"),
        ({"agency_id": "harbor"}, "agency_changed"),
    ],
)
def test_registration_that_changed_since_the_token_was_issued(
    city: City, changes: dict[str, Any], reason: str
) -> None:
    """The next request sees it, though the signature is remembered."""
    header = f"Bearer {forged(city)}"
    city.caller(header)
    city.registry.change("signer", **changes)
    refused(city, header, reason)


def test_client_that_is_gone(city: City) -> None:
    """A token does not outlive its client."""
    header = f"Bearer {forged(city)}"
    city.caller(header)
    del city.registry.clients["signer"]
    refused(city, header, "unknown_client")


@pytest.mark.parametrize("status", ["closed", "", "Active", "unknown"])
def test_agency_that_was_closed(city: City, status: str) -> None:
    """Any status but active and suspended ends the tokens."""
    header = f"Bearer {forged(city)}"
    city.caller(header)
    city.registry.agencies["oakville"] = type(city.registry.agencies["oakville"])("oakville", status)
    refused(city, header, "agency_closed")
    del city.registry.agencies["oakville"]
    refused(city, header, "agency_closed")


def test_scope_that_was_withdrawn_is_gone_at_once(city: City) -> None:
    """A caller has the scopes of its token that its client still has."""
    header = f"Bearer {forged(city, scope='reads:query ledger:read')}"
    city.registry.change("signer", scopes=("ledger:read",))
    assert frozenset({"ledger:read"}) == city.caller(header).scopes


def test_remembered_token_still_expires(city: City) -> None:
    """Time is checked each time: a second before the end it works, at the end it does not."""
    header = f"Bearer {forged(city)}"
    city.clock.seconds = NOW + 599
    city.caller(header)
    city.clock.seconds = NOW + 600
    refused(city, header, "expired")
    city.clock.seconds = NOW - 61  # the clock was set back
    refused(city, header, "not_yet_valid")


def test_memory_of_tokens_is_bounded(city: City) -> None:
    """The longest unused goes first; a forgotten token is read again and works."""
    city.verifier = TokenVerifier(ISSUER, AUDIENCE, city.keys, NONCES, profiles=ALL_PROFILES, remembered=3)
    headers = [f"Bearer {forged(city, jti=f't{n}')}" for n in range(5)]
    for header in headers:
        city.caller(header)
    assert 3 == len(city.verifier._checked)
    assert "t0" == city.caller(headers[0]).token_id
    assert 3 == len(city.verifier._checked)


def test_refused_token_is_not_remembered(city: City) -> None:
    """Junk takes no room."""
    for n in range(10):
        refused(city, f"Bearer {forged(city, jti=f't{n}', iat=1, exp=2)}", "expired")
    assert 0 == len(city.verifier._checked)


def test_remembered_token_dies_with_the_key_that_signed_it(city: City) -> None:
    """A signing key that is withdrawn (say, stolen) verifies nothing more, remembered or not."""
    header = f"Bearer {forged(city)}"
    published: dict[str, ECKey] = {}
    city.verifier = TokenVerifier(ISSUER, AUDIENCE, _Published(published), NONCES, profiles=ALL_PROFILES)
    kid, _ = city.keys.signing()
    key = city.keys.public(kid)
    assert key is not None
    published[kid] = key
    city.caller(header)
    published.clear()
    refused(city, header, "unknown_key")


class _Published:
    def __init__(self, keys: dict[str, ECKey]) -> None:
        self._keys = keys

    def public(self, kid: str, /) -> ECKey | None:
        return self._keys.get(kid)


def test_token_of_another_city_s_keys(city: City, tmp_path: Path) -> None:
    """Same issuer, same audience, other keys."""
    elsewhere = City(TokenKeys.create(tmp_path / "elsewhere"))
    refused(city, f"Bearer {elsewhere.token()}", "unknown_key")


def test_store_or_clock_that_cannot_answer_lets_none_in(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their errors pass through as what they are: 503, no caller."""
    header = f"Bearer {forged(city)}"
    city.caller(header)

    def unavailable(_: str) -> bool:
        raise StoreUnavailable

    def stepped() -> int:
        raise ClockUnreliable

    monkeypatch.setattr(city.registry, "token_revoked", unavailable)
    with pytest.raises(StoreUnavailable):
        city.caller(header)
    monkeypatch.setattr(city.clock, "now_ms", stepped)
    with pytest.raises(ClockUnreliable):
        authenticate(Presented(header), verifier=city.verifier, snapshot=city.registry, clock=city.clock)


def test_credential_of_a_secret_tells_nothing_of_it(city: City) -> None:
    """The claim is in a token that the client can read; it is a digest of the stored hash."""
    client = city.registry.clients["secretive"]
    assert 1 == len(credentials(client))
    assert client.secret_sha256 is not None
    assert client.secret_sha256[:8] not in credentials(client)[0]


def test_reasons_are_words_that_the_log_takes() -> None:
    """The log's schema counts refusals by reason; each of ours fits it."""
    terms = Path(gatekeeper.__file__).parent / "ledger" / "events" / "terms.json"
    pattern = json.loads(terms.read_text())["$defs"]["unauthenticated"]["pattern"]
    assert [] == [reason for reason in sorted(REASONS) if not re.search(pattern, reason)]
