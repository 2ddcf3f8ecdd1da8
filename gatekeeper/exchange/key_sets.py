"""A client's keys as its agency publishes them (``jwks_uri``): which of a document count, and what changed.

Guarantees: a document counts whole or not at all: at most 16 keys, each name once, no private or shared key
among them; of its keys those count that are for signatures and fit one of our algorithms (``public_keys``),
by their public members alone. Each key has one row for ever, named by its RFC 7638 thumbprint: while the
document has it the row is ``active``, afterwards ``withdrawn``, and active again when it comes back; one that
the city revoked stays revoked, whatever is published.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gatekeeper.exchange.public_keys import PRIVATE, thumbprint
from gatekeeper.exchange.registrations import Client, ClientKey

ALG: Final = "jwks_uri"
"""What stands in the place of an algorithm where a client registered an address and no key."""

MOST_KEYS: Final = 16
MOST_ROWS: Final = 256
"""All the keys that one client ever published here: who changes them all the time is registered anew."""

PREFIX: Final = "jwks:"  # no kid that an operator registers has a colon
_ALGORITHMS: Final = {"EC": "ES256", "RSA": "PS256", "OKP": "Ed25519"}
_KID: Final = re.compile(r"[\x21-\x7e]{1,128}\Z", re.ASCII)
_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")


class KeySetRefused(Exception):
    """The document does not count; ``fault`` is a word of ours."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class KeysStale(Exception):
    """The keys of a client, or of an issuer, could not be fetched for too long."""


class CurrentKeys(Protocol):
    """Says which keys of a client may be used now (``web.key_sets``)."""

    def current(self, client: Client, kid: object, /) -> Client:
        """Return the client with those, one of which ought to be that of the ``kid``.

        Raises KeysStale, Unavailable.
        """


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A key of a document, as it is kept: ``kid`` is ours, the published one is in ``jwk``."""

    kid: str
    alg: str
    jwk: Mapping[str, Any]
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Changes:
    """What a document changes: keys that are new, that came back, and that are gone."""

    new: tuple[PublishedKey, ...]
    back: tuple[str, ...]
    gone: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.new or self.back or self.gone)


def registered(uri: str) -> dict[str, str]:
    """Return an address as it is registered, in the place of a key."""
    return {ALG: uri}


def kid_of(source: Mapping[str, Any]) -> str:
    """Return how the registered address is called: a digest of it, which no command takes for an option."""
    digest = urlsafe_b64encode(hashlib.sha256(str(source[ALG]).encode()).digest()[:18])
    return f"{ALG}:{digest.decode('ascii')}"


def source_of(keys: Sequence[ClientKey]) -> ClientKey | None:
    """Return the address that a client's keys are fetched from, or None."""
    return next((key for key in keys if key.alg == ALG and key.status == "active"), None)


def is_published(key: ClientKey) -> bool:
    """Say whether a key came from a document."""
    return key.kid.startswith(PREFIX)


def named(keys: Sequence[ClientKey], kid: object) -> list[ClientKey]:
    """Return the keys that a ``kid`` means: those in use before those that are not any more."""
    found = [key for key in keys if key.alg != ALG and _name(key) == kid]
    return [key for key in found if key.status == "active"] or found[:1]


def parsed(document: bytes) -> object:
    """Return what a document says, as JSON. Raises KeySetRefused."""
    try:
        return json.loads(document.decode("utf-8"))
    except (ValueError, RecursionError):
        raise KeySetRefused("not_json") from None


def listed(said: object, most: int) -> list[dict[str, Any]]:
    """Return the keys of a set (RFC 7517 section 5), public halves all of them. Raises KeySetRefused."""
    keys = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise KeySetRefused("not_a_key_set")
    if len(keys) > most:
        raise KeySetRefused("too_many_keys")
    if any(not PRIVATE.isdisjoint(key) for key in keys):
        raise KeySetRefused("private_key")  # it is everybody's now, and so is whatever it signs
    return keys


