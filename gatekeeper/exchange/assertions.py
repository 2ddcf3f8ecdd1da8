"""What every signed assertion of a client has in common (RFC 7523 section 3), whatever it asserts.

Guarantees: the key is one that the client registered or its agency publishes, found by ``kid`` among its own,
active, not past its last day, and used with the algorithm that it was registered for; the audience is our
issuer identifier as one string, since another server could replay here what names a list; times are whole
numbers, it lives no longer than its kind may, and its ``jti`` can be claimed. Who claims it, and where, is
the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from gatekeeper.exchange.compact import Unverified, is_identifier
from gatekeeper.exchange.key_sets import named
from gatekeeper.exchange.registrations import Client, ClientKey

SKEW_SECONDS = 60

AssertionFault = Literal[
    "unknown_key",
    "credential_revoked",
    "credential_expired",
    "algorithm",
    "audience",
    "claims",
    "life_too_long",
    "not_yet_valid",
    "expired",
]


class AssertionRefused(Exception):
    """The assertion is refused. ``told`` is what its signer may know, empty before the signature held."""

    def __init__(self, fault: AssertionFault, told: str = "") -> None:
        super().__init__(fault)
        self.fault: AssertionFault = fault
        self.told = told


@dataclass(frozen=True, slots=True)
class Once:
    """What makes an assertion work once: its identifier, to be remembered until then."""

    jti: str
    kept_until: datetime


def key_named(client: Client, unverified: Unverified, *, now: int) -> ClientKey:
    """Find the client's key that the header names, of the header's algorithm, at ``now`` in seconds.

    Where an agency publishes them the client is one that ``CurrentKeys`` returned. Raises AssertionRefused.
    """
    found = named(client.keys, unverified.header.get("kid"))
    if len(found) != 1:
        raise AssertionRefused("unknown_key")
    if found[0].status != "active":
        raise AssertionRefused("credential_revoked")
    if type(end := found[0].jwk.get("exp")) is int and end <= now:
        raise AssertionRefused("credential_expired")
    # The key's own algorithm, not the header's choice among those the key could do.
    if _current(found[0].alg) != _current(unverified.header["alg"]):
        raise AssertionRefused("algorithm")
    return found[0]


def checked(claims: Mapping[str, Any], *, audience: str, now: int, life: int) -> Once:
    """Check what is signed, at ``now``; ``life`` is the longest, in seconds. Raises AssertionRefused."""
    if claims.get("aud") != audience:
        raise AssertionRefused("audience", "aud must be the issuer identifier, as a string")
    jti, iat, exp, nbf = (claims.get(name) for name in ("jti", "iat", "exp", "nbf"))
    if not isinstance(jti, str) or not is_identifier(jti):
        raise AssertionRefused("claims", "jti must be a string of 1 to 256 printable ASCII characters")
    if type(iat) is not int or type(exp) is not int or (nbf is not None and type(nbf) is not int):
        raise AssertionRefused("claims", "iat and exp are required, as integers")
    if not 0 < exp - iat <= life:
        raise AssertionRefused("life_too_long", f"exp must be at most {life} seconds after iat")
    if iat > now + SKEW_SECONDS or (nbf is not None and nbf > now + SKEW_SECONDS):
        raise AssertionRefused("not_yet_valid", "iat or nbf is in the future: check the clock")
    if exp + SKEW_SECONDS <= now:
        raise AssertionRefused("expired", "the assertion has expired: check the clock")
    # Kept for as long as a worker with a clock that lags could still take it.
    return Once(jti, datetime.fromtimestamp(exp + 2 * SKEW_SECONDS, UTC))


def _current(alg: str) -> str:
    """Return an algorithm's name of RFC 9864; partners' libraries send either."""
    return "Ed25519" if alg == "EdDSA" else alg
