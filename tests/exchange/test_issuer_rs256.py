"""RS256: for tokens of a provider that has nothing else, where the operator says so, and nowhere besides."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

from gatekeeper.cli.client_credentials import public_key
from gatekeeper.errors import OfficerRefused, OperatorError, Unauthenticated
from gatekeeper.exchange import key_sets
from gatekeeper.exchange.compact import CompactFault, read, read_keyed
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.policy import Bundle
from tests.exchange.conftest import bundle
from tests.exchange.providers import Providers
from tests.exchange.test_issuers import AGENCY, EC, URL, WHY, Town, found_town, named, terms
from tests.oauth.city import public

__all__ = ["bundle"]

PKCS1, PSS, FREE = (RSAKey.generate_key(2048) for _ in range(3))
KEYS = {"keys": [named(PKCS1, "rs", alg="RS256"), named(PSS, "ps", alg="PS256"), named(FREE, "free")]}
RS: dict[str, str] = {"alg": "RS256", "kid": "rs"}
REGISTRY = jws.JWSRegistry(algorithms=["RS256", "PS256", "ES256"])


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[dict[str, Town]]:
    """Towns whose provider may sign with RS256, with PS256, with either."""
    made = {}
    for name in ("RS256", "PS256", "RS256 PS256"):
        town = found_town(tmp_path_factory.mktemp("rs256") / "city", bundle)
        act = Providers(town.city.state)
        act.set_status(URL, "removed", reason=WHY, by="test")
        act.add(URL, terms(town.city, algorithms=name.split(), jwks=KEYS), reason=WHY, by="test")
        made[name] = town
    yield made
    for town in made.values():
        town.city.state.close()


def signed(town: Town, header: dict[str, Any], key: Any, **changes: Any) -> str:
    """Return a token signed with that algorithm."""
    _, payload, _ = town.token(**changes).split(".")
    said = base64.urlsafe_b64decode(payload + "==")
    return jws.serialize_compact({"typ": "at+jwt", **header}, said, key, registry=REGISTRY)


def test_it_counts_where_the_terms_name_it(towns: dict[str, Town]) -> None:
    """With a key that names it, and with one that names no algorithm."""
    town = towns["RS256"]
    assert 200 == town.ask(signed(town, RS, PKCS1)).status
    assert 200 == town.ask(signed(town, {**RS, "kid": "free"}, FREE)).status


def _by_hmac(town: Town) -> str:
    head, payload, _ = signed(town, RS, PKCS1).split(".")
    head = base64.urlsafe_b64encode(
        json.dumps({"typ": "at+jwt", "alg": "HS256", "kid": "rs"}).encode()
    ).decode()
    head = head.rstrip("=")
    mac = hmac.digest(PKCS1.as_pem(private=False), f"{head}.{payload}".encode(), sha256)
    return f"{head}.{payload}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _relabelled(town: Town, says: str, kid: str, really: str, key: Any) -> str:
    """Return a token whose header names one algorithm and whose signature is of another."""
    head, payload, _ = signed(town, {"alg": says, "kid": kid}, key).split(".")
    scheme = jws.JWSRegistry.algorithms[really]
    signature = scheme.sign(f"{head}.{payload}".encode(), key)
    return f"{head}.{payload}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


CONFUSED: dict[str, tuple[str, Callable[[Town], str], str]] = {
    "HS256 with the public key": ("RS256", _by_hmac, "algorithm"),
    "a PS256 key for RS256, where the terms name PS256": (
        "PS256",
        lambda t: signed(t, {"alg": "RS256", "kid": "ps"}, PSS),
        "algorithm",
    ),
    "a key of no algorithm for RS256, where the terms name PS256": (
        "PS256",
        lambda t: signed(t, {"alg": "RS256", "kid": "free"}, FREE),
        "algorithm",
    ),
    "a PS256 key for RS256, where the terms name RS256": (
        "RS256",
        lambda t: signed(t, {"alg": "RS256", "kid": "ps"}, PSS),
        "unknown_key",
    ),
    "a PS256 key for RS256, where the terms name both": (
        "RS256 PS256",
        lambda t: signed(t, {"alg": "RS256", "kid": "ps"}, PSS),
        "algorithm",
    ),
    "an RS256 key for PS256, where the terms name both": (
        "RS256 PS256",
        lambda t: signed(t, {"alg": "PS256", "kid": "rs"}, PKCS1),
        "algorithm",
    ),
    "PS256 where the terms name RS256": (
        "RS256",
        lambda t: signed(t, {"alg": "PS256", "kid": "free"}, FREE),
        "algorithm",
    ),
    "an RS256 signature that says PS256": (
        "RS256 PS256",
        lambda t: _relabelled(t, "PS256", "free", "RS256", FREE),
        "signature",
    ),
    "a PS256 signature that says RS256": (
        "RS256 PS256",
        lambda t: _relabelled(t, "RS256", "free", "PS256", FREE),
        "signature",
    ),
    "another's key": ("RS256", lambda t: signed(t, RS, FREE), "signature"),
    "an elliptic key": ("RS256", lambda t: t.token({"alg": "ES256", "kid": "rs"}, EC), "algorithm"),
    "an embedded key": ("RS256", lambda t: signed(t, {**RS, "jwk": {"kty": "RSA"}}, FREE), "header"),
    "an embedded certificate": ("RS256", lambda t: signed(t, {**RS, "x5c": ["MII"]}, FREE), "header"),
    "RS384": ("RS256", lambda t: _named(t, "RS384"), "algorithm"),
    "rs256 in small letters": ("RS256", lambda t: _named(t, "rs256"), "algorithm"),
    "none": ("RS256", lambda t: _named(t, "none"), "algorithm"),
}


def _named(town: Town, algorithm: str) -> str:
    _, payload, signature = signed(town, RS, PKCS1).split(".")
    head = json.dumps({"typ": "at+jwt", "alg": algorithm, "kid": "rs"}).encode()
    return f"{base64.urlsafe_b64encode(head).decode().rstrip('=')}.{payload}.{signature}"


@pytest.mark.parametrize("name", CONFUSED)
def test_no_algorithm_is_taken_for_another(towns: dict[str, Town], name: str) -> None:
    """The terms and the key decide, and never the token."""
    which, make, reason = CONFUSED[name]
    assert reason == towns[which].refused(make(towns[which]))


def test_nobody_else_signs_with_it(towns: dict[str, Town]) -> None:
    """Where a provider may, the agency's client, its proofs and its officers may not."""
    town = towns["RS256"]
    good = signed(town, RS, PKCS1)
    proof = town.presented(good).dpop or ""
    _, payload, _ = proof.split(".")
    said = base64.urlsafe_b64decode(payload + "==")
    head = {"typ": "dpop+jwt", "alg": "RS256", "jwk": public(FREE)}
    forged = jws.serialize_compact(head, said, FREE, registry=jws.JWSRegistry(algorithms=["RS256"]))
    with pytest.raises(Unauthenticated, match="proof"):
        town.send(replace(town.presented(good), dpop=forged))
    for reading in (lambda text: read(text, frozenset({"typ", "alg", "kid"})), read_keyed):
        with pytest.raises(CompactFault, match=r"algorithm|header"):
            reading(good)
    head = {"typ": "officer-assertion+jwt", "alg": "RS256", "kid": "rs"}
    sworn = replace(
        town.presented(good), officer=jws.serialize_compact(head, b"{}", PKCS1, registry=REGISTRY)
    )
    with pytest.raises(OfficerRefused, match="officer"):
        town.send(sworn)
    with pytest.raises(ValueError, match="PS256"):
        import_key("RS256", public(PKCS1))
    with pytest.raises(OperatorError):
        public_key(json.dumps({**public(PKCS1), "alg": "RS256", "kid": "rs"}).encode())
    document = json.dumps({"keys": [{**public(PKCS1), "alg": "RS256", "kid": "rs"}]}).encode()
    assert () == key_sets.read(document, 0)


