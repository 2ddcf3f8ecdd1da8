"""Proofs of a key: what is taken, and every way in which a proof can be none (RFC 9449 section 4.3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange.authenticate import Caller
from gatekeeper.exchange.nonces import Nonces
from tests.oauth.city import EC_KEY, ED_KEY, ISSUER, KEYS, NONCES, NOW, RSA_KEY, City, ath, b64, public

URI = f"{ISSUER}/v1/queries"
THIEF = ECKey.generate_key("P-256")
SHORT = {"kty": "RSA", "n": b64((1 << 1023).to_bytes(128, "big")), "e": "AQAB"}


def called(city: City, token: str, proof: str | None, *, scheme: str = "DPoP", **presented: Any) -> Caller:
    """Come with a token and a proof to the resource."""
    return city.caller(f"{scheme} {token}", **({"dpop": proof, "method": "POST", "uri": URI} | presented))


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY, ED_KEY], ids=["ES256", "PS256", "Ed25519"])
def test_a_token_and_the_proof_of_its_key_are_a_caller(city: City, key: Any) -> None:
    """Each algorithm of FAPI 2.0 serves for proofs; the caller brings what is to be used up."""
    token = city.bound_token(key=key)
    caller = called(city, token, city.proof(URI, key=key, ath=ath(token)))
    assert ("bound", "fapi") == (caller.client_id, caller.profile)
    assert caller.proof is not None
    assert caller.proof.thumbprint == key.thumbprint()


ALTERED: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], str]] = {
    "another method": ({}, {"htm": "GET"}, "proof_method"),
    "the method in small letters": ({}, {"htm": "post"}, "proof_method"),
    "no method": ({}, {"htm": ...}, "proof_method"),
    "a list of methods": ({}, {"htm": ["POST"]}, "proof_method"),
    "another path": ({}, {"htu": f"{ISSUER}/v1/agency"}, "proof_address"),
    "a longer path": ({}, {"htu": f"{URI}/"}, "proof_address"),
    "a path in capitals": ({}, {"htu": f"{ISSUER}/V1/queries"}, "proof_address"),
    "a path with dots": ({}, {"htu": f"{ISSUER}/v1/x/../queries"}, "proof_address"),
    "a path coded otherwise": ({}, {"htu": f"{ISSUER}/v1/%71ueries"}, "proof_address"),
    "another host": ({}, {"htu": "https://gate.example.evil/v1/queries"}, "proof_address"),
    "a host behind a user": ({}, {"htu": "https://gate.example@evil.example/v1/queries"}, "proof_address"),
    "our host behind a user": ({}, {"htu": "https://evil@gate.example/v1/queries"}, "proof_address"),
    "plain http": ({}, {"htu": "http://gate.example/v1/queries"}, "proof_address"),
    "another port": ({}, {"htu": "https://gate.example:444/v1/queries"}, "proof_address"),
    "a port that is none": ({}, {"htu": "https://gate.example:99999/v1/queries"}, "proof_address"),
    "the path alone": ({}, {"htu": "/v1/queries"}, "proof_address"),
    "no address": ({}, {"htu": ...}, "proof_address"),
    "a list of addresses": ({}, {"htu": [URI]}, "proof_address"),
    "an address with a space": ({}, {"htu": f"{URI} "}, "proof_address"),
    "an address with a tab": ({}, {"htu": "https://gate.example/v1/que\tries"}, "proof_address"),
    "an address that is not ASCII": ({}, {"htu": "https://gate.example/v1/queri\u00e9s"}, "proof_address"),
    "no jti": ({}, {"jti": ...}, "proof_malformed"),
    "an empty jti": ({}, {"jti": ""}, "proof_malformed"),
    "a number as jti": ({}, {"jti": 7}, "proof_malformed"),
    "a list as jti": ({}, {"jti": ["a"]}, "proof_malformed"),
    "a jti with a line": ({}, {"jti": "a\nb"}, "proof_malformed"),
    "a jti that is too long": ({}, {"jti": "a" * 257}, "proof_malformed"),
    "no time": ({}, {"iat": ...}, "proof_time"),
    "a time with a fraction": ({}, {"iat": NOW + 0.5}, "proof_time"),
    "a time in words": ({}, {"iat": str(NOW)}, "proof_time"),
    "true as time": ({}, {"iat": True}, "proof_time"),
    "1970": ({}, {"iat": 0}, "proof_time"),
    "a huge time": ({}, {"iat": 1e300}, "proof_time"),
    "a time before 1970": ({}, {"iat": -NOW}, "proof_time"),
    "61 seconds ahead": ({}, {"iat": NOW + 61}, "proof_time"),
    "301 seconds ago": ({}, {"iat": NOW - 301}, "proof_time"),
    "no nonce": ({}, {"nonce": ...}, "proof_nonce"),
    "an empty nonce": ({}, {"nonce": ""}, "proof_nonce"),
    "a nonce of somebody else": ({}, {"nonce": Nonces(b"1" * 32).fresh(NOW)}, "proof_nonce"),
    "a nonce of six minutes ago": ({}, {"nonce": NONCES.fresh(NOW - 360)}, "proof_nonce"),
    "a nonce of tomorrow": ({}, {"nonce": NONCES.fresh(NOW + 86_400)}, "proof_nonce"),
    "a list of nonces": ({}, {"nonce": [NONCES.fresh(NOW)]}, "proof_nonce"),
    "a nonce and more": ({}, {"nonce": NONCES.fresh(NOW) + "A"}, "proof_nonce"),
    "no token's hash": ({}, {"ath": ...}, "proof_token"),
    "another token's hash": ({}, {"ath": ath("another")}, "proof_token"),
    "the hash with padding": ({}, {"ath": ath("another") + "="}, "proof_token"),
    "null as the token's hash": ({}, {"ath": None}, "proof_token"),
    "a list of hashes": ({}, {"ath": [ath("another")]}, "proof_token"),
    "no type": ({"typ": ...}, {}, "proof_malformed"),
    "the type of an assertion": ({"typ": "JWT"}, {}, "proof_type"),
    "the type of an access token": ({"typ": "at+jwt"}, {}, "proof_type"),
    "the type in capitals": ({"typ": "DPOP+JWT"}, {}, "proof_type"),
    "a list of types": ({"typ": ["dpop+jwt"]}, {}, "proof_malformed"),
    "no key": ({"jwk": ...}, {}, "proof_malformed"),
    "a key as text": ({"jwk": json.dumps(public(EC_KEY))}, {}, "proof_malformed"),
    "an empty key": ({"jwk": {}}, {}, "proof_key"),
    "another's key": ({"jwk": public(THIEF)}, {}, "proof_signature"),
    "a private key": ({"jwk": EC_KEY.as_dict(private=True)}, {}, "proof_key"),
    "half a private key": ({"jwk": {**public(EC_KEY), "d": "AA"}}, {}, "proof_key"),
    "a shared key": ({"jwk": OctKey.generate_key(256).as_dict()}, {}, "proof_key"),
    "a shared key beside": ({"jwk": {**public(EC_KEY), "k": "AA"}}, {}, "proof_key"),
    "a key for encryption": ({"jwk": {**public(EC_KEY), "use": "enc"}}, {}, "proof_key"),
    "a point that is not on the curve": ({"jwk": {**public(EC_KEY), "x": b64(b"1" * 32)}}, {}, "proof_key"),
    "coordinates that are numbers": ({"jwk": {**public(EC_KEY), "x": 7}}, {}, "proof_key"),
    "a key of another kind": ({"jwk": public(RSA_KEY)}, {}, "proof_key"),
    "a crit header": ({"crit": ["exp"]}, {}, "proof_malformed"),
    "b64": ({"b64": False}, {}, "proof_malformed"),
    "a kid beside": ({"kid": "ec-1"}, {}, "proof_malformed"),
    "an x5c": ({"x5c": ["MIIB"]}, {}, "proof_malformed"),
    "a jku": ({"jku": "https://evil.example/jwks"}, {}, "proof_malformed"),
    "no algorithm": ({"alg": ...}, {}, "proof_malformed"),
    "an algorithm that is a list": ({"alg": ["ES256"]}, {}, "proof_malformed"),
}


@pytest.mark.parametrize(("header", "claims", "reason"), ALTERED.values(), ids=ALTERED.keys())
def test_an_altered_proof_is_refused_at_the_resource(
    city: City, header: Mapping[str, Any], claims: Mapping[str, Any], reason: str
) -> None:
    """Each fault has its own word in the log."""
    token = city.bound_token()
    proof = _signed(header, {"ath": ath(token), **claims})
    with pytest.raises(Unauthenticated) as refused:
        called(city, token, proof)
    assert reason == refused.value.reason


def _signed(header: Mapping[str, Any], claims: Mapping[str, Any], uri: str = URI) -> str:
    """Sign by hand: the library would not put some of these into a header."""
    good = {"htm": "POST", "htu": uri, "iat": NOW, "jti": "one", "nonce": NONCES.fresh(NOW)}
    said = {name: value for name, value in {**good, **claims}.items() if value is not ...}
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(EC_KEY), **header}
    head = {name: value for name, value in head.items() if value is not ...}
    body = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(said).encode())}"
    return f"{body}.{b64(_es256(body.encode()))}"


def _es256(signed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415  only here
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  only here

    private: Any = EC_KEY.private_key
    r, s = utils.decode_dss_signature(private.sign(signed, ec.ECDSA(SHA256())))
    return bytes(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


FORGED: dict[str, tuple[Callable[[str], str], str]] = {
    "alg none": (lambda p: _swapped(p, {"alg": "none"}) + "", "proof_algorithm"),
    "alg none, unsigned": (
        lambda p: _swapped(p, {"alg": "none"}).rpartition(".")[0] + ".", "proof_malformed",
    ),
    "HS256 with the public key": (lambda p: _swapped(p, {"alg": "HS256"}), "proof_algorithm"),
    "RS256": (lambda p: _swapped(p, {"alg": "RS256"}), "proof_algorithm"),
    "ES384": (lambda p: _swapped(p, {"alg": "ES384"}), "proof_algorithm"),
    "another algorithm for the key": (lambda p: _swapped(p, {"alg": "PS256"}), "proof_key"),
    "a signature cut short": (lambda p: p[:-4], "proof_signature"),
    "another signature": (lambda p: p[:-8] + "AAAAAAAA", "proof_signature"),
    "a payload exchanged": (
        lambda p: ".".join((p.split(".")[0], b64(b'{"jti":"x"}'), p.split(".")[2])), "proof_signature",
    ),
    "two parts": (lambda p: p.rpartition(".")[0], "proof_malformed"),
    "four parts": (lambda p: p + ".AA", "proof_malformed"),
    "two proofs in one field": (lambda p: f"{p},{p}", "proof_malformed"),
    "two proofs with a space": (lambda p: f"{p}, {p}", "proof_malformed"),
    "a proof in quotes": (lambda p: f'"{p}"', "proof_malformed"),
    "spaces around it": (lambda p: f" {p} ", "proof_malformed"),
    "not ASCII": (lambda p: p + "é", "proof_malformed"),
    "a huge one": (lambda p: p + "A" * 100_000, "proof_malformed"),
    "a header that repeats alg": (
        lambda p: ".".join((b64(b'{"typ":"dpop+jwt","alg":"ES256","alg":"none"}'), *p.split(".")[1:])),
        "proof_malformed",
    ),
    "a header that is a list": (
        lambda p: ".".join((b64(b'["dpop+jwt"]'), *p.split(".")[1:])), "proof_malformed",
    ),
    "a header that is no JSON": (lambda p: ".".join((b64(b"{"), *p.split(".")[1:])), "proof_malformed"),
    "a header nested a thousand deep": (
        lambda p: ".".join((b64(b"[" * 1000 + b"]" * 1000), *p.split(".")[1:])), "proof_malformed",
    ),
    "nothing": (lambda _: "", "proof_missing"),
    "dots": (lambda _: "..", "proof_malformed"),
}  # fmt: skip


def _swapped(proof: str, header: Mapping[str, Any]) -> str:
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public(EC_KEY), **header}
    return ".".join((b64(json.dumps(head).encode()), *proof.split(".")[1:]))


@pytest.mark.parametrize(("forge", "reason"), FORGED.values(), ids=FORGED.keys())
def test_a_forged_proof_is_refused_at_the_resource(
    city: City, forge: Callable[[str], str], reason: str
) -> None:
    """None of them is read further than the first thing that is wrong with it."""
    token = city.bound_token()
    proof = forge(city.proof(URI, ath=ath(token)))
    with pytest.raises(Unauthenticated) as refused:
        called(city, token, proof)
    assert reason == refused.value.reason


UNFIT = {
    "RSA of 1024 bits": ("PS256", SHORT),
    "P-384": ("ES256", ECKey.generate_key("P-384").as_dict(private=False)),
    "secp256k1": ("ES256", ECKey.generate_key("secp256k1").as_dict(private=False)),
    "an RSA number of a million bits": ("PS256", {**SHORT, "n": "A" * 1200}),
}


@pytest.mark.parametrize(("alg", "jwk"), UNFIT.values(), ids=UNFIT.keys())
def test_a_key_that_is_not_fit_proves_nothing(city: City, alg: str, jwk: dict[str, Any]) -> None:
    """A short RSA key, another curve."""
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": jwk}
    answer = city.ask(city.assertion("bound"), headers={"DPoP": f"{b64(json.dumps(head).encode())}.e30.AA"})
    assert (400, "invalid_dpop_proof") == (answer.status_code, answer.get_json()["error"])
    assert ["proof_key"] == city.refused


def test_a_stolen_token_is_of_no_use(city: City) -> None:
    """Without its key: as a bearer token, with no proof, with the thief's own, with an old one."""
    token = city.bound_token()
    good = city.proof(URI, ath=ath(token))
    for scheme, proof, reason in (
        ("Bearer", None, "bound"),
        ("Bearer", good, "bound"),
        ("DPoP", None, "proof_missing"),
        ("DPoP", city.proof(URI, key=THIEF, ath=ath(token)), "proof_key"),
        ("DPoP", city.proof(ath=ath(token)), "proof_address"),
    ):
        with pytest.raises(Unauthenticated) as refused:
            called(city, token, proof, scheme=scheme)
        assert reason == refused.value.reason
    city.clock.seconds += 340  # a proof that was seen on the way, five minutes on
    with pytest.raises(Unauthenticated) as late:
        called(city, token, good)
    assert late.value.reason in {"proof_time", "proof_nonce"}


