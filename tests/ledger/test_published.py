"""The published log: what is public, since when, and that it is the log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import LedgerCorrupt, SettingsRefused, UnknownTile
from gatekeeper.ledger import Publication, Published, open_checkpoint
from gatekeeper.ledger.clock import Clock
from gatekeeper.ledger.merkle import frontier_at, leaf_hash, root
from gatekeeper.ledger.published import CHECKPOINT, Announced
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.settings import Settings
from gatekeeper.store.published import Announced as Row
from tests.ledger.made import Log, decided, open_log

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


class Kept:
    """What was published, in memory."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def last(self) -> Announced | None:
        """Return the last one."""
        return self.rows[-1] if self.rows else None

    def announce(self, number: int, size: int, text: str, at: datetime) -> None:
        """Keep one, unless that number was given."""
        if number == len(self.rows) + 1:
            self.rows.append(Row(number, size, text, at))


class Day:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOON
        self.clock = Clock(self._ns, self._ns)

    def _ns(self) -> int:
        return round(self.at.timestamp() * 1e9)

    def now(self) -> datetime:
        """Return the time."""
        return self.at


def grow(log: Log, entries: int) -> None:
    """Append, many at once."""
    share = [
        threading.Thread(target=lambda n=n: [log.ledger.append(decided()) for _ in range(n)])
        for n in [entries // 16] * 16 + [entries % 16]
    ]
    for thread in share:
        thread.start()
    for thread in share:
        thread.join()
    assert not entries or log.rows.head().size


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """Return a log of 600 entries."""
    log = open_log(tmp_path_factory.mktemp("long"))
    grow(log, 600)
    yield log
    log.rows.close()


def at_once(log: Log) -> Published:
    """Return the log as it is published without delay."""
    return Published(log.rows, Publication(log.rows, log.key, Kept(), Day().now, 0).latest)


def test_every_file_of_the_tree_is_there(long: Log) -> None:
    """Each level, complete and partial, at any width up to the checkpoint; its hashes give the root."""
    published = at_once(long)
    checkpoint = open_checkpoint(published.file(CHECKPOINT).decode(), long.key.verifier)
    assert 600 == checkpoint.size
    leaves = published.file("tile/0/000") + published.file("tile/0/001") + published.file("tile/0/002.p/88")
    hashes = [leaves[i : i + 32] for i in range(0, len(leaves), 32)]
    assert 600 == len(hashes)
    assert published.file("tile/1/000.p/2") == b"".join(
        TileReader(long.rows).node(8, number) for number in range(2)
    )
    assert root(frontier_at(600, TileReader(long.rows).node)) == checkpoint.root
    for width in range(1, 89):
        assert leaves[512 * 32 : (512 + width) * 32] == published.file(f"tile/0/002.p/{width}")
    for width in (1, 100, 255):
        assert leaves[: width * 32] == published.file(f"tile/0/000.p/{width}")


def test_bundles_hold_the_entries_of_the_tree(long: Log) -> None:
    """Each after its length; their hashes are those of the tile beside it."""
    published = at_once(long)
    for number, part in (("000", ""), ("001", ""), ("002", ".p/88")):
        raw, at, hashes = published.file(f"tile/entries/{number}{part}"), 0, []
        while at < len(raw):
            length = int.from_bytes(raw[at : at + 2], "big")
            hashes.append(leaf_hash(raw[at + 2 : at + 2 + length]))
            at += 2 + length
        assert published.file(f"tile/0/{number}{part}") == b"".join(hashes)


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/002", "tile/0/002.p/89", "tile/0/003.p/1", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1",
        "tile/63/000.p/1", "tile/entries/002", "tile/entries/002.p/89", "tile/entries/x001/000.p/1",
        "tile/0/x999/x999/x999/x999/x999/999", "", "tile", "../log.pem", "tile/0/../../log.pem", "Checkpoint",
    ],
)  # fmt: skip
def test_what_is_not_published_is_not_there(long: Log, path: str) -> None:
    """Past the checkpoint, of a level that the tree does not have, or no path of the log at all."""
    with pytest.raises(UnknownTile):
        at_once(long).file(path)


def test_an_altered_entry_is_not_published(tmp_path: Path) -> None:
    """Nor one that is missing: the file would carry our address and not be the log."""
    log = open_log(tmp_path)
    grow(log, 20)
    log.rows.db.execute(
        "update entries set entry = cast(replace(entry, 'stolen', 'wanted') as blob) where i = 7"
    )
    with pytest.raises(LedgerCorrupt, match="entry 7 was altered"):
        at_once(log).file("tile/entries/000.p/20")
    log.rows.db.execute("delete from entries where i = 7")
    with pytest.raises(LedgerCorrupt, match="missing"):
        at_once(log).file("tile/entries/000.p/20")
    log.rows.close()


