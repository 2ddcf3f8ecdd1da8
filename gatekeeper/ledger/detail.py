"""The private detail beside an entry, sealed under one key per day; destroying the key erases the day.

The keys are files in a directory of their own, outside the database and its backups, so that a backup never
outlives a purge. Guarantees: two processes that meet a new day end with the same key; a key is never made for
a day that is over, so that a destroyed one cannot come back; a box opens only for the query, event and day it
was sealed for; a key destroyed by another process is noticed at the next use (one ``stat`` a use, about 2
microseconds: a cache with a life would leave a window in which erased words can still be read). What was held
beyond its day is sealed under a key of its own (``held``) and opens in the same way. Ciphers:
AES-256-GCM (NIST SP 800-38D) and HMAC-SHA256 under sub-keys by HKDF-Expand (RFC 5869).
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gatekeeper.errors import KeyErased, LedgerCorrupt, LedgerUnavailable, OperatorError, SettingsRefused
from gatekeeper.ledger import held
from gatekeeper.ledger.held import HeldKeys, overwrite
from gatekeeper.whole import sync

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"
_SUFFIX = ".key"
_REMAINS = re.compile(r"\.(\d{4}-\d{2}-\d{2})\.[0-9a-f]{16}\Z")


@dataclass(slots=True)
class _DayKey:
    stamp: tuple[int, int]
    secret: bytes
    box: AESGCM
    purposes: dict[str, hmac.HMAC] = field(default_factory=dict)


class DayKeys:
    """A directory of key files, ``2026-11-22.key`` each, mode 0600; safe to share between threads.

    `today` is asked before a key is made. Raises SettingsRefused if others may read the directory.
    """

    def __init__(
        self, directory: Path, *, today: Callable[[], date] = lambda: datetime.now(UTC).date()
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_readable_by_others(directory, directory.stat())
        self._directory = directory
        self.held = HeldKeys(directory / "held")
        self._today = today
        self._cache: dict[date, _DayKey] = {}
        self._making = threading.Lock()

    def seal(self, day: date, ref: str, event: str, plain: bytes) -> bytes:
        """Encrypt `plain` under the day's key, bound to `ref`, `event` and `day`; raises KeyErased."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + nonce + self._key(day).box.encrypt(nonce, plain, _binding(day, ref, event))

    def open(self, day: date, ref: str, event: str, box: bytes) -> bytes:
        """Decrypt a box; raises KeyErased, or LedgerCorrupt if it was altered or belongs to another row."""
        if box[:1] == held.VERSION:
            return self.held.open(_binding(day, ref, event), box)
        key = self._key(day, create=False)
        nonce, sealed = box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :]
        if box[:1] != _VERSION or len(nonce) != _NONCE_BYTES:
            raise LedgerCorrupt("a private detail is not a sealed box")
        try:
            return key.box.decrypt(nonce, sealed, _binding(day, ref, event))
        except InvalidTag:
            raise LedgerCorrupt("a private detail was altered or moved to another row") from None

    def hold(self, name: str, day: date, ref: str, event: str, box: bytes) -> bytes:
        """Return what a box holds sealed anew under a key of its own, bound to the same row.

        Raises KeyErased if the day's key is gone, LedgerCorrupt, LedgerUnavailable.
        """
        plain = self.open(day, ref, event, box)
        try:
            return self.held.seal(name, _binding(day, ref, event), plain)
        except KeyErased:
            raise LedgerUnavailable(
                "the key that it is to be held under is gone: nothing was erased"
            ) from None

    def fingerprint(self, day: date, purpose: str, value: bytes) -> bytes:
        """Return HMAC-SHA256 of `value` under the day's sub-key for `purpose`; raises KeyErased."""
        return self.fingerprints(day, ((purpose, value),))[0]

    def fingerprints(self, day: date, values: Iterable[tuple[str, bytes]]) -> list[bytes]:
        """Return the fingerprint of each purpose and value; one look at the day's key. Raises KeyErased."""
        key, made = self._key(day), []
        for purpose, value in values:
            keyed = key.purposes.get(purpose)
            if keyed is None:
                secret = _expand(key.secret, f"fingerprint:{purpose}")
                keyed = key.purposes[purpose] = hmac.new(secret, digestmod="sha256")
            one = keyed.copy()  # half of the work is the key's, and done
            one.update(value)
            made.append(one.digest())
        return made

    def days(self) -> tuple[date, ...]:
        """Return the days whose keys still exist, oldest first; a file of another name is nobody's key."""
        found = []
        for path in self._directory.glob(f"[!.]*{_SUFFIX}"):
            with suppress(ValueError):
                found.append(date.fromisoformat(path.name.removesuffix(_SUFFIX)))
        return tuple(sorted(found))

    def erasable(self) -> tuple[date, ...]:
        """Return the days of which a key, or what a killed process left of one, is still there."""
        found = set(self.days())
        for path in self._directory.glob(".*"):
            if left := _REMAINS.match(path.name):
                with suppress(ValueError):
                    found.add(date.fromisoformat(left[1]))
        return tuple(sorted(found))

    def destroy(self, day: date) -> None:
        """Destroy the key of a day that is over; once it returns nothing of that day can be read.

        Raises OperatorError for today's key: a new one would be made at once, and the log must not have two
        keys for one day. Destroying a key twice is no error. Raises OSError if some of it may still be there.
        """
        if day >= self._today():
            raise OperatorError("the key of a day that is not over cannot be destroyed: purge tomorrow")
        with self._making:
            path = self._path(day)
            # Renamed first, so that no reader meets a half-erased file under the day's own name.
            if path.exists():
                path.rename(self._directory / f".{day.isoformat()}.{secrets.token_hex(8)}")
            # A crash between link and unlink leaves a second name of the same key: it must go too.
            for leftover in self._directory.glob(f".{day.isoformat()}.*"):
                overwrite(leftover)
            sync(self._directory)
            self._cache.pop(day, None)

    def _path(self, day: date) -> Path:
        return self._directory / f"{day.isoformat()}{_SUFFIX}"

    def _key(self, day: date, *, create: bool = True) -> _DayKey:
        """Return the day's key, made now if the day is not over; raises KeyErased, LedgerUnavailable."""
        try:
            return self._found(day, create=create)
        except OSError:
            # A full disk at midnight, a directory that is gone: what cannot be sealed cannot be logged.
            raise LedgerUnavailable("the directory of day keys cannot be used") from None

    def _found(self, day: date, *, create: bool) -> _DayKey:
        path = f"{self._directory}/{day.isoformat()}{_SUFFIX}"  # a plain string: this is the hot path
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path costs more than the call
        except FileNotFoundError:
            self._cache.pop(day, None)
            if not create:
                raise KeyErased("the key of that day was destroyed") from None
            self._make(day)
            status = os.stat(path)  # noqa: PTH116 - as above
        key = self._cache.get(day)
        if key is None or key.stamp != (status.st_ino, status.st_mtime_ns):
            _refuse_readable_by_others(Path(path), status)
            key = self._cache[day] = _read(Path(path), (status.st_ino, status.st_mtime_ns))
        return key

    def _make(self, day: date) -> None:
        """Create the day's key unless another process just did; raises KeyErased for a day that is over."""
        today = self._today()
        # One day ahead is accepted: an entry takes the head's time, which may be seconds past midnight.
        if not today <= day <= today + timedelta(days=1):
            raise KeyErased("that day is over, or not yet here: no key is made for it")
        with self._making:
            temporary = self._directory / f".{day.isoformat()}.{secrets.token_hex(8)}"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_bytes(KEY_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                os.link(temporary, self._path(day))  # fails if it exists: the first process wins, for both
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
            sync(self._directory)


def _read(path: Path, stamp: tuple[int, int]) -> _DayKey:
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        raise KeyErased("the key of that day was destroyed") from None
    if len(secret) != KEY_BYTES or not any(secret):
        raise KeyErased("the key of that day is not whole")
    return _DayKey(stamp, secret, AESGCM(_expand(secret, "detail")))


def _expand(secret: bytes, purpose: str) -> bytes:
    info = b"gatekeeper/detail/v1/" + purpose.encode()
    return HKDFExpand(hashes.SHA256(), length=KEY_BYTES, info=info).derive(secret)


def _binding(day: date, ref: str, event: str) -> bytes:
    if "\n" in event:  # the separator: without this two different rows could have one binding
        raise ValueError("an event's name is one line")
    return f"{day.isoformat()}\n{event}\n{ref}".encode()


def _refuse_readable_by_others(path: Path, status: os.stat_result) -> None:
    if status.st_mode & 0o077:
        raise SettingsRefused(f"{path} is open to group or others: chmod go-rwx {path}")
