"""Group commit: nobody's entry is lost, swapped, or denied for another's fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gatekeeper.errors import (
    ClockUnreliable,
    KeyErased,
    LedgerCorrupt,
    LedgerUnavailable,
    SharingStopped,
    Superseded,
    UnknownEntry,
)
from gatekeeper.ledger import Alter, Appended, Clock, Draft, Guard, Insert, Row, Transaction, verify
from gatekeeper.ledger import append as appending
from gatekeeper.ledger.batch import State, Waiter
from gatekeeper.ledger.checkpoint import SigningKey, open_checkpoint
from gatekeeper.ledger.entries import seal
from gatekeeper.ledger.merkle import leaf_hash, root, verify_inclusion
from gatekeeper.ledger.tree import Tree
from tests.ledger.made import ORIGIN, Log, decided, new_ref, open_log, released, stop_lifted, stop_set
from tests.ledger.sqlite_rows import SqliteRows, SqliteTransaction

Outcome = Appended | BaseException


def _all_at_once(works: list[Callable[[], Appended]]) -> list[Outcome]:
    outcomes: list[Outcome] = [AssertionError("not run")] * len(works)

    def run(i: int, work: Callable[[], Appended]) -> None:
        try:
            outcomes[i] = work()
        except BaseException as error:  # noqa: BLE001 - the outcome is what is tested
            outcomes[i] = error

    threads = [threading.Thread(target=run, args=(i, work)) for i, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a waiter was never woken"
    return outcomes


def _note(name: str, text: str | None = "x") -> Row:
    return Insert("notes", {"name": name, "text": text})


class GatedRows(SqliteRows):
    """Its transactions wait for a gate before they commit, or begin, so that a queue forms."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.batches: list[int] = []
        self.failures: list[BaseException] = []
        self.lose_answer = False
        self.before_begin = False

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """Wait for the gate, or fail as told."""
        if self.before_begin or self.failures:
            self._wait()
        if self.failures:
            raise self.failures.pop(0)
        with super().transaction() as transaction:
            before = transaction.head().size
            yield transaction
            if not self.before_begin:
                self._wait()
            self.batches.append(transaction.head().size - before)

    def _wait(self) -> None:
        self.entered.set()
        self.gate.wait(10)

    def commit(self) -> None:
        """Commit, and lose the answer if told."""
        super().commit()
        if self.lose_answer:
            self.lose_answer = False
            raise ConnectionError("the answer to COMMIT was lost")


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[Log, GatedRows]]:
    """Yield a log whose transactions can be held."""
    rows = GatedRows(tmp_path / "log.sqlite")
    yield open_log(tmp_path, rows=rows), rows
    rows.close()


def _queued(log: Log, rows: GatedRows, works: list[Callable[[], Appended]]) -> list[Outcome]:
    """Hold the first transaction until all others are queued behind it."""
    rows.gate.clear()
    rows.entered.clear()

    queued = len(works) if rows.failures else len(works) - 1  # who does not get the lock boards nobody

    def open_when_queued() -> None:
        rows.entered.wait(5)
        until = time.monotonic() + 5
        while len(log.ledger._queue) < queued and time.monotonic() < until:
            time.sleep(0.001)
        rows.gate.set()

    def behind(work: Callable[[], Appended]) -> Callable[[], Appended]:
        def wait_for_the_first() -> Appended:
            rows.entered.wait(5)
            return work()

        return wait_for_the_first

    opener = threading.Thread(target=open_when_queued)
    opener.start()
    outcomes = _all_at_once([works[0], *map(behind, works[1:])])
    opener.join()
    return outcomes


