"""The log as the public sees it: a checkpoint, and the files under it (C2SP tlog-tiles).

Guarantees: a file is given only for entries that a published checkpoint covers, so whoever reads along learns
no more of the time of an entry than when checkpoints are published; every width of a tile up to that size can
be had; a file other than the checkpoint never changes; the published size never shrinks. All of it is derived
from the rows of the log: whoever copies it holds nothing that could not be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from gatekeeper.errors import LedgerCorrupt, UnknownTile
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.checkpoint import SigningKey, open_checkpoint
from gatekeeper.ledger.entries import hour_of
from gatekeeper.ledger.merkle import (
    Frontier,
    consistency_proof,
    frontier_at,
    leaf_hash,
    root,
    verify_consistency,
)
from gatekeeper.ledger.rows import Head, Rows
from gatekeeper.ledger.tiles import HEIGHT, WIDTH, TileReader, bundle, parse_path

CHECKPOINT: Final = "checkpoint"
_HOUR: Final = 3600


class Announced(Protocol):
    """A checkpoint that was published; ``number`` counts them, without a gap."""

    @property
    def number(self) -> int:
        """Which one it is, from 1."""

    @property
    def size(self) -> int:
        """How many entries it covers."""

    @property
    def text(self) -> str:
        """The signed note."""

    @property
    def at(self) -> datetime:
        """When it was published."""


class Announcements(Protocol):
    """Keeps what was published. Each raises StoreUnavailable."""

    def last(self) -> Announced | None:
        """Return the last published checkpoint, or None."""

    def announce(self, number: int, size: int, text: str, at: datetime) -> None:
        """Keep the *number*-th; if another process was first, theirs stands."""


class Publication:
    """Decides which checkpoint is the public one: a new one each *every* seconds, 0: each time it is asked.

    *head* returns the log's head where that may be signed (by default it always may).
    The moments are those of the clock. Of whole hours, a checkpoint covers the entries of the hours that are
    over and no other: then its publication tells no more of the time of an entry than the entry says.
    """

    def __init__(
        self,
        rows: Rows,
        key: SigningKey,
        announcements: Announcements,
        now: Callable[[], datetime],
        every: int,
        head: Callable[[], Head] | None = None,
    ) -> None:
        self._rows, self._key, self._announcements, self._now = rows, key, announcements, now
        self._every = every
        self._head = head or rows.head

    def latest(self) -> tuple[int, str]:
        """Return the size and the text of the published checkpoint, made now if it is due.

        Raises LedgerUnavailable, LedgerCorrupt, StoreUnavailable, ClockUnreliable.
        """
        last = self._announcements.last()
        if self._every == 0:
            head = self._head()
            if last is not None and last.size >= head.size:
                return last.size, last.text  # the same, with what witnesses signed; never a smaller one
            return head.size, self._signed(head.frontier, head.size)
        now = self._now()
        if last is None or self._period(now) > self._period(last.at):
            self._announce(last, now)
            last = self._announcements.last()  # ours, or that of who was first
        if last is None:
            raise LedgerCorrupt("what was published is not kept")
        return last.size, last.text

    def covering(self, size: int) -> tuple[int, str]:
        """Return the last published checkpoint if it covers so many entries, else one of just so many.

        The latter is signed for who asks, and not published. Raises LedgerCorrupt if what is stored of those
        entries does not lead to the log's head, LedgerUnavailable, StoreUnavailable.
        """
        last = self._announcements.last()
        if last is not None and last.size >= size:
            return last.size, last.text
        head, node = self._head(), TileReader(self._rows).node
        frontier, whole = frontier_at(size, node), root(head.frontier)
        proof = consistency_proof(size, head.size, node)
        if not verify_consistency(size, head.size, proof, root(frontier), whole):
            raise LedgerCorrupt("the stored hashes do not lead to the log's head: gatekeeper ledger verify")
        return size, self._signed(frontier, size)

    def cosigned(self, text: str) -> None:
        """Publish the latest checkpoint anew, with what witnesses signed.

        One that is not the latest any more is not: another is asked for already. Raises CheckpointRefused
        for one that is not this log's, StoreUnavailable.
        """
        checkpoint, last = open_checkpoint(text, self._key.verifier), self._announcements.last()
        size, latest = self.latest()
        if checkpoint == open_checkpoint(latest, self._key.verifier):
            number = 1 if last is None else last.number + 1
            at = self._now() if last is None or self._every == 0 else last.at
            self._announcements.announce(number, size, text, at)

    def _announce(self, last: Announced | None, now: datetime) -> None:
        number, before = (0, -1) if last is None else (last.number, last.size)
        head = self._head()
        size = head.size
        if self._every % _HOUR == 0:
            moment = datetime.fromtimestamp(self._period(now) * self._every, UTC)
            size = self._over(max(before, 0), head.size, hour_of(moment))
        if size > before:  # else, while an hour is quiet, each question would read the tree
            frontier = head.frontier if size == head.size else frontier_at(size, TileReader(self._rows).node)
            self._announcements.announce(number + 1, size, self._signed(frontier, size), now)

    def _over(self, lowest: int, highest: int, hour: str) -> int:
        """Return how many entries are of hours before this one; none is of an hour before the last one's."""
        while lowest < highest:
            middle = (lowest + highest) // 2
            stored = self._rows.entry(middle)
            said = None if stored is None else decoded(stored.entry).get("hour")
            if not isinstance(said, str):
                raise LedgerCorrupt(f"entry {middle} is missing, or was altered")
            if said < hour:
                lowest = middle + 1
            else:
                highest = middle
        return lowest

    def _period(self, at: datetime) -> int:
        return int(at.timestamp()) // self._every

    def _signed(self, frontier: Frontier, size: int) -> str:
        return self._key.sign(size, root(frontier))


class Published:
    """The files of the published log, by their paths under its address."""

    def __init__(self, rows: Rows, latest: Callable[[], tuple[int, str]]) -> None:
        self._rows, self._latest = rows, latest

    def file(self, path: str) -> bytes:
        """Return a file. Raises UnknownTile if there is none (yet), LedgerCorrupt, LedgerUnavailable."""
        if path == CHECKPOINT:
            return self._latest()[1].encode()
        level, number, width = parse_path(path)
        size, _ = self._latest()
        tile_level = 0 if isinstance(level, str) else level
        start = number * WIDTH
        if start + width > size >> HEIGHT * tile_level:
            raise UnknownTile("no such tile")
        read = self.entries if isinstance(level, str) else self.hashes
        return read(tile_level, start, start + width)

    def hashes(self, level: int, start: int, stop: int) -> bytes:
        """Return the hashes of a tile, or of its beginning."""
        return b"".join(TileReader(self._rows).hashes(level, start, stop))

    def entries(self, _: int, start: int, stop: int) -> bytes:
        """Return the entries of a bundle, each compared with the hash that the tree holds of it."""
        found = list(self._rows.entries(start, stop))
        if [one.index for one in found] != list(range(start, stop)):
            raise LedgerCorrupt(f"entries are missing between {start} and {stop - 1}")
        expected = TileReader(self._rows).hashes(0, start, stop)
        for one, promised in zip(found, expected, strict=True):
            if leaf_hash(one.entry) != promised:
                raise LedgerCorrupt(f"entry {one.index} was altered: its hash is not the one in the tree")
        return bundle([one.entry for one in found])
