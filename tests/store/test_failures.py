# ruff: noqa: PT012  expected value first; what fails is the end of the block
from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.errors import GatekeeperError, LedgerUnavailable, StoreUnavailable
from gatekeeper.store import administration
from gatekeeper.store import database as database_module
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.lock import WriteLock
from gatekeeper.store.queries import Queries
from gatekeeper.store.registry import Registry
from tests.servers.postgres import Cluster
from tests.store.making import LATER, NOON, append, commit, detail, register, stop

ROOT = Path(__file__).parents[2]


def _writer(url: str, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.writer", url, str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def _acknowledged(lines: list[str]) -> list[int]:
    return [int(line) for line in lines if line.strip().isdigit()]


@pytest.mark.servers
def test_two_processes_of_eight_threads_leave_no_gap(url: str, rows: LedgerRows) -> None:
    """Every acknowledged entry is there once, with its row; indices have no gap; nobody is starved."""
    writers = [_writer(url, 2.0) for _ in range(2)]
    lines = [line for writer in writers for line in writer.communicate(timeout=60)[0].splitlines()]
    acknowledged = _acknowledged(lines)
    size = rows.head().size
    assert list(range(size)) == sorted(acknowledged)
    assert list(range(size)) == [entry.index for entry in rows.entries(0, size)]
    assert size > 100
    assert not [line for line in lines if line.startswith("refused")]
    assert rows.box(f"r{size - 1}", "query.decided@0") is not None
    assert 3.0 > max(float(line.split()[1]) for line in lines if line.startswith("worst"))


@pytest.mark.servers
def test_a_killed_process_loses_nothing_that_it_acknowledged(url: str, rows: LedgerRows) -> None:
    """After kill -9 all acknowledged entries are there, none is half there, and the lock is free."""
    writer = _writer(url, 60)
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(60)]
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=30)
    acknowledged = _acknowledged([*lines, *rest.splitlines(keepends=True)[:-1]])
    commit(rows, [])
    size = rows.head().size
    assert size > max(acknowledged)
    entries = list(rows.entries(0, size))
    assert list(range(size)) == [entry.index for entry in entries]
    assert all(rows.box(entry.ref, "query.decided@0") for entry in entries[:-1])


@pytest.mark.servers
@pytest.mark.needs("postgres")
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_a_server_that_goes_away_becomes_our_own_error(
    request: pytest.FixtureRequest, postgres: Cluster, database: Database
) -> None:
    """Stopped in mid-transaction and while idle: ours, and all works again once it is back."""
    rows, registry = LedgerRows(database), Registry(database, now=lambda: NOON)
    register(rows)
    registry.snapshot()
    request.addfinalizer(postgres.restart)
    with pytest.raises(LedgerUnavailable), rows.transaction() as transaction:
        append(transaction)
        postgres.stop()
    for attempt in (
        registry.snapshot,
        rows.head,
        lambda: commit(rows, []),
        lambda: registry.claim_jti("c", "j", LATER),
        lambda: Queries(database).find("q", "a"),
        database.check,
        database.migrate,
        database.may_rewrite,
    ):
        with pytest.raises((LedgerUnavailable, StoreUnavailable)):
            attempt()
    postgres.start()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            commit(rows, [])
            registry.snapshot()
            break
        except GatekeeperError:
            time.sleep(0.1)
    assert 2 == rows.head().size


@pytest.mark.servers
@pytest.mark.needs("postgres")
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_a_reader_of_the_log_finds_a_server_again_that_was_restarted(
    postgres: Cluster, database: Database
) -> None:
    """One reading fails with our own error, and with it every connection of before is forgotten."""
    rows = LedgerRows(database)
    register(rows)
    commit(rows, [])
    with database.read(), database.read():  # so that several connections wait
        assert rows.tile(0, 0) is None
    read = [*rows.entries(0, 10)]
    postgres.restart()
    with pytest.raises(LedgerUnavailable):
        list(rows.entries(0, 10))
    for _ in range(3):
        with database.read():
            assert read == list(rows.entries(0, 10))


@pytest.mark.servers
@pytest.mark.needs("postgres")
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_of_several_questions_none_is_answered_once_the_server_is_gone(
    postgres: Cluster, database: Database
) -> None:
    """Neither those that were answered already; the next time it is found again."""
    several = [
        ("SELECT CAST(? AS int)", (1,)),
        ("SELECT CAST(? AS int)", (2,)),
        ("SELECT CAST(? AS int)", (3,)),
    ]
    assert [[(1,)], [(2,)], [(3,)]] == database.several(several)
    postgres.restart()
    with pytest.raises(StoreUnavailable):
        database.several(several)
    assert [[(1,)], [(2,)], [(3,)]] == database.several(several)
    ends = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(StoreUnavailable):
        database.several([several[0], (ends, ()), several[2]])
    assert [[(1,)], [(2,)], [(3,)]] == database.several(several)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_of_several_questions_one_that_fails_fails_all(database: Database, wrong: int) -> None:
    """Of a part of the answers nothing may be concluded; the connection serves on."""
    several: list[tuple[str, tuple[object, ...]]] = [("SELECT id FROM agencies WHERE kind = ?", ("x",))] * 3
    for failing in (
        "SELECT nothing FROM agencies WHERE kind = ?",
        "SELECT 1 / kind FROM nowhere WHERE kind = ?",
    ):
        for _ in range(8):  # also once the driver has prepared it
            assert [[], [], []] == database.several(several)
            with pytest.raises(StoreUnavailable):
                database.several([*several[:wrong], (failing, ("x",)), *several[wrong + 1 :]])
    assert [[], [], []] == database.several(several)


