"""A whole database put in the place of the one that is there.

Guarantees: the one that was there keeps its write-ahead log and gets a name of its own before anything of it
is touched; no database ever meets the write-ahead log of another; from the first change to the last there is
a mark that keeps every command from opening what is half done.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from gatekeeper.errors import OperatorError
from gatekeeper.store.copying import put_in_place, set_aside

_STAGE: Final = "restoring"


def placed(file: Path, mark: Path, staged: Path, now: datetime) -> Path | None:
    """Put the database in its place; return the other name of the one that was there. Raises OSError."""
    aside = None
    mark.write_bytes(b"")
    if file.exists():
        aside = _aside(file, now)
        set_aside(file, aside)
    put_in_place(staged, file)
    mark.unlink()
    return aside


def asides(file: Path) -> list[Path]:
    """Return the databases that were there before, as restores left them."""
    return sorted(file.parent.glob(f"{file.name}.before-*[0-9Z]"))


def _aside(file: Path, now: datetime) -> Path:
    first = file.with_name(f"{file.name}.before-{now:%Y%m%dT%H%M%SZ}")
    names = (first.with_name(f"{first.name}-{number}") for number in range(2, 1000))
    return first if not first.exists() else next(name for name in names if not name.exists())


@contextmanager
def stage_in(directory: Path) -> Iterator[Path]:
    """Make a directory beside the database for the time of the restore."""
    stage = directory / _STAGE
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700)
        yield stage
    except OSError as fault:
        raise OperatorError(
            f"{fault.filename or directory} cannot be written ({fault.strerror}): make room, and run this "
            "again"
        ) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
