"""Many made-up entries, written past the ledger: texts as real ones have, and no boxes.

Guarantees: what is written is a sound log; the same entries for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from gatekeeper.ledger import canonical
from gatekeeper.ledger.merkle import extend, leaf_hash, perfect_root
from gatekeeper.ledger.rows import Head, Rows, StoredEntry
from gatekeeper.ledger.tiles import WIDTH, Tile
from tests.ledger.made import POLICY

CHUNK = 4096


def entries(start: int, count: int, seed: int = 7) -> Iterator[StoredEntry]:
    """Yield decisions and, after each, its release: half of the entries are permits."""
    chosen = random.Random(seed + start)  # noqa: S311 - the same log each time
    for index in range(start, start + count):
        release = index % 2 == 1
        event = "query.released" if release else "query.decided"
        names: tuple[str, ...] = ("at", "offense", "officer", "query")
        names += ("count", "rows") if release else ("hidden_provisions", "request")
        document: dict[str, Any] = {
            "v": 1,
            "event": event,
            "ref": f"q_{index // 2:024x}",
            "hour": f"2026-11-{1 + index // 40_000 % 28:02d}T10Z",
            "agency": "agency-elsewhere",
            "agency_kind": "local",
            "end_requester": None,
            "end_requester_kind": None,
            "category": "stolen_vehicle",
            "kind": "plate",
            "policy": POLICY,
            "commitments": {name: chosen.randbytes(32).hex() for name in names},
        }
        if release:
            document |= {"decided": index - 1, "page": 1, "count_band": "1-9"}
        else:
            document |= {"outcome": "permit", "provisions": [], "review": "none", "replay": False}
        entry = canonical(document)
        yield StoredEntry(index, entry, leaf_hash(entry), event, str(document["ref"]))


def load(rows: Rows, count: int) -> None:
    """Write so many entries, fewer than 2**24, into an empty log."""
    roots: list[bytes] = []
    for start in range(0, count, CHUNK):
        some = list(entries(start, min(CHUNK, count - start)))
        leaves = [one.leaf_hash for one in some]
        tiles = [Tile(0, (start + at) // WIDTH, b"".join(row)) for at, row in _rows(leaves)]
        roots += [perfect_root(row) for _, row in _rows(leaves)]
        if tiles and len(roots) % WIDTH == 0:
            tiles.append(Tile(1, len(roots) // WIDTH - 1, b"".join(roots[-WIDTH:])))
        with rows.transaction() as transaction:
            head = transaction.head()
            assert start == head.size
            frontier = extend(head.frontier, head.size, leaves)
            transaction.append(some, tiles, Head(start + len(some), frontier, 0))


def _rows(leaves: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    for at in range(0, len(leaves) // WIDTH * WIDTH, WIDTH):
        yield at, leaves[at : at + WIDTH]
