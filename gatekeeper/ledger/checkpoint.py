"""Signed tree heads: C2SP tlog-checkpoint in a C2SP signed note, by Ed25519 (RFC 8032).

Guarantees: the signing key is a file of its own (PKCS#8 PEM, mode 0600), or in hardware that the file names
(``hardware_key``), never in the database; hardware that does not answer signs nothing, and says what to do
(LedgerUnavailable); a checkpoint is accepted only if it has the exact shape, names the expected origin and
carries that origin's signature by the expected key, by one that is to follow it, or, up to the size at which
it was retired, by one that it followed (see ``rotation``). Signatures by others (witnesses) may stand beside
it and are left alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from gatekeeper.errors import LedgerCorrupt, LedgerUnavailable, SettingsRefused
from gatekeeper.ledger.hardware_key import HardwareKey, is_in_hardware
from gatekeeper.private_keys import opened, pem_of
from gatekeeper.whole import write_new

_ASKED_AGAIN_SECONDS: Final = 1.0
"""For so long hardware that signed is taken to be there."""

_ED25519 = b"\x01"
_HASH_BYTES = 32
_OWN = b"a statement of this machine\n"
"""Before what the key signs for its own machine: no origin has spaces, so it begins no checkpoint."""
_ORIGIN = re.compile(r"[!-*,-~]{1,200}\Z")
_BODY = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n\Z")
_SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})\Z")


class CheckpointRefused(LedgerCorrupt):
    """A checkpoint is not what it claims to be; `reason` says in which way."""

    def __init__(self, reason: Literal["malformed", "wrong_origin", "wrong_key"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log said of itself at one size."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half, as ``origin+id+key`` (the vkey of C2SP signed-note).

    ``also``: other keys of the same log, each up to the size of the largest tree that it counts for; None for
    one that is in use.
    """

    origin: str
    public: bytes
    also: tuple[tuple[VerifierKey, int | None], ...] = ()

    @classmethod
    def parse(cls, vkey: str) -> VerifierKey:
        """Read a vkey; raises SettingsRefused for anything but an Ed25519 key whose id fits it."""
        origin, _, rest = vkey.strip().partition("+")
        _, _, encoded = rest.partition("+")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except ValueError:  # binascii.Error is one; so is the error about what is not ASCII
            blob = b""
        key = cls(origin, blob[1:])
        shaped = blob[:1] == _ED25519 and len(key.public) == _HASH_BYTES and _ORIGIN.match(origin)
        # As a whole: base64 has spare signs, and a key has one spelling.
        if not shaped or str(key) != vkey.strip():
            raise SettingsRefused("that is not an Ed25519 vkey: copy all of `ORIGIN+ID+KEY`")
        return key

    def at(self, size: int) -> tuple[VerifierKey, ...]:
        """Return every key whose signature counts for a tree of this size."""
        return (self, *(key for key, most in self.also if most is None or size <= most))

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature line."""
        return hashlib.sha256(self.origin.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def stated(self, statement: bytes, signature: bytes) -> bool:
        """Return whether the key's own machine stated this (see `SigningKey.state`)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, _OWN + statement)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.origin}+{self.id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


class Signer(Protocol):
    """A private key, in a file or in hardware."""

    def sign(self, data: bytes, /) -> bytes:
        """Return its signature. Raises SettingsRefused if hardware gives none."""


