"""Witnesses' signatures on a checkpoint: C2SP tlog-cosignature, ``cosignature/v1`` by Ed25519 (type 0x04).

A cosignature says: at this time, the largest tree of this log that I have seen has this root, and every
smaller one that I have seen begins it. Guarantees: only what a named key signed over exactly this checkpoint
counts; a signature by a log's key is never taken for one; a note holds at most one cosignature of each
witness, the latest; there is no quorum of nobody. Keys of other types are refused, their lines left alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger.checkpoint import CheckpointRefused

_TYPE = b"\x04"
_KEY_BYTES = 32
_ID_BYTES = 4
_TIME_BYTES = 8
_SIGNATURE_BYTES = 64
_LAST_SECOND = (1 << 63) - 1
_NAME = re.compile(r"[!-*,-~]{1,200}\Z")
_LINE = re.compile(r"— (\S+) ([A-Za-z0-9+/]+={0,2})\Z")


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """The public half of a witness's key, as ``name+id+key`` (the vkey of C2SP signed-note)."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> CosignerKey:
        """Read a vkey. Raises SettingsRefused for anything but a witness's Ed25519 key whose id fits it."""
        name, _, rest = vkey.strip().partition("+")
        number, _, encoded = rest.partition("+")
        try:
            blob = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):  # the latter for what is not ASCII
            blob = b""
        key = cls(name, blob[1:])
        if blob[:1] == b"\x01" and len(key.public) == _KEY_BYTES:
            raise SettingsRefused("that is the vkey of a log; a witness's own begins its last part with B")
        if blob[:1] != _TYPE or len(key.public) != _KEY_BYTES or not _NAME.match(name):
            raise SettingsRefused("that is not a witness's Ed25519 vkey: copy all of `NAME+ID+KEY`")
        # As a whole: base64 has spare signs, and a key has one spelling.
        if number != key.id.hex() or str(key) != vkey.strip():
            raise SettingsRefused("that vkey's id does not fit its name and key: copy all of `NAME+ID+KEY`")
        return key

    @property
    def id(self) -> bytes:
        """The four bytes that name this key in a signature line."""
        return hashlib.sha256(self.name.encode() + b"\n" + _TYPE + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(_TYPE + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that holds for the checkpoint it was found for. ``at``: seconds since 1970."""

    key: CosignerKey
    at: int
    line: str


class Cosigner:
    """A witness's own key. Whoever holds it can vouch for a history that the witness never saw."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        if not _NAME.match(name):
            raise SettingsRefused("a witness's name is one word without spaces or plus signs: a host name")
        self._key = key
        self.verifier = CosignerKey(name, key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def cosign(self, checkpoint: str, at: int) -> str:
        """Return the signature line over a checkpoint, with its newline. Whether it may is the caller's duty.

        Raises CheckpointRefused if the text has no body, ValueError for a time before 1970 or past 2^63.
        """
        if not 0 <= at <= _LAST_SECOND:
            raise ValueError("not a time that a cosignature can state")
        signature = self._key.sign(_message(body_of(checkpoint), at))
        blob = self.verifier.id + at.to_bytes(_TIME_BYTES, "big") + signature
        return f"— {self.verifier.name} {base64.b64encode(blob).decode()}\n"


def body_of(checkpoint: str) -> str:
    """Return what is signed: the text up to the empty line. Raises CheckpointRefused if there is none."""
    body, gap, _ = checkpoint.partition("\n\n")
    if not gap or not body:
        raise CheckpointRefused("malformed", "it does not have the shape of a checkpoint")
    return body + "\n"


def signature_lines(text: str) -> Iterator[tuple[str, bytes, str]]:
    """Yield name, decoded signature and text of each line that has the shape of a signature; skip others."""
    for line in text.split("\n"):
        parts = _LINE.match(line)
        if parts is None:
            continue
        try:
            blob = base64.b64decode(parts[2], validate=True)
        except binascii.Error:
            continue
        yield parts[1], blob, line


def signed_only_by(checkpoint: str, keys: Iterable[tuple[str, bytes]]) -> str:
    """Return the checkpoint with the signature lines of these names and ids alone, whatever else it carries.

    Raises CheckpointRefused if it has no body, or if a line below it has not the shape of a signature.
    """
    body, wanted = body_of(checkpoint), set(keys)
    lines = list(signature_lines(checkpoint[len(body) :]))
    if not checkpoint.endswith("\n") or len(lines) != checkpoint[len(body) + 1 :].count("\n"):
        raise CheckpointRefused("malformed", "a signature line does not have its shape")
    own = [line for name, blob, line in lines if (name, blob[:_ID_BYTES]) in wanted]
    return f"{body}\n" + "".join(f"{line}\n" for line in own)


def cosignatures(
    checkpoint: str, keys: Iterable[CosignerKey], lines: str | None = None
) -> tuple[Cosignature, ...]:
    """Return the cosignatures by `keys` that hold for a checkpoint, the latest of each key.

    They are looked for in its own signatures, or in `lines`. Raises CheckpointRefused if it has no body.
    """
    body = body_of(checkpoint)
    wanted = {(key.name, key.id): key for key in keys}
    found: dict[CosignerKey, Cosignature] = {}
    for name, blob, line in signature_lines(checkpoint[len(body) :] if lines is None else lines):
        key = wanted.get((name, blob[:_ID_BYTES]))
        if key is None or len(blob) != _ID_BYTES + _TIME_BYTES + _SIGNATURE_BYTES:
            continue
        at = int.from_bytes(blob[_ID_BYTES : _ID_BYTES + _TIME_BYTES], "big")
        if not _holds(key, body, at, blob[_ID_BYTES + _TIME_BYTES :]):
            continue
        if key not in found or found[key].at < at:
            found[key] = Cosignature(key, at, line)
    return tuple(found.values())


def merge(checkpoint: str, added: Iterable[Cosignature]) -> str:
    """Return the checkpoint with these cosignatures below its own signatures.

    Of one witness's several the latest stays; the log's signature, and those by keys that nobody named, stay
    where they are. Raises CheckpointRefused if the text is no checkpoint, or if one does not hold for it.
    """
    body = body_of(checkpoint)
    latest: dict[CosignerKey, Cosignature] = {}
    for given in added:
        held = cosignatures(checkpoint, [given.key], given.line)
        if not held:
            raise CheckpointRefused("wrong_key", f"the cosignature of {given.key.name} is of another text")
        if given.key not in latest or latest[given.key].at < held[0].at:
            latest[given.key] = held[0]
    for there in cosignatures(checkpoint, latest):
        if there.at >= latest[there.key].at:
            latest[there.key] = there
    of_theirs = {(key.name, key.id) for key in latest}
    own = [
        line
        for line in checkpoint[len(body) + 1 :].split("\n")
        if line and not any((name, blob[:_ID_BYTES]) in of_theirs for name, blob, _ in signature_lines(line))
    ]
    return f"{body}\n" + "".join(f"{line}\n" for line in [*own, *(c.line for c in latest.values())])


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of some witnesses are enough; a member may be a quorum of its own. Never zero of them."""

    least: int
    members: Sequence[CosignerKey | Quorum]

    def __post_init__(self) -> None:
        """Raise SettingsRefused for a quorum that nobody, or nobody ever, could meet."""
        if not self.members:
            raise SettingsRefused("a quorum needs at least one witness")
        if not 1 <= self.least <= len(self.members):
            raise SettingsRefused(
                f"of {len(self.members)} witnesses 1 to {len(self.members)} can be asked for"
            )
        keys = [key.public for key in self.keys()]
        if len(keys) != len(set(keys)):
            raise SettingsRefused("a witness counts once: the same key is in the quorum twice")

    def keys(self) -> tuple[CosignerKey, ...]:
        """Return every witness that can count."""
        return tuple(
            key
            for member in self.members
            for key in (member.keys() if isinstance(member, Quorum) else (member,))
        )

    def met_by(self, cosigned: Collection[CosignerKey]) -> bool:
        """Say whether these witnesses are enough."""
        met = sum(
            member.met_by(cosigned) if isinstance(member, Quorum) else member in cosigned
            for member in self.members
        )
        return met >= self.least


def _message(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()


def _holds(key: CosignerKey, body: str, at: int, signature: bytes) -> bool:
    if at > _LAST_SECOND:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, _message(body, at))
    except (InvalidSignature, ValueError):
        return False
    return True
