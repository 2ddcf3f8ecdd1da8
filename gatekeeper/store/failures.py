"""How often each address failed to prove a client in the last minute, shared by all workers and nodes.

Guarantees: a row is a fingerprint, a time and a number, and is removed minutes later; a count begins anew a
minute after it began, whatever happens in between. It is a brake, not a record: what one process has not yet
written is lost with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import ColumnElement, delete, select, text

from gatekeeper.store.database import Database
from gatekeeper.store.tables import failures

_GOES_ON: Final = "failures.since_ms > :after AND failures.since_ms <= :now"
_ADD: Final = text(
    "INSERT INTO failures (address_fp, since_ms, number) VALUES (:address, :since, :number) "  # noqa: S608  our own
    "ON CONFLICT (address_fp) DO UPDATE SET "
    f"number = CASE WHEN {_GOES_ON} THEN failures.number + excluded.number ELSE excluded.number END, "
    f"since_ms = CASE WHEN {_GOES_ON} THEN failures.since_ms ELSE excluded.since_ms END"
)
"""One statement for all addresses of a second, in one order: while it runs, SQLite's other writers wait."""


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
        after = now_ms - self._window_ms
        added = [
            {"address": address, "number": number, "since": since, "after": after, "now": now_ms}
            for address, (number, since) in sorted(counts.items())
            if after < since <= now_ms
        ]
        with self._database.write() as connection:
            if added:
                connection.execute(_ADD, added)
            connection.execute(delete(failures).where(failures.c.since_ms < now_ms - 2 * self._window_ms))

    def _current(self, now_ms: int) -> tuple[ColumnElement[bool], ...]:
        # A time in the future is no time: a clock that was wrong must not shut anybody out.
        return (failures.c.since_ms > now_ms - self._window_ms, failures.c.since_ms <= now_ms)
