"""From hashes that differ to the name of the defect: altered, reordered, dropped, or only a bad tile.

Guarantees: every difference is named, in bounded memory (the first 10,000 in full); which name is a
judgement, made only after all entries are read, from where the hash of an entry's text is found instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from gatekeeper.ledger.merkle import Frontier, extend
from gatekeeper.ledger.rows import Head
from gatekeeper.ledger.tiles import WIDTH

LIMIT = 10_000
_EVERY_PAIR = 64


class Suspects:
    """Collects where texts and promised hashes differ, and the leaves after the last complete tile."""

    def __init__(self) -> None:
        self._differ: dict[int, tuple[bytes, bytes, bool]] = {}
        self._more = 0
        self._tail: list[bytes] = []
        self.tail_start = 0
        self._before: tuple[bytes, ...] = ()

    def begin(self, frontier: Frontier, size: int) -> None:
        """Begin after a tree of complete tiles."""
        self._before, self.tail_start, self._tail = frontier, size, []

    def __bool__(self) -> bool:
        return bool(self._differ)

    def differs(self, index: int, computed: bytes, promised: bytes, *, agreed: bool) -> None:
        """Note a difference; `agreed` if the hash stored beside the entry is that of its text."""
        if len(self._differ) < LIMIT:
            self._differ[index] = computed, promised, agreed
        else:
            self._more += 1

    def tail(self, index: int, leaf: bytes) -> None:
        """Note a leaf; only those since the last complete tile are remembered."""
        if index % WIDTH == 0 and self._tail:
            self._before = extend(self._before, self.tail_start, self._tail)
            self._tail, self.tail_start = [], index
        self._tail.append(leaf)

    def named(self, proved: int) -> Iterator[tuple[str, int, str]]:
        """Yield (code, index, message) for each difference; texts below `proved` are those signed."""
        home = {promised: index for index, (_, promised, _) in self._differ.items()}
        shifted_from: int | None = None
        for index, (computed, _, agreed) in self._differ.items():
            if agreed and index < proved:
                yield "tile", index, f"the tile's hash of entry {index} is wrong; the entry is the one signed"
                continue
            if shifted_from is not None and home.get(computed, index + 1) == index + 1:
                continue  # the same gap, seen one entry later
            if self._shifted(index, home):
                shifted_from = index
                yield "dropped", index, f"entry {index} was dropped: what follows moved up by one"
            elif computed in home:
                message = f"entry {home[computed]} stands in the place of entry {index}"
                yield "reordered", index, message
            else:
                message = f"entry {index} was altered: its text does not have the hash that was logged"
                yield "altered", index, message
        if self._more:
            last = max(self._differ)
            yield "altered", last, f"{self._more} further entries differ as well"

    def _shifted(self, index: int, home: dict[bytes, int]) -> bool:
        """Return whether from `index` on each text belongs one place further down.

        Two in a row, and the promised hash of `index` itself nowhere: with two entries that changed places
        it would be found again.
        """
        computed, promised, _ = self._differ[index]
        if home.get(computed) != index + 1 or any(told == promised for told, _, _ in self._differ.values()):
            return False
        after = self._differ.get(index + 1)
        return after is None or home.get(after[0], index + 2) == index + 2

    def swapped(self, head: Head) -> tuple[int, int] | None:
        """Return the two entries after the last complete tile whose exchange gives the head's frontier."""
        leaves = self._tail
        near = ((i, i + 1) for i in range(len(leaves) - 1))
        pairs = combinations(range(len(leaves)), 2) if len(leaves) <= _EVERY_PAIR else near
        for one, other in pairs:
            trial = list(leaves)
            trial[one], trial[other] = trial[other], trial[one]
            if extend(self._before, self.tail_start, trial) == head.frontier:
                return self.tail_start + one, self.tail_start + other
        return None
