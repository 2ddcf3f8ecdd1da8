"""Write a file whole, in place of what was there, or not at all.

Guarantees: whoever opens it meets the old content or the new, also after a crash; what could not be written
leaves nothing behind, and the error names the file. What is no file (a pipe, /dev/null) is written to, and
stays what it is. Who writes many files into a directory can hold it meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def write_whole(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write *file*; a new one has *mode*, less the process's umask. Raises OSError."""
    with written_whole(file, mode) as opened:
        opened.write(content)


def write_new(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file that is not there yet, whole or not at all. Raises FileExistsError, OSError."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        write_whole(unfinished, content, mode)
        os.link(unfinished, file)
    except OSError as fault:
        fault.filename, fault.filename2 = str(file), None
        raise
    finally:
        unfinished.unlink(missing_ok=True)
    sync(file.parent)


def write_once(file: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file unless it is there; of several processes at once one does. Raises OSError."""
    if not file.exists():
        with suppress(FileExistsError):
            write_new(file, content, mode)


@contextmanager
def written_whole(file: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield what *file* will hold once the block ends well, whatever its size. Raises OSError."""
    if file.exists() and not file.is_file() and not file.is_dir():
        with _named(file), file.open("wb") as opened:
            yield opened
        return
    with _named(file):
        yield from _in_its_place(file, mode)


def _in_its_place(file: Path, mode: int) -> Iterator[BinaryIO]:
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


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Name the file in an error: that of a full disk names none, others name what is not there any more."""
    try:
        yield
    except OSError as fault:
        if fault.filename is None or Path(str(fault.filename)).name.startswith(f".{file.name}."):
            fault.filename, fault.filename2 = str(file), None
        raise


@contextmanager
def alone(directory: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a directory for one process at a time, until the block ends or the process does.

    Raises BlockingIOError if another holds it, unless this is to *wait*; OSError.
    """
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


def sync(directory: Path) -> None:
    """Have what was made, renamed or removed in a directory on disk. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