# --- When. ------------------------------------------------------------------------------------------------


def hourly(tmp_path: Path, every: int = 3600) -> tuple[Log, Day, Kept, Published]:
    """Return a log that is published by the clock."""
    day, kept = Day(), Kept()
    log = open_log(tmp_path, clock=day.clock, today=lambda: day.now().date())
    return log, day, kept, Published(log.rows, Publication(log.rows, log.key, kept, day.now, every).latest)


def size_of(log: Log, published: Published) -> int:
    """Return how many entries the public checkpoint covers."""
    return open_checkpoint(published.file(CHECKPOINT).decode(), log.key.verifier).size


def test_only_the_hours_that_are_over_are_public(tmp_path: Path) -> None:
    """Whoever asks every second learns nothing that the entries do not say: their hour."""
    log, day, kept, published = hourly(tmp_path)
    assert 0 == size_of(log, published)
    for minute in range(60):
        day.at = NOON + timedelta(minutes=minute)
        log.ledger.append(decided())
        assert 0 == size_of(log, published)
        with pytest.raises(UnknownTile):
            published.file("tile/0/000.p/1")
    day.at = NOON + timedelta(minutes=60)
    log.ledger.append(decided())  # of the hour that has begun
    assert 60 == size_of(log, published)
    day.at = NOON + timedelta(minutes=75)
    log.ledger.append(decided())
    assert 60 == size_of(log, published)
    with pytest.raises(UnknownTile):
        published.file("tile/entries/000.p/61")
    assert [0, 60] == [row.size for row in kept.rows]
    log.rows.close()


def test_asked_late_in_an_hour_it_is_cut_at_its_beginning(tmp_path: Path) -> None:
    """The first who asks at half past must not learn what was before and after."""
    log, day, _, published = hourly(tmp_path)
    log.ledger.append(decided())
    day.at = NOON + timedelta(minutes=90)
    log.ledger.append(decided())
    assert 1 == size_of(log, published)
    log.rows.close()


def test_an_hour_without_an_entry_publishes_nothing_new(tmp_path: Path) -> None:
    """The checkpoint stays the same text, byte for byte."""
    log, day, kept, published = hourly(tmp_path)
    log.ledger.append(decided())
    day.at = NOON + timedelta(hours=1)
    first = published.file(CHECKPOINT)
    day.at = NOON + timedelta(hours=9)
    assert first == published.file(CHECKPOINT)
    assert [1] == [row.size for row in kept.rows]
    log.rows.close()


def test_a_clock_that_went_back_publishes_nothing(tmp_path: Path) -> None:
    """What was published stands; nothing shrinks."""
    log, day, _, published = hourly(tmp_path)
    log.ledger.append(decided())
    day.at = NOON + timedelta(hours=1)
    assert 1 == size_of(log, published)
    day.at = NOON - timedelta(days=3)
    assert 1 == size_of(log, published)
    log.rows.close()


def test_shorter_intervals_publish_the_head(tmp_path: Path) -> None:
    """A city that chose a minute is published each minute."""
    log, day, kept, published = hourly(tmp_path, every=60)
    log.ledger.append(decided())
    assert 1 == size_of(log, published)
    log.ledger.append(decided())
    assert 1 == size_of(log, published)
    day.at = NOON + timedelta(seconds=60)
    assert 2 == size_of(log, published)
    assert [1, 2] == [row.size for row in kept.rows]
    log.rows.close()


@pytest.mark.parametrize(
    ("given", "every"),
    [
        ({"base_url": "https://alpr.example.gov"}, 3600),
        ({"base_url": "https://alpr.example.gov", "publish_every": 0}, 0),
        ({"base_url": "http://127.0.0.1:8080"}, 0),
        ({"base_url": "http://127.0.0.1:8080", "publish_every": 60}, 60),
    ],
)
def test_a_city_publishes_by_the_hour_and_a_trial_at_once(given: dict[str, Any], every: int) -> None:
    """Unless it chose: on this machine's own address nobody reads along."""
    assert every == Settings(**given).published_every
    for refused in (-2, 86_401):
        faulty = Settings(engine="embedded", publish_every=refused)
        with pytest.raises(SettingsRefused, match="GATEKEEPER_PUBLISH_EVERY"):
            faulty.refuse_unsafe()
