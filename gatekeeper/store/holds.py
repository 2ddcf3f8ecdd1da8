"""Legal holds: which queries' private detail a court needs beyond its time.

Guarantees: nothing is written here; rows come with their log entry. A hold is lifted once, and stays on
record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import legal_holds
from gatekeeper.store.values import LegalHold
from gatekeeper.store.writing import storable

_HOLD = select(*(legal_holds.c[name] for name in LegalHold.__dataclass_fields__))


class Holds:
    """The reading side of holds. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, hold_id: str) -> LegalHold | None:
        """Return the hold of that id, lifted or not, or None."""
        return next(iter(self._read(legal_holds.c.id == hold_id)), None) if storable(hold_id) else None

    def of(self, query_id: str) -> Sequence[LegalHold]:
        """Return the holds in force on a query, the oldest first."""
        if not storable(query_id):
            return ()
        return self._read(legal_holds.c.query_id == query_id, legal_holds.c.lifted_at.is_(None))

    def in_force(self) -> Sequence[LegalHold]:
        """Return all holds in force, the oldest first."""
        return self._read(legal_holds.c.lifted_at.is_(None))

    def all(self) -> Sequence[LegalHold]:
        """Return every hold that ever was, the oldest first."""
        return self._read()

    def lifted(self, *, most: int, after: tuple[datetime, str] | None = None) -> Sequence[LegalHold]:
        """Return holds that were lifted, the one lifted last first; *after* one's time of lifting and id."""
        columns = legal_holds.c
        found = _HOLD.where(columns.lifted_at.is_not(None))
        if after is not None:
            found = found.where(tuple_(columns.lifted_at, columns.id) < tuple_(*after))
        with self._database.read() as connection:
            ordered = found.order_by(columns.lifted_at.desc(), columns.id.desc()).limit(most)
            return tuple(LegalHold(*row) for row in connection.execute(ordered))

    def _read(self, *conditions: Any) -> Sequence[LegalHold]:
        asked = _HOLD.where(*conditions).order_by(legal_holds.c.placed_at, legal_holds.c.id)
        with self._database.read() as connection:
            return tuple(LegalHold(*row) for row in connection.execute(asked))


def place(hold_id: str, query_id: str, at: datetime) -> tuple[Row, ...]:
    """Return the row of a hold; it is in force from the commit on."""
    return (Insert("legal_holds", {"id": hold_id, "query_id": query_id, "placed_at": at}),)


def lift(hold_id: str, at: datetime) -> tuple[Row, ...]:
    """Return the row that lifts a hold in force; a hold is lifted once."""
    return (Alter("legal_holds", {"id": hold_id, "lifted_at": None}, {"lifted_at": at}),)