def test_32_threads_leave_no_gap_and_no_swap(log: Log) -> None:
    """Each gets the index under which its own entry is stored, and a proof that holds."""
    each = 12

    def work() -> Appended:
        for _ in range(each - 1):
            log.ledger.append(decided())
        ref = new_ref()
        appended = log.ledger.append(decided(ref))
        stored = log.rows.entry(appended.index)
        assert stored is not None
        assert (ref, appended.entry, leaf_hash(appended.entry)) == (
            stored.ref,
            stored.entry,
            stored.leaf_hash,
        )
        checkpoint = open_checkpoint(appended.checkpoint, log.key.verifier)
        assert appended.tree_size == checkpoint.size
        assert verify_inclusion(
            appended.leaf_hash, appended.index, checkpoint.size, appended.proof, checkpoint.root
        )
        return appended

    outcomes = _all_at_once([work] * 32)
    indices = {outcome.index for outcome in outcomes if isinstance(outcome, Appended)}
    assert 32 == len(indices), [o for o in outcomes if not isinstance(o, Appended)][:1]
    assert 32 * each == log.rows.head().size
    log.ledger.close()
    log.ledger.check_tail()
    assert [] == verify(log.rows, log.key.vkey, checkpoints=log.rows.checkpoints())


def test_those_who_wait_share_one_transaction(gated: tuple[Log, GatedRows]) -> None:
    """Twenty that queue behind a slow one are one batch under one checkpoint."""
    log, rows = gated
    outcomes = _queued(log, rows, [lambda: log.ledger.append(decided())] * 21)
    assert [1, 20] == [size for size in rows.batches if size]
    checkpoints = {o.checkpoint for o in outcomes if isinstance(o, Appended)}
    assert 2 == len(checkpoints)


def test_those_who_queue_while_the_lock_is_another_processes_share_the_first_commit(
    gated: tuple[Log, GatedRows],
) -> None:
    """The batch is taken once the lock is there: waiting for it makes fewer commits, not more."""
    log, rows = gated
    rows.before_begin = True
    rows.gate.clear()
    outcomes: list[Outcome] = []
    works = threading.Thread(
        target=lambda: outcomes.extend(_all_at_once([lambda: log.ledger.append(decided())] * 9))
    )
    works.start()
    until = time.monotonic() + 5
    while len(log.ledger._queue) < 9 and time.monotonic() < until:
        time.sleep(0.001)
    rows.gate.set()
    works.join()
    assert [9] == [size for size in rows.batches if size]
    assert set(range(9)) == {o.index for o in outcomes if isinstance(o, Appended)}


