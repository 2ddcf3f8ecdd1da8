"""A long log in stretches of 4,096 entries, which can be read in any order and by several processes.

A stretch is taken whole only if nothing at all is wrong with it: each entry has the hash that its tile and
its row promise, is canonical, fits its schema, and fits those before it in the stretch. Guarantees: of any
other `read` says so, and it is then read entry by entry by the one who names what is wrong; so no finding is
made, or missed, here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gatekeeper.ledger.merkle import Frontier, extend, leaf_hash
from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.ledger.statements import Said, judged_alone
from gatekeeper.ledger.tiles import WIDTH

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


def read(rows: Entries, start: int, sizes: Sequence[int], *, beside: bool) -> Stretch | None:
    """Read the stretch that begins with entry `start`, a multiple of ``SIZE``; None if anything is wrong.

    `sizes` are those within it, in order, at which frontiers are wanted; `beside` as for `judged_alone`.
    Raises what the reading raises.
    """
    leaves: list[bytes] = []
    said = Said(start)
    for index, stored in enumerate(rows.entries(start, start + SIZE), start):
        leaf = leaf_hash(stored.entry)
        if stored.index != index or stored.leaf_hash != leaf:
            return None
        document, faults = judged_alone(stored, beside=beside)
        if faults or document is None or not said.add(index, document):
            return None
        leaves.append(leaf)
    first = start // WIDTH
    tiles = [rows.tile(0, first + place) for place in range(SIZE // WIDTH)]
    if len(leaves) != SIZE or tiles != [b"".join(leaves[at : at + WIDTH]) for at in range(0, SIZE, WIDTH)]:
        return None
    frontiers: dict[int, Frontier] = {}
    frontier: Frontier = ()
    at = 0
    for size in sizes:  # one after the other: there may be many
        frontier = extend(frontier, at, leaves[at : size - start])
        at = size - start
        frontiers[size] = frontier
    (root,) = extend(frontier, at, leaves[at:])
    return Stretch(start, root, frontiers, said)


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

    def begin(self, stop: int, sizes: Sequence[int], *, beside: bool) -> None:
        """Hear what is wanted."""
        del stop
        self._sizes, self._beside = sizes, beside

    def stretch(self, start: int) -> Stretch | None:
        """Read a stretch."""
        return read(self._rows, start, within(self._sizes, start), beside=self._beside)


def within(sizes: Sequence[int], start: int) -> Sequence[int]:
    """Return those sizes, of some in order, that lie within a stretch."""
    return sizes[bisect_left(sizes, start) : bisect_left(sizes, start + SIZE)]
