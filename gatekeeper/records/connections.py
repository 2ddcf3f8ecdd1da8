"""Connections to a store of reads that cannot write to it, and that do not wait for ever.

Guarantees, by the connection itself and not by our good behaviour:
SQLite: opened ``mode=ro``, then ``query_only``, nothing may be attached, schemas are not trusted; a progress
handler ends a statement at its deadline. A file that was replaced or removed is not read any longer.
PostgreSQL: ``default_transaction_read_only``, checked on each new connection (a pooler may drop start-up
options); ``statement_timeout`` ends a statement in the server and a deadline on our side ends the wait for a
server that is silent. Any other database has no such switch that all of its drivers share, so its login must
be one that cannot write, and an operator has to say so.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from sqlalchemy import URL, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import QueuePool

from gatekeeper.errors import RecordsUnavailable, SettingsRefused

_INSTRUCTIONS = 5_000  # of SQLite's machine between two looks at the clock: well under a millisecond
_SLOWER_THAN_THE_SERVER_S = 0.5  # so that the server's own time-out, which costs no connection, comes first
_POOL = 8
_UNREADABLE = "GATEKEEPER_RECORDS_URL is not a database URL, or its driver is not installed"


def open_read_only(url: str, timeout_s: float, *, login_cannot_write: bool) -> Engine:
    """Return an engine whose connections cannot write; raises SettingsRefused where that cannot be."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise SettingsRefused(_UNREADABLE) from None
    if backend == "sqlite":
        return _sqlite(parsed, timeout_s)
    if backend == "postgresql":
        return _postgresql(parsed, timeout_s)
    if not login_cannot_write:
        raise SettingsRefused(
            f"a {backend} connection cannot be made read-only from here. Give the gatekeeper a login that "
            "may only SELECT, then say so with GATEKEEPER_RECORDS_LOGIN_CANNOT_WRITE=true",
        )
    try:
        return sa.create_engine(
            parsed,
            hide_parameters=True,
            pool_size=_POOL,
            max_overflow=0,
            pool_timeout=timeout_s,
            pool_pre_ping=True,
        )
    except (sa.exc.SQLAlchemyError, ImportError, TypeError):
        raise SettingsRefused(_UNREADABLE) from None


class Deadline:
    """The moment at which a connection's statement ends, asked by SQLite's progress handler."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = 0.0

    def passed(self) -> int:
        """Return 1, which interrupts the statement, once the moment is over; raises nothing."""
        return monotonic() > self.at


class SqliteConnection(sqlite3.Connection):
    """A connection that knows its deadline and which file it opened."""

    deadline: Deadline
    inode: tuple[int, int]


def _inode(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _sqlite(url: URL, timeout_s: float) -> Engine:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:") or url.query:
        raise SettingsRefused(
            "a SQLite store is named sqlite:////absolute/path/of/the/file, with nothing after it"
        )
    path = Path(url.database).absolute()
    uri = f"file:{quote(str(path))}?mode=ro"

    def connect() -> SqliteConnection:
        inode = _inode(path)
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=timeout_s,
            isolation_level=None,
            check_same_thread=False,  # the pool lends a connection to one thread at a time
            factory=SqliteConnection,
        )
        connection.deadline, connection.inode = Deadline(), inode
        connection.deadline.at = monotonic() + timeout_s
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for pragma in ("query_only=ON", "trusted_schema=OFF", "temp_store=MEMORY", "mmap_size=268435456"):
            connection.execute(f"PRAGMA {pragma}")
        connection.set_progress_handler(connection.deadline.passed, _INSTRUCTIONS)
        return connection

    engine = sa.create_engine(
        "sqlite+pysqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=_POOL,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_reset_on_return=None,  # autocommit: there is no transaction to end
        hide_parameters=True,
    )

    def still_the_same_file(dbapi_connection: SqliteConnection, _record: object, _proxy: object) -> None:
        # An open descriptor would go on serving a store that was taken away or replaced.
        try:
            same = _inode(path) == dbapi_connection.inode
        except OSError:
            same = False
        if not same:
            raise DisconnectionError
        dbapi_connection.deadline.at = monotonic() + timeout_s

    event.listen(engine, "checkout", still_the_same_file)
    return engine


class _PatientNoMore(psycopg.Connection[Any]):
    """A PostgreSQL connection that stops waiting for a server which has stopped answering."""

    patience_s = 10.0

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server at most ``patience_s``; raises psycopg.OperationalError and closes itself."""
        limit = self.patience_s if timeout is None else min(timeout, self.patience_s)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout:  # noqa: SLF001 - psycopg documents it as what wait() raises
            self.pgconn.finish()  # its state is unknown: another query must never read this one's answer
            raise psycopg.OperationalError("the server does not answer") from None


def _postgresql(url: URL, timeout_s: float) -> Engine:
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise SettingsRefused(
            "a PostgreSQL store is named postgresql+psycopg://…: other drivers were not tried"
        )
    milliseconds = max(1, int(timeout_s * 1_000))
    ours = (
        f"-c default_transaction_read_only=on -c statement_timeout={milliseconds} "
        f"-c lock_timeout={milliseconds} -c timezone=UTC"
    )
    theirs = url.query.get("options", "")
    options = f"{theirs if isinstance(theirs, str) else ' '.join(theirs)} {ours}".strip()
    engine = sa.create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        connect_args={
            "options": options,
            "connect_timeout": max(2, int(timeout_s)),  # libpq knows no less than 2 seconds
            "application_name": "gatekeeper-records",
        },
        isolation_level="AUTOCOMMIT",  # one round trip for each question; read-only holds for it all the same
        pool_size=_POOL,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_reset_on_return=None,
        hide_parameters=True,
    )

    class Connection(_PatientNoMore):
        patience_s = timeout_s + _SLOWER_THAN_THE_SERVER_S

    def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> object:
        return Connection.connect(*arguments, **options)

    def prove(dbapi_connection: psycopg.Connection[Any], _record: object) -> None:
        row = dbapi_connection.execute(
            "SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
        ).fetchone()
        if row is None or row[0] != "on" or row[1] == "0":
            raise RecordsUnavailable(
                "the PostgreSQL connection did not become read-only (does a pooler drop options?)"
            )

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", prove)
    return engine
