"""Keys of their own for what a court, or an open review, needs beyond the end of its day.

Before a day's key is destroyed, what must stay is sealed anew under a key of the one query that it belongs
to; destroying the day then erases all the others. Guarantees: a key is on disk, with its name, before
anything is sealed under it; a box names its key and opens only for the query, event and day it was sealed
for; a key's name is random and says nothing of a query. Ciphers as in ``detail``.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gatekeeper.errors import KeyErased, LedgerCorrupt, LedgerUnavailable, SettingsRefused
from gatekeeper.whole import sync

KEY_BYTES: Final = 32
VERSION: Final = b"\x02"
DOCUMENT_NAME: Final = "document.name"
DOCUMENT_CONTENT: Final = "document.box"
"""The slots of a held document's name and bytes, as ``rows.slot`` is one of an entry's detail."""

_NONCE_BYTES: Final = 12
_NAME_BYTES: Final = 16
_NAME: Final = re.compile(r"[0-9a-f]{32}\Z")
_SUFFIX: Final = ".key"


class HeldKeys:
    """A directory of key files, ``<32 hex digits>.key`` each, mode 0600; safe to share between threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def make(self) -> str:
        """Make a key, durable before this returns; return its name. Raises LedgerUnavailable."""
        name = secrets.token_hex(_NAME_BYTES)
        part = self._directory / f".{name}"
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            sync(self._directory.parent)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_bytes(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                part.rename(self._path(name))
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise
            sync(self._directory)
        except OSError as error:
            raise LedgerUnavailable(
                f"no key can be made in {self._directory} ({error.strerror}): nothing was erased"
            ) from None
        return name

    def names(self) -> frozenset[str]:
        """Return the names of the keys that exist; a file of another name is nobody's key."""
        found = (path.name.removesuffix(_SUFFIX) for path in self._directory.glob(f"[!.]*{_SUFFIX}"))
        return frozenset(name for name in found if _NAME.match(name))

    def remains(self) -> frozenset[str]:
        """Return the names of keys that were half made or half destroyed, by a process that was killed."""
        found = (path.name.removeprefix(".") for path in self._directory.glob(".*"))
        return frozenset(name for name in found if _NAME.match(name))

    def seal(self, name: str, binding: bytes, plain: bytes) -> bytes:
        """Encrypt under the key of that name. Raises KeyErased, LedgerUnavailable."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return VERSION + bytes.fromhex(name) + nonce + self._box(name).encrypt(nonce, plain, binding)

    def open(self, binding: bytes, box: bytes) -> bytes:
        """Decrypt a box by the key that it names. Raises KeyErased, LedgerCorrupt, LedgerUnavailable."""
        name, rest = box[1 : 1 + _NAME_BYTES], box[1 + _NAME_BYTES :]
        nonce, sealed = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        if box[:1] != VERSION or len(nonce) != _NONCE_BYTES:
            raise LedgerCorrupt("a private detail is not a sealed box")
        try:
            return self._box(name.hex()).decrypt(nonce, sealed, binding)
        except InvalidTag:
            raise LedgerCorrupt("a private detail was altered or moved to another row") from None

    def destroy(self, name: str) -> None:
        """Destroy a key; destroying one twice is no error. Raises OSError if it may still be there."""
        if not _NAME.match(name):
            raise ValueError("not a name of a key")
        # Renamed first, so that no reader meets a half-erased file under the key's own name.
        leftover = self._directory / f".{name}"
        with suppress(FileNotFoundError):
            self._path(name).rename(leftover)
        if not self._directory.exists():
            return
        overwrite(leftover)
        sync(self._directory)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}{_SUFFIX}"

    def _box(self, name: str) -> AESGCM:
        path = self._path(name)
        try:
            if path.stat().st_mode & 0o077:
                raise SettingsRefused(f"{path} is open to group or others: chmod go-rwx {path}")
            secret = path.read_bytes()
        except FileNotFoundError:
            raise KeyErased("the key of what was held was destroyed") from None
        except OSError:
            raise LedgerUnavailable("the directory of day keys cannot be used") from None
        if len(secret) != KEY_BYTES or not any(secret):
            raise KeyErased("the key of what was held is not whole")
        return AESGCM(secret)


def overwrite(path: Path) -> None:
    """Write zeros over a key and remove it; none there is no error. Raises OSError."""
    with suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
