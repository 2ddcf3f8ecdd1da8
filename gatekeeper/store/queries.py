"""What is kept of queries, read for one agency at a time.

Guarantees: a query of another agency is found exactly as little as one that never was; nothing here writes
(rows come with their log entry, see ``ledger_transaction``); texts that no database could hold are simply not
found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from sqlalchemy import Table, select

from gatekeeper.ledger.spending import Used
from gatekeeper.store.database import Database
from gatekeeper.store.interfaces import Questions
from gatekeeper.store.patterns import latest_of, marks_between, neighbours
from gatekeeper.store.purse import NOBODY, as_bucket
from gatekeeper.store.tables import (
    idempotency_keys,
    queries,
    quota_buckets,
    review_events,
    reviews,
    verifications,
)
from gatekeeper.store.values import (
    AskedBefore,
    IdempotencyRecord,
    Marked,
    Neighbours,
    QueryRow,
    ReviewEvent,
    ReviewRow,
    Verification,
)
from gatekeeper.store.writing import storable


def _all(table: Table, kind: type) -> list[object]:
    return [table.c[name] for name in kind.__dataclass_fields__]  # type: ignore[attr-defined]


_QUERY = select(*_all(queries, QueryRow))  # type: ignore[call-overload]
_BEFORE = select(*_all(queries, AskedBefore))  # type: ignore[call-overload]
_REVIEW = select(*_all(reviews, ReviewRow))  # type: ignore[call-overload]
_EVENT = select(*_all(review_events, ReviewEvent))  # type: ignore[call-overload]
_VERIFICATION = select(*_all(verifications, Verification))  # type: ignore[call-overload]


class Queries:
    """The reading side of queries, idempotency keys, past searches, reviews and verifications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def spent(self, agency_id: str) -> dict[str, Used]:
        """Return what is used of an agency's own limits, by their names. Raises StoreUnavailable."""
        if not storable(agency_id):
            return {}
        columns = quota_buckets.c
        asked = select(columns.bucket, columns.used, columns.at_ms)
        with self._database.read() as connection:
            rows = connection.execute(
                asked.where(columns.agency_id == agency_id, columns.officer_fp == NOBODY)
            )
            return {row.bucket: as_bucket(row.used, row.at_ms) for row in rows}

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

    def of_client(self, agency_id: str, client_id: str, since_hour: str) -> tuple[QueryRow, ...]:
        """Return what a client asked from that hour on, oldest first. Raises StoreUnavailable."""
        if not storable(agency_id) or not storable(client_id):
            return ()
        columns = queries.c
        with self._database.read() as connection:
            rows = connection.execute(
                _QUERY.where(
                    columns.agency_id == agency_id, columns.hour >= since_hour, columns.client_id == client_id
                ).order_by(columns.hour, columns.query_id)
            ).all()
        return tuple(QueryRow(*row) for row in rows)

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

    def neighbours(self, asked: Questions) -> Neighbours:
        """Return what is on record around a query; see ``patterns``. Raises StoreUnavailable."""
        return neighbours(self._database, asked)

    def marks(self, prints: Sequence[bytes], since_ms: int, until_ms: int, most: int) -> tuple[Marked, ...]:
        """Return the last *most* marks under each fingerprint; see ``patterns``. Raises StoreUnavailable."""
        return marks_between(self._database, prints, since_ms, until_ms, most)

    def latest_of(
        self, agency_id: str, since_hour: str, hours: Collection[int], most: int
    ) -> tuple[str, ...]:
        """Return the ids of an agency's latest queries; see ``patterns``. Raises StoreUnavailable."""
        return latest_of(self._database, agency_id, since_hour, hours, most)

    def asked_before(
        self, by: Literal["officer", "target"], prints: Sequence[bytes], most: int
    ) -> tuple[AskedBefore, ...]:
        """Return up to *most* queries with one of these fingerprints, in no order. Raises StoreUnavailable.

        Each fingerprint is a seek into an index, and no more rows are read than are returned.
        """
        if not prints:
            return ()
        column = queries.c.officer_fp if by == "officer" else queries.c.target_fp
        with self._database.read() as connection:
            rows = connection.execute(_BEFORE.where(column.in_(list(prints))).limit(most)).all()
        return tuple(AskedBefore(*row) for row in rows)

    def verification(self, agency_id: str, document_sha256: str) -> Verification | None:
        """Return what staff recorded last about a paper of the agency, or None. Raises StoreUnavailable."""
        if not storable(agency_id) or not storable(document_sha256):
            return None
        columns = verifications.c
        with self._database.read() as connection:
            row = connection.execute(
                _VERIFICATION.where(
                    columns.agency_id == agency_id, columns.document_sha256 == document_sha256
                )
                .order_by(columns.at.desc(), columns.id.desc())
                .limit(1)
            ).one_or_none()
        return None if row is None else Verification(*row)
