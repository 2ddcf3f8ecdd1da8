"""Salted promises about what an entry must not say in clear.

An entry is public for ever; a plate has few enough possible values to try them all. So the entry carries, for
each private value, HMAC-SHA256 under a 32-byte random salt of that value's own. Guarantees: without the salt
the commitment tells nothing, not even that two entries are about the same plate; with it (the asker's receipt
carries it) anyone can check that this value and no other was logged. When the salt is destroyed, the proof of
the entry still holds.
"""

from __future__ import annotations

import hmac
import re
import secrets

from gatekeeper.errors import EntryRefused
from gatekeeper.ledger.canonical import canonical

SALT_BYTES = 32
_TAG = b"gatekeeper/commitment/v1\n"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\Z")


def new_salts(count: int) -> list[bytes]:
    """Return salts of 32 random bytes: one for each commitment, so that opening one opens no other.

    Drawn at once, because each call to the system lets go of the interpreter's lock.
    """
    drawn = secrets.token_bytes(SALT_BYTES * count)
    return [drawn[i : i + SALT_BYTES] for i in range(0, len(drawn), SALT_BYTES)]


def commit(name: str, value: object, salt: bytes) -> str:
    """Return the commitment in hex; raises EntryRefused for a bad name or salt, or no canonical form."""
    # A fixed length keeps HMAC binding: keys that differ only in trailing zero bytes are one key.
    if len(salt) != SALT_BYTES or not _NAME.match(name):
        raise EntryRefused("a commitment needs a lower-case name and a salt of 32 bytes")
    return hmac.digest(salt, b"%b%b\n%b" % (_TAG, name.encode(), canonical(value)), "sha256").hex()


def opens(name: str, value: object, salt: bytes, commitment: str) -> bool:
    """Return whether `commitment` was made for exactly this name, value and salt; anything odd is False."""
    try:
        return hmac.compare_digest(commit(name, value, salt).encode(), commitment.encode())
    except (EntryRefused, UnicodeEncodeError):
        return False
