"""Past decisions as a replay reads them: entry, sealed detail and the decision before, a thousand at once.

Guarantees: nothing is written, and nothing is held open between two readings; decisions come in the log's
order; one whose detail was purged comes without a box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import LargeBinary, String, cast, func, literal, select

from gatekeeper.errors import LedgerUnavailable
from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.store.database import Database
from gatekeeper.store.tables import held_boxes, ledger_entries, private_details

DECIDED: Final = "query.decided"
_CHUNK: Final = 1000

_E = ledger_entries.c
_earlier = ledger_entries.alias("earlier")
# The decision of the same query before this one: what it said, so that what only repeats it can be told.
_BEFORE = (
    select(cast(_earlier.c.entry, LargeBinary))
    .where(_earlier.c.ref == _E.ref, _earlier.c.event == DECIDED, _earlier.c.entry_index < _E.entry_index)
    .order_by(_earlier.c.entry_index.desc())
    .limit(1)
    .correlate(ledger_entries)
    .scalar_subquery()
)
_SLOT = literal(f"{DECIDED}@").concat(cast(_E.entry_index, String))
_DECISIONS = (
    select(
        _E.entry_index,
        cast(_E.entry, LargeBinary).label("entry"),
        cast(_E.leaf_hash, LargeBinary).label("leaf_hash"),
        _E.ref,
        func.coalesce(held_boxes.c.day, private_details.c.day).label("day"),
        func.coalesce(held_boxes.c.box, private_details.c.box).label("box"),
        _BEFORE.label("before"),
    )
    .select_from(ledger_entries)
    .outerjoin(private_details, (private_details.c.ref == _E.ref) & (private_details.c.event == _SLOT))
    .outerjoin(held_boxes, (held_boxes.c.ref == _E.ref) & (held_boxes.c.event == _SLOT))
    .where(_E.event == DECIDED)
    .order_by(_E.entry_index)
)
Found = tuple[StoredEntry, tuple[date, bytes] | None, bytes | None]


class PastDecisions:
    """The decisions of the log. Each method raises LedgerUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def between(self, start: int, stop: int) -> Iterator[Found]:
        """Yield the decisions among the entries *start* to *stop*: entry, day and box, the one before."""
        while start < stop:
            end = min(stop, start + _CHUNK)
            yield from self._read(_DECISIONS.where(_E.entry_index >= start, _E.entry_index < end))
            start = end

    def at(self, places: Sequence[int]) -> Iterator[Found]:
        """Yield the decisions at these indices, in order."""
        for first in range(0, len(places), _CHUNK):
            yield from self._read(_DECISIONS.where(_E.entry_index.in_(places[first : first + _CHUNK])))

    def places(self, start: int, stop: int) -> Iterator[int]:
        """Yield the indices of the decisions among the entries *start* to *stop*."""
        while start < stop:
            end = min(stop, start + _CHUNK)
            with self._database.read(error=LedgerUnavailable) as connection:
                yield from (
                    connection.execute(
                        select(_E.entry_index)
                        .where(_E.event == DECIDED, _E.entry_index >= start, _E.entry_index < end)
                        .order_by(_E.entry_index)
                    )
                    .scalars()
                    .all()
                )
            start = end

    def _read(self, asked: Any) -> list[Found]:
        with self._database.read(error=LedgerUnavailable) as connection:
            return [
                (
                    StoredEntry(row.entry_index, row.entry, row.leaf_hash, DECIDED, row.ref),
                    None if row.box is None else (row.day, row.box),
                    row.before,
                )
                for row in connection.execute(asked)
            ]
