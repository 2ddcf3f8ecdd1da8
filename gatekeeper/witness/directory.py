"""A witness's own files: its key, the logs that it watches, and what it last cosigned of each.

::

    DIR/witness.pem           the key (PKCS#8 PEM, mode 0600)
    DIR/witness.name          the name in its cosignatures
    DIR/lock                  held while one checkpoint is looked at
    DIR/logs/<digest>/keys    the log's vkeys, one a line (a second one after a rotation)
    DIR/logs/<digest>/last    the largest checkpoint that was cosigned
    DIR/logs/<digest>/fork    two checkpoints of one size: the proof that the log forked

Guarantees: a file is replaced whole and is on disk, its directory entry too, before ``keep`` returns; one
lock holds across threads and processes and ends with its process; a `last` that is missing, cut short or not
signed by its log is an error, never a beginning: a witness that forgot would vouch for a second history.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gatekeeper.errors import OperatorError, SettingsRefused, StoreUnavailable
from gatekeeper.ledger.checkpoint import Checkpoint, CheckpointRefused, VerifierKey, open_checkpoint
from gatekeeper.ledger.cosignatures import Cosigner
from gatekeeper.ledger.merkle import EMPTY_ROOT
from gatekeeper.whole import sync, write_whole

MOST_KEYS: Final = 8
_UNFINISHED: Final = {"logs", "witness.name", ".witness.name", ".witness.pem"}
"""What a making that was cut short leaves; the key comes last."""


class NoWitness(OperatorError):
    """The directory is not a witness's."""


class KeyRefused(SettingsRefused):
    """A key, of the witness or of a log, is not one that can be used."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One log, as a witness knows it. ``text``: the largest checkpoint that it cosigned."""

    origin: str
    keys: Sequence[VerifierKey]
    last: Checkpoint
    text: str
    forked: bool


