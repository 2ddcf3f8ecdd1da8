"""Public keys that agencies sign with, as JSON Web Keys (RFC 7517, RFC 8037): which are fit, and for what.

Guarantees: a key is used with its own algorithm alone: ES256 on P-256, PS256 with RSA of 2048 to 4096 bits,
Ed25519 (also by its older name, EdDSA); a key for encryption is none; only the members that make up the
public half are read, so a private one is never kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

from gatekeeper.exchange.compact import VerifyingKey

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members that only a private or a shared key has (RFC 7518 section 6)."""


def import_key(alg: str, jwk: Mapping[str, Any]) -> VerifyingKey:
    """Read a public key, fit for ``alg``; also the check at registration.

    Raises ValueError for another algorithm, a key of another kind, a curve but P-256 and Ed25519, RSA under
    2048 or over 4096 bits, or a key registered for encryption.
    """
    try:
        match alg:
            case _ if jwk.get("use", "sig") != "sig":
                pass
            case "ES256" if jwk["kty"] == "EC" and jwk["crv"] == "P-256":
                return ECKey.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y")})
            case "Ed25519" | "EdDSA" if jwk["kty"] == "OKP" and jwk["crv"] == "Ed25519":
                return OKPKey.import_key({name: jwk[name] for name in ("kty", "crv", "x")})
            # The size is checked before the number is used: a huge modulus costs minutes.
            case "PS256" if jwk["kty"] == "RSA" and 2048 <= _bits(jwk["n"]) <= 4096:
                return RSAKey.import_key({name: jwk[name] for name in ("kty", "n", "e")})
            case _:
                pass
    except (JoseError, KeyError, TypeError, ValueError, AttributeError) as unusable:
        raise ValueError(_UNFIT) from unusable
    raise ValueError(_UNFIT)


def thumbprint(alg: str, jwk: Mapping[str, Any]) -> str | None:
    """Return what tells a key from every other, whatever it is called (RFC 7638); None for what is no key."""
    try:
        return import_key(alg, jwk).thumbprint()
    except ValueError:
        return None


_UNFIT = "not a public signing key as JWK: ES256 with P-256, PS256 with RSA of 2048 to 4096 bits, or Ed25519"


def _bits(number: str) -> int:
    return int.from_bytes(urlsafe_b64decode(number[:700].encode("ascii")), "big").bit_length()
