"""The tree's hashes as static files: C2SP tlog-tiles, height 8.

A tile is 256 neighbouring hashes of one level in eight; a complete one never changes, so a cache may keep it
for ever. Guarantees: a path has one spelling; a partial tile of each published size can be had; hashes come
from stored complete tiles and, past the last of them, from the leaf hashes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from gatekeeper.errors import LedgerCorrupt, UnknownTile
from gatekeeper.ledger.merkle import perfect_root

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]|[1-5][0-9]|6[0-3])"
    r"/(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A complete tile: 256 hashes of ``level * 8`` in a row, the `number`-th such row."""

    level: int
    number: int
    hashes: bytes


class TileSource(Protocol):
    """Where stored hashes are read: a completed tile (None if it is not complete), or leaf hashes."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Return the 8,192 bytes of a completed tile, or None."""

    def leaf_hashes(self, start: int, stop: int) -> Sequence[bytes]:
        """Return the hashes of entries ``start <= index < stop``."""


Roots = dict[tuple[int, int], bytes]
"""The roots of complete tiles, by their level and number, for whoever reads one log again and again."""

_MOST_ROOTS = 4096


class TileReader:
    """A node reader (see `merkle`) over stored tiles; make one for each use, it remembers what it read.

    With `roots`, what it came to is left there for the next one: so that a proof in a long log does not read
    the up to 255 tiles below each tile that is not complete yet. Whoever compares the log with what was
    signed leaves them out: a tile that was changed meanwhile would not be noticed.
    """

    def __init__(self, source: TileSource, roots: Roots | None = None) -> None:
        self._source = source
        self._tile = lru_cache(maxsize=512)(source.tile)
        self._roots: Roots = {} if roots is None else roots

    def node(self, level: int, number: int) -> bytes:
        """Return the root of a complete subtree; raises LedgerCorrupt if the stored hashes do not reach."""
        tile_level, above = divmod(level, HEIGHT)
        return perfect_root(self.hashes(tile_level, number << above, (number + 1) << above))

    def hashes(self, tile_level: int, start: int, stop: int) -> list[bytes]:
        """Return complete nodes of a tile level, within one tile; raises LedgerCorrupt as `node` does."""
        stored = self._tile(tile_level, start >> HEIGHT)
        if stored is not None:
            if len(stored) != WIDTH * HASH_BYTES:
                raise LedgerCorrupt(f"tile {tile_level}/{start >> HEIGHT} does not hold 256 hashes")
            first = start % WIDTH
            return split(stored[first * HASH_BYTES : (first + stop - start) * HASH_BYTES])
        if tile_level:  # not complete yet: each of its hashes is the root of a complete tile below
            return [self._root(tile_level - 1, number) for number in range(start, stop)]
        leaves = list(self._source.leaf_hashes(start, stop))
        if len(leaves) != stop - start:
            raise LedgerCorrupt(f"entries {start} to {stop - 1} are not all there")
        return leaves

    def _root(self, level: int, number: int) -> bytes:
        """Return the root of a complete tile."""
        found = self._roots.get((level, number))
        if found is None:
            stored = self._tile(level, number)
            if stored is not None and len(stored) == WIDTH * HASH_BYTES:
                found = _root_of(stored)
            else:  # derived from what is below it, or refused
                found = perfect_root(self.hashes(level, number << HEIGHT, (number + 1) << HEIGHT))
            if len(self._roots) >= _MOST_ROOTS:
                self._roots.clear()
            self._roots[level, number] = found
        return found


@lru_cache(maxsize=512)
def _root_of(stored: bytes) -> bytes:
    """Return the root of a tile by what it holds: a changed one has another. At most 4 MiB are kept."""
    return perfect_root(split(stored))


def split(hashes: bytes) -> list[bytes]:
    """Return the hashes of a tile one by one."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def completed(source: TileSource, size: int, leaves: Sequence[bytes]) -> list[Tile]:
    """Return the tiles that the leaves after the first `size` complete.

    Only then are earlier hashes read (once in 256). Raises LedgerCorrupt if they are not there.
    """
    new = size + len(leaves)
    if new >> HEIGHT == size >> HEIGHT:
        return []
    tiles: list[Tile] = []
    made: dict[tuple[int, int], bytes] = {}
    for number in range(size >> HEIGHT, new >> HEIGHT):
        first = number << HEIGHT
        before = source.leaf_hashes(first, size) if first < size else []
        row = [*before, *leaves[max(first - size, 0) : first + WIDTH - size]]
        if len(row) != WIDTH:
            raise LedgerCorrupt("entries before the head are missing")
        tiles.append(Tile(0, number, b"".join(row)))
        made[0, number] = perfect_root(row)
    reader, level = TileReader(source), 1
    while new >> HEIGHT * (level + 1) > size >> HEIGHT * (level + 1):
        for number in range(size >> HEIGHT * (level + 1), new >> HEIGHT * (level + 1)):
            row = [
                made.get((level - 1, below)) or reader.node(HEIGHT * level, below)
                for below in range(number << HEIGHT, (number + 1) << HEIGHT)
            ]
            tiles.append(Tile(level, number, b"".join(row)))
            made[level, number] = perfect_root(row)
        level += 1
    return tiles


def path(level: int | str, number: int, width: int = WIDTH) -> str:
    """Return the path of a tile (or of an entry bundle: level ``"entries"``)."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"


def parse_path(text: str) -> tuple[int | str, int, int]:
    """Return level, number and width of a tile's path; raises UnknownTile for any other spelling."""
    match = _PATH.match(text)
    if match is None:
        raise UnknownTile("no such tile")
    level: int | str = "entries" if match["level"] == "entries" else int(match["level"])
    number = int(match["number"].replace("x", "").replace("/", ""))
    width = int(match["width"] or WIDTH)
    if path(level, number, width) != text or width > WIDTH:
        raise UnknownTile("no such tile")
    return level, number, width


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return entries as an entry bundle: each with its length in two bytes before it."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def entries_of(bundled: bytes) -> list[bytes]:
    """Return the entries of an entry bundle. Raises LedgerCorrupt if it does not end with an entry."""
    found, at = [], 0
    while at < len(bundled):
        end = at + 2 + int.from_bytes(bundled[at : at + 2], "big")
        if end > len(bundled):
            raise LedgerCorrupt("an entry bundle was cut short")
        found.append(bundled[at + 2 : end])
        at = end
    return found
