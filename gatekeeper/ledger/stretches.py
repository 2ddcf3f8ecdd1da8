"""A long log in stretches of 4,096 entries, which can be read in any order and by several processes.

A stretch is taken whole only if nothing at all is wrong with it: each entry has the hash that its tile and
its row promise, is canonical, fits its schema, and fits those before it in the stretch. Guarantees: of any
other `read` says so, and it is then read entry by entry by the one who names what is wrong; so no finding is
made, or missed, here.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gatekeeper.ledger.alike import Alike
from gatekeeper.ledger.merkle import Frontier, frontier_at, rows_above
from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.ledger.statements import Said, judged_alone, said_by
from gatekeeper.ledger.tiles import WIDTH

_sha256 = hashlib.sha256

LEVEL: Final = 12
SIZE: Final = 1 << LEVEL


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch with which nothing is wrong: its root, frontiers in it by the log's size, what it says."""

    start: int
    root: bytes
    frontiers: Mapping[int, Frontier]
    said: Said


class Entries(Protocol):
    """What is read."""

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield entries by index."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a completed tile, or None."""


def read(rows: Entries, start: int, sizes: Sequence[int], *, beside: bool, alike: Alike) -> Stretch | None:
    """Read the stretch that begins with entry `start`, a multiple of ``SIZE``; None if anything is wrong.

    `sizes` are those within it, in order, at which frontiers are wanted; `beside` as for `judged_alone`;
    `alike` remembers entries of this log. Raises what the reading raises.
    """
    leaves: list[bytes] = []
    said = Said(start)
    for index, stored in enumerate(rows.entries(start, start + SIZE), start):
        at, entry, beside_it, event, query = stored
        leaf = _sha256(b"\x00" + entry).digest()  # as `leaf_hash` does
        if at != index or beside_it != leaf:
            return None
        leaves.append(leaf)
        told = alike.told(entry)
        if told is None or (beside and (told[0].event != event or told[1].decode() != query)):
            document, faults = judged_alone(stored, beside=beside)
            if faults or document is None:
                return None
            alike.learn(entry, document)
            told = said_by(document)
        if not said.add(index, *told):
            return None
    if len(leaves) != SIZE:
        return None
    first = start // WIDTH
    for place in range(SIZE // WIDTH):
        if rows.tile(0, first + place) != b"".join(leaves[place * WIDTH : (place + 1) * WIDTH]):
            return None
    nodes = rows_above(leaves)
    frontiers = {size: frontier_at(size - start, lambda level, at: nodes[level][at]) for size in sizes}
    return Stretch(start, nodes[LEVEL][0], frontiers, said)


class Reading(Protocol):
    """Reads stretches, perhaps ahead of time and in other processes."""

    def begin(self, stop: int, sizes: Sequence[int], *, beside: bool) -> None:
        """Hear how far the log reaches, and at which sizes, in order, frontiers are wanted."""

    def stretch(self, start: int) -> Stretch | None:
        """Return the stretch from an entry on; None if it is to be read entry by entry."""


class Here:
    """Reads them in this process, when they are asked for."""

    def __init__(self, rows: Entries) -> None:
        self._rows = rows
        self._sizes: Sequence[int] = ()
        self._beside = True
        self._alike = Alike()

    def begin(self, stop: int, sizes: Sequence[int], *, beside: bool) -> None:
        """Hear what is wanted."""
        del stop
        self._sizes, self._beside = sizes, beside

    def stretch(self, start: int) -> Stretch | None:
        """Read a stretch."""
        return read(self._rows, start, within(self._sizes, start), beside=self._beside, alike=self._alike)


def within(sizes: Sequence[int], start: int) -> Sequence[int]:
    """Return those sizes, of some in order, that lie within a stretch."""
    return sizes[bisect_left(sizes, start) : bisect_left(sizes, start + SIZE)]