def opened_by(text: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return a checkpoint that one of these keys of its log signed. Raises CheckpointRefused."""
    refused = CheckpointRefused("wrong_key", "no key of its log is known")
    for key in keys:
        try:
            checkpoint = open_checkpoint(text, key)
        except CheckpointRefused as error:
            refused = error
            continue
        # A root has one spelling: two bodies of one tree would be two texts that a witness signs.
        if not text.startswith(_body(checkpoint)):
            raise CheckpointRefused("malformed", "its root is not in the usual base64")
        return checkpoint
    raise refused


class WitnessDirectory:
    """The directory of one witness."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._logs = directory / "logs"
        if not self._key_file.is_file() or not self._logs.is_dir():
            raise NoWitness(
                f"there is no witness in {directory}: gatekeeper witness init {directory} --name NAME"
            )

    @classmethod
    def create(cls, directory: Path, name: str) -> WitnessDirectory:
        """Make the directory and a key. Raises KeyRefused if there is one, or for a name that is none."""
        key = Ed25519PrivateKey.generate()
        try:
            Cosigner(name, key)
        except SettingsRefused as error:
            raise KeyRefused(str(error)) from None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = directory / "witness.pem"
        if {entry.name for entry in directory.iterdir()} - _UNFINISHED:
            # Another key would make what people hold unverifiable; other files are not ours to mix with.
            raise KeyRefused(f"{directory} is not empty: a witness keeps its key and what it saw")
        (directory / "logs").mkdir(mode=0o700, exist_ok=True)
        write_whole(directory / "witness.name", name.encode(), 0o600)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_whole(file, pem, 0o600)
        return cls(directory)

    @property
    def _key_file(self) -> Path:
        return self._directory / "witness.pem"

    def cosigner(self) -> Cosigner:
        """Load the key. Raises KeyRefused if it is open to others, not readable, or not an Ed25519 key."""
        file = self._key_file
        try:
            if file.stat().st_mode & 0o077:
                raise KeyRefused(f"{file} is open to group or others: chmod 600 {file}")
            key = load_pem_private_key(file.read_bytes(), password=None)
            name = (self._directory / "witness.name").read_text("utf-8")
        except OSError as error:
            raise KeyRefused(f"{error.filename} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError):  # the latter for a key under a password
            raise KeyRefused(
                f"{file} or the name beside it is not what `gatekeeper witness init` made"
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyRefused(f"{file} is not an Ed25519 key")
        try:
            return Cosigner(name, key)
        except SettingsRefused as error:
            raise KeyRefused(f"{self._directory / 'witness.name'}: {error}") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the witness alone, among all threads and processes. Raises StoreUnavailable."""
        try:
            # Opened anew each time: the lock belongs to the open file, so threads exclude each other too.
            descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"the witness's lock cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def watch(self, key: VerifierKey, *, also: bool = False) -> bool:
        """Begin to watch a log; say whether it is new. ``also``: its second key, after a rotation.

        Raises KeyRefused for another key of a log that is watched, StoreUnavailable, OSError.
        """
        with self.locked():
            known = self.log(key.origin)
            place = self._place(key.origin)
            if known is None:
                self._begin(place, key)
                return True
            if key in known.keys:
                return False
            if not also:
                raise KeyRefused(
                    f"{key.origin} is watched with another key, {known.keys[0]}; if its city itself told you "
                    "of a new one, give it with --also: whoever holds a key can sign that log's history"
                )
            if len(known.keys) >= MOST_KEYS:
                raise KeyRefused(f"{key.origin} has {MOST_KEYS} keys already")
            write_whole(place / "keys", "".join(f"{one}\n" for one in [*known.keys, key]).encode(), 0o600)
            return True

    def _begin(self, place: Path, key: VerifierKey) -> None:
        """Make a log's files in one step, with the empty tree as what was cosigned."""
        unfinished = place.with_name(f".{place.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        write_whole(unfinished / "keys", f"{key}\n".encode(), 0o600)
        empty = _body(Checkpoint(key.origin, 0, EMPTY_ROOT)) + "\n"
        write_whole(unfinished / "last", empty.encode(), 0o600)
        unfinished.rename(place)
        sync(self._logs)

    def log(self, origin: str) -> Watched | None:
        """Return a log that is watched, or None. Raises StoreUnavailable if what was seen of it is lost."""
        place = self._place(origin)
        if not place.is_dir():
            return None
        try:
            keys = [VerifierKey.parse(line) for line in (place / "keys").read_text("utf-8").splitlines()]
            text = (place / "last").read_text("utf-8")
            empty = Checkpoint(origin, 0, EMPTY_ROOT)
            last = empty if text == _body(empty) + "\n" else opened_by(text, keys)
        except (OSError, UnicodeDecodeError, SettingsRefused, CheckpointRefused):
            keys = []
        if not keys or {key.origin for key in keys} != {origin}:
            raise StoreUnavailable(
                f"what was last cosigned of {origin} cannot be read in {place}: this witness must not go on "
                "with that log; put the files back only if nothing was cosigned since, or begin a new witness"
            )
        return Watched(origin, keys, last, text, (place / "fork").exists())

    def logs(self) -> list[Watched]:
        """Return every log that is watched, by name. Raises StoreUnavailable as ``log`` does."""
        try:
            places = [place for place in self._logs.iterdir() if not place.name.startswith(".")]
            firsts = [(place / "keys").read_text("utf-8").split("+")[0] for place in places]
        except (OSError, UnicodeDecodeError):
            raise StoreUnavailable(f"the logs in {self._logs} cannot be read") from None
        found = [self.log(origin) for origin in sorted(firsts)]
        known = [log for log in found if log is not None]
        if len(known) != len(places):
            raise StoreUnavailable(f"{self._logs} holds a log under another log's name")
        return known

    def keep(self, origin: str, text: str) -> None:
        """Replace what was last cosigned; on disk when this returns. Raises StoreUnavailable."""
        try:
            write_whole(self._place(origin) / "last", text.encode(), 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"the checkpoint could not be kept, so it is not cosigned: {error.strerror}"
            ) from None

    def keep_fork(self, watched: Watched, text: str) -> None:
        """Keep two checkpoints of one size as proof, the first time; a full disk changes no answer."""
        if not watched.forked:
            with suppress(OSError):
                write_whole(self._place(watched.origin) / "fork", f"{watched.text}\n{text}".encode(), 0o600)

    def _place(self, origin: str) -> Path:
        return self._logs / hashlib.sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()


def _body(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"
