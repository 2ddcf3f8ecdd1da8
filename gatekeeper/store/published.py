"""The checkpoints that were published, in order: what the public, and every copy of the log, goes by.

Guarantees: a number is given once, so that of several processes one publishes; nothing is changed or removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select

from gatekeeper.store.database import Database
from gatekeeper.store.tables import published_checkpoints


@dataclass(frozen=True, slots=True)
class Announced:
    """A checkpoint that was published."""

    number: int
    size: int
    text: str
    at: datetime


_ALL: Final[Any] = select(*(published_checkpoints.c[name] for name in Announced.__dataclass_fields__))

_CHUNK: Final = 500


class PublishedCheckpoints:
    """The table of published checkpoints. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> Announced | None:
        """Return the last one, or None."""
        with self._database.read() as connection:
            row = connection.execute(
                _ALL.order_by(published_checkpoints.c.number.desc()).limit(1)
            ).one_or_none()
        return None if row is None else Announced(*row)

    def all(self) -> Iterator[Announced]:
        """Yield every one, the first first; only so many are in memory at once."""
        number, after = published_checkpoints.c.number, -1
        while True:
            with self._database.read() as connection:
                rows = connection.execute(_ALL.where(number > after).order_by(number).limit(_CHUNK)).all()
            yield from (Announced(*row) for row in rows)
            if len(rows) < _CHUNK:
                return
            after = rows[-1].number

    def announce(self, number: int, size: int, text: str, at: datetime) -> None:
        """Keep the *number*-th; if another process was first, theirs stands."""
        row = {"number": number, "size": size, "text": text, "at": at}
        with self._database.write(ledger=True) as connection:  # one at a time, on both databases
            there = select(published_checkpoints.c.number).where(published_checkpoints.c.number == number)
            if connection.execute(there).one_or_none() is None:
                connection.execute(insert(published_checkpoints).values(row))
