"""A long log written into an empty migrated database at once, past the log's own procedure.

Index and triggers of the entries are taken away meanwhile and put back as they were. Guarantees: at the end
the database is as the migration made it, with the log in it, on the disk and settled (no write-ahead log to
be moved, no statistics to be gathered); memory does not grow with the log. Half a log is left behind by
whoever is interrupted: for a database that is thrown away.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import make_url

from gatekeeper.ledger import StoredEntry
from gatekeeper.ledger.tiles import Tile
from tests.benchmarks.long_log import LongLog


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: Mapping[str, str]
    """Their types on PostgreSQL."""

    def insert(self) -> str:
        """Return SQLite's statement for one row."""
        holes = ", ".join("?" * len(self.columns))
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({holes})"  # noqa: S608  our names

    def copy(self, cursor: psycopg.Cursor, rows: Iterable[tuple[object, ...]]) -> None:
        """Copy rows into PostgreSQL."""
        statement = f"COPY {self.name} ({', '.join(self.columns)}) FROM STDIN (FORMAT BINARY)"
        with cursor.copy(statement.encode()) as copy:
            copy.set_types(list(self.columns.values()))
            for row in rows:
                copy.write_row(row)


_ENTRIES: Final = _Table(
    "ledger_entries",
    {"entry_index": "int8", "event": "varchar", "ref": "varchar", "entry": "bytea", "leaf_hash": "bytea"},
)
_TILES: Final = _Table("ledger_tiles", {"level": "int2", "number": "int8", "hashes": "bytea"})
_SIZE: Final = "SELECT size FROM ledger_head"
_HEAD: Final = "UPDATE ledger_head SET size = {0}, frontier = {0}, at_ms = {0}"


def load(url: str, log: LongLog) -> None:
    """Write it. Raises RuntimeError if there is a log already."""
    kind = make_url(url)
    if kind.get_backend_name() == "sqlite":
        _into_sqlite(Path(str(kind.database)), log)
    else:
        _into_postgres(url, log)


def _into_sqlite(file: Path, log: LongLog) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        _refuse_unless_empty(database.execute(_SIZE).fetchall())
        kept = database.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? AND type IN ('index', 'trigger') "
            "AND sql IS NOT NULL",
            (_ENTRIES.name,),
        ).fetchall()
        database.execute("PRAGMA journal_mode=OFF")
        database.execute("PRAGMA synchronous=OFF")
        database.execute("BEGIN")
        for what, name, _ in kept:
            database.execute(f"DROP {what} {name}")
        for chunk in log.chunks():
            database.executemany(_ENTRIES.insert(), _entries(chunk.entries))
            database.executemany(_TILES.insert(), _tiles(chunk.tiles))
        for _, _, statement in kept:
            database.execute(statement)
        database.execute(_HEAD.format("?"), _head(log))
        database.execute("COMMIT")
        database.execute("PRAGMA journal_mode=WAL")
    descriptor = os.open(file, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _into_postgres(url: str, log: LongLog) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("SET maintenance_work_mem = '256MB'")
        with server.transaction(), server.cursor() as cursor:
            _refuse_unless_empty(cursor.execute(_SIZE).fetchall())
            # The key's own index stays: what comes in its order costs it little.
            kept = cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexdef NOT LIKE %s",
                (_ENTRIES.name, "CREATE UNIQUE %"),
            ).fetchall()
            for name, _ in kept:
                cursor.execute(f"DROP INDEX {name}".encode())
            for chunk in log.chunks():
                _ENTRIES.copy(cursor, _entries(chunk.entries))
                _TILES.copy(cursor, _tiles(chunk.tiles))
            for _, statement in kept:
                cursor.execute(statement.encode())
            cursor.execute(_HEAD.format("%s").encode(), _head(log))
        for table in (_ENTRIES, _TILES):
            server.execute(f"VACUUM (ANALYZE) {table.name}".encode())
        server.execute("CHECKPOINT")


def _refuse_unless_empty(found: Sequence[Sequence[object]]) -> None:
    if [tuple(row) for row in found] != [(0,)]:
        raise RuntimeError("there is a log in that database already, or it is not migrated")


def _entries(entries: Iterable[StoredEntry]) -> Iterator[tuple[object, ...]]:
    return ((one.index, one.event, one.ref, one.entry, one.leaf_hash) for one in entries)


def _tiles(tiles: Iterable[Tile]) -> Iterator[tuple[object, ...]]:
    return ((one.level, one.number, one.hashes) for one in tiles)


def _head(log: LongLog) -> tuple[int, bytes, int]:
    return log.size, b"".join(log.frontier), log.at_ms
