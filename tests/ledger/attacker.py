"""Whoever owns a city's database and files, and perhaps its signing key: what such a person can do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, event, text

from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.merkle import extend, leaf_hash, root
from gatekeeper.ledger.tiles import WIDTH
from gatekeeper.settings import Settings

SIZE, KNOWN, DAY = 300, 200, 100
"""Entries in all, entries that outsiders hold something of, entries of each day."""

PERMIT, RELEASE, STOP, LIFTED = 16, 17, 40, 41
"""Entries of the first day that some tamperings are about."""

STOPPED = "stop_0123456789abcdef"

_INSERT = (
    "INSERT INTO ledger_entries (entry_index, event, ref, entry, leaf_hash) "
    "VALUES (:index, :event, :ref, :entry, :leaf)"
)


class Attacker:
    """Whoever owns the database: the triggers and constraints go first."""

    def __init__(self, settings: Settings) -> None:
        url = settings.state_url.replace("postgresql://", "postgresql+psycopg://")
        self.city, self._engine = settings.data, create_engine(url)
        quick = "PRAGMA synchronous = OFF" if url.startswith("sqlite") else "SET synchronous_commit = off"

        @event.listens_for(self._engine, "connect")
        def connected(connection: Any, _: Any) -> None:
            with closing(connection.cursor()) as cursor:
                cursor.execute(quick)
            connection.commit()

        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":
                found = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
                for (name,) in found.all():
                    connection.execute(text(f'DROP TRIGGER "{name}"'))
            else:
                tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                for (name,) in connection.execute(text(tables)).all():
                    connection.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER ALL'))
                connection.execute(text("ALTER TABLE ledger_head DROP CONSTRAINT ck_ledger_head_single"))

    def close(self) -> None:
        """Leave."""
        self._engine.dispose()

    # --- The database. ------------------------------------------------------------------------------------

    def sql(self, statement: str, **values: Any) -> None:
        """Run one statement."""
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.execute(text("PRAGMA ignore_check_constraints = ON"))
            connection.execute(text(statement), values)

    def read(self, statement: str, **values: Any) -> list[Any]:
        """Return rows."""
        with self._engine.begin() as connection:
            return list(connection.execute(text(statement), values).all())

    def entries(self) -> list[bytes]:
        """Return the texts of all entries, in order."""
        return [
            bytes(row.entry) for row in self.read("SELECT entry FROM ledger_entries ORDER BY entry_index")
        ]

    def put(self, index: int, entry: bytes, *, hashed: bool = False) -> None:
        """Write another text in an entry's place, with its hash beside it or not."""
        self.sql("UPDATE ledger_entries SET entry = :entry WHERE entry_index = :i", entry=entry, i=index)
        if hashed:
            leaf = leaf_hash(entry)
            self.sql("UPDATE ledger_entries SET leaf_hash = :leaf WHERE entry_index = :i", leaf=leaf, i=index)

    def drop(self, *indices: int) -> None:
        """Delete rows."""
        for index in indices:
            self.sql("DELETE FROM ledger_entries WHERE entry_index = :i", i=index)

    def swap(self, one: int, other: int) -> None:
        """Let two rows change places, with all that stands beside them."""
        for old, new in ((one, 10**9), (other, one), (10**9, other)):
            self.sql(
                "UPDATE ledger_entries SET entry_index = :new WHERE entry_index = :old", old=old, new=new
            )

    def insert(self, index: int, entry: bytes) -> None:
        """Insert a row."""
        said = json.loads(entry)
        row = {"event": said["event"], "ref": said["ref"], "entry": entry, "leaf": leaf_hash(entry)}
        self.sql(_INSERT, index=index, **row)

    def tile(self, hashes: bytes, level: int = 0, number: int = 0) -> None:
        """Write another tile."""
        self.sql(
            "UPDATE ledger_tiles SET hashes = :hashes WHERE level = :level AND number = :number",
            hashes=hashes, level=level, number=number,
        )  # fmt: skip

    def hashes(self) -> bytes:
        """Return the one complete tile."""
        return bytes(self.read("SELECT hashes FROM ledger_tiles WHERE level = 0 AND number = 0")[0].hashes)

    def head(self, size: int, leaves: Sequence[bytes]) -> None:
        """Write another head."""
        frontier = b"".join(extend((), 0, leaves[:size]))
        self.sql("UPDATE ledger_head SET size = :size, frontier = :frontier", size=size, frontier=frontier)

    def leaves(self) -> list[bytes]:
        """Return the hashes of the texts."""
        return [leaf_hash(entry) for entry in self.entries()]

    def cut(self, size: int, *, head: bool = True, checkpoints: bool = False, file: bool = False) -> None:
        """Cut the tail off; make the head fit; forget what was signed in the database, and beside it."""
        self.sql("DELETE FROM ledger_entries WHERE entry_index >= :size", size=size)
        self.sql("DELETE FROM ledger_tiles WHERE (number + 1) * 256 > :size", size=size)
        if head:
            self.head(size, self.leaves())
        if checkpoints:
            self.sql("DELETE FROM ledger_checkpoints WHERE size > :size", size=size)
            self.sql("DELETE FROM published_checkpoints WHERE size > :size", size=size)
        if file:
            self.file.unlink()

    def rewrite(self, entries: Sequence[bytes]) -> None:
        """Write a whole history that fits itself: texts, hashes, tiles and head."""
        self.sql("DELETE FROM ledger_entries")
        self.sql("DELETE FROM ledger_tiles")
        said = [json.loads(entry) for entry in entries]
        rows = [
            {"index": i, "event": said[i]["event"], "ref": said[i]["ref"], "entry": e, "leaf": leaf_hash(e)}
            for i, e in enumerate(entries)
        ]
        with self._engine.begin() as connection:
            for row in rows:
                connection.execute(text(_INSERT), row)
        leaves = [leaf_hash(entry) for entry in entries]
        for number in range(len(leaves) // WIDTH):
            hashes = b"".join(leaves[number * WIDTH : (number + 1) * WIDTH])
            self.sql("INSERT INTO ledger_tiles VALUES (0, :number, :hashes)", number=number, hashes=hashes)
        self.head(len(leaves), leaves)

    # --- Its files, and the key. --------------------------------------------------------------------------

    @property
    def file(self) -> Path:
        """Where the last checkpoint is kept beside the database."""
        return self.city / "checkpoint"

    def stored(self, change: Callable[[str], str]) -> None:
        """Change the texts of the stored checkpoints."""
        for row in self.read("SELECT size, text FROM ledger_checkpoints"):
            self.sql(
                "UPDATE ledger_checkpoints SET text = :text WHERE size = :size",
                text=change(row.text), size=row.size,
            )  # fmt: skip

    def sign(self) -> None:
        """Sign the history that is there, wherever this city keeps what it signed."""
        key = log_key(self.city)
        leaves = self.leaves()
        for table in ("ledger_checkpoints", "published_checkpoints"):
            self.sql(f"DELETE FROM {table} WHERE size > :size", size=len(leaves))  # noqa: S608  ours
            for row in self.read(f"SELECT size FROM {table}"):  # noqa: S608  ours
                note = key.sign(row.size, root(extend((), 0, leaves[: row.size])))
                self.sql(f"UPDATE {table} SET text = :t WHERE size = :s", t=note, s=row.size)  # noqa: S608  ours
                if table == "ledger_checkpoints":
                    made = root(extend((), 0, leaves[: row.size]))
                    self.sql("UPDATE ledger_checkpoints SET root = :r WHERE size = :s", r=made, s=row.size)
        self.file.write_text(key.sign(len(leaves), root(extend((), 0, leaves))))


def log_key(city: Path) -> SigningKey:
    """Return the signing key of a city."""
    keys = Settings(data=city).key_directory
    return SigningKey.load(keys / "log.pem", (keys / "log.origin").read_text())
