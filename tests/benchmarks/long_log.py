"""A long log, written at once: true entries, hashes, tiles and head, and no private side."""

from __future__ import annotations

import secrets
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.entries import seal
from gatekeeper.ledger.merkle import extend, leaf_hash, perfect_root
from gatekeeper.ledger.tiles import WIDTH
from tests.ledger.made import decided

_REF = "q_" + "0" * 24


def load(file: Path, size: int) -> None:
    """Fill the empty log in a migrated SQLite file."""
    with closing(sqlite3.connect(file)) as database:
        leaves: list[bytes] = []
        database.executemany(
            "INSERT INTO ledger_entries (entry_index, event, ref, entry, leaf_hash) VALUES (?, ?, ?, ?, ?)",
            _entries(size, leaves),
        )
        level, row = 0, leaves
        while len(row) >= WIDTH:
            tiles = [row[at : at + WIDTH] for at in range(0, len(row) // WIDTH * WIDTH, WIDTH)]
            database.executemany(
                "INSERT INTO ledger_tiles (level, number, hashes) VALUES (?, ?, ?)",
                [(level, number, b"".join(tile)) for number, tile in enumerate(tiles)],
            )
            level, row = level + 1, [perfect_root(tile) for tile in tiles]
        database.execute(
            "UPDATE ledger_head SET size = ?, frontier = ?", (size, b"".join(extend((), 0, leaves)))
        )
        database.commit()


def _entries(size: int, leaves: list[bytes]) -> Iterator[tuple[int, str, str, bytes, bytes]]:
    with tempfile.TemporaryDirectory() as directory:
        first = seal(decided(_REF), datetime.now(UTC), DayKeys(Path(directory) / "days")).entry
    for index in range(size):
        ref = f"q_{secrets.token_hex(12)}"
        entry = first.replace(_REF.encode(), ref.encode())
        leaf = leaf_hash(entry)
        leaves.append(leaf)
        yield index, "query.decided", ref, entry, leaf
