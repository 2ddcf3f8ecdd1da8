"""What is kept of queries, read for one agency at a time.

Guarantees: a query of another agency is found exactly as little as one that never was; nothing here writes
(rows come with their log entry, see ``ledger_transaction``); texts that no database could hold are simply not
found.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, distinct, func, select

from gatekeeper.store.database import Database
from gatekeeper.store.tables import idempotency_keys, queries, review_events, reviews
from gatekeeper.store.values import History, IdempotencyRecord, QueryRow, ReviewEvent, ReviewRow
from gatekeeper.store.writing import storable

OPEN_STATES = ("queued", "needs_information", "escalated")
"""The states of a review in which a person still has to act."""


def _all(table: Table, kind: type) -> list[object]:
    return [table.c[name] for name in kind.__dataclass_fields__]  # type: ignore[attr-defined]


_QUERY = select(*_all(queries, QueryRow))  # type: ignore[call-overload]
_REVIEW = select(*_all(reviews, ReviewRow))  # type: ignore[call-overload]
_EVENT = select(*_all(review_events, ReviewEvent))  # type: ignore[call-overload]


class Queries:
    """The reading side of queries, idempotency keys, history and reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def idempotency(self, client_id: str, key_fingerprints: Sequence[bytes]) -> IdempotencyRecord | None:
        """Return what the client used this key for, under any of the days' fingerprints, or None.

        Raises StoreUnavailable.
        """
        if not key_fingerprints or not storable(client_id):
            return None
        columns = idempotency_keys.c
        with self._database.read() as connection:
            row = connection.execute(
                select(columns.query_id, columns.body_fp, columns.day)
                .where(columns.client_id == client_id, columns.key_fp.in_(list(key_fingerprints)))
                .order_by(columns.day.desc())
                .limit(1)
            ).one_or_none()
        return None if row is None else IdempotencyRecord(*row)

    def find(self, query_id: str, agency_id: str) -> QueryRow | None:
        """Return the agency's query; unknown and another's are both None. Raises StoreUnavailable."""
        if not storable(query_id) or not storable(agency_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(
                _QUERY.where(queries.c.query_id == query_id, queries.c.agency_id == agency_id)
            ).one_or_none()
        return None if row is None else QueryRow(*row)

    def review(self, query_id: str, agency_id: str | None = None) -> ReviewRow | None:
        """Return the query's review (of that agency, if one is named) or None. Raises StoreUnavailable."""
        if not storable(query_id) or not storable(agency_id or ""):
            return None
        statement = _REVIEW.where(reviews.c.query_id == query_id)
        if agency_id is not None:
            statement = statement.where(reviews.c.agency_id == agency_id)
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else ReviewRow(*row)

    def review_events(self, query_id: str) -> tuple[ReviewEvent, ...]:
        """Return every move of the query's review, in order. Raises StoreUnavailable."""
        if not storable(query_id):
            return ()
        with self._database.read() as connection:
            rows = connection.execute(
                _EVENT.where(review_events.c.query_id == query_id).order_by(review_events.c.version)
            ).all()
        return tuple(ReviewEvent(*row) for row in rows)

    def open_reviews(self, limit: int = 100, states: Sequence[str] = OPEN_STATES) -> tuple[ReviewRow, ...]:
        """Return the reviews that wait for a person, the most urgent first. Raises StoreUnavailable."""
        with self._database.read() as connection:
            rows = connection.execute(
                _REVIEW.where(reviews.c.state.in_(list(states)))
                .order_by(
                    reviews.c.due_at.is_(None), reviews.c.due_at, reviews.c.queued_at, reviews.c.query_id
                )
                .limit(limit)
            ).all()
        return tuple(ReviewRow(*row) for row in rows)

    def history(
        self,
        agency_id: str,
        target_fingerprints: Sequence[bytes] | None,
        since_hour: str,
        officer_fingerprints: Sequence[bytes] | None = None,
    ) -> History:
        """Count the agency's queries since an hour (``2026-11-22T20Z``), of a target or an officer if given.

        A fingerprint is made under a day's key, so the caller gives one for each day that it asks about; an
        empty list matches nothing, None does not narrow. Raises StoreUnavailable.
        """
        columns = queries.c
        statement = select(
            func.count(),
            func.count().filter(columns.outcome == "deny"),
            func.count().filter(columns.dry_run),
            func.count(distinct(columns.officer_fp)),
            func.min(columns.hour),
        ).where(columns.agency_id == agency_id, columns.hour >= since_hour)
        if target_fingerprints is not None:
            statement = statement.where(columns.target_fp.in_(list(target_fingerprints)))
        if officer_fingerprints is not None:
            statement = statement.where(columns.officer_fp.in_(list(officer_fingerprints)))
        with self._database.read() as connection:
            return History(*connection.execute(statement).one())
