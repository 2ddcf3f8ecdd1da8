"""Nonces for DPoP proofs (RFC 9449 section 8), without a memory: a time under a key of ours.

Guarantees: a nonce counts for five minutes and cannot be made without the key, so a proof that carries one
was signed in that time, however its own clock stands; no proof can be made in advance. Workers and
nodes that share the directory of keys know each other's.

Whoever holds the key can make nonces, and with a client's key proofs for later: what DPoP is worth without.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

LIFE_SECONDS = 300
_SLOT_SECONDS = 30
_SHAPE = re.compile(r"[A-Za-z0-9_-]{32}\Z", re.ASCII)
_TIME_BYTES, _TAG_BYTES = 8, 16


class Nonces:
    """Makes nonces, and knows its own."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def fresh(self, now: int) -> str:
        """Return the nonce of a moment, in seconds since 1970; it is the same for half a minute."""
        return self._of(now // _SLOT_SECONDS)

    def known(self, nonce: object, now: int) -> bool:
        """Return whether we gave this nonce in the last five minutes (or will in the next half: clocks)."""
        if not isinstance(nonce, str) or not _SHAPE.match(nonce):
            return False
        slot = int.from_bytes(urlsafe_b64decode(nonce)[:_TIME_BYTES], "big")
        if not now // _SLOT_SECONDS - LIFE_SECONDS // _SLOT_SECONDS <= slot <= now // _SLOT_SECONDS + 1:
            return False
        return hmac.compare_digest(self._of(slot), nonce)

    def _of(self, slot: int) -> str:
        said = slot.to_bytes(_TIME_BYTES, "big")
        tag = hmac.digest(self._key, b"gatekeeper dpop nonce\0" + said, "sha256")[:_TAG_BYTES]
        return urlsafe_b64encode(said + tag).decode("ascii")
