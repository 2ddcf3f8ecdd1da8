"""The space kept back so that a stop still commits when the disk is full.

Guarantees: the reserve is really allocated (written, not sparse, and of bytes that no file system compresses
away), appears whole or not at all, and holds nothing. Giving it up frees about ``SIZE`` bytes at once.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

SIZE: Final = 8 * 1024 * 1024


def keep(file: Path) -> bool:
    """Make the reserve unless it is there; return whether it is there now (False: no room for it)."""
    if _whole(file):
        return True
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            for _ in range(SIZE // 65_536):
                _write(fd, os.urandom(65_536))
            os.fsync(fd)
        finally:
            os.close(fd)
        part.replace(file)
    except OSError:
        with suppress(OSError):
            part.unlink()
        return False
    return True


def give_up(file: Path) -> bool:
    """Free the reserve; return whether there was one to free."""
    try:
        file.unlink()
    except OSError:
        return False
    return True


def _whole(file: Path) -> bool:
    try:
        return file.stat().st_size == SIZE
    except OSError:
        return False


def _write(fd: int, piece: bytes) -> None:
    # A nearly full disk takes part of a write without an error: only the next one fails.
    while piece:
        piece = piece[os.write(fd, piece) :]
