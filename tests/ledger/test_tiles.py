"""Tiles: one spelling of each path, and the hashes that the tree has."""

from __future__ import annotations

import pytest

from gatekeeper.errors import LedgerCorrupt, UnknownTile
from gatekeeper.ledger import tiles
from gatekeeper.ledger.merkle import (
    frontier_at,
    inclusion_proof,
    leaf_hash,
    perfect_root,
    root,
    verify_inclusion,
)
from tests.ledger.made import Log, decided


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 999, 256, "tile/0/999"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (1, 5, 17, "tile/1/005.p/17"),
        ("entries", 12345, 1, "tile/entries/x012/345.p/1"),
    ],
)
def test_a_path_is_written_and_read_back(level: int | str, number: int, width: int, path: str) -> None:
    """As C2SP tlog-tiles spells it."""
    assert path == tiles.path(level, number, width)
    assert (level, number, width) == tiles.parse_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/001",
        "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/01", "tile/0/001/002",
        "tile/0/000\n", "tile/0/../000", "tile/0/\u0660\u0660\u0660", "checkpoint",
    ],
)  # fmt: skip
def test_any_other_spelling_is_unknown(path: str) -> None:
    """A cache would hold the same tile twice; a walk out of the tree finds nothing."""
    with pytest.raises(UnknownTile):
        tiles.parse_path(path)


def test_hashes_are_those_of_the_entries(log: Log) -> None:
    """From a complete tile and past it; what is not there is corrupt, not empty."""
    leaves = [log.ledger.append(decided()).leaf_hash for _ in range(260)]
    reader = tiles.TileReader(log.rows)
    assert leaves[3:9] == reader.hashes(0, 3, 9)
    assert leaves[256:] == reader.hashes(0, 256, 260)
    assert perfect_root(leaves[:256]) == reader.node(8, 0)
    with pytest.raises(LedgerCorrupt):
        reader.hashes(0, 256, 261)


class Long:
    """The stored tiles of a log of 200 complete ones, and how often they were read."""

    size = 200 * tiles.WIDTH

    def __init__(self) -> None:
        self.stored = [b"".join(leaf_hash(bytes([n, i])) for i in range(tiles.WIDTH)) for n in range(200)]
        self.read = 0

    def tile(self, level: int, number: int) -> bytes | None:
        """Return one of the lowest level: there are too few of them for another."""
        self.read += 1
        return self.stored[number] if level == 0 else None

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Return none: no tile is unfinished."""
        del start, stop
        return []

    def proof(self, index: int, roots: tiles.Roots | None = None) -> tuple[bytes, ...]:
        """Return an inclusion proof as a receipt has it."""
        return inclusion_proof(index, self.size, tiles.TileReader(self, roots).node)


def test_a_proof_in_a_long_log_reads_few_tiles() -> None:
    """Not, for every receipt, each of those below a tile that is not complete yet; the proof is the same."""
    log, roots = Long(), tiles.Roots()
    first = log.proof(70, roots)
    assert first == log.proof(70)
    log.read = 0
    for index in (70, 71, 10_000, log.size - 1):
        proof = log.proof(index, roots)
        assert log.read <= 3, "a receipt reads the log from its beginning"
        leaf = leaf_hash(bytes(divmod(index, tiles.WIDTH)))
        top = root(frontier_at(log.size, tiles.TileReader(log).node))
        assert verify_inclusion(leaf, index, log.size, proof, top)
        log.read = 0


def test_what_is_remembered_of_a_log_has_an_end() -> None:
    """It is forgotten, and read again, before it fills the memory of a process."""
    log, roots = Long(), tiles.Roots()
    roots.update({(9, number): bytes(32) for number in range(10_000)})
    assert log.proof(70) == log.proof(70, roots)
    assert len(roots) <= 200


def test_a_changed_tile_is_noticed_by_whoever_compares() -> None:
    """What was worked out of a tile is remembered by what it held, not by where it stood."""
    long = Long()
    before = tiles.TileReader(long).node(14, 0)
    long.stored[3] = bytes(len(long.stored[3]))
    assert before != tiles.TileReader(long).node(14, 0)
    long.stored[3] = long.stored[3][:-1]
    with pytest.raises(LedgerCorrupt, match="256 hashes"):
        tiles.TileReader(long).node(14, 0)


def test_a_bundle_holds_each_entry_with_its_length() -> None:
    """Two bytes, big-endian."""
    assert b"\x00\x01a\x01\x00" + b"b" * 256 == tiles.bundle([b"a", b"b" * 256])
    assert 32 == len(leaf_hash(b""))
