"""SQLite connections without a pool's paces, for what every request does.

Guarantees: a connection is set up exactly as SQLAlchemy's own (it is one of them, taken out of the pool for
good); one user at a time; none once the database's file is not the one that was opened first; one in which
anything went wrong is closed, which rolls back, and never used again. Check-out, events and reset of a pool
cost four times the statement that asks for the registry's version.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import PoolProxiedConnection


class SameFile:
    """Refuses every connection once the database's file is not the one that was opened first.

    A connection stays open to a file that was removed or replaced (by a restored backup, say): decisions
    written there would be lost, and a stop written to the new file would never be seen. The open connections
    keep the old inode's number from being used again. One ``stat`` a use, about 2 microseconds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: tuple[int, int] | None = None

    def __call__(self, *_: object) -> None:
        """Raise OSError if the file is gone or another one."""
        try:
            status = os.stat(self._path)  # noqa: PTH116 - a Path costs more than the call
        except FileNotFoundError:
            if self._first is None:
                return  # SQLite makes the file when it is first opened
            raise
        found = (status.st_dev, status.st_ino)
        if self._first is None:
            self._first = found
        elif found != self._first:
            raise OSError(errno.ESTALE, "the database's file was replaced: restart the service")


class Direct:
    """The connections of one engine; as many as are used at once."""

    def __init__(self, engine: Engine, same: SameFile) -> None:
        self._engine = engine
        self._same = same
        self._free: list[PoolProxiedConnection] = []  # a list's pop and append are one step each

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection. Raises OSError if the file was replaced, and what the driver raises."""
        self._same()
        try:
            held = self._free.pop()
        except IndexError:
            held = self._engine.raw_connection()
            held.detach()
        raw: Any = held.dbapi_connection  # SQLAlchemy's name for any driver's; this one's is sqlite3
        try:
            yield raw
        except BaseException:
            held.close()
            raise
        self._free.append(held)

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._free:
            self._free.pop().close()
