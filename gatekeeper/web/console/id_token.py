"""An ID token of the city's identity provider, checked whole (OpenID Connect Core 1.0 section 3.1.3.7).

The procedure: (1) the header names an algorithm of our list, and nothing critical; (2) a key of the
provider's set, fit for that algorithm, made the signature; (3) it is the provider's, for this client and
nobody else, made for this sign-in, now; (4) the person was asked themselves, lately enough. Guarantees:
``none`` and shared secrets (HS*) are on no list; a key comes from the provider's set, never from the token;
an absent claim, or one of another type, is a refusal; a refusal says nothing of the token.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from gatekeeper.exchange.public_keys import import_key

ALGORITHMS: Final = ("ES256", "PS256", "RS256", "Ed25519")
SKEW: Final = timedelta(seconds=60)
_OLDEST: Final = timedelta(minutes=10)
_LONGEST: Final = 32_768
_KEYS_TRIED: Final = 8
_SUBJECT: Final = 255  # section 2: no more than 255 ASCII characters


class TokenRefused(Exception):
    """The ID token proves nothing."""


class UnknownKey(TokenRefused):
    """No key of the set can be the one: the provider may have a new one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who the provider says came back. Made only here."""

    subject: str
    asked_at: datetime
    """When the provider asked the person themselves."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What this sign-in's token must say. ``asked_since``: the person was asked no earlier."""

    issuer: str
    client_id: str
    nonce: str
    asked_since: datetime


class _Registry(jws.JWSRegistry):
    max_payload_length = _LONGEST


# Providers put parameters of their own into the header: unknown ones are let be, critical ones refused.
_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


def check(token: str, keys: Sequence[Mapping[str, Any]], expected: Expected, now: datetime) -> Person:
    """Return whom a token names. Raises TokenRefused; UnknownKey if none of the keys fits."""
    if not token.isascii() or len(token) > _LONGEST:
        raise TokenRefused("shape")
    # (1) and (2): what it says, if the provider signed it.
    claims = _signed(token, keys)
    # (3) The provider's, for us, for this sign-in, now.
    must: dict[str, Any] = {
        "iss": {"essential": True, "value": expected.issuer},
        "sub": {"essential": True},
        "aud": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "nonce": {"essential": True},
    }
    seconds = int(now.timestamp())
    registry = JWTClaimsRegistry(now=seconds, leeway=int(SKEW.total_seconds()), **must)
    try:
        registry.validate(claims)
    except (JoseError, ValueError, TypeError, OverflowError):
        raise TokenRefused("claims") from None
    if claims["aud"] not in (expected.client_id, [expected.client_id]):
        raise TokenRefused("audience")  # another audience is one that we do not know to be trusted
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise TokenRefused("authorized party")
    nonce, subject = claims["nonce"], claims["sub"]
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise TokenRefused("nonce")
    if now - _time(claims["iat"]) > _OLDEST:
        raise TokenRefused("issued too long ago")
    if not 1 <= len(subject) <= _SUBJECT or not (subject.isascii() and subject.isprintable()):
        raise TokenRefused("subject")
    # (4) Of a person who was asked.
    asked_at = _time(claims.get("auth_time"))
    if not expected.asked_since - SKEW <= asked_at <= now + SKEW:
        raise TokenRefused("asked too long ago")
    return Person(subject, asked_at)


def _signed(token: str, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise TokenRefused("shape") from None
    alg, kid = header.get("alg"), header.get("kid")
    if alg not in ALGORITHMS or "crit" in header or header.get("typ", "JWT") not in ("JWT", "jwt"):
        raise TokenRefused("header")
    # An RSA key fits both of its paddings, unless its set says which.
    fit = [
        jwk
        for jwk in keys
        if (kid is None or jwk.get("kid") == kid) and jwk.get("alg", alg) == alg and _usable(alg, jwk)
    ]
    if not fit:
        raise UnknownKey("key")
    for jwk in fit[:_KEYS_TRIED]:
        try:
            signed = jws.deserialize_compact(token, import_key(_kind(alg), jwk), registry=_REGISTRY)
            claims = json.loads(signed.payload or b"")
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        if isinstance(claims, dict):
            return claims
    raise TokenRefused("signature")


def _usable(alg: str, jwk: Mapping[str, Any]) -> bool:
    try:
        import_key(_kind(alg), jwk)
    except ValueError:
        return False
    return True


def _kind(alg: str) -> str:
    return "PS256" if alg == "RS256" else alg  # the same keys


def _time(seconds: object) -> datetime:
    """Return the time of a NumericDate. Raises TokenRefused."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TokenRefused("time")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise TokenRefused("time") from None
