"""Figures of the log, kept beside it: see ``oversight.figures`` for what is counted.

Guarantees: the mark and what was counted up to it are one commit, which adds nothing if the mark is not the
one that was read; every question about figures is a range of one index, so its cost is the days and labels
asked about, not the entries counted; nothing here is evidence, and all of it can be counted anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final, Protocol

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gatekeeper.store.database import Database
from gatekeeper.store.tables import (
    figure_days,
    figure_mark,
    figure_releases,
    figures,
    ledger_entries,
)
from gatekeeper.store.values import FigureMark
from gatekeeper.store.writing import storable

_INSERT: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_DERIVED: Final = (figures, figure_days, figure_releases)
_AT_ONCE: Final = 500


class Days(Protocol):
    """A span of days."""

    @property
    def first(self) -> date:
        """The first."""

    @property
    def last(self) -> date:
        """The last, counted too."""


class Mark(Protocol):
    """How far the table had come when it was read."""

    @property
    def upto(self) -> int:
        """The first entry that is not counted."""

    @property
    def rules(self) -> int:
        """By which rules it was counted."""


class Counted(Protocol):
    """What some entries count up to; each row in the order of its table's columns."""

    @property
    def counts(self) -> Any:
        """How often each key (scope, event, facet, day, label) was met."""

    @property
    def days(self) -> Any:
        """The first and the last entry of each day."""

    @property
    def released(self) -> Iterable[tuple[int, date, str, str]]:
        """First releases: index, day, agency, category."""


class Figures:
    """The table of figures. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self) -> FigureMark:
        """Return how far the table has come."""
        with self._database.read() as connection:
            row = connection.execute(select(figure_mark.c.upto, figure_mark.c.rules)).one()
        return FigureMark(*row)

    def add(self, mark: Mark, upto: int, counted: Counted) -> bool:
        """Add in one commit and move the mark; False, and nothing added, if the mark is another by now."""
        with self._database.write() as connection:
            if not _moved(connection, mark, upto=upto):
                return False
            make = _INSERT[self._database.dialect]
            rows = [
                {**dict(zip(("scope", "event", "facet", "day", "label"), key, strict=True)), "number": number}
                for key, number in sorted(counted.counts.items())
            ]
            put = make(figures)
            count_up = {"number": figures.c.number + put.excluded.number}
            connection.execute(
                put.on_conflict_do_update(index_elements=list(figures.primary_key), set_=count_up), rows
            )
            put = make(figure_days)
            days = [
                {"day": day, "first_entry": begins, "last_entry": ends}
                for day, (begins, ends) in sorted(counted.days.items())
            ]
            go_on = {"last_entry": put.excluded.last_entry}
            connection.execute(put.on_conflict_do_update(index_elements=["day"], set_=go_on), days)
            names = ("entry_index", "day", "agency_id", "category")
            if released := [dict(zip(names, row, strict=True)) for row in counted.released]:
                connection.execute(insert(figure_releases), released)
        return True

    def begin_again(self, mark: Mark, rules: int) -> bool:
        """Empty the table, to be counted by other rules; False if the mark is another by now."""
        with self._database.write() as connection:
            if not _moved(connection, mark, upto=0, rules=rules):
                return False
            for table in _DERIVED:
                connection.execute(delete(table))
        return True

    def firsts(self, refs: Sequence[str], before: int) -> dict[tuple[str, str], int]:
        """Return the first entry before that index for each ref and event."""
        columns, found = ledger_entries.c, dict[tuple[str, str], int]()
        with self._database.read() as connection:
            for start in range(0, len(refs), _AT_ONCE):
                statement = (
                    select(columns.ref, columns.event, func.min(columns.entry_index))
                    .where(
                        columns.ref.in_(list(refs[start : start + _AT_ONCE])), columns.entry_index < before
                    )
                    .group_by(columns.ref, columns.event)
                )
                found |= {(row[0], row[1]): row[2] for row in connection.execute(statement)}
        return found

    def sums(self, scope: str, event: str, facet: str, period: Days) -> dict[str, int]:
        """Return the count of each label over a period."""
        columns = figures.c
        statement = select(columns.label, func.sum(columns.number)).group_by(columns.label)
        with self._database.read() as connection:
            rows = connection.execute(_of(statement, scope, event, facet, period)).all()
        return {row[0]: int(row[1]) for row in rows}

    def by_day(self, scope: str, event: str, facet: str, period: Days) -> dict[date, dict[str, int]]:
        """Return the count of each label on each day that has any."""
        columns, found = figures.c, dict[date, dict[str, int]]()
        statement = select(columns.day, columns.label, columns.number)
        with self._database.read() as connection:
            rows = connection.execute(_of(statement, scope, event, facet, period)).all()
        for day, label, number in rows:
            found.setdefault(day, {})[label] = number
        return found

    def by_scope(
        self, scopes: Sequence[str], event: str, facet: str, label: str, period: Days
    ) -> dict[tuple[str, date], int]:
        """Return the count of one label in each of these scopes on each day that has any."""
        columns, found = figures.c, dict[tuple[str, date], int]()
        with self._database.read() as connection:
            for start in range(0, len(scopes), _AT_ONCE):
                statement = select(columns.scope, columns.day, columns.number).where(
                    columns.scope.in_(list(scopes[start : start + _AT_ONCE])),
                    columns.event == event,
                    columns.facet == facet,
                    columns.label == label,
                    columns.day >= period.first,
                    columns.day <= period.last,
                )
                found |= {(row[0], row[1]): row[2] for row in connection.execute(statement)}
        return found

    def span(self, period: Days) -> tuple[int, int] | None:
        """Return the first and the last counted entry of a period, or None if it has none."""
        columns = figure_days.c
        statement = select(func.min(columns.first_entry), func.max(columns.last_entry)).where(
            columns.day >= period.first, columns.day <= period.last
        )
        with self._database.read() as connection:
            first, last = connection.execute(statement).one()
        return None if first is None else (first, last)

    def population(self, period: Days, agency_id: str | None, category: str | None) -> list[int]:
        """Return the index of each query's first release in the period, in order."""
        columns = figure_releases.c
        statement = select(columns.entry_index).where(columns.day >= period.first, columns.day <= period.last)
        if agency_id is not None:
            statement = statement.where(columns.agency_id == agency_id)
        if category is not None:
            statement = statement.where(columns.category == category)
        if not storable(f"{agency_id}{category}"):
            return []
        with self._database.read() as connection:
            return sorted(connection.execute(statement).scalars())


def _moved(connection: Connection, mark: Mark, **columns: int) -> bool:
    as_read = (figure_mark.c.upto == mark.upto, figure_mark.c.rules == mark.rules)
    return connection.execute(update(figure_mark).where(*as_read).values(**columns)).rowcount == 1


def _of(statement: Any, scope: str, event: str, facet: str, period: Days) -> Any:
    columns = figures.c
    return statement.where(
        columns.scope == scope,
        columns.event == event,
        columns.facet == facet,
        columns.day >= period.first,
        columns.day <= period.last,
    )