def test_a_bearer_token_is_none_of_dpop(city: City) -> None:
    """A token that is bound to nothing is no better for a proof beside it; the scheme must fit."""
    token = city.token("signer")
    with pytest.raises(Unauthenticated) as refused:
        called(city, token, city.proof(URI, ath=ath(token)))
    assert "wrong_scheme" == refused.value.reason
    assert "signer" == called(city, token, city.proof(URI, ath=ath(token)), scheme="Bearer").client_id


GOOD_ADDRESSES = (
    URI,
    URI + "?dry_run=true",
    URI + "#part",
    "HTTPS://gate.example/v1/queries",
    "https://GATE.example/v1/queries",
    "https://gate.example:443/v1/queries",
)


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_an_address_is_compared_without_what_does_not_count(city: City, address: str) -> None:
    """Query, fragment, case of scheme and host, the default port (RFC 3986 section 6.2)."""
    token = city.bound_token()
    assert called(city, token, city.proof(address, ath=ath(token)))


@pytest.mark.parametrize("seconds", [-300, -10, 0, 10, 60])
def test_a_clock_that_is_a_little_off_is_forgiven(city: City, seconds: int) -> None:
    """FAPI 2.0: ten seconds ahead must pass; the nonce is ours, whatever the client's clock says."""
    token = city.bound_token()
    assert called(city, token, city.proof(URI, ath=ath(token), iat=NOW + seconds))


