"""Attacks on how an assertion is signed: algorithms, headers, keys, and text that is none."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gatekeeper.exchange.public_keys import import_key
from tests.oauth.city import (
    EC_KEY,
    ED_KEY,
    RSA_KEY,
    City,
    Key,
    b64,
    refused,
    registered,
    sign,
)

NONE_HEADER = b64(b'{"alg":"none","kid":"ec-1"}')


def test_confusion_hs256_with_the_public_key_as_secret(city: City) -> None:
    """CVE-2024-37568: an HMAC keyed with the published key must not verify."""
    for kid in ("ec-1", "rsa-1"):
        public = (EC_KEY if kid == "ec-1" else RSA_KEY).as_pem(private=False)
        head = b64(json.dumps({"alg": "HS256", "kid": kid}).encode())
        signed = f"{head}.{b64(json.dumps(city.claims()).encode())}"
        mac = hmac.digest(public, signed.encode(), "sha256")
        refused(city, city.ask(f"{signed}.{b64(mac)}"), "algorithm")
        city.refused.clear()


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "RS256", "ES384", "HS256", "Ed448", "ES256K"]
)
def test_alg_outside_the_list_is_refused_unverified(city: City, alg: str) -> None:
    """CVE-2026-28802: ``none`` in any spelling, with a signature or without; RS256 is outside FAPI."""
    head, payload, signature = city.assertion().split(".")
    head = b64(json.dumps({"alg": alg, "kid": "ec-1"}).encode())
    refused(city, city.ask(f"{head}.{payload}.{signature}"), "algorithm")


def test_alg_none_with_an_empty_signature_is_refused(city: City) -> None:
    """The classic form of ``none``."""
    _, payload, _ = city.assertion().split(".")
    refused(city, city.ask(NONE_HEADER + f".{payload}."), "malformed")


def test_rs256_with_a_registered_rsa_key_is_refused(city: City) -> None:
    """A PS256 key does not sign RS256: the algorithm is the key's, not the header's."""
    assertion = sign({"alg": "RS256", "kid": "rsa-1"}, city.claims(), RSA_KEY)
    refused(city, city.ask(assertion), "algorithm")


@pytest.mark.parametrize(
    ("alg", "kid"), [("ES256", "rsa-1"), ("PS256", "ec-1"), ("Ed25519", "ec-1"), ("ES256", "ed-1")]
)
def test_alg_other_than_the_registered_key_s_is_refused(city: City, alg: str, kid: str) -> None:
    """The header cannot choose among the algorithms that some key could do."""
    refused(city, city.ask(city.assertion(alg=alg, header={"kid": kid})), "algorithm")


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": EC_KEY.as_dict(private=False)},
        {"x5c": ["MIIB"]},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5t": "abc"},
        {"crit": ["b64"], "b64": False},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"p2c": 2**31},
        {"enc": "A256GCM"},
        {"cty": "JWT"},
        {"x": 1},
        {"typ": 7},
        {"kid": 7},
        {"kid": ["ec-1"]},
        {"alg": ["ES256"]},
    ],
)
def test_header_with_anything_but_alg_kid_typ_is_refused(city: City, header: dict[str, Any]) -> None:
    """CVE-2026-27962 (embedded jwk), CVE-2025-59420 and CVE-2026-32597 (crit), remote keys, b64, zip."""
    head, payload, signature = city.assertion().split(".")
    head = b64(json.dumps({"alg": "ES256", "kid": "ec-1", **header}).encode())
    refused(city, city.ask(f"{head}.{payload}.{signature}"), "header")


def test_embedded_key_of_the_attacker_is_not_used(city: City) -> None:
    """CVE-2026-27962: correctly signed by the very key that it brings along, under an unknown kid."""
    own = ECKey.generate_key("P-256", {"kid": "mine"})
    assertion = city.assertion(key=own, header={"jwk": own.as_dict(private=False)})
    refused(city, city.ask(assertion), "header")


@pytest.mark.parametrize("kid", [..., "", "mine", "ec-2", "../ec-1", "EC-1"])
def test_kid_that_is_not_registered_is_refused(city: City, kid: Any) -> None:
    """A key is found by its name among the client's own; there is no trying of all."""
    refused(city, city.ask(city.assertion(header={"kid": kid})), "unknown_key")


