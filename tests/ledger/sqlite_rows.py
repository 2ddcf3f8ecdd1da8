"""A real store for the log's own tests: one SQLite file and one flock, to the protocol of `ledger.rows`."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gatekeeper.errors import LedgerUnavailable, Superseded
from gatekeeper.ledger.rows import Alter, Head, Row, StoredEntry
from gatekeeper.ledger.spending import Spend
from gatekeeper.ledger.tiles import HASH_BYTES, Tile

SCHEMA = """
create table if not exists entries (i integer primary key, entry blob, leaf blob, event text, ref text);
create table if not exists tiles (level integer, number integer, hashes blob, primary key (level, number));
create table if not exists head (
  id integer primary key check (id = 1), size integer, frontier blob, at_ms integer);
insert or ignore into head values (1, 0, x'', 0);
create table if not exists checkpoints (size integer primary key, root blob, text text);
create table if not exists private_details (
  ref text, event text, day text, box blob, primary key (ref, event));
create table if not exists stops (id text primary key, scope text, value text, lifted integer default 0);
create table if not exists notes (name text primary key, text text not null);
"""


@dataclass(frozen=True, slots=True)
class State:
    """A registry that never changes."""

    version: int = 1
    policy_revision: str | None = None
    policy_digest: str | None = None
    policy_serial: int | None = None
    due_revision: str | None = None
    due_ms: int | None = None
    shadow_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop in force."""

    id: str
    scope: str
    value: str | None


class SqliteTransaction:
    """One transaction under the file lock."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def head(self) -> Head:
        """Return the head."""
        return _head(self.db)

    def append(self, entries: Sequence[StoredEntry], tiles: Sequence[Tile], head: Head) -> None:
        """Add entries, tiles and head."""
        self.db.executemany(
            "insert into entries values (?, ?, ?, ?, ?)",
            [(e.index, e.entry, e.leaf_hash, e.event, e.ref) for e in entries],
        )
        self.db.executemany(
            "insert into tiles values (?, ?, ?)", [(t.level, t.number, t.hashes) for t in tiles]
        )
        self.db.execute(
            "update head set size = ?, frontier = ?, at_ms = ?",
            (head.size, b"".join(head.frontier), head.at_ms),
        )

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows; an Alter must hit exactly one."""
        for row in rows:
            assert not isinstance(row, Spend), "the store's own tests spend"
            values = {k: v.isoformat() if isinstance(v, date) else v for k, v in row.values.items()}
            if isinstance(row, Alter):
                sets = ", ".join(f"{name} = ?" for name in values)
                keys = " and ".join(f"{name} = ?" for name in row.key)
                done = self.db.execute(
                    f"update {row.table} set {sets} where {keys}",  # noqa: S608 - a test's own names
                    (*values.values(), *row.key.values()),
                )
                if done.rowcount != 1:
                    raise Superseded("no such row")
            else:
                names, marks = ", ".join(values), ", ".join("?" * len(values))
                self.db.execute(
                    f"insert into {row.table} ({names}) values ({marks})",  # noqa: S608
                    tuple(values.values()),
                )

    def registry(self) -> State:
        """Return the registry's state."""
        return State()

    def stops(self) -> list[Stop]:
        """Return the stops in force."""
        return [Stop(*row) for row in self.db.execute("select id, scope, value from stops where lifted = 0")]


class SqliteRows:
    """One per process; a connection per thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._local = threading.local()
        self._threads = threading.Lock()
        self._all: list[sqlite3.Connection] = []
        self.db.executescript(SCHEMA)
        self.lock_file = file.with_suffix(".lock")
        self.lock_file.touch()

    @property
    def db(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self.file, isolation_level=None, timeout=30, check_same_thread=False)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            self._local.db = db
            self._all.append(db)
        return db

    def close(self) -> None:
        """Close every connection."""
        for db in self._all:
            db.close()

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Yield a transaction under the lock."""
        with self.lock_file.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.db.execute("begin immediate")
            try:
                yield SqliteTransaction(self.db)
                self.commit()
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("rollback")
                raise

    def commit(self) -> None:
        """Commit; a test may lose the answer."""
        self.db.execute("commit")

    def head(self) -> Head:
        """Return the head."""
        return _head(self.db)

    def entry(self, index: int) -> StoredEntry | None:
        """Return one entry, or None."""
        return next(self.entries(index, index + 1), None)

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield entries by index."""
        found = self.db.execute(
            "select i, entry, leaf, event, ref from entries where i >= ? and i < ? order by i", (start, stop)
        )
        for row in found:
            yield StoredEntry(*row)

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Return leaf hashes by index."""
        return [
            leaf
            for (leaf,) in self.db.execute(
                "select leaf from entries where i >= ? and i < ? order by i", (start, stop)
            )
        ]

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a completed tile, or None."""
        row = self.db.execute(
            "select hashes from tiles where level = ? and number = ?", (level, number)
        ).fetchone()
        return row[0] if row else None

    def entries_of(self, ref: str) -> list[StoredEntry]:
        """Return the entries about a ref."""
        return [e for e in self.entries(0, self.head().size) if e.ref == ref]

    def last_checkpoint(self) -> str | None:
        """Return the largest checkpoint."""
        row = self.db.execute("select text from checkpoints order by size desc limit 1").fetchone()
        return row[0] if row else None

    def checkpoints(self) -> list[str]:
        """Return every checkpoint."""
        return [text for (text,) in self.db.execute("select text from checkpoints order by size")]

    def save_checkpoint(self, size: int, root: bytes, text: str) -> None:
        """Keep a checkpoint."""
        with self.transaction():
            self.db.execute("insert or ignore into checkpoints values (?, ?, ?)", (size, root, text))

    def box(self, ref: str, event: str) -> tuple[date, bytes] | None:
        """Return a private detail."""
        row = self.db.execute(
            "select day, box from private_details where ref = ? and event = ?", (ref, event)
        ).fetchone()
        return (date.fromisoformat(row[0]), row[1]) if row else None


def _head(db: sqlite3.Connection) -> Head:
    row = db.execute("select size, frontier, at_ms from head").fetchone()
    if row is None:
        raise LedgerUnavailable("no head")
    size, frontier, at_ms = row
    cut = tuple(frontier[i : i + HASH_BYTES] for i in range(0, len(frontier), HASH_BYTES))
    return Head(size, cut, at_ms)
