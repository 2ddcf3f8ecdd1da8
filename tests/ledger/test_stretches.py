"""A log read in stretches: the same findings as entry by entry, the quick way refuses what it cannot tell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatekeeper.ledger import canonical
from gatekeeper.ledger.canonical import quickly_decoded, sorted_json
from gatekeeper.ledger.merkle import frontier_at, root
from gatekeeper.ledger.stretches import SIZE, Here, Stretch
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.ledger.verify import examine
from tests.ledger.bulk import load
from tests.ledger.made import Log, decided, new_ref, open_log, released, stop_lifted, stop_set

ENTRIES = 2 * SIZE + 1000


class OneByOne:
    """Reads no stretch, so that every entry is read by itself."""

    def begin(self, stop: int, sizes: Sequence[int], *, beside: bool) -> None:
        """Hear it."""

    def stretch(self, start: int) -> Stretch | None:
        """Return none."""
        del start
        return None


class Counted(Here):
    """Counts the stretches that nothing was wrong with."""

    taken = 0

    def stretch(self, start: int) -> Stretch | None:
        """Read a stretch."""
        found = super().stretch(start)
        self.taken += found is not None
        return found


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a log of more than two stretches, once."""
    directory = tmp_path_factory.mktemp("long")
    log = open_log(directory)
    load(log.rows, ENTRIES)
    log.rows.close()
    return directory


@pytest.fixture
def copy(long: Path, tmp_path: Path) -> Log:
    """Open a copy of it."""
    shutil.copytree(long, tmp_path / "copy")
    return open_log(tmp_path / "copy")


def both(log: Log, kept: Sequence[str] = ()) -> tuple[list[tuple[str, int | None]], int]:
    """Examine in stretches and one by one; return what was found, once, and how many stretches were taken."""
    counted = Counted(log.rows)
    found = examine(log.rows, log.key.vkey, checkpoints=[], kept=kept, reading=counted)
    again = examine(log.rows, log.key.vkey, checkpoints=[], kept=kept, reading=OneByOne())
    assert again == found
    return [(one.code, one.index) for one in found.findings], counted.taken


