"""What a candidate would have decided beside the law: counts, and a few queries in which the two differ.

Guarantees: counts of several processes add up; nothing here is evidence, and nothing says more of a query
than its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.store.database import Database
from gatekeeper.store.tables import shadow_counts, shadow_examples

_INSERT: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_KEY: Final = tuple(column.name for column in shadow_counts.primary_key)


@dataclass(frozen=True, slots=True)
class ShadowCount:
    """How many decisions of a day fell into a class; of them all, or of those that concern one provision."""

    revision_id: str
    baseline: str
    day: date
    kind: str
    provision: str
    number: int


class Shadows:
    """The table of counts. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, counts: Mapping[Any, int], examples: Sequence[tuple[str, str, str]], *, most: int) -> None:
        """Add to what was counted, and keep examples of a class while there are fewer than *most*."""
        rows = [
            {**dict(zip(_KEY, key, strict=True)), "number": number} for key, number in sorted(counts.items())
        ]
        make = _INSERT[self._database.dialect]
        put = make(shadow_counts)
        up = {"number": shadow_counts.c.number + put.excluded.number}
        with self._database.write() as connection:
            connection.execute(put.on_conflict_do_update(index_elements=list(_KEY), set_=up), rows)
            for revision_id, kind, query_id in examples:
                mine = shadow_examples.c.revision_id == revision_id, shadow_examples.c.kind == kind
                kept = connection.execute(select(func.count()).where(*mine)).scalar_one()
                if kept < most:
                    row = {"revision_id": revision_id, "kind": kind, "query_id": query_id}
                    connection.execute(make(shadow_examples).values(row).on_conflict_do_nothing())

    def counts(self, revision_id: str) -> tuple[ShadowCount, ...]:
        """Return what was counted of a candidate, by day."""
        mine = select(shadow_counts).where(shadow_counts.c.revision_id == revision_id)
        with self._database.read() as connection:
            found = connection.execute(mine.order_by(*(shadow_counts.c[name] for name in _KEY)))
            return tuple(ShadowCount(*row) for row in found)

    def examples(self, revision_id: str) -> tuple[tuple[str, str], ...]:
        """Return the kept queries of a candidate, each with its class."""
        columns = shadow_examples.c
        mine = select(columns.kind, columns.query_id).where(columns.revision_id == revision_id)
        with self._database.read() as connection:
            return tuple((kind, query) for kind, query in connection.execute(mine.order_by(*columns)))