class SigningKey:
    """The log's own key. Whoever holds it can sign a second history, which kept checkpoints then expose.

    One that was loaded from a file follows a change of it by another process (see ``rotation``).
    """

    def __init__(self, origin: str, key: Ed25519PrivateKey | HardwareKey) -> None:
        if not _ORIGIN.match(origin):
            raise SettingsRefused("a log's origin is one word without spaces or plus signs: a host name")
        self.origin = origin
        verifier = VerifierKey(origin, _public(key))
        self._in_use = _InUse((key,), (verifier.id,), verifier, ())
        self._file: Path | None = None
        self._passphrase = ""
        self._answered = -_ASKED_AGAIN_SECONDS

    @classmethod
    def create(cls, file: Path, origin: str, passphrase: str = "") -> SigningKey:
        """Make a key and its file, durably, encrypted if there is a passphrase.

        Raises SettingsRefused if the file exists.
        """
        made = Ed25519PrivateKey.generate()
        cls(origin, made)  # a name that cannot be one is refused before there is a file
        try:
            write_new(file, pem_of(made, passphrase), 0o600)
        except FileExistsError:
            # A new key would make every checkpoint that people hold unverifiable.
            raise SettingsRefused(f"{file} exists: a log keeps its key") from None
        return cls.load(file, origin, passphrase)

    @classmethod
    def load(cls, file: Path, origin: str, passphrase: str = "") -> SigningKey:
        """Read the key, the next one where there is one, and those before it.

        Raises SettingsRefused if it is missing, open to others, or not an Ed25519 key.
        """
        key = cls(origin, private_key(file, passphrase))
        key._file, key._passphrase = file, passphrase
        key._in_use = _read(file, origin, passphrase)
        return key

    @property
    def verifier(self) -> VerifierKey:
        """The public half, with the other keys of this log."""
        return self._now().verifier

    @property
    def vkey(self) -> str:
        """The public half as text, to be published wherever the log is."""
        return str(self.verifier)

    def sign(self, size: int, root: bytes) -> str:
        """Return the signed checkpoint of a tree: by each key that is in use. Raises LedgerUnavailable."""
        body = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        lines = []
        in_use = self._now()
        for key, name in zip(in_use.keys, in_use.ids, strict=True):
            blob = name + self._by(key, body.encode())
            lines.append(f"— {self.origin} {base64.b64encode(blob).decode()}\n")
        return f"{body}\n{''.join(lines)}"

    def state(self, statement: bytes) -> bytes:
        """Return a signature over what this machine tells its later self; no checkpoint can be made of it.

        Raises LedgerUnavailable.
        """
        return self._by(self._now().keys[0], _OWN + statement)

    def ready(self) -> None:
        """See that a checkpoint can be signed: that hardware signed within a second, or does so now.

        Raises LedgerUnavailable. A key in a file is always ready.
        """
        hardware = [key for key in self._now().keys if isinstance(key, HardwareKey)]
        if hardware and time.monotonic() - self._answered >= _ASKED_AGAIN_SECONDS:
            for key in hardware:
                self._by(key, _OWN)

    def _by(self, key: Signer, data: bytes) -> bytes:
        try:
            signature = key.sign(data)
        except SettingsRefused as fault:
            self._answered = -_ASKED_AGAIN_SECONDS
            raise LedgerUnavailable(f"no checkpoint can be signed: {fault}") from None
        self._answered = time.monotonic()
        return signature

    def _now(self) -> _InUse:
        """Return what is in use, read anew where another process changed it (three ``stat`` a use).

        What cannot be read anew does not count yet: a log that could not sign would release nothing.
        """
        if self._file is not None and _stamps(self._file) != self._in_use.stamps:
            with suppress(SettingsRefused):
                self._in_use = _read(self._file, self.origin, self._passphrase)
        return self._in_use


@dataclass(frozen=True, slots=True)
class _InUse:
    keys: tuple[Ed25519PrivateKey | HardwareKey, ...]
    ids: tuple[bytes, ...]
    verifier: VerifierKey
    stamps: tuple[object, ...]


def next_of(file: Path) -> Path:
    """Return where the key that is to follow the one in this file is kept."""
    return file.with_suffix(".next.pem")


def former_of(file: Path) -> Path:
    """Return where the public halves of the keys before it are kept: ``VKEY SIZE`` lines."""
    return file.with_suffix(".former")