TEXT = "update entries set entry = cast(replace(cast(entry as text), 'local', 'state') as blob) where i ="
TAMPERED = {
    "altered": f"{TEXT} 5000",
    "altered at the edge": f"{TEXT} 4096",
    "hash beside": "update entries set leaf = zeroblob(32) where i = 5001",
    "hash beside that is no hash": "update entries set leaf = 'x' where i = 5001",
    "text and hash beside": "update entries set leaf = x'00', entry = x'7b7d' where i = 5000",
    "filed under another": "update entries set event = 'query.refused' where i = 17",
    "dropped": "delete from entries where i = 4097",
    "a whole stretch dropped": "delete from entries where i >= 4096 and i < 8192",
    "more than a stretch dropped": "delete from entries where i >= 100 and i < 8202",
    "the end dropped": "delete from entries where i >= 4093",
    "all dropped": "delete from entries",
    "swapped": "update entries set i = -1 where i = 10; update entries set i = 10 where i = 4100;"
    "update entries set i = 4100 where i = -1",
    "tile gone": "delete from tiles where level = 0 and number = 3",
    "tile short": "update tiles set hashes = x'00' where level = 0 and number = 20",
    "tile wrong": "update tiles set hashes = zeroblob(8192) where level = 0 and number = 20",
    "head too small": "update head set size = 4096",
    "head too large": "update head set size = 1000000000000",
    "an entry too many": "insert into entries select 9192, entry, leaf, event, ref from entries where i = 3",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_the_findings_are_those_of_reading_one_by_one(copy: Log, what: str) -> None:
    """In their order and words; a checkpoint within a stretch and one at its edge are compared alike."""
    node = TileReader(copy.rows).node
    sizes = (0, 1, SIZE, SIZE + 77, 2 * SIZE)
    kept = [copy.key.sign(size, root(frontier_at(size, node))) for size in sizes]
    assert ([], 2) == both(copy, kept)
    copy.rows.db.executescript(TAMPERED[what])
    found, _ = both(copy, kept)
    assert found
    copy.rows.close()


def test_a_checkpoint_within_a_stretch_that_is_of_another_history_is_found(copy: Log) -> None:
    """The frontier within it is not passed over."""
    for size in (1, SIZE - 1, SIZE, SIZE + 77):
        assert ([("forked", size - 1)], 2) == both(copy, [copy.key.sign(size, bytes(32))])
    copy.rows.close()


def test_what_entries_say_across_stretches_is_judged(tmp_path: Path) -> None:
    """A stop set in one stretch and a release in the next, a permit in one and releases in another."""
    log, ref, other = open_log(tmp_path), new_ref(), new_ref()
    load(log.rows, SIZE - 4)
    permit = log.ledger.append(decided(ref)).index
    log.ledger.append(stop_set("s" * 20, "agency", "agency-stopped"))
    stopped = log.ledger.append(decided(other, agency="agency-stopped")).index
    log.ledger.append(decided())
    wrong = [
        log.ledger.append(released(other, stopped, agency="agency-stopped")).index,
        log.ledger.append(released(other, permit)).index,
    ]
    log.ledger.append(released(ref, permit))
    for _ in range(SIZE // 256):
        log.ledger.append(decided())
    found, taken = both(log)
    assert [("release_while_stopped", wrong[0]), ("release_without_decision", wrong[1])] == found
    assert 0 == taken
    log.ledger.append(stop_lifted("s" * 20))
    assert found == both(log)[0]
    log.rows.close()


_PEAK = """
import sys, tracemalloc
from pathlib import Path
from tests.ledger.test_stretches import examine, load, open_log
log = open_log(Path(sys.argv[1]))
load(log.rows, int(sys.argv[2]))
tracemalloc.start()
assert [] == examine(log.rows, log.key.vkey).findings
print(tracemalloc.get_traced_memory()[1])
"""


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    """50,000 entries in as little as 8,000, but for 16 bytes for each permit; nobody else allocates there."""
    peaks = []
    for count in (8_000, 50_000):
        (tmp_path / str(count)).mkdir()
        command = [sys.executable, "-c", _PEAK, str(tmp_path / str(count)), str(count)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        peaks.append(int(run.stdout))
    assert peaks[1] < peaks[0] + 42_000 * 16 + 500_000
    assert peaks[1] < 8_000_000


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b' {"a":1}', b'{"a":1}\n', b'{"a":-0}', b'{"a":1.0}',
        b'{"a":0.5}', b'{"a":1e5}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":9007199254740992}',
        b'{"a":-9007199254740992}', b'{"a":' + b"9" * 5000 + b"}", b'{"a":"\\u0061"}', b'{"a":"\\n"}',
        b'{"a":"\n"}', '{"ä":1}'.encode(), b'{"a":"\xff"}', b"[1]", b'"a"', b"1", b"", b"{", b"[" * 100_000,
        b'{"a":' * 50_000, b'{"a":1}{}', b'{"a":1,}', b"{'a':1}", b'\xef\xbb\xbf{"a":1}',
    ],
)  # fmt: skip
def test_the_quick_way_tells_nothing_of_what_it_cannot_tell(text: bytes) -> None:
    """None for whatever is not its own canonical form, or has letters and numbers that need the slow way."""
    assert quickly_decoded(text) is None


@pytest.mark.parametrize(
    "value",
    [{}, {"a": None, "b": [True, False, {"c": "x\x7f y"}]}, {"v": -(2**53 - 1), "w": 2**53 - 1}, {"": "/"}],
)
def test_the_quick_way_agrees_with_the_canonical_form(value: dict[str, object]) -> None:
    """What it tells is what RFC 8785 says."""
    text = canonical(value)
    assert value == quickly_decoded(text)
    assert text == sorted_json(value)
