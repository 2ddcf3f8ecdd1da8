"""The keys of an agency's identity provider: which of a JWK set count, and which one a token names.

Guarantees: a set counts whole or not at all: at most 50 keys, each name once, no private or shared key among
them; of its keys those count that are for signatures, have a name and fit an algorithm of the issuer's terms,
by their public members alone. A key that names its algorithm is used with no other (RFC 8725 section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from gatekeeper.exchange.compact import RS256, VerifyingKey
from gatekeeper.exchange.key_sets import KeySetRefused, KeysStale, for_signatures, is_kid, listed
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.exchange.registrations import Issuer

MOST_KEYS: Final = 50
_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e", "alg", "use", "kid", "exp")


class KeySource(Protocol):
    """Says which keys an issuer signs with now."""

    def keys(self, issuer: Issuer, kid: str, /) -> Sequence[Mapping[str, Any]]:
        """Return its public keys as JWKs, one of which ought to be that of this ``kid``.

        Raises KeysStale if they were not fetched for too long, StoreUnavailable if nobody can say which they
        are, or while they are being fetched.
        """


class RegisteredKeys:
    """The keys that were registered with the issuer."""

    def keys(self, issuer: Issuer, kid: str, /) -> Sequence[Mapping[str, Any]]:
        """Return them. Raises KeysStale for an issuer whose keys are to be fetched: nobody does so here."""
        del kid
        if address_of(issuer) is not None:
            raise KeysStale
        return keys_of(issuer)


def keys_of(issuer: Issuer) -> Sequence[Mapping[str, Any]]:
    """Return the keys that an issuer has in the registry."""
    found: Sequence[Mapping[str, Any]] = issuer.terms["jwks"]["keys"]
    return found


def address_of(issuer: Issuer) -> str | None:
    """Return where an issuer's keys are fetched from, None if they are those that were registered."""
    found = issuer.terms.get("jwks_uri")
    return None if found is None else str(found)


def fit_keys(said: object, algorithms: Sequence[str]) -> list[dict[str, Any]]:
    """Return the keys of a JWK set that tokens may be signed with, by their names. Raises KeySetRefused.

    One without a name, for encryption, or that no algorithm of the terms uses, is left out. An end of its own
    (``exp``) is kept, and holds whenever it is used.
    """
    found: list[dict[str, Any]] = [
        {name: jwk[name] for name in _MEMBERS if name in jwk}
        for jwk in listed(said, MOST_KEYS)
        if is_kid(jwk.get("kid")) and for_signatures(jwk) and any(_imports(jwk, alg) for alg in algorithms)
    ]
    if len({jwk["kid"] for jwk in found}) != len(found):
        raise KeySetRefused("repeated_key")
    return sorted(found, key=lambda jwk: str(jwk["kid"]))


def key_for(jwk: Mapping[str, Any], algorithm: str) -> VerifyingKey:
    """Read a key for this algorithm, and for the one that it names itself. Raises ValueError."""
    own = jwk.get("alg", algorithm)
    if ("EdDSA" if own == "Ed25519" else own) != algorithm:
        raise ValueError("a key for another algorithm")
    # The same numbers of the same sizes; what clients register is never read for RS256.
    return import_key("PS256" if algorithm == RS256 else algorithm, jwk)


def thumbprints(keys: Iterable[Mapping[str, Any]], algorithms: Sequence[str]) -> set[str]:
    """Return the RFC 7638 thumbprints of keys that fit one of the algorithms."""
    return {thumbprint(jwk, algorithms) for jwk in keys}


def thumbprint(jwk: Mapping[str, Any], algorithms: Sequence[str]) -> str:
    """Return that of one key."""
    return next(key_for(jwk, alg).thumbprint() for alg in algorithms if _imports(jwk, alg))


def _imports(jwk: Mapping[str, Any], algorithm: str) -> bool:
    try:
        key_for(jwk, algorithm)
    except ValueError:
        return False
    return True