def test_key_of_another_client_does_not_help(city: City) -> None:
    """A kid is looked up among the keys of the named client only."""
    stranger = ECKey.generate_key("P-256", {"kid": "stranger"})
    city.registry.change("other", keys=(registered(stranger, "ES256"),))
    refused(city, city.ask(city.assertion("signer", key=stranger)), "unknown_key")


def test_same_kid_with_another_key_is_refused(city: City) -> None:
    """A name is no proof."""
    refused(city, city.ask(city.assertion(key=ECKey.generate_key("P-256", {"kid": "ec-1"}))), "signature")


def test_two_registered_keys_of_one_kid_are_both_refused(city: City) -> None:
    """Which of the two was meant would be anyone's guess (FAPI 2.0: no two keys of one kid)."""
    twin = ECKey.generate_key("P-256", {"kid": "ec-1"})
    city.registry.change("signer", keys=(registered(EC_KEY, "ES256"), registered(twin, "ES256")))
    refused(city, city.ask(city.assertion()), "unknown_key")


@pytest.mark.parametrize(
    "assertion",
    [
        "x",
        "..",
        "a.b.c",
        "a.b.c.d",
        "a.b.c.d.e",
        "é.é.é",
        "e30.e30.e30",
        "bnVsbA.e30.AAAA",
        "W10.e30.AAAA",
        "A.A.A",
        "=.=.=",
        " . . ",
        "eyJhbGciOiJFUzI1NiJ9.e30",
        "e30=.e30.AAAA",
        "_/_.e30.AAAA",
        '{"payload":"e30","signatures":[]}',
        '{"payload":"e30","protected":"e30","signature":""}',
    ],
)
def test_garbage_is_a_clean_401(city: City, assertion: str) -> None:
    """What is no compact JWS is refused without an exception of any library."""
    answer = city.ask(assertion)
    assert (401, "invalid_client") == (answer.status_code, answer.get_json()["error"])
    assert "client authentication failed" == answer.get_json()["error_description"]


@pytest.mark.parametrize(
    "payload",
    [
        "[]",
        "1",
        "null",
        '"x"',
        "",
        "{",
        "[" * 3000,
        '{"sub":"signer","sub":"other"}',
        '{"exp":NaN}',
        '{"a":Infinity}',
    ],
)
def test_payload_that_is_no_plain_object_is_refused(city: City, payload: str) -> None:
    """Lists, nesting without end, repeated members and numbers that JSON has not."""
    assertion = sign({"alg": "ES256", "kid": "ec-1"}, payload, EC_KEY)
    answer = city.ask(assertion, client_id="signer")
    assert 401 == answer.status_code
    assert ["malformed"] == city.refused


def test_payload_in_utf_16_is_refused(city: City) -> None:
    """Python's reader guesses encodings; another reader would see another token."""
    text = json.dumps(city.claims()).encode("utf-16").decode("latin-1")
    head, _, _ = city.assertion().split(".")
    signed = sign({"alg": "ES256", "kid": "ec-1"}, text, EC_KEY)
    assert 401 == city.ask(signed, client_id="signer").status_code
    assert 401 == city.ask(f"{head}.{b64(text.encode('latin-1'))}.AAAA", client_id="signer").status_code


@pytest.mark.parametrize(
    "make",
    [
        lambda a: "A" * 900 + "." + a.split(".", 1)[1],
        lambda a: a.split(".")[0] + "." + "A" * 6000 + "." + a.split(".")[2],
        lambda a: a + "A" * 1200,
        lambda _: "." * 5000,
    ],
)
def test_huge_segments_are_refused_before_decoding(city: City, make: Callable[[str], str]) -> None:
    """CVE-2025-61920: a segment without end costs us a length check."""
    assert 401 == city.ask(make(city.assertion())).status_code
    assert city.refused[0] in {"oversized", "malformed"}