def test_our_own_tokens_are_never_read_with_it(towns: dict[str, Town]) -> None:
    """A provider that may sign with RS256 cannot make the city's tokens."""
    town = towns["RS256"]
    assert "algorithm" == town.refused(signed(town, RS, PKCS1, iss=town.city.state.settings.issuer))


@pytest.mark.parametrize("bits", [1024, 8192])
def test_keys_of_other_sizes_are_none(towns: dict[str, Town], bits: int) -> None:
    """A small one can be broken, and a huge one costs minutes."""
    number = base64.urlsafe_b64encode(b"\xff" * (bits // 8)).decode().rstrip("=")
    keys = {"keys": [{"kty": "RSA", "kid": "a", "alg": "RS256", "e": "AQAB", "n": number}]}
    with pytest.raises(OperatorError, match="no key of the set can sign by RS256"):
        Providers(towns["RS256"].city.state).exchange_keys(URL, keys, reason=WHY, by="test")


def test_tokens_as_entra_makes_them(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> None:
    """Its names for what a token is, whose and for what; told apart from identity tokens; bound as others."""
    town = found_town(tmp_path_factory.mktemp("entra") / "city", bundle)
    act = Providers(town.city.state)
    act.set_status(URL, "removed", reason=WHY, by="test")
    changes = {
        "algorithms": ["RS256"],
        "jwks": {"keys": [named(PKCS1, "rs")]},
        "types": ["JWT"],
        "max_life": 5400,
        "client_claim": "azp",
        "scope_claim": "scp",
        "id_claim": "uti",
        "required": {"ver": "2.0", "tid": "tenant-1"},
    }
    act.add(URL, terms(town.city, **changes), reason=WHY, by="test")
    said: dict[str, Any] = {
        "client_id": None,
        "scope": None,
        "jti": None,
        "azp": "alpr-app",
        "scp": "reads:query",
        "uti": "abcDEF123",
        "ver": "2.0",
        "tid": "tenant-1",
    }
    header = {**RS, "typ": "JWT"}
    assert 200 == town.ask(signed(town, header, PKCS1, **said)).status
    decided = [e for e in town.city.events() if e["event"] == "query.decided"][-1]
    assert AGENCY == decided["agency"]
    for wrong, reason in (
        ({"uti": None}, "claims"),
        ({"uti": None, "jti": "x"}, "claims"),
        ({"tid": "tenant-2"}, "issuer_claims"),
        ({"azp": None, "client_id": "alpr-app"}, "issuer_client"),
        ({"nonce": "n"}, "issuer_identity_token"),
    ):
        assert reason == town.refused(signed(town, header, PKCS1, **(said | wrong)))
    town.city.state.close()
