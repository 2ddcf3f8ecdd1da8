"""The gatekeeper's own database: how it is opened, locked, migrated and checked.

Guarantees: nothing foreign leaves (every driver's exception becomes ``StoreUnavailable`` or the error that
the caller named, without the statement's values); a commit that returned is on the disk; writers queue fairly
and never longer than ``PATIENCE``; readers neither block nor are blocked, and cannot write; a lost server is
noticed within seconds.

SQLite: WAL is set once, by the migration (set per connection it raced: "database is locked");
synchronous=FULL and BEGIN IMMEDIATE on each writing connection. PostgreSQL: psycopg 3, READ COMMITTED, so
that each statement under the log's advisory lock sees what was committed before the lock was ours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from gatekeeper.errors import GatekeeperError, LedgerUnavailable, SettingsRefused, StoreUnavailable
from gatekeeper.store import reserve
from gatekeeper.store.checks import check_postgresql, check_sqlite, may_rewrite
from gatekeeper.store.direct import Direct, SameFile
from gatekeeper.store.lock import WriteLock
from gatekeeper.store.prepared import Driver, driver_of, marked

PATIENCE: Final = 5.0
"""Seconds that a writer waits for its turn, and a statement for the server."""

LEDGER_LOCK: Final = 0x67_61_74_65_6B_65_65_70
"""The key of the advisory lock that the log's writers share on PostgreSQL."""

FOREIGN: Final = (SQLAlchemyError, sqlite3.Error, psycopg.Error, UnicodeError, OverflowError, OSError)
"""What a driver may raise: among it texts that it cannot encode and numbers that it cannot hold."""


