"""What the log asks of the database: read, append, and nothing that changes or removes an entry.

Guarantees: a transaction holds the log's lock from before its first read to after its commit, so indices
have no gap and a stop that is committed is seen by every later transaction; entries, tiles, head and the rows
that belong to them appear together or not at all; no row appears without an entry that tells of it; after any
statement failed nothing of the transaction can be committed (PostgreSQL would answer COMMIT with a silent
rollback). RFC 6962 section 2.1 for the tree, C2SP tlog-tiles for the tiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

from sqlalchemy import LargeBinary, Row, bindparam, cast, insert, literal, select, union_all

from gatekeeper.errors import LedgerCorrupt, LedgerUnavailable
from gatekeeper.ledger.rows import Head, StoredEntry
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_transaction import HEAD, LedgerTransaction, head_of
from gatekeeper.store.tables import (
    held_boxes,
    ledger_checkpoints,
    ledger_entries,
    private_details,
)
from gatekeeper.store.writing import storable

CHUNK: Final = 1024
"""Entries read at once: a long reading holds no snapshot open, and the log only grows."""

# As bytes whatever stands there: who writes a text into SQLite's column must not end an auditor's reading.
_ENTRY = select(
    ledger_entries.c.entry_index,
    cast(ledger_entries.c.entry, LargeBinary).label("entry"),
    cast(ledger_entries.c.leaf_hash, LargeBinary).label("leaf_hash"),
    ledger_entries.c.event,
    ledger_entries.c.ref,
)
_LEAVES = select(ledger_entries.c.entry_index, ledger_entries.c.leaf_hash)
_READ = (
    "SELECT entry_index, CAST(entry AS {0}), CAST(leaf_hash AS {0}), event, ref FROM ledger_entries"
    " WHERE entry_index >= ? AND entry_index < ? ORDER BY entry_index LIMIT ?"
)
_TILE = "SELECT CAST(hashes AS {0}) FROM ledger_tiles WHERE level = ? AND number = ?"
_CHECKPOINT = (
    select(ledger_checkpoints.c.size, ledger_checkpoints.c.root, ledger_checkpoints.c.text)
    .order_by(ledger_checkpoints.c.size.desc())
    .limit(1)
)
_CHECKPOINTS = (
    select(ledger_checkpoints.c.size, ledger_checkpoints.c.text)
    .order_by(ledger_checkpoints.c.size, ledger_checkpoints.c.text_sha256)
    .limit(CHUNK)
)


class LedgerRows:
    """The ``Rows`` of ``gatekeeper.ledger`` on the gatekeeper's own database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        blob = "BLOB" if database.dialect == "sqlite" else "BYTEA"
        self._entries, self._tile = _READ.format(blob), _TILE.format(blob)

    @contextmanager
    def transaction(self) -> Iterator[LedgerTransaction]:
        """Yield a transaction under the log's lock; commit at the end of the block, or else roll back.

        Raises LedgerUnavailable if the lock does not come, a statement failed, or the commit does.
        """
        with self._database.log() as driver:
            transaction = LedgerTransaction(driver, self._database.kind)
            yield transaction
            transaction.complete()

    def head(self) -> Head:
        """Return the size, frontier and time of the log. Raises LedgerUnavailable."""
        with self._read() as connection:
            return head_of(connection.exec_driver_sql(HEAD).one_or_none())

    def entry(self, index: int) -> StoredEntry | None:
        """Return the entry of that index, or None. Raises LedgerUnavailable."""
        return next(iter(self._chunk(index, index + 1)), None)

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield the entries from *start* up to *stop*, as many as there are. Raises LedgerUnavailable."""
        while start < stop:
            chunk = self._chunk(start, stop)
            yield from chunk
            if len(chunk) < CHUNK:
                return
            start = chunk[-1].index + 1  # not CHUNK further: whoever took an entry away must not end this

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Return the leaf hashes from *start* up to *stop*. Raises LedgerUnavailable, LedgerCorrupt."""
        position = ledger_entries.c.entry_index
        with self._read() as connection:
            rows = connection.execute(
                _LEAVES.where(position >= start, position < stop).order_by(position)
            ).all()
        if [row.entry_index for row in rows] != list(range(start, start + len(rows))):
            raise LedgerCorrupt("the log has a gap")
        return [row.leaf_hash for row in rows]

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a completed tile's 256 hashes, or None. Raises LedgerUnavailable."""
        found = self._database.rows(self._tile, (level, number), error=LedgerUnavailable)
        return found[0][0] if found else None

    def entries_of(self, ref: str) -> list[StoredEntry]:
        """Return every entry about *ref*, in the log's order. Raises LedgerUnavailable."""
        if not storable(ref):
            return []
        with self._read() as connection:
            found = connection.execute(
                _ENTRY.where(ledger_entries.c.ref == ref).order_by(ledger_entries.c.entry_index)
            )
            return [_stored(row) for row in found]

    def of_events(self, events: Sequence[str]) -> Iterator[StoredEntry]:
        """Yield every entry that is stored as one of these events, in the log's order.

        There is an index for those of legal holds; for others the whole log is looked through. Raises
        LedgerUnavailable.
        """
        position, after = ledger_entries.c.entry_index, -1
        # In the statement's text: an index of some rows is used where these are plainly among them.
        these: Any = bindparam("events", list(events), expanding=True, literal_execute=True)
        while True:
            asked = _ENTRY.where(ledger_entries.c.event.in_(these), position > after)
            with self._read() as connection:
                chunk = [_stored(row) for row in connection.execute(asked.order_by(position).limit(CHUNK))]
            yield from chunk
            if len(chunk) < CHUNK:
                return
            after = chunk[-1].index

    def last_checkpoint(self) -> str | None:
        """Return the signed checkpoint of the greatest size, or None. Raises LedgerUnavailable."""
        with self._read() as connection:
            row = connection.execute(_CHECKPOINT).one_or_none()
            return None if row is None else row.text

    def checkpoints(self, of_size: int = 0) -> Iterator[str]:
        """Yield every kept checkpoint of this size or a larger one, the smallest first.

        Raises LedgerUnavailable.
        """
        after = of_size - 1
        while True:
            with self._read() as connection:
                found = connection.execute(_CHECKPOINTS.where(ledger_checkpoints.c.size > after)).all()
            yield from (row.text for row in found)
            if len(found) < CHUNK:
                return
            after = found[-1].size

    def save_checkpoint(self, size: int, root: bytes, text: str) -> None:
        """Keep a signed checkpoint; one that is kept already, or is of a smaller size, changes nothing.

        Raises LedgerCorrupt for another root of the same size (a fork), LedgerUnavailable otherwise.
        """
        with self._database.write(ledger=True, error=LedgerUnavailable) as connection:
            last = connection.execute(_CHECKPOINT).one_or_none()
            if last is not None and last.size == size and last.root != root:
                raise LedgerCorrupt("two roots of one size")
            if last is not None and (last.size > size or (last.size == size and last.text == text)):
                return
            row: Mapping[str, Any] = {
                "size": size,
                "text_sha256": hashlib.sha256(text.encode()).digest(),
                "root": root,
                "text": text,
            }
            connection.execute(insert(ledger_checkpoints), row)

    def box(self, ref: str, event: str) -> tuple[date, bytes] | None:
        """Return the sealed private detail of an entry and the day of its key, or None if it was purged.

        What is held beyond its day comes as it was sealed anew. Raises LedgerUnavailable.
        """
        if not storable(ref) or not storable(event):
            return None
        with self._read() as connection:
            found = union_all(
                *(
                    select(literal(place).label("place"), table.c.day, table.c.box).where(
                        table.c.ref == ref, table.c.event == event
                    )
                    for place, table in enumerate((held_boxes, private_details))
                )
            )
            row = connection.execute(found.order_by("place").limit(1)).one_or_none()
            return None if row is None else (row.day, row.box)

    def _read(self) -> Any:
        return self._database.read(error=LedgerUnavailable)

    def _chunk(self, start: int, stop: int) -> Sequence[StoredEntry]:
        rows = self._database.rows(self._entries, (start, stop, CHUNK), error=LedgerUnavailable)
        return [*map(StoredEntry._make, rows)]


def _stored(row: Row[Any]) -> StoredEntry:
    return StoredEntry(
        index=row.entry_index, entry=row.entry, leaf_hash=row.leaf_hash, event=row.event, ref=row.ref
    )
