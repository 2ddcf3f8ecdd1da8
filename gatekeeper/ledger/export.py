"""The published log copied into a plain directory, which any web server can serve as it is.

The procedure: (1) what a checkpoint there says must be a beginning of this log; (2) the files up to the
published size, each whole or not there; (3) the checkpoint, once all of them are on disk; (4) the parts of
tiles that are complete now are taken away. Guarantees: at every moment, also after a crash, the checkpoint in
the directory covers only files that are there; a directory that another log, or another history of this log,
was copied to is left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from gatekeeper.errors import LedgerCorrupt, OperatorError
from gatekeeper.ledger.checkpoint import Checkpoint, CheckpointRefused, VerifierKey, open_checkpoint
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.published import CHECKPOINT, Announced, Published
from gatekeeper.ledger.rows import Rows
from gatekeeper.ledger.tail import Others
from gatekeeper.ledger.tiles import HEIGHT, WIDTH, TileReader, path
from gatekeeper.whole import alone, write_whole

_LARGEST: Final = 64 * 1024


class AnotherHistory(LedgerCorrupt):
    """What was copied earlier is no beginning of this log: one of the two was altered, or rolled back."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What an export did: the size it reached, files written and found right, and those that were altered."""

    size: int
    written: int
    kept: int
    mended: tuple[str, ...]


def export(
    published: Published, rows: Rows, key: VerifierKey, directory: Path, *, whole: bool = False
) -> Copied:
    """Copy the published log into a directory; again, only what is new, or with *whole* compare every file.

    Raises OperatorError for a directory that cannot be used, AnotherHistory, LedgerCorrupt, an Unavailable.
    """
    if not directory.parent.is_dir():
        raise OperatorError(f"{directory.parent} is no directory: mkdir -p {directory.parent}")
    try:
        directory.mkdir(exist_ok=True)
        with alone(directory):  # two exports would write the same files
            return _copy(published, rows, key, directory, whole=whole)
    except BlockingIOError:
        raise OperatorError(f"another export writes to {directory} now: wait for it") from None
    except OSError as fault:
        raise OperatorError(
            f"{directory} cannot be written ({fault.strerror}): what was complete there still is; make room "
            "or give it to this user, and run this again"
        ) from None


def _copy(published: Published, rows: Rows, key: VerifierKey, directory: Path, *, whole: bool) -> Copied:
    # (1) what is there
    before = _before(directory, rows, key)
    text = published.file(CHECKPOINT)
    size = open_checkpoint(text.decode(), key).size
    if before is not None and before.size > size:
        return Copied(before.size, 0, 0, ())  # more was published when it was copied, by another setting
    # (2) the files
    since = 0 if before is None or whole else before.size
    written, kept, mended = 0, 0, []
    for name in _names(since, size):
        file, body = directory / name, published.file(name)
        there = _read(file)
        if there == body:
            kept += 1
            continue
        if there is not None:  # what stands under one path never changes
            mended.append(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_name(f".{file.name}.unfinished")
        try:
            unfinished.write_bytes(body)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
        written += 1
    # (3) the checkpoint
    os.sync()
    write_whole(directory / CHECKPOINT, text)
    # (4) what is complete now
    _tidy(directory, since, size)
    return Copied(size, written, kept, tuple(mended))


def _before(directory: Path, rows: Rows, key: VerifierKey) -> Checkpoint | None:
    """Return what the directory's checkpoint says, if it has one that this log continues."""
    text = _read(directory / CHECKPOINT)
    if text is None:
        strange = sorted(
            p.name for p in directory.iterdir() if p.name != "tile" and not p.name.startswith(".")
        )
        if strange:
            raise OperatorError(f"{directory} holds {strange[0]}: name a directory for the log alone")
        return None
    try:
        there = open_checkpoint(text.decode("utf-8", "replace"), key)
    except CheckpointRefused as fault:
        raise OperatorError(
            f"{directory / CHECKPOINT} is not this log's ({fault}): name another directory"
        ) from None
    head = rows.head()
    if there.size > head.size:
        raise AnotherHistory(
            f"{directory} holds {there.size} entries, this log only {head.size}: the log was cut short, or "
            "an old copy restored"
        )
    if root(frontier_at(there.size, TileReader(rows).node)) != there.root:
        raise AnotherHistory(f"the first {there.size} entries are not those that {directory} holds")
    return there


def copied_checkpoint(directory: str) -> str | None:
    """Return the checkpoint of a copy; None before there is one, or where no directory is named.

    Raises LedgerCorrupt if it cannot be read.
    """
    if not directory:
        return None
    file = Path(directory) / CHECKPOINT
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise LedgerCorrupt(f"the published copy's {file} cannot be read: {fault.strerror}") from None


def seen(last: Callable[[], Announced | None], directory: str) -> Others:
    """Return what shows the published checkpoints that can be seen from here, for the checks of the tail.

    *last* returns the last one that the city published, *directory* is a copy's, or empty.
    """

    def others() -> list[tuple[str, str]]:
        announced, copied = last(), copied_checkpoint(directory)
        found = [] if announced is None else [("that was published last", announced.text)]
        return found if copied is None else [*found, (f"of the published copy in {directory}", copied)]

    return others


def _names(since: int, size: int) -> Iterator[str]:
    """Yield the files that a log of *size* has beyond one of *since*."""
    levels: list[tuple[Literal["entries"] | int, int]] = [("entries", 0), (0, 0)]
    level = 1
    while size >> HEIGHT * level:
        levels.append((level, level))
        level += 1
    for name, height in levels:
        nodes, known = size >> HEIGHT * height, since >> HEIGHT * height
        for number in range(known // WIDTH, -(-nodes // WIDTH)):
            yield path(name, number, min(WIDTH, nodes - number * WIDTH))


def _tidy(directory: Path, since: int, size: int) -> None:
    """Take away the parts of each tile that has become complete."""
    for name in _names(since, size):
        parts = directory / f"{name}.p"
        if parts.is_dir():
            for part in parts.iterdir():
                part.unlink()
            parts.rmdir()


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
