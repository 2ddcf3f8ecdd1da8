"""What waits for somebody now: reviews by their age, and accounts that are locked.

Guarantees: every question is a count over an index of reviews that still wait; nothing here is private, and
nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import func, select

from gatekeeper.store.database import Database
from gatekeeper.store.tables import queries, reviews, sign_ins, staff
from gatekeeper.store.values import ReviewRow
from gatekeeper.store.writing import storable

_MOST: Final = 1000
"""More than so many missing people are not counted: the first says that somebody must act."""


class Waiting:
    """Counts of what waits. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ages(self, states: Sequence[str], now: datetime, steps: Sequence[timedelta]) -> tuple[int, ...]:
        """Return how many reviews are in these states: younger than each step, then older than the last."""
        moments = [now - step for step in steps]
        column = reviews.c.queued_at
        spans: list[list[Any]] = [[column > moments[0]]]
        spans += [[column > older, column <= younger] for younger, older in pairwise(moments)]
        spans.append([column <= moments[-1]])
        return tuple(self._count(states, *span) for span in spans)

    def overdue(self, states: Sequence[str], now: datetime) -> int:
        """Return how many reviews in these states should have been done by now."""
        return self._count(states, reviews.c.due_at < now)

    def untouched(self, category: str, since: datetime) -> int:
        """Return how many reviews of this category nobody has touched that came before a moment."""
        found = (
            select(reviews.c.query_id)
            .join(queries, queries.c.query_id == reviews.c.query_id)
            .where(reviews.c.state == "queued", reviews.c.queued_at < since, queries.c.category == category)
            .limit(_MOST)
            .subquery()
        )
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(found)).scalar_one()

    def by_agency(self, agency_ids: Sequence[str], states: Sequence[str]) -> dict[str, int]:
        """Return how many reviews are in these states, for each of these agencies that has any."""
        columns = reviews.c
        statement = (
            select(columns.agency_id, func.count())
            .where(columns.agency_id.in_(agency_ids), columns.state.in_(states))
            .group_by(columns.agency_id)
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def latest(self, agency_id: str, states: Sequence[str], most: int) -> tuple[ReviewRow, ...]:
        """Return the agency's reviews in these states, the latest first."""
        if not storable(agency_id):
            return ()
        columns = reviews.c
        asked = select(*(columns[name] for name in ReviewRow.__dataclass_fields__)).where(
            columns.agency_id == agency_id
        )
        with self._database.read() as connection:
            found = [
                ReviewRow(*row)
                for state in states
                for row in connection.execute(
                    asked.where(columns.state == state).order_by(columns.queued_at.desc()).limit(most)
                )
            ]
        return tuple(sorted(found, key=lambda review: review.queued_at, reverse=True)[:most])

    def locked(self, now: datetime) -> int:
        """Return how many accounts of staff may not sign in for now, after too many failures."""
        statement = (
            select(func.count())
            .select_from(sign_ins.join(staff, staff.c.id == sign_ins.c.staff_id))
            .where(sign_ins.c.locked_until > now, staff.c.status == "active")
        )
        with self._database.read() as connection:
            return connection.execute(statement).scalar_one()

    def _count(self, states: Sequence[str], *conditions: Any) -> int:
        with self._database.read() as connection:
            # State by state, each along its index.
            return sum(
                connection.execute(
                    select(func.count()).select_from(reviews).where(reviews.c.state == state, *conditions)
                ).scalar_one()
                for state in states
            )