def for_signatures(jwk: Mapping[str, Any]) -> bool:
    """Say whether a key's operations (RFC 7517 section 4.3), where it names any, have verifying in them."""
    operations = jwk.get("key_ops", ["verify"])
    return isinstance(operations, list) and "verify" in operations


def is_kid(kid: object) -> bool:
    """Say whether this can be the name of a published key: 1 to 128 printable ASCII characters."""
    return isinstance(kid, str) and _KID.match(kid) is not None


def is_over(jwk: Mapping[str, Any], now: int) -> bool:
    """Say whether a key has an end (``exp``, in seconds) that is past at *now*, or is none.

    No standard of JWKs has it; who publishes it means it, and a key that ended is not to be believed.
    """
    end = jwk.get("exp")
    return end is not None and (type(end) is not int or now >= end)


def read(document: bytes, now: int) -> tuple[PublishedKey, ...]:
    """Return the keys of a document that count at *now*, in seconds. Raises KeySetRefused.

    One whose own end is past is passed over, as if it had left the set.
    """
    keys = [jwk for jwk in listed(parsed(document), MOST_KEYS) if not is_over(jwk, now)]
    found = [key for key in map(_fit, keys) if key is not None]
    for names in ([key.kid for key in found], [_name(key) for key in found]):
        if len(names) != len({*names}):
            raise KeySetRefused("repeated_key")
    return tuple(found)


def revoked(clients: Iterable[Client]) -> dict[str, str]:
    """Return each key that was revoked, itself or with its client, by its thumbprint, with whose it was."""
    return {
        found: client.id
        for client in clients
        for key in client.keys
        if (key.status == "revoked" or client.status != "active")
        and (found := thumbprint(key.alg, key.jwk)) is not None
    }


def changes(
    keys: Sequence[ClientKey], document: Sequence[PublishedKey], barred: Container[str] = ()
) -> Changes:
    """Return what a document changes of a client's keys; none of *barred*, by its thumbprint, is entered.

    Raises KeySetRefused if there were too many.
    """
    kept = {key.kid: key for key in keys if is_published(key)}
    published = {key.kid: key for key in document}
    # A key under another name, or for another algorithm, is not the one that was logged.
    if any(kid in kept and _said(kept[kid]) != _said(key) for kid, key in published.items()):
        raise KeySetRefused("renamed_key")
    fresh = (key for kid, key in published.items() if kid not in kept)
    new = tuple(key for key in fresh if key.kid.removeprefix(PREFIX) not in barred)
    if len(kept) + len(new) > MOST_ROWS:
        raise KeySetRefused("too_many_changes")
    return Changes(
        new,
        tuple(kid for kid in published if kid in kept and kept[kid].status == "withdrawn"),
        tuple(kid for kid, key in kept.items() if key.status == "active" and kid not in published),
    )


def _fit(jwk: Mapping[str, Any]) -> PublishedKey | None:
    """Return the key if it can sign for a client; what is for encryption, or not of ours, is passed over."""
    kty, alg = jwk.get("kty"), jwk.get("alg")
    if not isinstance(kty, str) or not for_signatures(jwk):
        return None
    alg = _ALGORITHMS.get(kty) if alg is None else alg
    if not isinstance(alg, str):
        return None
    own = thumbprint(alg, jwk)
    if own is None:
        return None
    kid = jwk.get("kid", own)
    if not is_kid(kid):
        return None
    alg = "Ed25519" if alg == "EdDSA" else alg  # one algorithm, whichever of its names a library writes
    members = {name: jwk[name] for name in _MEMBERS if name in jwk}
    return PublishedKey(f"{PREFIX}{own}", alg, {**members, "kid": kid})


def _name(key: ClientKey) -> Any:
    return key.jwk.get("kid") if is_published(key) else key.kid


def _said(key: ClientKey) -> tuple[str, Any]:
    return key.alg, _name(key)
