"""A proof that whoever sends a request holds a key (DPoP, RFC 9449).

The procedure is that of section 4.3, and its numbers are those of the steps. Guarantees: a proof counts for
one method and one address of ours, for the one access token it names, within the life of a nonce of ours, and
once: ``Proof.used`` is the identifier that its user has to claim, in the commit of what the request does
where there is one. Which key may be used, the token says (``cnf.jkt``), not the proof.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

from joserfc.util import urlsafe_b64encode

from gatekeeper.exchange.compact import CompactFault, is_identifier, read_keyed
from gatekeeper.exchange.nonces import LIFE_SECONDS, Nonces
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.public_keys import PRIVATE, import_key

ProofFault = Literal[
    "proof_missing",
    "proof_malformed",
    "proof_type",
    "proof_algorithm",
    "proof_key",
    "proof_signature",
    "proof_method",
    "proof_address",
    "proof_time",
    "proof_nonce",
    "proof_token",
    "proof_replayed",
]
AHEAD_SECONDS = 60
"""How far ahead of ours a client's clock may be (FAPI 2.0: 10 s must pass, over 60 s must not)."""

_CLOSED: dict[str, ProofFault] = {
    "malformed": "proof_malformed",
    "oversized": "proof_malformed",
    "header": "proof_malformed",
    "algorithm": "proof_algorithm",
    "signature": "proof_signature",
}
_DEFAULT_PORTS = {"https": 443, "http": 80}


class ProofRefused(Exception):
    """The proof is refused; ``fault`` says why, in our words."""

    def __init__(self, fault: ProofFault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Proof:
    """A good proof, of the key with that ``thumbprint`` (RFC 7638); ``used`` is kept until ``kept_until``."""

    thumbprint: str
    used: str
    kept_until: datetime


def prove(presented: Presented, nonces: Nonces, *, now: int, token: str | None = None) -> Proof:
    """Check the request's proof, at ``now`` in seconds, for the access token that comes with it, if one does.

    Raises ProofRefused.
    """
    claims, thumbprint = _signed(presented.dpop)
    # (8) This method and (9) this address.
    if claims.get("htm") != presented.method:
        raise ProofRefused("proof_method")
    if not _same_address(claims.get("htu"), presented.uri):
        raise ProofRefused("proof_address")
    # (3) Its own identifier and time, each of the one type it can have.
    jti, iat = claims.get("jti"), claims.get("iat")
    if not is_identifier(jti):
        raise ProofRefused("proof_malformed")
    # (11) ``type(…) is int``: neither true nor 1.5 nor "1796000000" is a time.
    if type(iat) is not int or not now - LIFE_SECONDS <= iat <= now + AHEAD_SECONDS:
        raise ProofRefused("proof_time")
    # (10) A nonce of ours, so that no proof was made in advance.
    if not nonces.known(claims.get("nonce"), now):
        raise ProofRefused("proof_nonce")
    # (12) Made for the very token that comes with it, and for none where none does.
    if claims.get("ath") != (None if token is None else _digest(token)):
        raise ProofRefused("proof_token")
    kept = datetime.fromtimestamp(now + 2 * LIFE_SECONDS, UTC)  # well after its nonce has ended
    return Proof(thumbprint, f"{thumbprint} {jti}", kept)


def _signed(field: str | None) -> tuple[dict[str, Any], str]:
    """Return what the proof says, and the thumbprint of the key that signed it. Raises ProofRefused."""
    # (1) One header field, (2) one well-formed JWT.
    if not field:
        raise ProofRefused("proof_missing")
    try:
        unverified = read_keyed(field)
        header = unverified.header
        # (4) A proof, and nothing else that a key may have signed.
        if header["typ"] != "dpop+jwt":
            raise ProofRefused("proof_type")
        # (7) The key's public half alone; (5) an algorithm of ours, on a key that is fit for it.
        if not PRIVATE.isdisjoint(header["jwk"]):
            raise ProofRefused("proof_key")
        key = import_key(header["alg"], header["jwk"])
        # (6) The signature; only then is the payload looked at.
        return unverified.verified(key), key.thumbprint()
    except CompactFault as fault:
        raise ProofRefused(_CLOSED[fault.fault]) from fault
    except ValueError as unfit:
        raise ProofRefused("proof_key") from unfit


def _digest(token: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(token.encode("ascii")).digest()).decode("ascii")


def _same_address(said: object, ours: str) -> bool:
    """Compare addresses without query and fragment; scheme and host in any case, a default port or none.

    RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3. The path is compared letter by letter.
    """
    if not isinstance(said, str) or not said.isascii() or not said.isprintable() or " " in said:
        return False
    try:
        return _plain(urlsplit(said)) == _plain(urlsplit(ours))
    except ValueError:
        return False


def _plain(url: SplitResult) -> tuple[str, str | None, int | None, str]:
    if "@" in url.netloc:
        raise ValueError("an address with a user")
    return url.scheme, url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme), url.path or "/"
