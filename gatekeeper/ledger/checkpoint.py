"""Signed tree heads: C2SP tlog-checkpoint in a C2SP signed note, by Ed25519 (RFC 8032).

Guarantees: the signing key is a file of its own (PKCS#8 PEM, mode 0600), never in the database; a checkpoint
is accepted only if it has the exact shape, names the expected origin and carries that origin's signature by
the expected key. Signatures by others (witnesses) may stand beside it and are left alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gatekeeper.errors import LedgerCorrupt, SettingsRefused

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
    """The public half, as ``origin+id+key`` (the vkey of C2SP signed-note)."""

    origin: str
    public: bytes

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


class SigningKey:
    """The log's own key. Whoever holds it can sign a second history, which kept checkpoints then expose."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        if not _ORIGIN.match(origin):
            raise SettingsRefused("a log's origin is one word without spaces or plus signs: a host name")
        self.origin = origin
        self._key = key
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.verifier = VerifierKey(origin, public)
        self._id = self.verifier.id

    @classmethod
    def create(cls, file: Path, origin: str) -> SigningKey:
        """Make a key and its file, durably; raises SettingsRefused if the file exists."""
        made = cls(origin, Ed25519PrivateKey.generate())
        pem = made._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            # A new key would make every checkpoint that people hold unverifiable.
            raise SettingsRefused(f"{file} exists: a log keeps its key") from None
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(pem)
            opened.flush()
            os.fsync(opened.fileno())
        return made

    @classmethod
    def load(cls, file: Path, origin: str) -> SigningKey:
        """Read the key; raises SettingsRefused if it is missing, open to others, or not an Ed25519 key."""
        try:
            if file.stat().st_mode & 0o077:
                raise SettingsRefused(f"{file} is open to group or others: chmod 600 {file}")
            key = load_pem_private_key(file.read_bytes(), password=None)
        except OSError:
            raise SettingsRefused(f"{file} cannot be read: run `gatekeeper init`") from None
        except ValueError:
            raise SettingsRefused(f"{file} is not a private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SettingsRefused(f"{file} is not an Ed25519 key")
        return cls(origin, key)

    @property
    def vkey(self) -> str:
        """The public half as text, to be published wherever the log is."""
        return str(self.verifier)

    def sign(self, size: int, root: bytes) -> str:
        """Return the signed checkpoint of a tree."""
        body = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self._id + self._key.sign(body.encode())).decode()
        return f"{body}\n— {self.origin} {signature}\n"

    def state(self, statement: bytes) -> bytes:
        """Return a signature over what this machine tells its later self; no checkpoint can be made of it."""
        return self._key.sign(_OWN + statement)


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
    # 3. A signature by this origin's key over exactly these bytes.
    for line in signatures[:-1].split("\n"):
        parts = _SIGNATURE.match(line)
        if parts is None:
            raise CheckpointRefused("malformed", "a signature line does not have its shape")
        if parts[1] == key.origin and _signed_by(parts[2], key, body):
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
