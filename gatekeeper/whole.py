"""Write a file whole, in place of what was there, or not at all.

Guarantees: whoever opens it meets the old content or the new, also after a crash; what could not be written
leaves nothing behind.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write *file*; a new one has *mode*, less the process's umask. Raises OSError."""
    with written_whole(file, mode) as opened:
        opened.write(content)


@contextmanager
def written_whole(file: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield what *file* will hold once the block ends well, whatever its size. Raises OSError."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    sync(file.parent)


def sync(directory: Path) -> None:
    """Have what was made, renamed or removed in a directory on disk. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