def test_a_writer_that_is_not_called_in_time_is_refused(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that hangs does not hang the others: bounded wait, our error; then the lock is free again."""
    monkeypatch.setattr(database_module, "PATIENCE", 0.3)
    waiting = Database.open(url)
    rows, hung = LedgerRows(waiting), LedgerRows(database)
    entered, leave = threading.Event(), threading.Event()

    def hang() -> None:
        with hung.transaction() as transaction:
            append(transaction)
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=hang)
    thread.start()
    try:
        assert entered.wait(10)
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(LedgerUnavailable):
                commit(rows, [])
            assert 2.0 > time.monotonic() - began
        # Readers are not in the queue, and see the last commit.
        assert 0 == rows.head().size
        assert Registry(waiting).snapshot() is not None
    finally:
        leave.set()
        thread.join()
    commit(rows, [])
    assert 2 == rows.head().size
    waiting.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_wait_that_was_given_up_does_not_keep_the_lock(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The thread that still stood in the kernel's queue gives the lock back when it gets it."""
    del url
    monkeypatch.setattr(database_module, "PATIENCE", 0.2)
    rows = LedgerRows(database)
    with (tmp_path / "state.db.lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for _ in range(3):
            with pytest.raises(LedgerUnavailable):
                commit(rows, [])
        fcntl.flock(other, fcntl.LOCK_UN)
    for _ in range(5):
        commit(rows, [])
    assert 5 == rows.head().size


def test_a_place_that_was_given_up_is_inherited_and_the_lock_stays_one(tmp_path: Path) -> None:
    """One thread stands for all who wait one after another; whoever gets its lock holds it alone."""
    path = tmp_path / "lock"
    lock = WriteLock(path)
    before = threading.active_count()
    with path.open("r+") as other:
        for _ in range(3):
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(StoreUnavailable), lock.held(0.05):
                pass
            release = threading.Timer(0.1, fcntl.flock, (other, fcntl.LOCK_UN))
            release.start()
            with lock.held(5), pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            release.join()
            assert before + 1 == threading.active_count()
    with lock.held(0.5):
        pass
    lock.close()
    with pytest.raises(OSError, match="Bad file"), lock.held(0.5):
        pass


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_forked_child_does_not_share_its_parents_lock(database: Database) -> None:
    """A lock inherited by fork would let both write at once."""
    assert database._lock is not None
    with database._lock.held(1):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with database._lock.held(0.2):
                    code = 2
            except StoreUnavailable:
                code = 0
            finally:
                os._exit(code)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_full_database_refuses_and_is_whole(database: Database) -> None:
    """When no page can be added, an append raises LedgerUnavailable and leaves neither entry nor row."""
    rows = LedgerRows(database)
    register(rows)

    with rows.transaction() as transaction:  # on the one connection that writes for the log
        transaction._driver.execute("PRAGMA max_page_count = 1").close()  # SQLite takes its present size
    size = rows.head().size
    with pytest.raises(LedgerUnavailable):
        for number in range(500):
            commit(rows, [detail(f"full{number}")])
            size += 1
    assert size == rows.head().size == len(list(rows.entries(0, 10_000)))
    assert rows.box(f"full{size - 1}", "query.decided@0") is None
    # What failed is not used again: the next commit has a connection of its own, without that limit.
    commit(rows, [])
    assert size + 1 == rows.head().size


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.needs("tmpfs")
def test_on_a_full_disk_nothing_is_released_and_a_stop_still_commits(
    small_disk: Path, migrated: Path
) -> None:
    """An ordinary append fails whole; after the reserve is given up, the stop is in the log."""
    shutil.copy(migrated, small_disk / "state.db")
    database = Database.open(f"sqlite:///{small_disk / 'state.db'}")
    rows = LedgerRows(database)
    assert database.restore_reserve() is True
    register(rows)
    fill = small_disk / "fill"
    with fill.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(b"x" * 4096)
    size = rows.head().size
    with pytest.raises(LedgerUnavailable):
        for number in range(3000):
            commit(rows, [detail(f"full{number}")])
            size += 1
    assert size == rows.head().size == len(list(rows.entries(0, 10_000)))
    with pytest.raises(LedgerUnavailable):
        commit(rows, administration.set_stop(stop()))
    assert database.give_up_reserve() is True
    assert database.give_up_reserve() is False
    commit(rows, administration.set_stop(stop()))
    assert (stop(),) == Registry(database).stops()
    assert size + 1 == rows.head().size
    fill.unlink()
    assert database.restore_reserve() is True
    database.close()


def test_the_reserve_is_whole_or_absent(tmp_path: Path) -> None:
    """It is really written, made once, and a broken one is made again."""
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    assert database.restore_reserve() is True
    file = tmp_path / "reserve"
    made = file.stat()
    assert made.st_blocks * 512 >= made.st_size == 8 * 1024 * 1024
    assert database.restore_reserve() is True
    assert made.st_ino == file.stat().st_ino
    file.write_bytes(b"short")
    assert database.restore_reserve() is True
    assert 8 * 1024 * 1024 == file.stat().st_size
    database.close()
