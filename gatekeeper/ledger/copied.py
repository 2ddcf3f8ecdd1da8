"""A published copy of a log (C2SP tlog-tiles), read as `verify` reads the log itself.

Guarantees: nothing is believed but what leads to the checkpoint's root; each file has a size that it cannot
exceed; a file that is missing, cut short, or holds more than it should is named. Of a tile that has become
complete since the checkpoint was read, the beginning is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.checkpoint import CheckpointRefused, VerifierKey, open_checkpoint
from gatekeeper.ledger.entries import MAX_ENTRY_BYTES
from gatekeeper.ledger.findings import Finding, Reached
from gatekeeper.ledger.merkle import leaf_hash, perfect_root
from gatekeeper.ledger.published import CHECKPOINT
from gatekeeper.ledger.rows import Head, StoredEntry
from gatekeeper.ledger.tiles import HASH_BYTES, HEIGHT, WIDTH, path, split
from gatekeeper.ledger.verify import examine

MOST_CHECKPOINT: Final = 64 * 1024
MOST_BUNDLE: Final = WIDTH * (2 + MAX_ENTRY_BYTES)
_MOST_FAULTS: Final = 20


class NoCopy(LedgerCorrupt):
    """There is no published log at that place, or its export has never come to its end."""


class Source(Protocol):
    """Where the files of a copy are. Raises LedgerUnavailable for what cannot be told from a missing file."""

    def read(self, name: str, most: int) -> bytes | None:
        """Return a file's first bytes, at most one more than *most*; None if there is no such file."""


@dataclass
class Copy:
    """The ``Reader`` of a copy, up to the size of its checkpoint."""

    source: Source
    text: str
    size: int
    faults: list[Finding] = field(default_factory=list)
    frontier_claimed: Final = False
    columns: Final = False

    def __post_init__(self) -> None:
        """Remember the tiles that were read last."""
        self.tile = lru_cache(maxsize=512)(self._tile)

    def head(self) -> Head:
        """Return how far the checkpoint reaches; its frontier is not told by anyone."""
        return Head(self.size, (), 0)

    def last_checkpoint(self) -> str | None:
        """Return the checkpoint."""
        return self.text

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield entries by index, as many as there are."""
        stop = min(stop, self.size)
        while start < stop and len(self.faults) < _MOST_FAULTS:
            number = start // WIDTH
            first, width = number * WIDTH, min(WIDTH, self.size - number * WIDTH)
            hashes = self._hashes(0, number, width)
            for place, entry in enumerate(self._bundle(number, width)):
                index = first + place
                if start <= index < stop:
                    leaf = hashes[place] if place < len(hashes) else leaf_hash(entry)
                    yield StoredEntry(index, entry, leaf, "", "")
            start = first + WIDTH

    def parts(self) -> None:
        """Compare the tiles that are not complete, above the entries, with the tiles below them."""
        level = 1
        while nodes := self.size >> HEIGHT * level:
            number, width = divmod(nodes, WIDTH)
            if width:
                below = [self.tile(level - 1, number * WIDTH + place) for place in range(width)]
                stored = self._hashes(level, number, width)
                right = [perfect_root(split(tile)) for tile in below if tile is not None]
                if len(stored) == width and stored != right:
                    name = path(level, number, width)
                    self._fault("tile", None, f"{name} does not hold the roots of the tiles below it")
            level += 1

    def _tile(self, level: int, number: int) -> bytes | None:
        if number >= self.size >> HEIGHT * (level + 1):
            return None
        hashes = self._hashes(level, number, WIDTH)
        return b"".join(hashes) or None

    def _hashes(self, level: int, number: int, width: int) -> Sequence[bytes]:
        """Return the hashes of a tile, or none if it is not there as it should be."""
        name = path(level, number, width)
        body, beginning = self._read(name, path(level, number), WIDTH * HASH_BYTES)
        if body is not None and beginning:
            body = body[: width * HASH_BYTES]
        if body is not None and len(body) == width * HASH_BYTES:
            return split(body)
        index = number * WIDTH if level == 0 else None
        if body is None:
            self._fault("tile", index, f"{name} is missing")
        else:
            self._fault("tile", index, f"{name} does not hold {width} hashes")
        return ()

    def _bundle(self, number: int, width: int) -> Iterable[bytes]:
        """Return the entries of a bundle, as many as are there of those that should be."""
        name = path("entries", number, width)
        body, beginning = self._read(name, path("entries", number), MOST_BUNDLE)
        if body is None:
            self._fault("bundle", number * WIDTH, f"{name} is missing")
            return ()
        found: list[bytes] = []
        at = 0
        while at < len(body) and len(found) <= WIDTH:
            end = at + 2 + int.from_bytes(body[at : at + 2], "big")
            if end > len(body) or at + 2 > len(body):
                self._fault("bundle", number * WIDTH + len(found), f"{name} ends within an entry")
                return found[:width]
            found.append(body[at + 2 : end])
            at = end
        if len(found) < width or (len(found) > width and not beginning):
            many = f"{len(found)}" if len(found) <= WIDTH else "more"
            index = number * WIDTH + min(len(found), width)
            self._fault("bundle", index, f"{name} should hold {width} entries, and holds {many}")
        return found[:width]

    def _read(self, name: str, complete: str, most: int) -> tuple[bytes | None, bool]:
        """Return a file, or the complete one that has taken its place since, and whether it was that."""
        body = self.source.read(name, most)
        if body is None and complete != name:
            return self.source.read(complete, most), True
        return body, False

    def _fault(self, code: str, index: int | None, message: str) -> None:
        finding = Finding(code, index, message)
        if finding not in self.faults and len(self.faults) < _MOST_FAULTS:
            self.faults.append(finding)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a copy. ``reached``: None where its checkpoint tells no size.

    ``later``: the size of a kept checkpoint that is of a larger log than this copy, so that nothing can be
    said of it; 0 where there is none.
    """

    findings: list[Finding]
    reached: Reached | None = None
    later: int = 0


