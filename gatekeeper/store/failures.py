"""How often each address failed to prove a client in the last minute, shared by all workers and nodes.

Guarantees: a row is a fingerprint, a time and a number, and is removed minutes later; a count begins anew a
minute after it began, whatever happens in between. It is a brake, not a record: what one process has not yet
written is lost with it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, delete, insert, select, update

from gatekeeper.store.database import Database
from gatekeeper.store.tables import failures


class Failures:
    """The counts of one database, each over so many milliseconds. Each method raises StoreUnavailable."""

    def __init__(self, database: Database, window_ms: int) -> None:
        self._database = database
        self._window_ms = window_ms

    def of(self, address: bytes, now_ms: int) -> tuple[int, int]:
        """Return how often it failed in the minute that has begun, and when that began."""
        c = failures.c
        asked = select(c.number, c.since_ms).where(c.address_fp == address, *self._current(now_ms))
        with self._database.read() as connection:
            row = connection.execute(asked).one_or_none()
            return (0, now_ms) if row is None else (row.number, row.since_ms)

    def add(self, counts: Mapping[bytes, tuple[int, int]], now_ms: int) -> None:
        """Add failures of each address (how many, when the first of them was), and remove what is over."""
        c = failures.c
        with self._database.write() as connection:
            for address, (number, since) in counts.items():
                if not now_ms - self._window_ms < since <= now_ms:
                    continue
                more = update(failures).where(c.address_fp == address, *self._current(now_ms))
                if connection.execute(more.values(number=c.number + number)).rowcount:
                    continue
                connection.execute(delete(failures).where(c.address_fp == address))
                row = {"address_fp": address, "since_ms": since, "number": number}
                connection.execute(insert(failures), row)
            connection.execute(delete(failures).where(c.since_ms < now_ms - 2 * self._window_ms))

    def _current(self, now_ms: int) -> tuple[ColumnElement[bool], ...]:
        # A time in the future is no time: a clock that was wrong must not shut anybody out.
        return (failures.c.since_ms > now_ms - self._window_ms, failures.c.since_ms <= now_ms)
