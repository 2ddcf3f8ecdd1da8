"""Entries that a restored log had lost, put back exactly where they were, and the entry that tells of it.

Guarantees: entries, their tiles, the new head, the telling entry and its rows are one commit, so nothing can
come between; an index is given again only to the very entry that had it, for what is put back must lead to
the root that was signed; what does not is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.errors import ClockUnreliable, GatekeeperError, KeyErased, LedgerCorrupt, LedgerUnavailable
from gatekeeper.ledger.batch import boxed
from gatekeeper.ledger.canonical import Json, decoded
from gatekeeper.ledger.checkpoint import Checkpoint
from gatekeeper.ledger.clock import TOLERANCE_MS, Clock
from gatekeeper.ledger.detail import DayKeys
from gatekeeper.ledger.entries import MAX_ENTRY_BYTES, Draft, fault_in, hour_of, seal
from gatekeeper.ledger.merkle import extend, leaf_hash, root
from gatekeeper.ledger.rows import Head, Row, Rows, StoredEntry
from gatekeeper.ledger.tiles import completed


def continues(head: Head, lost: Sequence[bytes], *signed: Checkpoint) -> None:
    """Refuse entries that do not lead from a head to each of the signed roots; raises LedgerCorrupt.

    Each of *signed* is of the head's size or larger, and of no more entries than there are.
    """
    leaves = [leaf_hash(entry) for entry in lost]
    for checkpoint in signed:
        beyond = checkpoint.size - head.size
        if not 0 <= beyond <= len(leaves):
            raise LedgerCorrupt(f"there are not the entries that a checkpoint of {checkpoint.size} signs")
        if root(extend(head.frontier, head.size, leaves[:beyond])) != checkpoint.root:
            raise LedgerCorrupt(
                f"they do not lead to what the log signed at {checkpoint.size} entries: they were altered, "
                "or are of another history"
            )


def said_by(index: int, entry: bytes) -> dict[str, Json]:
    """Return what a lost entry says. Raises LedgerCorrupt for what this program does not know as an entry."""
    try:
        document = decoded(entry)
        fault = fault_in(document) if len(entry) <= MAX_ENTRY_BYTES else "it is too long"
    except (GatekeeperError, ValueError) as error:
        raise LedgerCorrupt(f"entry {index} is no entry: {type(error).__name__}") from None
    if fault is not None:
        raise LedgerCorrupt(
            f"entry {index} is not one that this program knows ({fault}): is it an older one?"
        )
    return document


def refill(
    rows: Rows,
    keys: DayKeys,
    clock: Clock,
    *,
    lost: Sequence[bytes],
    signed: Checkpoint | None,
    draft: Draft,
    changes: Sequence[Row],
) -> int:
    """Put back what was lost and add an entry after it, with its rows; return that entry's index.

    *signed* is what the lost entries lead to; None if there are none. Raises LedgerCorrupt, ClockUnreliable,
    LedgerUnavailable, and what the rows' tables raise: then nothing was written.
    """
    start = 0 if signed is None else signed.size - len(lost)
    # Before the lock: a server ends a transaction in which nothing is sent for long.
    back = [
        _stored(start + offset, entry, said_by(start + offset, entry)) for offset, entry in enumerate(lost)
    ]
    now = clock.now()
    hours = [str(said_by(0, entry)["hour"]) for entry in lost[-1:]]
    if any(hour_of(now) < hour for hour in hours):
        raise ClockUnreliable("the clock is behind the log's last entry: set the clock")
    try:
        sealed = seal(draft, now, keys)
    except (KeyErased, OSError):
        raise LedgerUnavailable("the directory of day keys cannot be used") from None
    with rows.transaction() as transaction:
        head = transaction.head()
        if signed is not None:
            continues(head, lost, signed)
        if len(lost) != (0 if signed is None else signed.size - head.size):
            raise LedgerCorrupt("what is put back does not end where it was signed")
        if sealed.at_ms < head.at_ms - TOLERANCE_MS:
            raise ClockUnreliable("the clock is behind the log's last entry: set the clock")
        index = head.size + len(lost)
        entries = [*back, StoredEntry(index, sealed.entry, sealed.leaf_hash, draft.event, draft.ref)]
        leaves = [one.leaf_hash for one in entries]
        grown = Head(index + 1, extend(head.frontier, head.size, leaves), max(sealed.at_ms, head.at_ms))
        transaction.write([*changes, boxed(sealed, index)])
        transaction.append(entries, completed(rows, head.size, leaves), grown)
    return index


def _stored(index: int, entry: bytes, document: dict[str, Json]) -> StoredEntry:
    return StoredEntry(index, entry, leaf_hash(entry), str(document["event"]), str(document["ref"]))
