"""The state of one verification of the log, and what it finds wrong.

Guarantees: an entry is compared with what was signed, never with what is stored beside it alone; what is
wrong is named by one of ``findings.CODES``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from gatekeeper.ledger.checkpoint import Checkpoint, CheckpointRefused, VerifierKey, open_checkpoint
from gatekeeper.ledger.cosignatures import CosignerKey, cosignatures
from gatekeeper.ledger.findings import Finding, Reached
from gatekeeper.ledger.merkle import extend, leaf_hash, perfect_root, root
from gatekeeper.ledger.rows import Head, StoredEntry
from gatekeeper.ledger.statements import Statements
from gatekeeper.ledger.stretches import LEVEL, Stretch
from gatekeeper.ledger.suspects import Suspects
from gatekeeper.ledger.tiles import HASH_BYTES, HEIGHT, WIDTH, split


@dataclass
class Tree:
    """A frontier that grows leaf by leaf."""

    frontier: tuple[bytes, ...] = ()
    size: int = 0

    def add(self, leaf: bytes) -> None:
        """Grow by one leaf."""
        self.frontier = extend(self.frontier, self.size, (leaf,))
        self.size += 1

    def grow(self, level: int, node: bytes) -> None:
        """Grow by the ``2**level`` leaves under a node; there must be a multiple of so many."""
        self.frontier = extend(self.frontier, self.size >> level, (node,))
        self.size += 1 << level


@dataclass
class Audit:
    """The state of one verification.

    Two trees grow: `told` from the texts, `promised` from the tiles (or, past the last complete one, from the
    hashes stored beside the entries). Where only `promised` fits a checkpoint, texts were altered; where
    neither does, the hashes were rewritten too.
    """

    head: Head = field(default_factory=lambda: Head(0, (), 0))
    start: int = 0
    judged_from: int = 0
    upper_from: int = 0
    begins: Callable[[Checkpoint], bool] = lambda _: True
    frontier_claimed: bool = True
    earlier: Reached | None = None
    findings: list[Finding] = field(default_factory=list)
    told: Tree = field(default_factory=Tree)
    promised: Tree = field(default_factory=Tree)
    statements: Statements = field(default_factory=Statements)
    suspects: Suspects = field(default_factory=Suspects)
    signed: list[tuple[str, Checkpoint]] = field(default_factory=list)
    roots_signed: dict[int, bytes] = field(default_factory=dict)
    roots: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    sizes: set[int] = field(default_factory=set)
    tile: list[bytes] = field(default_factory=list)

    def find(self, code: str, index: int | None, message: str) -> None:
        """Note one thing that is wrong."""
        self.findings.append(Finding(code, index, message))

    def open(
        self, where: str, texts: Iterable[str], key: VerifierKey, witnesses: Sequence[CosignerKey] = ()
    ) -> None:
        """Open checkpoints; two roots of one size are a fork, whatever the entries say.

        Of `witnesses` those that cosigned one are named with it: they were shown its history.
        """
        origin, kind = sys.intern(key.origin), where
        for text in texts:
            try:
                checkpoint = open_checkpoint(text, key)
            except CheckpointRefused as error:
                self.find(error.reason, None, f"a {kind} checkpoint is refused: {error}")
                continue
            checkpoint = replace(checkpoint, origin=origin)  # one text for all of them
            names = sorted(c.key.name for c in cosignatures(text, witnesses)) if witnesses else []
            where = (
                f"{kind} checkpoint, cosigned by {' and '.join(names)}," if names else f"{kind} checkpoint"
            )
            if self.roots_signed.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
                message = f"two checkpoints of size {checkpoint.size} have different roots"
                self.find("forked", None, f"{message}: two histories were signed")
            self._compare_with(where, checkpoint)

    def expect(self, earlier: Reached) -> None:
        """Remember what an earlier examination came to."""
        self.earlier = earlier
        self.sizes.add(earlier.size)
        self._remember()

    def _compare_with(self, where: str, checkpoint: Checkpoint) -> None:
        if checkpoint.size >= self.start:
            self.signed.append((where, checkpoint))
            self.sizes.add(checkpoint.size)
            self._remember()
        elif not self.begins(checkpoint):  # the tree before is not read again: a proof binds it to its root
            self._find_forked(where, checkpoint.size)

    def take(self, stretch: Stretch) -> bool:
        """Take in a whole stretch if nothing is wrong with it here; else say so, and take in nothing."""
        if not self.statements.allow(stretch.said):
            return False
        for size, frontier in stretch.frontiers.items():
            trees = (self.told.frontier + frontier, self.promised.frontier + frontier)
            self.roots[size] = root(trees[0]), root(trees[1])
        self.told.grow(LEVEL, stretch.root)
        self.promised.grow(LEVEL, stretch.root)
        self.suspects.begin(self.told.frontier, self.told.size)
        self._remember()
        return True

    def read(self, stored: StoredEntry, tile: Callable[[int, int], bytes | None]) -> None:
        """Take in the next entry."""
        if stored.index >= self.head.size:
            message = f"there is an entry {stored.index}, past the head's size {self.head.size}"
            self.find("head", stored.index, message)
            return
        # An index that is not there is taken from the tiles, so that what follows can still be compared.
        if stored.index > self.told.size:
            missing = range(self.told.size, stored.index)
            self.find("dropped", missing[0], f"{_entries(missing)} missing from the middle of the log")
            for index in missing:
                self._place(index, None, None, tile)
        if stored.index < self.told.size:
            message = f"entry {stored.index} stands after entry {self.told.size - 1}"
            self.find("reordered", stored.index, message)
            return
        computed = leaf_hash(stored.entry)
        self._place(stored.index, computed, stored.leaf_hash, tile)
        if stored.index >= self.judged_from:
            for code, message in self.statements.judge(stored):
                self.find(code, stored.index, f"entry {stored.index}: {message}")

    def _place(
        self,
        index: int,
        computed: bytes | None,
        beside: bytes | None,
        tile: Callable[[int, int], bytes | None],
    ) -> None:
        """Put one leaf into both trees, and remember where they differ."""
        if index % WIDTH == 0:
            self.tile = self._tile(index >> HEIGHT, tile)
        promise = self.tile[index % WIDTH] if self.tile else beside
        told = computed or promise or bytes(HASH_BYTES)
        promise = promise or told
        if computed is not None and computed != promise:
            self.suspects.differs(index, computed, promise, agreed=beside == computed)
        elif computed is not None and beside != computed:
            self.find("leaf_hash", index, f"the hash stored beside entry {index} is not its own")
        self.suspects.tail(index, told)
        self.told.add(told)
        self.promised.add(promise)
        self._remember()

    def _tile(self, number: int, tile: Callable[[int, int], bytes | None]) -> list[bytes]:
        if number >= self.head.size >> HEIGHT:
            return []
        stored = tile(0, number)
        if stored is None or len(stored) != WIDTH * HASH_BYTES:
            self.find("tile", number << HEIGHT, f"tile 0/{number} is missing or is not 256 hashes")
            return []
        return split(stored)

    def _remember(self) -> None:
        if self.told.size in self.sizes:
            self.roots[self.told.size] = root(self.told.frontier), root(self.promised.frontier)

    def finish(self, tile: Callable[[int, int], bytes | None]) -> None:
        """Compare the whole with the head and the checkpoints, and name what differs."""
        read = self.told.size
        if read < self.head.size:
            gone = range(read, self.head.size)
            message = f"{_entries(gone)} missing from the end: the head says {self.head.size}"
            self.find("truncated", read, message)
        proved = max((c.size for _, c in self.signed if self._fits(c)), default=0)
        if read == self.head.size and self.told.frontier == self.head.frontier:
            proved = max(proved, read)
        for code, index, message in self.suspects.named(proved):
            self.find(code, index, message)
        explained = self._judge_earlier() or self._judge_head(read) or bool(self.suspects)
        self._judge_checkpoints(read, explained=explained)
        self._judge_upper_tiles(tile)

    def _fits(self, checkpoint: Checkpoint) -> bool:
        return self.roots.get(checkpoint.size, (b"",))[0] == checkpoint.root

    def _judge_earlier(self) -> bool:
        """Compare with what was found sound before; return whether it is not there any more."""
        if self.earlier is None:
            return False
        size, known = self.earlier.size, self.earlier.root
        if size > self.head.size:
            message = f"{size} entries were found sound before; {self.head.size} are left"
            self.find("truncated", self.head.size, message)
        elif known not in self.roots.get(size, (known,)):
            message = f"the first {size} entries are not those that were found sound before"
            self.find("forked", size - 1, f"{message}: the log, or a tile of it, was written anew")
        else:
            return False
        return True

    def _judge_head(self, read: int) -> bool:
        """Name what is between the entries and the head; return whether the defect was found in the tail."""
        frontiers = (self.told.frontier, self.promised.frontier)
        if not self.frontier_claimed or read != self.head.size or self.head.frontier in frontiers:
            return False
        if any(c.size == read and self._fits(c) for _, c in self.signed):
            self.find("head", None, "the head's frontier is not that of the entries, which are those signed")
            return False
        pair = self.suspects.swapped(self.head)
        if pair is not None:
            self.find("reordered", pair[0], f"entries {pair[0]} and {pair[1]} changed places")
            return True
        start = self.suspects.tail_start
        if root(self.told.frontier) != root(self.head.frontier):
            self.find(
                "altered",
                start,
                f"some entry from {start} to {read - 1} was altered together with the hash beside it: the"
                " entries do not give the head's frontier",
            )
        return True

    def _judge_checkpoints(self, read: int, *, explained: bool) -> None:
        for where, checkpoint in self.signed:
            if checkpoint.size > self.head.size:
                message = f"a {where} was signed over {checkpoint.size} entries"
                self.find("truncated", self.head.size, f"{message}; {self.head.size} are left")
            elif checkpoint.size <= read:
                told, promised = self.roots[checkpoint.size]
                if checkpoint.root in (told, promised) or explained or self._lost(checkpoint.size):
                    continue
                self._find_forked(where, checkpoint.size)

    def _find_forked(self, where: str, size: int) -> None:
        message = f"the first {size} entries are not those that a {where} was signed over"
        self.find("forked", size - 1 if size else None, f"{message}: the log was written anew")

    def reached(self) -> Reached:
        """Return how far the log was read."""
        said = self.statements
        return Reached(self.told.size, root(self.told.frontier), said.hour, dict(said.stops))

    def sound(self, opened: int) -> bool:
        """Return whether nothing is wrong so far, beyond the first `opened` findings (of checkpoints)."""
        earlier = self.earlier
        if len(self.findings) > opened or self.suspects or self.told.frontier != self.promised.frontier:
            return False
        return earlier is None or self.roots.get(earlier.size) == (earlier.root, earlier.root)

    def _lost(self, size: int) -> bool:
        """Return whether a missing entry already explains that a root before `size` cannot be had."""
        return any(f.code == "dropped" and f.index is not None and f.index < size for f in self.findings)

    def _judge_upper_tiles(self, tile: Callable[[int, int], bytes | None]) -> None:
        """Compare tiles of tiles with the tiles below them."""
        level, size = 1, min(self.head.size, self.told.size)  # a head can say anything
        while size >> HEIGHT * (level + 1):
            new = range(self.upper_from >> HEIGHT * (level + 1), size >> HEIGHT * (level + 1))
            for number in new:
                below = [tile(level - 1, n) for n in range(number << HEIGHT, (number + 1) << HEIGHT)]
                stored, expected = tile(level, number), _roots(below)
                if stored is None or stored != expected:
                    message = f"tile {level}/{number} does not hold the roots of those below it"
                    self.find("tile", None, message)
            level += 1


def _roots(tiles: Sequence[bytes | None]) -> bytes | None:
    whole = [tile for tile in tiles if tile is not None and len(tile) == WIDTH * HASH_BYTES]
    if len(whole) != len(tiles):
        return None
    return b"".join(perfect_root(split(tile)) for tile in whole)


def _entries(indices: range) -> str:
    if len(indices) == 1:
        return f"entry {indices[0]} is"
    return f"entries {indices[0]} to {indices[-1]} are"
