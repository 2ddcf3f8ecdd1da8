"""The rows that an erasure keeps sealed anew, and those that it removes.

Guarantees: a day's key may only be destroyed inside ``settling``, under the log's lock, where nothing that
must be kept is still sealed under it, so no hold and no review that is committed before can lose what it is
about; removals are small transactions, between which other writers pass; what was removed is counted in the
same commit. What must be kept is said in one place: ``store.kept``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    union,
    update,
)

from gatekeeper.errors import StoreUnavailable
from gatekeeper.ledger.held import DOCUMENT_CONTENT, DOCUMENT_NAME
from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.kept import DOCUMENT_IS_HELD, details_kept, documents_kept, kept
from gatekeeper.store.tables import (
    documents,
    held_boxes,
    idempotency_keys,
    private_details,
    purges,
    quota_buckets,
)
from gatekeeper.store.values import Purge, SealedDocument, SealedRow

DETAILS_AT_ONCE: Final = 200
"""Rows of one transaction of a removal: about two megabytes, a few hundredths of a second."""

_PURGE_LOCK: Final = 0x67_61_74_65_70_75_72_67
_DETAIL, _HELD = private_details.c, held_boxes.c


class Erasure:
    """What ``gatekeeper.purge`` asks of the database. Each method raises StoreUnavailable."""

    def __init__(self, database: Database, lock_file: Path) -> None:
        self._database = database
        self._lock_file = lock_file

    # --- One erasure at a time. ---------------------------------------------------------------------------

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Yield whether no other process erases; while this block lasts none begins."""
        if self._database.dialect == "postgresql":
            with self._database.session() as connection:
                asked = f"SELECT pg_try_advisory_lock({_PURGE_LOCK})"
                ours = bool(connection.exec_driver_sql(asked).scalar_one())
                try:
                    yield ours
                finally:
                    if ours:
                        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_PURGE_LOCK})")
            return
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(f"{self._lock_file} cannot be opened: {error.strerror}") from None
        with closing(os.fdopen(descriptor, "rb+")):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    # --- What is there. -----------------------------------------------------------------------------------

    def unfinished(self) -> Sequence[Purge]:
        """Return the erasures that were begun and did not end, the first begun first."""
        with self._database.read() as connection:
            asked = select(purges.c.id, purges.c.first_kept).where(purges.c.done_at.is_(None))
            return tuple(Purge(*row) for row in connection.execute(asked.order_by(purges.c.begun_at)))

    def last_done(self) -> date | None:
        """Return the first day that the furthest of all ended erasures kept, or None."""
        with self._database.read() as connection:
            asked = select(func.max(purges.c.first_kept)).where(purges.c.done_at.is_not(None))
            found: date | None = connection.execute(asked).scalar_one()
            return found

    def last_ended(self) -> tuple[date, datetime] | None:
        """Return the first day that the erasure which ended last kept, and when it ended; None before one."""
        with self._database.read() as connection:
            asked = select(purges.c.first_kept, purges.c.done_at).where(purges.c.done_at.is_not(None))
            row = connection.execute(asked.order_by(purges.c.done_at.desc()).limit(1)).one_or_none()
            return None if row is None else (row.first_kept, row.done_at)

    def counted(self, purge_id: str) -> tuple[int, int, int]:
        """Return how many days, details and documents an erasure has erased so far."""
        with self._database.read() as connection:
            asked = select(purges.c.days, purges.c.details, purges.c.documents)
            row = connection.execute(asked.where(purges.c.id == purge_id)).one()
            return row.days, row.details, row.documents

    def days(self, before: date) -> Sequence[date]:
        """Return the days before that one of which rows are left to remove, oldest first."""
        found: set[date] = set()
        with self._database.read() as connection:
            for table in (private_details, idempotency_keys, quota_buckets):
                asked = select(func.min(table.c.day)).where(table.c.day < before)
                day = connection.execute(asked).scalar_one()
                while day is not None:  # a seek for each day, not a walk over rows
                    found.add(day)
                    day = connection.execute(asked.where(table.c.day > day)).scalar_one()
            loose = select(documents.c.day).distinct().where(documents.c.day < before, ~DOCUMENT_IS_HELD)
            found.update(connection.execute(loose).scalars())
        return tuple(sorted(found))

    def rows_before(self, before: date) -> tuple[int, int]:
        """Return how many details and documents lie before that day, what is to be kept among them."""
        with self._database.read() as connection:
            return (
                connection.execute(
                    select(func.count()).select_from(private_details).where(_DETAIL.day < before)
                ).scalar_one(),
                connection.execute(
                    select(func.count())
                    .select_from(documents)
                    .where(documents.c.day < before, ~DOCUMENT_IS_HELD)
                ).scalar_one(),
            )

    def kept_queries(self, before: date, at: datetime) -> int:
        """Return how many queries have something before that day that must be kept."""
        keeping = kept(at)
        sealed = select(keeping.c.query_id).join(private_details, _DETAIL.ref == keeping.c.ref)
        apart = select(keeping.c.query_id).join(held_boxes, _HELD.query_id == keeping.c.query_id)
        asked = union(sealed.where(_DETAIL.day < before), apart.where(_HELD.day < before)).subquery()
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(asked)).scalar_one()

    # --- What is held: sealed anew, and let go. -----------------------------------------------------------

    def details_to_hold(self, day: date, at: datetime, most: int) -> Sequence[SealedRow]:
        """Return details of that day which must be kept and are not yet sealed anew."""
        with self._database.read() as connection:
            return tuple(SealedRow(*row) for row in connection.execute(details_kept(day, at).limit(most)))

    def document_to_hold(self, day: date, at: datetime) -> SealedDocument | None:
        """Return a document of that day which must be kept and is not yet sealed anew, or None."""
        with self._database.read() as connection:
            row = connection.execute(documents_kept(day, at).limit(1)).one_or_none()
            return None if row is None else SealedDocument(*row)

    def key_of(self, query_id: str) -> str | None:
        """Return the name of the key that what is held of a query is sealed under, or None."""
        with self._database.read() as connection:
            asked = select(_HELD.key_name).where(_HELD.query_id == query_id).limit(1)
            name: str | None = connection.execute(asked).scalar_one_or_none()
            return name

    def key_names(self) -> frozenset[str]:
        """Return the names of all keys that something held is sealed under."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(_HELD.key_name).distinct()).scalars())

    def hold(self, boxes: Sequence[tuple[str, str, str, str, date, bytes]]) -> None:
        """Keep what was sealed anew; it is on disk when this returns.

        Each is the ref and the slot of the row that it stands for, its query, its key's name, its day, the
        box.
        """
        names = ("ref", "event", "query_id", "key_name", "day", "box")
        rows = [dict(zip(names, box, strict=True)) for box in boxes]
        with self._database.write(ledger=True) as connection:
            connection.execute(insert(held_boxes), rows)

    @contextmanager
    def settling(self, purge_id: str, day: date, at: datetime) -> Iterator[bool]:
        """Yield, under the log's lock, whether all that must be kept of that day is sealed anew.

        A day that is destroyed in the block is counted at its end.
        """
        with self._database.write(ledger=True) as connection:
            left = connection.execute(details_kept(day, at).limit(1)).first() is not None
            settled = not left and connection.execute(documents_kept(day, at).limit(1)).first() is None
            yield settled
            if settled:
                _count(connection, purge_id, days=1)

    def no_longer_held(self, at: datetime) -> Sequence[str]:
        """Return queries of which something is held that need not be kept any more."""
        asked = select(_HELD.query_id).distinct().where(_HELD.query_id.not_in(select(kept(at).c.query_id)))
        with self._database.read() as connection:
            return tuple(connection.execute(asked).scalars())

    @contextmanager
    def letting_go(self, purge_id: str, query_id: str, at: datetime) -> Iterator[Sequence[str]]:
        """Yield, under the log's lock, the names of a query's keys; its held rows go at the end of the block.

        No name, and nothing goes, if the query must be kept after all.
        """
        with self._database.write(ledger=True) as connection:
            _clean_pages(connection, self._database.dialect)
            keeping = kept(at)
            if connection.execute(
                select(keeping.c.ref).where(keeping.c.query_id == query_id).limit(1)
            ).first():
                yield ()
                return
            own = _HELD.query_id == query_id
            yield tuple(connection.execute(select(_HELD.key_name).distinct().where(own)).scalars())
            gone = connection.execute(
                delete(held_boxes).where(own, _HELD.event.not_in((DOCUMENT_NAME, DOCUMENT_CONTENT)))
            )
            connection.execute(delete(held_boxes).where(own))
            _count(connection, purge_id, details=gone.rowcount)

    # --- What is removed. ---------------------------------------------------------------------------------

    def remove(self, purge_id: str, day: date) -> bool:
        """Remove some of what is left of a day whose key is destroyed; return False once nothing is."""
        with self._database.write(ledger=True) as connection:
            _clean_pages(connection, self._database.dialect)
            gone = _delete(connection, private_details, _DETAIL.day == day, DETAILS_AT_ONCE)
            _count(connection, purge_id, details=gone)
            if gone:
                return True
            for table in (idempotency_keys, quota_buckets):
                if _delete(connection, table, table.c.day == day, DETAILS_AT_ONCE):
                    return True
            # One at a time: a document has megabytes, and each goes through the write-ahead log.
            gone = _delete(connection, documents, and_(documents.c.day == day, ~DOCUMENT_IS_HELD), 1)
            _count(connection, purge_id, documents=gone)
            return gone > 0


def begin(purge_id: str, first_kept: date, at: datetime) -> tuple[Row, ...]:
    """Return the row of an erasure that begins."""
    none = {"days": 0, "details": 0, "documents": 0}
    return (Insert("purges", {"id": purge_id, "first_kept": first_kept, "begun_at": at, **none}),)


def end(purge_id: str, at: datetime) -> tuple[Row, ...]:
    """Return the row that ends an erasure; it ends once."""
    return (Alter("purges", {"id": purge_id, "done_at": None}, {"done_at": at}),)


def _delete(connection: Connection, table: Table, condition: Any, most: int) -> int:
    key = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(condition).limit(most)
    return connection.execute(delete(table).where(key.in_(some))).rowcount


def _count(connection: Connection, purge_id: str, **more: int) -> None:
    raised = {name: purges.c[name] + literal(number) for name, number in more.items() if number}
    if raised:
        connection.execute(update(purges).where(purges.c.id == purge_id).values(raised))


def _clean_pages(connection: Connection, dialect: str) -> None:
    if dialect == "sqlite":
        # What is freed is overwritten with zeros, not left in the file's free pages.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
