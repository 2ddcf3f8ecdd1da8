"""What is checked before the service starts: that the log still is the one that was signed.

Guarantees: a log that was cut short, rolled back, or whose recent entries were changed is refused, with a
sentence that says what does not fit. The whole log is `verify`'s work; this takes milliseconds: (1) the last
entry is where the head says; (2) the head's frontier is what tiles and leaf hashes give; (3) the entries
after the last complete tile have their hashes; (4) the checkpoint kept in the database, (5) the one in the
file and (6) those that were published are signed by our key, are not of a larger log, and have the root that
this log has at their size. What a process came to know so, it does not forget (`Standing`): a log that was
put back under it is neither added to nor signed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.checkpoint import Checkpoint, CheckpointRefused, VerifierKey, open_checkpoint
from gatekeeper.ledger.merkle import frontier_at, leaf_hash, root
from gatekeeper.ledger.rows import Head, Rows
from gatekeeper.ledger.tiles import WIDTH, TileReader

Others = Callable[[], Iterable[tuple[str, str]]]
"""Returns further checkpoints that can be seen from here: where each is, and its text."""

CURE: Final = (
    "Nothing is served from this log, and nothing added to it. If it was put back, complete it: gatekeeper "
    "restore --published DIRECTORY-OR-ADDRESS --reason …, or put back what is newer (deploy/README.md, "
    '"Backup and recovery")'
)


class Contradicted(LedgerCorrupt):
    """This log is not the one, or not all of the one, that a checkpoint of its own key was signed over."""


class Standing:
    """What one process knows of the log: the largest size that it had, and why it does not fit, if so."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._size = 0
        self.fault: LedgerCorrupt | None = None

    def note(self, size: int) -> None:
        """Remember that the log had so many entries."""
        with self._mutex:
            self._size = max(self._size, size)

    def head(self, read: Callable[[], Head]) -> Head:
        """Return a head that may be added to and signed. Raises LedgerCorrupt, and what *read* raises."""
        known = self._size  # before it is read: others may be adding
        head = read()
        if self.fault is not None:
            raise self.fault
        if head.size < known:
            self.fault = Contradicted(
                f"the log has {head.size} entries, and had {known}: it was put back. {CURE}"
            )
            raise self.fault
        return head


def check_tail(
    rows: Rows,
    key: VerifierKey,
    checkpoint_file: Path | None,
    others: Others = tuple,
    note: Callable[[int], None] = lambda _: None,
) -> None:
    """Compare the log's end with its head, its kept checkpoints and the others; raises LedgerCorrupt.

    *note* hears the size of each checkpoint of our key, also where this ends with an error. Others may be
    writing: a worker is replaced, or an operator asks, under load. Raises what *others* raises.
    """
    # Before the head, so that none of them can be of a log that has grown since.
    kept = (
        ("in the database", rows.last_checkpoint()),
        (f"in {checkpoint_file}", _read(checkpoint_file)),
        *others(),
    )
    opened = [(where, _opened(text, where, key)) for where, text in kept if text is not None]
    for _, checkpoint in opened:
        note(checkpoint.size)
    head = rows.head()
    reader = TileReader(rows)
    # (1) the last entry
    if head.size and rows.entry(head.size - 1) is None:
        raise LedgerCorrupt(f"the head says {head.size} entries, but entry {head.size - 1} is missing")
    # An entry and the head that counts it are one commit, so only a head read later may know of it.
    if rows.entry(head.size) is not None and rows.head().size == head.size:
        raise LedgerCorrupt(f"the head says {head.size} entries, but there is an entry {head.size}")
    # (2) the frontier
    if frontier_at(head.size, reader.node) != head.frontier:
        raise LedgerCorrupt(f"the hashes of the first {head.size} entries do not give the head's frontier")
    # (3) the entries after the last complete tile (or in it, if the head has just completed it)
    start = max(0, (head.size - 1) // WIDTH * WIDTH)
    expected = reader.hashes(0, start, head.size) if head.size else []
    found = list(rows.entries(start, head.size))
    if [entry.index for entry in found] != list(range(start, head.size)):
        raise LedgerCorrupt(f"entries are missing between {start} and {head.size - 1}")
    for entry, promised in zip(found, expected, strict=True):
        if leaf_hash(entry.entry) != promised:
            raise LedgerCorrupt(f"entry {entry.index} was altered: its hash is not the one in the tree")
    # (4) to (6) the checkpoints
    for where, checkpoint in opened:
        _compare(checkpoint, where, head, reader)


def check_continues(rows: Rows, key: VerifierKey, where: str, text: str) -> Checkpoint:
    """Return a checkpoint that this log continues; *where* it was kept. Raises LedgerCorrupt."""
    checkpoint = _opened(text, where, key)
    _compare(checkpoint, where, rows.head(), TileReader(rows))
    return checkpoint


def _read(file: Path | None) -> str | None:
    """Return the kept file; one that is not there yet is a new node's, or a crash in the first second."""
    if file is None:
        return None
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise LedgerCorrupt(f"the checkpoint in {file} cannot be read") from None


def _opened(text: str, where: str, key: VerifierKey) -> Checkpoint:
    try:
        return open_checkpoint(text, key)
    except CheckpointRefused as error:
        raise LedgerCorrupt(f"the checkpoint {where} is refused: {error}") from error


def _compare(checkpoint: Checkpoint, where: str, head: Head, reader: TileReader) -> None:
    if checkpoint.size > head.size:
        raise Contradicted(
            f"the checkpoint {where} was signed over {checkpoint.size} entries, but only {head.size} are"
            f" left: the log was truncated or an old copy restored. {CURE}"
        )
    if root(frontier_at(checkpoint.size, reader.node)) != checkpoint.root:
        raise Contradicted(
            f"the first {checkpoint.size} entries are not those that the checkpoint {where} was signed over:"
            " these are two histories. Keep both, serve neither, and find out who wrote them: gatekeeper"
            " ledger verify"
        )