def test_a_batch_has_a_limit_and_leadership_goes_on(
    gated: tuple[Log, GatedRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is the next leader's."""
    log, rows = gated
    monkeypatch.setattr(appending, "LARGEST_BATCH", 3)
    outcomes = _queued(log, rows, [lambda: log.ledger.append(decided())] * 8)
    assert [1, 3, 3, 1] == [size for size in rows.batches if size]
    assert all(isinstance(o, Appended) for o in outcomes)


def test_one_poisoned_row_does_not_deny_the_others(gated: tuple[Log, GatedRows]) -> None:
    """The batch fails as a whole, then each is tried alone."""
    log, rows = gated

    def work(i: int) -> Callable[[], Appended]:
        text = None if i == 3 else "x"
        return lambda: log.ledger.append(decided(), [_note(f"note-{i}", text)])

    outcomes = _queued(log, rows, [lambda: log.ledger.append(decided()), *map(work, range(6))])
    failed = [i - 1 for i, o in enumerate(outcomes) if not isinstance(o, Appended)]
    assert [3] == failed
    assert isinstance(outcomes[4], LedgerUnavailable)
    assert "note-3" not in str(outcomes[4])
    assert 6 == rows.head().size
    assert [(f"note-{i}",) for i in (0, 1, 2, 4, 5)] == rows.db.execute(
        "select name from notes order by name"
    ).fetchall()
    assert [] == verify(rows, log.key.vkey)


def test_a_guard_refuses_its_own_request_alone(gated: tuple[Log, GatedRows]) -> None:
    """Its rows are not written; a guard that falls over has not said yes."""
    log, rows = gated

    def stopped(_: Transaction) -> None:
        raise SharingStopped

    def broken(_: Transaction) -> None:
        raise KeyError("DEMO123")

    def unsure(_: Transaction) -> None:
        raise LedgerUnavailable

    def work(name: str, guard: Guard | None) -> Callable[[], Appended]:
        return lambda: log.ledger.append(decided(), [_note(name)], guard)

    guards: list[Guard | None] = [None, stopped, broken, None, unsure]
    outcomes = _queued(log, rows, [work(f"n{i}", guard) for i, guard in enumerate(guards)])
    assert [Appended, SharingStopped, LedgerUnavailable, Appended, LedgerUnavailable] == [
        type(o) for o in outcomes
    ]
    assert "DEMO123" not in str(outcomes[2])
    assert 2 == rows.head().size
    assert [("n0",), ("n3",)] == rows.db.execute("select name from notes order by name").fetchall()


def test_an_altered_row_that_is_not_there_refuses_its_request_alone(log: Log) -> None:
    """The store's own refusals reach the one who asked."""
    with pytest.raises(Superseded):
        log.ledger.append(decided(), [Alter("stops", {"id": "none"}, {"lifted": 1})])
    assert (0, 0) == log.rows.db.execute(
        "select (select count(*) from entries), (select count(*) from private_details)"
    ).fetchone()


def test_no_release_follows_a_stop_whatever_the_timing(log: Log) -> None:
    """Releases race with a stop; the guard sees it under the lock, so the log never shows one after it."""
    ref = new_ref()
    permit = log.ledger.append(decided(ref)).index

    def guard(transaction: Transaction) -> None:
        if transaction.stops():
            raise SharingStopped

    def release() -> Appended:
        for _ in range(40):
            last = log.ledger.append(released(ref, permit), (), guard)
        return last

    def stop() -> Appended:
        time.sleep(0.02)
        return log.ledger.append(
            stop_set("s" * 20), [Insert("stops", {"id": "s" * 20, "scope": "all", "value": None})]
        )

    outcomes = _all_at_once([release] * 6 + [stop])
    stopped = outcomes[-1]
    assert isinstance(stopped, Appended)
    assert {SharingStopped} == {type(o) for o in outcomes[:-1]}
    assert stopped.index == log.rows.head().size - 1
    assert [] == verify(log.rows, log.key.vkey)
    log.ledger.append(stop_lifted("s" * 20), [Alter("stops", {"id": "s" * 20}, {"lifted": 1})])
    log.ledger.append(released(ref, permit), (), guard)
    assert [] == verify(log.rows, log.key.vkey)


def test_a_waiter_that_gave_up_while_queued_is_withdrawn(
    gated: tuple[Log, GatedRows], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered in time, and what it wanted is not written later."""
    log, rows = gated
    rows.gate.clear()
    ref = new_ref()
    slow = threading.Thread(target=lambda: log.ledger.append(decided()))
    slow.start()
    assert rows.entered.wait(5)
    monkeypatch.setattr(appending, "WAIT_SECONDS", 0.05)
    with pytest.raises(LedgerUnavailable, match="in time"):
        log.ledger.append(decided(ref))
    rows.gate.set()
    slow.join()
    monkeypatch.undo()
    log.ledger.append(decided())
    assert ([], 2) == (rows.entries_of(ref), rows.head().size)


def test_a_waiter_that_gave_up_while_its_leader_waits_for_the_lock_is_left_out(log: Log) -> None:
    """Its leader took it from the queue, but nobody listens any more once the lock is there."""
    now = datetime.now(UTC)
    waiters = [
        Waiter(seal(decided(), now, log.keys), (), None, time.monotonic() + 5, state)
        for state in (State.ABANDONED, State.TAKEN)
    ]
    late = Waiter(seal(decided(), now, log.keys), (), None, time.monotonic() - 1, State.TAKEN)
    log.ledger._batches.commit(lambda _=None, /: [*waiters, late])
    assert [None, 0, None] == [w.appended and w.appended.index for w in [*waiters, late]]
    assert 1 == log.rows.head().size


@pytest.mark.parametrize("ending", [SystemExit, KeyboardInterrupt, MemoryError, ZeroDivisionError])
def test_a_leader_that_dies_takes_nobody_with_it(
    gated: tuple[Log, GatedRows], ending: type[BaseException]
) -> None:
    """Its batch is answered, those behind it are led by another, and the next append works."""
    log, rows = gated
    rows.failures = [ending()]
    outcomes = _queued(log, rows, [lambda: log.ledger.append(decided())] * 9)
    bad = [o for o in outcomes if not isinstance(o, Appended)]
    assert 1 == len(bad)
    assert isinstance(bad[0], LedgerUnavailable if issubclass(ending, Exception) else ending)
    assert 8 == rows.head().size
    assert 8 == log.ledger.append(decided()).index
    assert not log.ledger._led


def test_a_follower_that_is_interrupted_passes_leadership_on(gated: tuple[Log, GatedRows]) -> None:
    """Leadership reaches one who has just given up; the next in the queue gets it."""
    log, rows = gated
    rows.gate.clear()
    leader = threading.Thread(target=lambda: log.ledger.append(decided()))
    leader.start()
    assert rows.entered.wait(5)
    waiter = Waiter(seal(decided(), datetime.now(UTC), log.keys), (), None, time.monotonic() + 5)
    log.ledger._join(waiter)
    last: list[Appended] = []
    behind = threading.Thread(target=lambda: last.append(log.ledger.append(decided())))
    behind.start()
    while len(log.ledger._queue) < 2:
        time.sleep(0.001)
    rows.gate.set()
    leader.join()
    assert waiter.leads
    log.ledger._leave(waiter)
    behind.join(5)
    assert [1] == [appended.index for appended in last]
    assert not log.ledger._led


def test_a_commit_whose_answer_was_lost_is_found_again(gated: tuple[Log, GatedRows]) -> None:
    """It did happen: the waiter hears so, and nothing is written twice."""
    log, rows = gated
    rows.lose_answer = True
    appended = log.ledger.append(decided(), [_note("once")])
    assert (0, 1) == (appended.index, rows.head().size)
    assert [] == verify(rows, log.key.vkey)


def test_a_store_that_is_gone_denies_everybody_at_once(gated: tuple[Log, GatedRows]) -> None:
    """No retry of each when not even the lock can be had."""
    log, rows = gated
    rows.failures = [LedgerUnavailable("gone"), LedgerUnavailable("gone"), LedgerUnavailable("gone")]
    outcomes = _queued(log, rows, [lambda: log.ledger.append(decided())] * 9)
    assert {LedgerUnavailable} == {type(o) for o in outcomes}
    assert 2 == len(rows.failures)


class Watch:
    """A clock whose hands a test can set."""

    def __init__(self) -> None:
        self.wall = time.time_ns()
        self.passed = time.monotonic_ns()

    def clock(self) -> Clock:
        """Return a clock with these hands."""
        return Clock(lambda: self.wall, lambda: self.passed)


def test_a_clock_behind_the_head_refuses_everybody(tmp_path: Path) -> None:
    """Over two seconds behind: a process with a wrong clock writes nothing."""
    watch = Watch()
    log = open_log(tmp_path, watch.clock())
    first = log.ledger.append(decided())
    watch.wall -= 3_000_000_000
    behind = open_log(tmp_path, watch.clock())
    with pytest.raises(ClockUnreliable):
        behind.ledger.append(decided())
    with pytest.raises(ClockUnreliable):
        log.ledger.append(decided())
    assert 1 == log.rows.head().size
    watch.wall += 1_500_000_000
    near = open_log(tmp_path, watch.clock()).ledger.append(decided())
    assert first.at == near.at
    assert [] == verify(log.rows, log.key.vkey)


def test_an_entry_takes_the_heads_time_if_its_own_is_earlier(tmp_path: Path) -> None:
    """Time in the log never runs backwards, and the commitment says the time that was taken."""
    watch = Watch()
    log = open_log(tmp_path, watch.clock())
    at = log.ledger.append(decided()).at
    watch.wall -= 1_000_000_000
    watch.passed -= 1_000_000_000
    appended = log.ledger.append(decided())
    assert at == appended.at
    assert at.isoformat(timespec="milliseconds").replace("+00:00", "Z") == appended.openings["at"]["value"]
    assert appended.openings == log.ledger.detail_of(appended.index).openings


def test_private_detail_is_kept_beside_each_entry_and_checked(log: Log) -> None:
    """Every page of one query has its own; moved or purged detail is not shown."""
    ref = new_ref()
    one = log.ledger.append(decided(ref))
    pages = [log.ledger.append(released(ref, one.index, page=page)) for page in (1, 2)]
    opened = log.ledger.detail_of(one.index)
    assert "Stolen sedan, taken overnight" == opened.detail["words"]
    assert "DEMO123" in str(opened.openings["query"]["value"])
    log.rows.db.execute(
        "update private_details set box = (select box from private_details where event = ?) where event = ?",
        (f"query.released@{pages[0].index}", f"query.released@{pages[1].index}"),
    )
    with pytest.raises(LedgerCorrupt):
        log.ledger.detail_of(pages[1].index)
    log.rows.db.execute("delete from private_details")
    with pytest.raises(KeyErased):
        log.ledger.detail_of(one.index)
    for index in (-1, 3):
        with pytest.raises(UnknownEntry):
            log.ledger.detail_of(index)


def test_a_key_directory_that_is_gone_denies(log: Log) -> None:
    """Without a key there is no sealed detail, so there is no entry, so nothing leaves."""
    for path in (log.directory / "keys").iterdir():
        path.unlink()
    (log.directory / "keys").rmdir()
    with pytest.raises(LedgerUnavailable):
        log.ledger.append(decided())
    tomorrow = datetime.now(UTC).date() + timedelta(days=3)
    log.keys._today = lambda: tomorrow
    with pytest.raises(LedgerUnavailable):
        log.ledger.append(decided())


def test_checkpoints_are_kept_once_a_second_and_at_the_end(log: Log) -> None:
    """In the database and in the file."""
    for _ in range(5):
        log.ledger.append(decided())
    assert 1 == len(log.rows.checkpoints())
    log.ledger.close()
    last = log.rows.checkpoints()[-1]
    assert 5 == open_checkpoint(last, log.key.verifier).size
    assert last == log.file.read_text()
    assert [log.file] == list(log.directory.glob("*checkpoint*"))
    with pytest.raises(LedgerUnavailable, match="closed"):
        log.ledger.append(decided())


def test_a_checkpoint_that_cannot_be_kept_fails_no_entry_but_shows(tmp_path: Path) -> None:
    """Until one is kept again."""
    log = open_log(tmp_path)
    log.file.mkdir()
    assert 0 == log.ledger.append(decided()).index
    assert log.ledger.checkpoint_fault is not None
    log.file.rmdir()
    log.ledger._kept._due = 0.0
    log.ledger.checkpoint()
    assert log.ledger.checkpoint_fault is None


def test_the_checkpoint_file_never_goes_back(log: Log) -> None:
    """Another process was faster: its larger checkpoint stays."""
    log.ledger.append(decided())
    small = Tree(log.rows.head(), (), log.key)
    log.ledger.append(decided())
    log.ledger.close()
    log.ledger._kept._keep(small)
    assert 2 == open_checkpoint(log.file.read_text(), log.key.verifier).size


@pytest.mark.parametrize("file", ["another history", "another key", "no checkpoint", "\xff"])
def test_a_kept_checkpoint_that_this_log_does_not_continue_is_never_replaced(log: Log, file: str) -> None:
    """It is what shows that the log was rolled back or written anew; /readyz shows the fault."""
    log.ledger.append(decided())
    match file:
        case "another history":
            log.file.write_text(log.key.sign(1, bytes(32)))
        case "another key":
            other = SigningKey.create(log.directory / "other.pem", ORIGIN)
            log.file.write_text(other.sign(1, root(log.rows.head().frontier)))
        case _:
            log.file.write_bytes(file.encode("latin-1"))
    evidence = log.file.read_bytes()
    log.ledger.append(decided())
    log.ledger._kept._due = 0.0
    if file == "another history":  # what a signature of ours contradicts is not signed, nor added to
        for act in (log.ledger.checkpoint, lambda: log.ledger.append(decided())):
            with pytest.raises(LedgerCorrupt, match="another history"):
                act()
    else:
        log.ledger.checkpoint()
    assert log.ledger.checkpoint_fault is not None
    log.ledger.close()
    assert evidence == log.file.read_bytes()


def test_a_draft_that_is_refused_never_queues(log: Log) -> None:
    """EntryRefused comes before the queue."""
    with pytest.raises(Exception, match="not on the list"):
        log.ledger.append(Draft("query.peeked", new_ref(), {}, {}, {}))
    assert not log.ledger._queue
