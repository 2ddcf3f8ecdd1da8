"""An index of the log's public entries, by agency and event, kept up with the log when it is looked at.

What is here is derived from the entries and may be made anew; who finds an entry by it reads the entry
itself. Guarantees: every entry before ``reach`` is in the index once for its event and once for each agency
that it names (as the one that asks, the one that it asks for, or the one that is stopped), and none after it;
any number of processes may bring it forward at once; a question is a walk along one key, whatever the log's
size. Nothing is written here on the way of a query.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import func, insert, select, update

from gatekeeper.ledger.entries import agencies_in
from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.store.database import Database
from gatekeeper.store.tables import ledger_search, ledger_search_reach
from gatekeeper.store.writing import storable

ANY: Final = ""
"""The agency under which every entry stands."""

_REACH = select(ledger_search_reach.c.upto)
_LONGEST: Final = 128


class LedgerSearch:
    """The index. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reach(self) -> int:
        """Return how many entries, from the first, are in the index."""
        with self._database.read() as connection:
            return int(connection.execute(_REACH).scalar_one())

    def fold(self, first: int, end: int, entries: Sequence[StoredEntry]) -> bool:
        """Put in the entries ``first <= index < end``, as there are; False if they are not next."""
        if not first < end or any(not first <= entry.index < end for entry in entries):
            return False
        rows = [
            {"agency": agency, "event": entry.event, "entry_index": entry.index}
            for entry in entries
            for agency in (ANY, *filter(_named, agencies_in(entry.entry)))
        ]
        forward = update(ledger_search_reach).where(ledger_search_reach.c.upto == first).values(upto=end)
        with self._database.write() as connection:
            if connection.execute(forward).rowcount != 1:
                return False  # another process was here first
            if rows:
                connection.execute(insert(ledger_search), rows)
        return True

    def find(self, agency: str, events: Sequence[str], *, low: int, high: int, most: int) -> tuple[int, ...]:
        """Return the latest entries ``low <= index < high`` of these events that name the agency."""
        if not storable(agency):
            return ()
        columns = ledger_search.c
        asked = (
            select(columns.entry_index)
            .where(columns.agency == agency, columns.entry_index >= low, columns.entry_index < high)
            .order_by(columns.entry_index.desc())
            .limit(most)
        )
        with self._database.read() as connection:
            walks: list[Sequence[Any]] = [
                connection.execute(asked.where(columns.event == event)).scalars().all() for event in events
            ]
        return tuple(islice(heapq.merge(*walks, reverse=True), most))

    def count(self, agencies: Sequence[str], event: str, *, low: int, most: int) -> int:
        """Return how many entries of the event since *low* name any of the agencies; counted up to *most*."""
        columns = ledger_search.c
        some = (
            select(columns.entry_index)
            .distinct()
            .where(columns.agency.in_(agencies), columns.event == event, columns.entry_index >= low)
            .limit(most)
            .subquery()
        )
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def _named(agency: str) -> bool:
    return len(agency) <= _LONGEST and storable(agency)