class Database:
    """Connections that read and connections that write. Make one per process, after any fork."""

    def __init__(self, url: URL, lock: WriteLock | None, directory: Path | None) -> None:
        self.dialect = url.get_backend_name()
        self._lock = lock
        self._reserve = None if directory is None else directory / "reserve"
        same = None if self.dialect != "sqlite" else SameFile(Path(str(url.database)))
        self._reader = _engine(url, same, reading=True)
        self._writer = _engine(url, same, reading=False)
        self.kind: Dialect = self._writer.dialect
        self._reads = None if same is None else Direct(self._reader, same)
        self._writes = None if same is None else Direct(self._writer, same)

    @classmethod
    def open(cls, url: str, *, lock_file: Path | None = None) -> Database:
        """Open ``sqlite:///FILE`` or ``postgresql://…`` (nothing is connected yet).

        *lock_file* is the file that SQLite's writers queue at (default: beside the database); its directory
        holds the reserve. Raises SettingsRefused for any other kind of URL.
        """
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):  # a port that is no number
            raise SettingsRefused("GATEKEEPER_DATABASE_URL is not a database URL") from None
        match parsed.get_backend_name():
            case "sqlite":
                if parsed.database in (None, "", ":memory:") or "mode=memory" in str(parsed.database):
                    raise SettingsRefused("a database in memory keeps nothing: use sqlite:///DIR/state.db")
                file = Path(str(parsed.database))
                lock_file = lock_file or file.with_name(f"{file.name}.lock")
                try:
                    lock = WriteLock(lock_file)
                except OSError:
                    raise StoreUnavailable("the directory of the database cannot be written") from None
                return cls(parsed, lock, lock_file.parent)
            case "postgresql":
                # Whatever driver the URL names: one is tested.
                parsed = parsed.set(drivername="postgresql+psycopg")
                return cls(parsed, None, lock_file.parent if lock_file else None)
            case _:
                raise SettingsRefused("GATEKEEPER_DATABASE_URL must be sqlite:///FILE or postgresql://…")

    @contextmanager
    def read(
        self, *, consistent: bool = False, error: type[GatekeeperError] = StoreUnavailable
    ) -> Iterator[Connection]:
        """Yield a connection that cannot write; with *consistent*, all its statements see one moment.

        Raises *error* for anything that the driver raises.
        """
        with _translated(error), self._reader.connect() as connection:
            if consistent and self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            elif consistent:
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    def row(self, statement: str) -> Sequence[Any] | None:
        """Return the first row of a statement of ours that has no values, or None; raises StoreUnavailable.

        On SQLite it goes straight to the driver: this is asked at each request. A server's lost connections
        are for SQLAlchemy to find and forget.
        """
        if self._reads is None:
            with self.read() as connection:
                return connection.exec_driver_sql(statement).first()
        with _translated(StoreUnavailable), self._reads.connection() as raw:
            return next(iter(raw.execute(statement).fetchall()), None)

    def rows(
        self, statement: str, values: Sequence[object], *, error: type[GatekeeperError] = StoreUnavailable
    ) -> list[tuple[Any, ...]]:
        """Return all rows of a statement of ours, written with ``?``, as the driver has them.

        For many rows: SQLAlchemy's own cost three times the driver's, and bytes that a server sends as bytes
        a third of those it sends as text. Raises *error* for anything that the driver raises.
        """
        return self.several([(statement, values)], error=error)[0]

    def several(
        self,
        asked: Sequence[tuple[str, Sequence[object]]],
        *,
        error: type[GatekeeperError] = StoreUnavailable,
    ) -> list[list[tuple[Any, ...]]]:
        """Return the rows of each of these, as ``rows`` does; a server is sent all before it answers.

        Each sees what was committed when it was its turn.
        """
        with _translated(error):
            if self._reads is not None:
                with self._reads.connection() as raw:
                    return [raw.execute(*one).fetchall() for one in asked]
            with self._reader.connect() as connection:
                driver: Any = driver_of(connection)
                if self.dialect == "sqlite":  # a copy, opened to be read
                    return [driver.execute(*one).fetchall() for one in asked]
                try:
                    with driver.pipeline() if len(asked) > 1 else nullcontext():
                        sent = [
                            driver.cursor(binary=True).execute(marked(statement, self.dialect), values)
                            for statement, values in asked
                        ]
                        return [cursor.fetchall() for cursor in sent]
                except psycopg.OperationalError:
                    if driver.closed:  # SQLAlchemy did not see it: none of its like is used again
                        connection.invalidate()
                        self._reader.dispose()
                    raise

    @contextmanager
    def write(
        self, *, ledger: bool = False, error: type[GatekeeperError] = StoreUnavailable
    ) -> Iterator[Connection]:
        """Yield a connection in a transaction that commits at the end of the block, or else rolls back.

        On SQLite every writer waits its turn; on PostgreSQL those of the log do (*ledger*). Raises *error* if
        the turn does not come, the commit fails, or the driver raises anything.
        """
        with _translated(error), self._turn(error), self._writer.connect() as connection, connection.begin():
            if ledger and self.dialect == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LEDGER_LOCK})")
            yield connection

    @contextmanager
    def log(self) -> Iterator[Driver]:
        """Yield the driver's own connection in a transaction of the log, as ``write(ledger=True)`` does.

        Raises LedgerUnavailable. Two of these belong to every query: on SQLite, whatever is left out here is
        left out while all other writers wait.
        """
        if self._writes is None:
            with self.write(ledger=True, error=LedgerUnavailable) as connection:
                yield driver_of(connection)
            return
        with _translated(LedgerUnavailable), self._turn(LedgerUnavailable), self._writes.connection() as raw:
            raw.execute("BEGIN IMMEDIATE").close()
            yield raw
            raw.execute("COMMIT").close()

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Yield a connection without a transaction, for a lock that lasts as long as the block."""
        with _translated(StoreUnavailable), self._writer.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def empty_wal(self) -> bool:
        """Move all that is committed into SQLite's file and empty its write-ahead log.

        Return False if a reader is in the way: what is left there goes with a later checkpoint. A server's
        write-ahead log is the server's. Raises StoreUnavailable.
        """
        if self._writes is None:
            return True
        with self._turn(StoreUnavailable), _translated(StoreUnavailable), self._writes.connection() as raw:
            found = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return not found[0][0]

    def migrate(self) -> None:
        """Bring the schema to the revision that this code was written for; make the reserve.

        Several processes may do it at once: one does, the others find it done. Raises StoreUnavailable.
        """
        from gatekeeper.store.migrations.run import upgrade  # noqa: PLC0415  Alembic takes 0.2 s to import; serving needs none of it

        if self.dialect == "sqlite":
            with _translated(StoreUnavailable):
                self._set_wal()
        with self.write(ledger=True) as connection:
            upgrade(connection)
        self.restore_reserve()

    def check(self) -> None:
        """Refuse a database on which a commit could be lost or the schema is another.

        Raises SettingsRefused, whose message ends with the command that cures it, or StoreUnavailable.
        """
        check = check_sqlite if self.dialect == "sqlite" else check_postgresql
        with _translated(StoreUnavailable), self._writer.connect() as connection:
            check(connection)

    def may_rewrite(self) -> bool:
        """Return whether this login could switch off the append-only triggers (PostgreSQL's owner can)."""
        with self.read() as connection:
            return self.dialect == "sqlite" or may_rewrite(connection)

    def restore_reserve(self) -> bool:
        """Make the reserve file unless it is there; return whether it is (False: the disk is too full)."""
        return self._reserve is not None and reserve.keep(self._reserve)

    def give_up_reserve(self) -> bool:
        """Free the reserve so that a stop can commit on a full disk; return whether there was one."""
        return self._reserve is not None and reserve.give_up(self._reserve)

    def close(self) -> None:
        """Close every connection and the lock file."""
        for direct in (self._reads, self._writes):
            if direct is not None:
                direct.close()
        self._reader.dispose()
        self._writer.dispose()
        if self._lock is not None:
            self._lock.close()

    def _turn(self, error: type[GatekeeperError]) -> AbstractContextManager[None]:
        return nullcontext() if self._lock is None else self._lock.held(PATIENCE, error)

    def _set_wal(self) -> None:
        # Outside a transaction, as SQLite wants, and under the queue, so that nobody else is inside one.
        assert self._writes is not None  # noqa: S101  the type checker's question, not a check
        with self._turn(StoreUnavailable), self._writes.connection() as raw:
            raw.execute("PRAGMA journal_mode=WAL").close()


@contextmanager
def _translated(error: type[GatekeeperError]) -> Iterator[None]:
    """Let nothing foreign out. The cause is named by its class alone: its text could quote a row."""
    try:
        yield
    except GatekeeperError:
        raise
    except FOREIGN as cause:
        origin = getattr(cause, "orig", None) or cause
        raise error(f"database: {type(origin).__name__}") from None


def _engine(url: URL, same: SameFile | None, *, reading: bool) -> Engine:
    options: dict[str, Any] = {
        "hide_parameters": True,  # an exception's text must never hold a row
        "pool_size": 8,
        "max_overflow": 56,
        "pool_timeout": PATIENCE,
    }
    if same is not None:  # SQLite
        engine = create_engine(url, connect_args={"timeout": PATIENCE, "check_same_thread": False}, **options)
        event.listen(engine, "connect", _sqlite_reader if reading else _sqlite_writer)
        event.listen(engine, "do_connect", same)
        event.listen(engine, "checkout", same)
        if not reading:
            event.listen(engine, "begin", _begin_immediate)
        return engine
    milliseconds = int(PATIENCE * 1000)
    server = {
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        # A process that hangs inside its transaction must not hold the log's lock for ever.
        "idle_in_transaction_session_timeout": 2 * milliseconds,
        "default_transaction_read_only": "on" if reading else "off",
        "timezone": "UTC",
    }
    arguments = {
        "connect_timeout": 3,
        "tcp_user_timeout": milliseconds,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "application_name": "gatekeeper",
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
    }
    return create_engine(
        url, connect_args=arguments, isolation_level="AUTOCOMMIT" if reading else "READ COMMITTED", **options
    )


def _sqlite_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # no BEGIN of Python's own
    connection.execute("PRAGMA query_only=ON").close()


def _sqlite_writer(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL").close()
    connection.execute("PRAGMA foreign_keys=ON").close()
    # Without it, REPLACE deletes rows without firing the triggers that refuse a DELETE.
    connection.execute("PRAGMA recursive_triggers=ON").close()


def _begin_immediate(connection: Connection) -> None:
    driver_of(connection).execute("BEGIN IMMEDIATE").close()
