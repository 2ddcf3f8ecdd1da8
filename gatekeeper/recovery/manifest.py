"""What stands beside a backup: its log's size and checkpoint, its schema, and the file's digest.

Guarantees: it is written last and whole, so a backup that has one is finished; what is not exactly of its
shape is refused. The digest finds a file that was damaged or exchanged by mistake; who can write both can
make both fit, so what is believed of the log is what its key signed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from gatekeeper.errors import OperatorError
from gatekeeper.whole import write_whole

VERSION: Final = 1
_LARGEST: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Manifest:
    """``size`` and ``root`` are of the log in the file; ``checkpoint`` was signed before the copy began."""

    manifest: int
    file: str
    bytes: int
    sha256: str
    schema: str
    log: str
    size: int
    root: str
    checkpoint: str
    made_at: str
    program: str


def beside(backup: Path) -> Path:
    """Return where a backup's manifest is."""
    return backup.with_name(f"{backup.name}.manifest.json")


def digest(file: Path) -> str:
    """Return a file's SHA-256 in hexadecimal. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write(backup: Path, manifest: Manifest) -> None:
    """Write a backup's manifest. Raises OSError."""
    write_whole(beside(backup), json.dumps(asdict(manifest), indent=2).encode() + b"\n", 0o600)


def read(backup: Path) -> Manifest:
    """Return a backup's manifest once it fits the file. Raises OperatorError."""
    file = beside(backup)
    if not backup.is_file():
        raise OperatorError(f"{backup} is no backup: name the file that `gatekeeper backup` made")
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(_LARGEST + 1).decode("utf-8"))
    except FileNotFoundError:
        raise OperatorError(
            f"{backup} has no manifest ({file.name}): the backup did not come to its end, or it was left "
            "behind when the file was moved; use another one"
        ) from None
    except (OSError, ValueError, RecursionError):
        raise OperatorError(f"{file} cannot be read as a manifest: use another backup") from None
    kinds = {field.name: {"int": int, "str": str}[str(field.type)] for field in fields(Manifest)}
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != kinds:
        raise OperatorError(f"{file} is not the manifest of a backup: use another one")
    manifest = Manifest(**found)
    if manifest.manifest != VERSION:
        raise OperatorError(
            f"{file} is of another version of the program ({manifest.program}): restore with it"
        )
    try:
        whole = backup.stat().st_size == manifest.bytes and digest(backup) == manifest.sha256
    except OSError as fault:
        raise OperatorError(f"{backup} cannot be read: {fault.strerror}") from None
    if not whole:
        raise OperatorError(f"{backup} is not the file that its manifest is of: it was altered or cut short")
    return manifest
