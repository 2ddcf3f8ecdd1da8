"""What is checked before the service starts: that the log still is the one that was signed.

Guarantees: a log that was cut short, rolled back, or whose recent entries were changed is refused, with a
sentence that says what does not fit. The whole log is `verify`'s work; this takes milliseconds: (1) the last
entry is where the head says; (2) the head's frontier is what tiles and leaf hashes give; (3) the entries
after the last complete tile have their hashes; (4) the checkpoint kept in the database and (5) the one in the
file are signed by our key, are not of a larger log, and have the root that this log has at their size.
"""

from __future__ import annotations

from pathlib import Path

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.checkpoint import Checkpoint, CheckpointRefused, VerifierKey, open_checkpoint
from gatekeeper.ledger.merkle import frontier_at, leaf_hash, root
from gatekeeper.ledger.rows import Head, Rows
from gatekeeper.ledger.tiles import WIDTH, TileReader


def check_tail(rows: Rows, key: VerifierKey, checkpoint_file: Path | None) -> None:
    """Compare the log's end with its head and its kept checkpoints; raises LedgerCorrupt.

    Others may be writing: a worker is replaced, or an operator asks, under load.
    """
    # Before the head, so that none of them can be of a log that has grown since.
    kept = (
        ("in the database", rows.last_checkpoint()),
        (f"in {checkpoint_file}", _read(checkpoint_file)),
    )
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
    # (4) and (5) the kept checkpoints
    for where, text in kept:
        _compare(text, where, head, reader, key)


def check_continues(rows: Rows, key: VerifierKey, where: str, text: str) -> Checkpoint:
    """Return a checkpoint that this log continues; *where* it was kept. Raises LedgerCorrupt."""
    _compare(text, where, rows.head(), TileReader(rows), key)
    return open_checkpoint(text, key)


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


def _compare(text: str | None, where: str, head: Head, reader: TileReader, key: VerifierKey) -> None:
    if text is None:
        return
    try:
        checkpoint = open_checkpoint(text, key)
    except CheckpointRefused as error:
        raise LedgerCorrupt(f"the checkpoint {where} is refused: {error}") from error
    if checkpoint.size > head.size:
        raise LedgerCorrupt(
            f"the checkpoint {where} was signed over {checkpoint.size} entries, but only {head.size} are"
            " left: the log was truncated or an old copy restored"
        )
    if root(frontier_at(checkpoint.size, reader.node)) != checkpoint.root:
        raise LedgerCorrupt(
            f"the first {checkpoint.size} entries are not those that the checkpoint {where} was signed over"
        )
