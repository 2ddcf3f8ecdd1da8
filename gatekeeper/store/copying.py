"""Whole copies of the SQLite database: made while others write, and read without a trace.

Guarantees: a copy is one moment of the database, whatever is written meanwhile, and no writer waits for it
(the reading holds a snapshot of the write-ahead log); it is on the disk when ``copy`` returns; a copy is
opened so that nothing of it, or beside it, changes.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

from gatekeeper.errors import OperatorError, StoreUnavailable
from gatekeeper.store.database import Database
from gatekeeper.store.tables import REVISION
from gatekeeper.whole import sync

SCHEMA: Final = REVISION
"""The schema that this program reads and writes."""
PAGES: Final = 4096
"""Copied at once; between two such steps an operator's interruption is heard."""
_SHARED: Final = (510, 0x40000002)
"""SQLite's lock bytes: whoever has the database open in WAL mode holds one of them shared."""


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite URL, None for a server's."""
    parsed = make_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def address_of(url: str) -> str:
    """Return a server's URL as its own programs take it, without a password."""
    parsed = make_url(url)
    bare = URL.create(
        "postgresql",
        parsed.username,
        host=parsed.host,
        port=parsed.port,
        database=parsed.database,
        query={name: value for name, value in parsed.query.items() if "pass" not in name},
    )
    return bare.render_as_string()


def copy(source: Path, target: Path) -> None:
    """Copy the database into a new file. Raises OperatorError (it exists, no room), StoreUnavailable."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(_opened(source, "mode=ro")) as read, closing(sqlite3.connect(target)) as write:
            write.execute("PRAGMA journal_mode=OFF").close()
            write.execute("PRAGMA synchronous=OFF").close()  # it is written through below, as a whole
            # A snapshot that is held: without it each commit of another process would begin the copy anew.
            read.isolation_level = None
            read.execute("BEGIN").close()
            read.execute("SELECT count(*) FROM sqlite_master").fetchall()
            read.backup(write, pages=PAGES, sleep=0)
        flushed(target)
    except FileExistsError:
        raise OperatorError(f"{target} exists: nothing is overwritten") from None
    except sqlite3.Error as fault:
        raise _told(fault, target) from None
    except OSError as fault:
        raise OperatorError(f"{target} cannot be written: {fault.strerror}; nothing was left there") from None


def flushed(file: Path) -> None:
    """Return once a file is on the disk. Raises OSError."""
    fd = os.open(file, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def examine(file: Path) -> str:
    """Return the schema of a copy in which SQLite finds nothing broken. Raises StoreUnavailable."""
    try:
        with closing(_opened(file, "mode=ro&immutable=1")) as read:
            found = read.execute("PRAGMA integrity_check(1)").fetchall()
            if found != [("ok",)]:
                raise StoreUnavailable(f"{file} is damaged: SQLite finds its pages or indices broken")
            schema = read.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.Error as fault:
        raise StoreUnavailable(
            f"{file} is not a database of the gatekeeper: {type(fault).__name__}"
        ) from None
    return str(schema[0][0]) if schema else "none"


def in_use(file: Path) -> bool:
    """Say whether another process has the database open. Never asked where this process has."""
    try:
        with file.open("r+b") as opened:
            fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB, *_SHARED)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as fault:
        raise OperatorError(f"{file} cannot be opened: {fault.strerror}; run this as its owner") from None
    return False


class Still(Database):
    """A database file that nobody writes, to be read as ``Database`` is. Nothing beside it is touched."""

    def __init__(self, file: Path, *, immutable: bool = True) -> None:
        how = "mode=ro&immutable=1" if immutable else "mode=rw"  # its write-ahead log is read too
        self.dialect = "sqlite"
        self._lock = self._reserve = self._reads = self._writes = None
        self._reader = self._writer = create_engine(
            "sqlite://", creator=lambda: _opened(file, how), poolclass=NullPool, hide_parameters=True
        )
        self.kind = self._reader.dialect


def set_aside(file: Path, aside: Path) -> None:
    """Give a database, with its write-ahead log, a second name; then take its log away. Raises OSError."""
    for end in ("", "-wal"):
        with suppress(FileNotFoundError):
            os.link(f"{file}{end}", f"{aside}{end}")
    sync(file.parent)
    for end in ("-wal", "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)


def put_in_place(staged: Path, file: Path) -> None:
    """Put a whole database under a name in one step. Raises OSError."""
    flushed(staged)
    staged.replace(file)
    sync(file.parent)


def named(unfinished: Path, final: Path) -> None:
    """Give a whole file its name, unless there is one. Raises OperatorError, OSError."""
    try:
        os.link(unfinished, final)
    except FileExistsError:
        raise OperatorError(f"{final} exists: nothing is overwritten") from None
    unfinished.unlink()
    sync(final.parent)


def _opened(file: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(file.absolute()))}?{how}", uri=True, check_same_thread=False
    )
    connection.isolation_level = None
    _all(connection, "PRAGMA query_only=ON")
    return connection


def _all(connection: sqlite3.Connection, statement: str) -> Sequence[Any]:
    return connection.execute(statement).fetchall()


def _told(fault: sqlite3.Error, target: Path) -> Exception:
    match getattr(fault, "sqlite_errorname", ""):
        case "SQLITE_FULL" | "SQLITE_IOERR_WRITE":
            return OperatorError(f"there is no room for {target}: make room, or name another disk")
        case "SQLITE_CORRUPT" | "SQLITE_NOTADB" | "SQLITE_IOERR_READ" | "SQLITE_CANTOPEN" as name:
            return StoreUnavailable(f"the city's database cannot be read ({name}): nothing was backed up")
        case name:
            return StoreUnavailable(f"the copy failed ({name or type(fault).__name__})")