def test_encrypted_token_is_refused_unopened(city: City) -> None:
    """CVE-2025-62706, CVE-2026-28490: five parts are a JWE; there is no decryption to attack."""
    refused(city, city.ask("e30.AAAA.AAAA.AAAA.AAAA"), "malformed")


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt", "jwt "])
def test_other_kinds_of_signed_text_are_no_assertion(city: City, typ: str) -> None:
    """What a key signed for another purpose does not authenticate its owner."""
    refused(city, city.ask(city.assertion(header={"typ": typ})), "type")


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
def test_usual_types_are_accepted(city: City, typ: str) -> None:
    """``JWT``, and the explicit type of RFC 7523bis."""
    assert 200 == city.ask(city.assertion(header={"typ": typ})).status_code


def test_our_own_access_token_is_no_assertion(city: City) -> None:
    """A stolen access token does not get its thief another one."""
    assert 401 == city.ask(city.token(), client_id="signer").status_code


@pytest.mark.parametrize(
    ("alg", "jwk"),
    [
        ("ES256", ECKey.generate_key("P-384").as_dict(private=False)),
        ("ES256", ED_KEY.as_dict(private=False)),
        ("PS256", EC_KEY.as_dict(private=False)),
        ("Ed25519", OKPKey.generate_key("X25519").as_dict(private=False)),
        ("Ed25519", OKPKey.generate_key("Ed448").as_dict(private=False)),
        ("RS256", RSA_KEY.as_dict(private=False)),
        ("HS256", {"kty": "oct", "k": "AAAA"}),
        ("ES256", {**EC_KEY.as_dict(private=False), "use": "enc"}),
        ("ES256", {**EC_KEY.as_dict(private=False), "x": "AAAA"}),
        ("ES256", {"kty": "EC", "crv": "P-256"}),
        ("PS256", {"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        ("PS256", {"kty": "RSA", "n": "A" * 400, "e": "AQAB"}),
        ("PS256", {"kty": "RSA", "n": 7, "e": "AQAB"}),
        ("PS256", {**RSA_KEY.as_dict(private=False), "n": str(RSA_KEY["n"]) * 8}),
        ("ES256", {}),
    ],
)
def test_weak_or_unfit_keys_cannot_be_registered(alg: str, jwk: dict[str, Any]) -> None:
    """RSA under 2048 bits, other curves, symmetric keys, encryption keys, points off the curve."""
    with pytest.raises(ValueError, match="key"):
        import_key(alg, jwk)


def test_rsa_1024_cannot_be_registered() -> None:
    """FAPI 2.0: RSA has 2048 bits or more."""
    n = (1 << 1023) + 1
    with pytest.raises(ValueError, match="key"):
        import_key("PS256", {"kty": "RSA", "n": b64(n.to_bytes(128, "big")), "e": "AQAB"})
    with pytest.raises(ValueError, match="key"):
        import_key("PS256", {"kty": "RSA", "n": b64(n.to_bytes(256, "big")), "e": "AQAB"})


def test_private_half_that_was_registered_is_not_read() -> None:
    """A partner that sends its private key by mistake is registered by the public half."""
    assert not import_key("ES256", EC_KEY.as_dict(private=True)).is_private
    assert isinstance(import_key("PS256", RSA_KEY.as_dict(private=True)), RSAKey)


@pytest.mark.parametrize(("seconds", "status"), [(60, 200), (1, 200), (0, 401), (-60, 401)])
def test_a_key_counts_until_its_end(city: City, seconds: int, status: int) -> None:
    """The last day that was registered is the last: from then on it proves nobody."""
    key = registered(EC_KEY, "ES256")
    ends = Key(key.kid, key.alg, {**key.jwk, "exp": int(city.clock.seconds) + seconds})
    city.registry.change("signer", keys=(ends,))
    assert status == city.ask(city.assertion()).status_code
    assert ([] if status == 200 else ["credential_expired"]) == city.refused
