"""What a client proves itself by, as an operator gives it: a key in a file, or a certificate's name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gatekeeper.errors import OperatorError
from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.store import ClientKey

_ALGORITHMS = {"EC": "ES256", "RSA": "PS256", "OKP": "Ed25519"}
_RSA_BITS = 2048
_LAST_SECOND = 253_402_300_799  # the year 9999: the last that a datetime holds
_KID = re.compile(r"[A-Za-z0-9._~-]{1,128}\Z")


def certificate_of(kind: str, value: str) -> ClientKey:
    """Return the name of a client's certificates, as it is registered (RFC 8705). Raises OperatorError."""
    try:
        name = certificate_names.registered(kind, value)
    except ValueError as unfit:
        raise OperatorError(f"that is no name of a certificate: {unfit}") from None
    return ClientKey(certificate_names.kid_of(name), certificate_names.ALG, name, "active")


def public_key(text: bytes) -> ClientKey:
    """Read a public key from PEM or JWK text; a JWK keeps its own ``kid``.

    Raises OperatorError for what is no public key, or one that the token endpoint would refuse.
    """
    try:
        jwk = json.loads(text) if text.lstrip().startswith(b"{") else _jwk_of_pem(text)
        if "d" in jwk or b"PRIVATE KEY" in text:
            raise OperatorError("that is a private key: register its public half, and keep this one secret")
        algorithm = jwk.get("alg") or _ALGORITHMS[jwk["kty"]]
        thumbprint = import_key(algorithm, jwk).thumbprint()
    except (
        JoseError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
        UnsupportedAlgorithm,
    ):
        raise OperatorError(
            "not a public key that tokens can be signed with: send PEM ('BEGIN PUBLIC KEY') or a JWK of an "
            "EC key on P-256, an RSA key of 2048 to 4096 bits, or Ed25519"
        ) from None
    if type(jwk.get("exp", 0)) is not int or not 0 <= jwk.get("exp", 0) < _LAST_SECOND:
        raise OperatorError(
            "the key's exp must be its end in seconds since 1970; or leave it out, and --until"
        )
    kid = jwk.get("kid", thumbprint)
    if not isinstance(kid, str) or not _KID.match(kid):
        raise OperatorError("the key's kid must be 1 to 128 letters, digits, dots, dashes or underscores")
    return ClientKey(kid=kid, alg=algorithm, jwk=jwk, status="active")


def shown(key: ClientKey) -> str:
    """Return a key as it is listed: its name, its algorithm, its state, and its last day where it has one."""
    last = key.jwk.get("exp")
    until = f" until {datetime.fromtimestamp(last - 1, UTC):%Y-%m-%d}" if type(last) is int else ""
    return f"{key.kid} {key.alg} {key.status}{until}"


def ending(key: ClientKey | None, until: date | None) -> ClientKey | None:
    """Return the key as it counts up to the end of a day, in UTC. Raises OperatorError."""
    if until is None:
        return key
    if key is None or "kty" not in key.jwk:
        raise OperatorError("--until is for a key in a file: what else a client has ends where it was made")
    end = datetime.combine(until, time(), UTC) + timedelta(days=1)
    if end <= datetime.now(UTC):
        raise OperatorError(f"{until} is over: name the last day on which the key is to count")
    return replace(key, jwk={**key.jwk, "exp": int(end.timestamp())})


def _jwk_of_pem(text: bytes) -> dict[str, Any]:
    if b"PRIVATE KEY" in text:
        raise OperatorError("that is a private key: register its public half, and keep this one secret")
    key = load_pem_public_key(text)
    if isinstance(key, RSAPublicKey) and key.key_size < _RSA_BITS:
        raise ValueError("a key that can be broken")
    kinds = {EllipticCurvePublicKey: ECKey, RSAPublicKey: RSAKey, Ed25519PublicKey: OKPKey}
    kind: Any = next((ours for theirs, ours in kinds.items() if isinstance(key, theirs)), None)
    if kind is None:
        raise ValueError("a key of another kind")
    jwk: dict[str, Any] = kind.import_key(text).as_dict(private=False)
    return jwk