def test_the_first_request_learns_the_nonce_and_the_assertion_is_not_used_up(city: City) -> None:
    """``use_dpop_nonce``, the nonce in the header (section 8); then the same assertion serves."""
    assertion = city.assertion("bound")
    first = city.ask(assertion, headers={"DPoP": city.proof(nonce=...)})
    assert (400, "use_dpop_nonce") == (first.status_code, first.get_json()["error"])
    nonce = first.headers["DPoP-Nonce"]
    second = city.ask(assertion, headers={"DPoP": city.proof(nonce=nonce)})
    assert (200, "DPoP") == (second.status_code, second.get_json()["token_type"])
    assert "refresh_token" not in second.get_json()


def test_a_client_of_fapi_gets_no_token_without_a_proof(city: City) -> None:
    """Neither a key nor a certificate: no token, in the words of RFC 6749."""
    answer = city.ask(city.assertion("bound"))
    assert (400, "invalid_request") == (answer.status_code, answer.get_json()["error"])
    assert "DPoP" in answer.get_json()["error_description"]


def test_a_proof_serves_once_at_the_token_endpoint(city: City) -> None:
    """The second request with it is refused, with a new assertion too."""
    proof = city.proof()
    assert 200 == city.ask(city.assertion("bound"), headers={"DPoP": proof}).status_code
    again = city.ask(city.assertion("bound"), headers={"DPoP": proof})
    assert (400, "invalid_dpop_proof") == (again.status_code, again.get_json()["error"])
    assert ["proof_replayed"] == city.refused