def examine_copy(
    source: Source, key: VerifierKey, *, kept: Iterable[str] = (), progress: object = None
) -> Seen:
    """Return all that is wrong with a copy.

    Raises NoCopy if there is none, LedgerUnavailable if it cannot be read.
    """
    content = source.read(CHECKPOINT, MOST_CHECKPOINT)
    if content is None:
        raise NoCopy(
            "there is no checkpoint: no published log is there, or its export has not come to its end yet"
        )
    if len(content) > MOST_CHECKPOINT:
        return Seen([Finding("malformed", None, "the copy's checkpoint is over 64 KiB: no checkpoint is")])
    text = content.decode("utf-8", "replace")
    try:
        size = open_checkpoint(text, key).size
    except CheckpointRefused as refused:
        return Seen([Finding(refused.reason, None, f"the copy's checkpoint is refused: {refused}")])
    earlier: list[str] = []
    later: list[str] = []
    for one in kept:
        beyond = _size(one, key) > size
        (later if beyond else earlier).append(one)
    copy = Copy(source, text, size)
    heard = progress if callable(progress) else None
    found = examine(copy, key, checkpoints=[], published=[text], kept=earlier, progress=heard)
    copy.parts()
    several = [*copy.faults, *(one for one in found.findings if not _told(one, copy.faults))]
    several.sort(key=lambda finding: (finding.index is None, finding.index or 0))
    return Seen(several, found.reached, max((_size(one, key) for one in later), default=0))


def _size(checkpoint: str, key: VerifierKey) -> int:
    try:
        return open_checkpoint(checkpoint, key).size
    except CheckpointRefused:
        return 0  # and the examination says why


def _told(finding: Finding, faults: Sequence[Finding]) -> bool:
    """Return whether a fault of a file says the same already: a tile that is missing."""
    return finding.code == "tile" and any(f.code == "tile" and f.index == finding.index for f in faults)