def private_key(file: Path, passphrase: str = "") -> Ed25519PrivateKey | HardwareKey:
    """Read a log's key, of the file or that it names. Raises SettingsRefused.

    That is, if it is missing, open to others, or not an Ed25519 key; hardware is not asked.
    """
    try:
        if file.stat().st_mode & 0o077:
            raise SettingsRefused(f"{file} is open to group or others: chmod 600 {file}")
        content = file.read_bytes()
        if is_in_hardware(content):
            return HardwareKey.read(content, file)
        key = opened(content, file, passphrase)
    except OSError:
        raise SettingsRefused(f"{file} cannot be read: run `gatekeeper init`") from None
    except ValueError:
        raise SettingsRefused(f"{file} is not a private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsRefused(f"{file} is not an Ed25519 key")
    return key


def _read(file: Path, origin: str, passphrase: str) -> _InUse:
    # The next one first: it takes the place of the other in one step, so whoever finds none reads that.
    stamps = _stamps(file)
    following = private_key(next_of(file), passphrase) if next_of(file).exists() else None
    current = private_key(file, passphrase)
    keys = (current,) if following is None else (current, following)
    own, *next_one = (VerifierKey(origin, _public(key)) for key in keys)
    also: list[tuple[VerifierKey, int | None]] = [*former_keys(file), *((key, None) for key in next_one)]
    ids = (own.id, *(key.id for key in next_one))
    return _InUse(keys, ids, VerifierKey(origin, own.public, tuple(also)), stamps)


def former_keys(file: Path) -> list[tuple[VerifierKey, int]]:
    """Return the keys before the one in this file, and the size that each counts up to.

    Raises SettingsRefused for a file that is not what ``rotation`` writes.
    """
    try:
        lines = former_of(file).read_text("utf-8").splitlines()
        return [
            (VerifierKey.parse(vkey), int(most)) for vkey, most in (line.rsplit(" ", 1) for line in lines)
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError):
        raise SettingsRefused(f"{former_of(file)} cannot be read: put it back from a backup") from None


def _stamps(file: Path) -> tuple[object, ...]:
    found: list[object] = []
    for each in (next_of(file), file, former_of(file)):
        try:
            status = each.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_mtime_ns))
    return tuple(found)


def _public(key: Ed25519PrivateKey | HardwareKey) -> bytes:
    if isinstance(key, HardwareKey):
        return key.public
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def open_checkpoint(text: str, key: VerifierKey) -> Checkpoint:
    """Return what a checkpoint says, once its signature holds; raises CheckpointRefused."""
    # 1. The shape: three lines, an empty one, one or more signatures.
    body, gap, signatures = text.partition("\n\n")
    body += "\n"
    shape = _BODY.match(body)
    if not gap or shape is None or not signatures.endswith("\n"):
        raise CheckpointRefused("malformed", "it does not have the shape of a checkpoint")
    checkpoint = Checkpoint(shape[1], int(shape[2]), base64.b64decode(shape[3]))
    # 2. The origin: another log's checkpoint proves nothing about this one.
    if checkpoint.origin != key.origin:
        raise CheckpointRefused("wrong_origin", "it is a checkpoint of another log")
    # 3. A signature by this origin's key, of those that count at this size, over exactly these bytes.
    accepted = key.at(checkpoint.size)
    for line in signatures[:-1].split("\n"):
        parts = _SIGNATURE.match(line)
        if parts is None:
            raise CheckpointRefused("malformed", "a signature line does not have its shape")
        if parts[1] == key.origin and any(_signed_by(parts[2], each, body) for each in accepted):
            return checkpoint
    raise CheckpointRefused("wrong_key", "it is not signed by the log's key")


def signers(text: str, key: VerifierKey) -> tuple[str, ...]:
    """Name who else signed a checkpoint that opened under `key`, as ``name+id``; nothing of it is checked.

    Raises CheckpointRefused for a line that is no signature.
    """
    own, found = f"{key.origin}+{key.id.hex()}", dict[str, None]()
    for line in text.partition("\n\n")[2][:-1].split("\n"):
        parts = _SIGNATURE.match(line)
        try:
            blob = b"" if parts is None else base64.b64decode(parts[2], validate=True)
        except binascii.Error:
            blob = b""
        if parts is None or len(blob) <= len(key.id):
            raise CheckpointRefused("malformed", "a signature line does not have its shape")
        found[f"{parts[1]}+{blob[:4].hex()}"] = None
    return tuple(name for name in found if name != own)


def _signed_by(encoded: str, key: VerifierKey, body: str) -> bool:
    try:
        blob = base64.b64decode(encoded, validate=True)
        if blob[:4] != key.id:
            return False
        Ed25519PublicKey.from_public_bytes(key.public).verify(blob[4:], body.encode())
    except (binascii.Error, InvalidSignature):
        return False
    return True
