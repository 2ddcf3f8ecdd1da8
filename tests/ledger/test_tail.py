"""The start: a log that does not fit what was signed is refused, with a sentence that says why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.merkle import extend, leaf_hash, root
from tests.ledger.made import ORIGIN, Log, decided, open_log


def _fill(log: Log, count: int = 12) -> None:
    for _ in range(count):
        log.ledger.append(decided())
    log.ledger.close()


def test_a_sound_log_starts(log: Log) -> None:
    """Empty, without a kept file (a new node), and after a close."""
    log.ledger.check_tail()
    _fill(log)
    log.ledger.check_tail()
    log.file.unlink()
    log.ledger.check_tail()


def test_a_log_that_grows_while_it_is_checked_starts(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker is replaced under load: what others commit meanwhile is not a log that does not fit."""
    _fill(log, 3)
    other = open_log(log.directory)
    for name in ("head", "last_checkpoint", "entry"):
        asked = getattr(log.rows, name)

        def then_grown(*args: int, asked: Callable[..., object] = asked) -> object:
            found = asked(*args)
            other.ledger.append(decided())
            other.ledger._kept.keep_last()
            return found

        monkeypatch.setattr(log.rows, name, then_grown)
    log.ledger.check_tail()
    other.rows.close()


def _cut(log: Log, size: int) -> None:
    frontier = extend((), 0, log.rows.leaf_hashes(0, size))
    log.rows.db.execute("delete from entries where i >= ?", (size,))
    log.rows.db.execute("update head set size = ?, frontier = ?", (size, b"".join(frontier)))


def _roll_back(log: Log) -> None:
    _cut(log, 6)
    log.rows.db.execute("delete from checkpoints")


def _rewrite(log: Log) -> None:
    leaves = log.rows.leaf_hashes(0, 12)
    forged = leaf_hash(b"{}")
    log.rows.db.execute("update entries set entry = x'7b7d', leaf = ? where i = 3", (forged,))
    frontier = extend((), 0, [*leaves[:3], forged, *leaves[4:]])
    log.rows.db.execute("update head set frontier = ?", (b"".join(frontier),))


def _other_key(log: Log) -> None:
    other = SigningKey.create(log.directory / "other.pem", ORIGIN)
    log.file.write_text(other.sign(12, root(log.rows.head().frontier)))


def _sql(script: str) -> Callable[[Log], None]:
    def attack(log: Log) -> None:
        log.rows.db.executescript(script)

    return attack


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (_sql("delete from entries where i = 11"), "entry 11 is missing"),
        (_sql("update head set size = 11"), "there is an entry 11"),
        (_sql("update head set frontier = zeroblob(64)"), "do not give the head's frontier"),
        (_sql("delete from entries where i = 5"), "not all there"),
        (_sql("update entries set entry = x'7b7d' where i = 5"), "entry 5 was altered"),
        (_sql("update checkpoints set text = 'none'"), "in the database is refused"),
        (lambda log: _cut(log, 6), "only 6 are left"),
        (_roll_back, "only 6 are left"),
        (_rewrite, "not those that the checkpoint in the database"),
        (_other_key, "not signed by the log's key"),
        (lambda log: log.file.write_bytes(b"\xff"), "cannot be read"),
    ],
)
def test_a_log_that_does_not_fit_is_refused(log: Log, attack: Callable[[Log], None], says: str) -> None:
    """Each in its own words."""
    _fill(log)
    attack(log)
    with pytest.raises(LedgerCorrupt, match=says):
        log.ledger.check_tail()


def test_a_tile_that_was_changed_is_refused(log: Log) -> None:
    """The frontier is derived from it."""
    _fill(log, 260)
    log.ledger.check_tail()
    log.rows.db.execute("update tiles set hashes = zeroblob(8192)")
    with pytest.raises(LedgerCorrupt, match="frontier"):
        log.ledger.check_tail()
    log.rows.db.execute("update tiles set hashes = zeroblob(3)")
    with pytest.raises(LedgerCorrupt, match="256 hashes"):
        log.ledger.check_tail()


def test_an_unreadable_file_is_no_missing_file(log: Log, tmp_path: Path) -> None:
    """A directory in its place is refused, not passed over."""
    _fill(log)
    log.file.unlink()
    log.file.mkdir()
    assert tmp_path == log.file.parent
    with pytest.raises(LedgerCorrupt, match="cannot be read"):
        log.ledger.check_tail()
