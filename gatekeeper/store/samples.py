"""Samples of permits: what was drawn, and every mark of it.

Guarantees: what was drawn and how it was marked can be added to and read, never changed; of two draws from
the same that come at once one is refused, and of two marks of the same permit the second (both are rows that
the log commits with their entries); nothing here is private: why a permit was marked is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Table, func, select

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import review_events, sample_items, sample_marks, samples
from gatekeeper.store.values import Sample, SampleItem, SampleMark
from gatekeeper.store.writing import storable


def _all(table: Table, kind: type) -> Any:
    return select(*(table.c[name] for name in kind.__dataclass_fields__))  # type: ignore[attr-defined]


_SAMPLE: Final = _all(samples, Sample)
_ITEM: Final = _all(sample_items, SampleItem)
_MARK: Final = _all(sample_marks, SampleMark)


class Samples:
    """The reading side. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, most: int) -> tuple[tuple[Sample, int], ...]:
        """Return the latest samples, each with how many of its permits were marked."""
        statement = (
            _SAMPLE.add_columns(
                select(func.count())
                .where(sample_items.c.sample_id == samples.c.id, sample_items.c.marks > 0)
                .scalar_subquery()
            )
            .order_by(samples.c.at.desc(), samples.c.id)
            .limit(most)
        )
        with self._database.read() as connection:
            return tuple((Sample(*row[:-1]), row[-1]) for row in connection.execute(statement))

    def find(self, sample_id: str) -> Sample | None:
        """Return the sample of that id, or None."""
        if not storable(sample_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_SAMPLE.where(samples.c.id == sample_id)).one_or_none()
        return None if row is None else Sample(*row)

    def drawn_from(self, same: str) -> int:
        """Return how often a sample was drawn from exactly this."""
        statement = (
            select(func.count())
            .select_from(samples)
            .where(samples.c.drawn_from.startswith(f"{same}#", autoescape=True))
        )
        if not storable(same):
            return 0
        with self._database.read() as connection:
            return connection.execute(statement).scalar_one()

    def unfinished(self, agency_id: str | None, category: str | None) -> tuple[Sample, ...]:
        """Return the samples drawn with these filters in which a permit is not marked yet."""
        if not storable(f"{agency_id}{category}"):
            return ()
        unmarked = select(sample_items.c.sample_id).where(sample_items.c.marks == 0)
        statement = _SAMPLE.where(
            samples.c.agency_id.is_(None) if agency_id is None else samples.c.agency_id == agency_id,
            samples.c.category.is_(None) if category is None else samples.c.category == category,
            samples.c.id.in_(unmarked),
        )
        with self._database.read() as connection:
            return tuple(Sample(*row) for row in connection.execute(statement))

    def items(self, sample_id: str) -> tuple[SampleItem, ...]:
        """Return the permits of a sample, in the order in which they were drawn."""
        if not storable(sample_id):
            return ()
        statement = _ITEM.where(sample_items.c.sample_id == sample_id).order_by(sample_items.c.number)
        with self._database.read() as connection:
            return tuple(SampleItem(*row) for row in connection.execute(statement))

    def marks(self, sample_id: str) -> tuple[SampleMark, ...]:
        """Return every mark of a sample's permits, those of one permit in their order."""
        if not storable(sample_id):
            return ()
        statement = _MARK.where(sample_marks.c.sample_id == sample_id).order_by(
            sample_marks.c.number, sample_marks.c.mark
        )
        with self._database.read() as connection:
            return tuple(SampleMark(*row) for row in connection.execute(statement))

    def tally(self) -> tuple[tuple[str, str, int], ...]:
        """Count the permits of every sample by category and by the verdict that counts, the last."""
        last = (sample_marks.c.sample_id == sample_items.c.sample_id) & (
            sample_marks.c.number == sample_items.c.number
        )
        statement = (
            select(sample_items.c.category, sample_marks.c.verdict, func.count())
            .join(sample_marks, last & (sample_marks.c.mark == sample_items.c.marks))
            .group_by(sample_items.c.category, sample_marks.c.verdict)
        )
        with self._database.read() as connection:
            return tuple((row[0], row[1], row[2]) for row in connection.execute(statement))

    def who_acted(self, query_id: str) -> frozenset[str]:
        """Return who moved the review of a query: they do not judge what came of it."""
        if not storable(query_id):
            return frozenset()
        statement = select(review_events.c.actor).where(review_events.c.query_id == query_id)
        with self._database.read() as connection:
            return frozenset(connection.execute(statement).scalars())


def draw(sample: Any, items: Sequence[Any]) -> tuple[Row, ...]:
    """Return the rows of a sample that was drawn; *items* in their order."""
    values = {name: getattr(sample, name) for name in Sample.__dataclass_fields__}
    return Insert("samples", values), *(
        Insert("sample_items", {name: getattr(item, name) for name in SampleItem.__dataclass_fields__})
        for item in items
    )


def mark(item: Any, made: Any) -> tuple[Row, ...]:
    """Return the rows of a mark of a permit that was marked as often as it was read."""
    key = {"sample_id": item.sample_id, "number": item.number, "marks": item.marks}
    values = {name: getattr(made, name) for name in SampleMark.__dataclass_fields__}
    return Alter("sample_items", key, {"marks": item.marks + 1}), Insert("sample_marks", values)