def test_a_client_of_a_lesser_profile_may_bind_its_tokens(city: City) -> None:
    """Who sends a proof is given a token that is bound to its key, and cannot use it without."""
    token = city.bound_token("signer")
    assert called(city, token, city.proof(URI, ath=ath(token)))
    with pytest.raises(Unauthenticated):
        called(city, token, None, scheme="Bearer")


AT_THE_TOKEN = [n for n, (*_, reason) in ALTERED.items() if reason not in {"proof_token", "proof_address"}]


@pytest.mark.parametrize("name", AT_THE_TOKEN)
def test_an_altered_proof_gets_no_token(city: City, name: str) -> None:
    """The token endpoint refuses what the resource does, in the shape of RFC 6749, and never with a 500."""
    header, claims, reason = ALTERED[name]
    proof = _signed(header, claims, f"{ISSUER}/oauth/token")
    answer = city.ask(city.assertion("bound"), headers={"DPoP": proof.encode().decode("latin-1")})
    wanted = "use_dpop_nonce" if reason == "proof_nonce" else "invalid_dpop_proof"
    assert (400, wanted) == (answer.status_code, answer.get_json()["error"])
    assert [reason] == city.refused
    assert proof not in answer.get_data(as_text=True)


def test_every_kind_of_key_is_tried(city: City) -> None:
    """The table of algorithms is the tests' own."""
    assert {"ES256", "PS256", "Ed25519", "EdDSA"} == KEYS.keys()
    assert city.bound_token(key=ED_KEY)
