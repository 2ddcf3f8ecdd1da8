"""What an erasure refuses, and what stands in its way: a day, a clock, a disk, a second one."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gatekeeper.app import build_timer
from gatekeeper.errors import GatekeeperError, OperatorError, SettingsRefused
from gatekeeper.exchange.history import DAYS
from gatekeeper.ledger import Clock
from gatekeeper.parts import laws_in_force
from gatekeeper.policy import Bundle
from gatekeeper.purge.retention import LEAST_DAYS, MOST_DAYS, Retention, law_wants
from gatekeeper.purge.timer import Timer, erase_once
from gatekeeper.settings import Settings
from tests.exchange.city import body
from tests.promises.test_1_permit import fill, small_disk
from tests.purge.conftest import Past
from tests.purge.made import GONE, HELD, KEPT, LATER, OPEN, RECENT, UPHELD, WHO, Town

__all__ = ["small_disk"]
SEALED = (GONE, UPHELD, HELD, OPEN, LATER, RECENT)


def _untouched(town: Town) -> None:
    assert all(town.readable(plate) for plate in SEALED)
    assert [] == town.events("purge.begun")


@pytest.mark.parametrize("ago", [39, 30, 1, 0, -1, -400])
def test_a_day_that_must_be_kept_is_refused(town: Town, ago: int) -> None:
    """Shorter than the city's retention, today, or to come."""
    before = town.before + timedelta(days=40 - ago)
    with pytest.raises(OperatorError, match="less than 40 days old is kept"):
        town.purge.run(before, KEPT, WHO)
    _untouched(town)


def test_without_a_retention_what_the_gate_counts_by_is_kept(town: Town) -> None:
    """A day whose key is gone would be a search of the last 30 days that nobody sees."""
    assert LEAST_DAYS > DAYS
    today = town.before + timedelta(days=40)
    with pytest.raises(OperatorError, match="less than 31 days"):
        town.purge.run(today - timedelta(days=LEAST_DAYS - 1), Retention(0), WHO)
    _untouched(town)
    with pytest.raises(OperatorError, match="less than 731 days"):
        town.purge.run(town.before, Retention(0, law=731), WHO)
    _untouched(town)


def test_the_laws_own_time_counts(bundle: Bundle) -> None:
    """A pack that wants the record kept for two years is not set aside by a setting; nor is a broken one."""
    data = {name: bundle.data[name] for name in ("pack",)}
    assert 0 == law_wants(bundle.data)
    assert 731 == law_wants(data | {"city": {"packs": ["illinois", "virginia"]}})
    for broken in ({}, {"city": {"packs": ["none"]}}, {"city": {"packs": 7}}, {"city": None}):
        with pytest.raises(OperatorError):
            law_wants(data | broken)
    fault = Retention(400, law=731).fault()
    assert fault is not None
    assert "731" in fault
    with pytest.raises(OperatorError, match="731"):
        Retention(400, law=731).first_kept(date(2026, 11, 26))
    with pytest.raises(OperatorError, match="not set"):
        Retention(0).first_kept(date(2026, 11, 26))


@pytest.mark.parametrize("days", [-1, 1, 30, MOST_DAYS + 1, 2**70])
def test_a_retention_that_makes_no_sense_is_refused(days: int) -> None:
    """By ``serve`` before it starts, and again where it is used."""
    with pytest.raises(SettingsRefused, match="GATEKEEPER_RETENTION_DAYS must be"):
        Settings(engine="embedded", retention_days=days).refuse_unsafe()
    assert Retention(days).fault()


@pytest.mark.parametrize("days", [400, 2, -2, -400])
def test_a_clock_that_jumped_erases_nothing(town: Town, days: int) -> None:
    """It was set before the process began, so that only the log can tell."""
    step = days * 86_400 * 1_000_000_000
    far = Clock(lambda: time.time_ns() + step, lambda: time.time_ns() + step)
    object.__setattr__(purge := town.purge, "clock", far)
    with pytest.raises(OperatorError, match="set the clock"):
        purge.run(town.before, KEPT, WHO)
    if days < 0:
        with pytest.raises(OperatorError, match="set the clock"):
            purge.run(town.before - timedelta(days=500), KEPT, WHO, clock_is_right=True)
    _untouched(town)


def test_a_city_that_was_quiet_may_vouch_for_its_clock(town: Town) -> None:
    """Nothing was logged for two days, and somebody says so."""
    step = 2 * 86_400 * 1_000_000_000
    far = Clock(lambda: time.time_ns() + step, lambda: time.time_ns() + step)
    object.__setattr__(purge := town.purge, "clock", far)
    purge.plan(town.before, KEPT, clock_is_right=True)


def test_of_two_at_once_one_is_told(town: Town) -> None:
    """And the first goes on."""
    with town.purge.store.alone() as ours:
        assert ours
        with pytest.raises(OperatorError, match="another erasure is under way"):
            town.erase()
    _untouched(town)
    assert town.erase()


def test_queries_are_answered_while_it_erases(town: Town) -> None:
    """The gate keeps answering; not one query fails."""
    with town.state.database.write() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
            "INSERT INTO private_details (ref, event, day, box) "
            "SELECT 'r' || i, 'query.decided@' || i, ?, randomblob(4000) FROM n",
            (str(town.first),),
        )
    done, city, slowest, answered = [], town.city(), 0.0, 0
    thread = threading.Thread(target=lambda: done.extend(town.erase()))
    thread.start()
    while thread.is_alive():
        began = time.monotonic()
        assert 200 == city.ask(body()).status
        slowest, answered = max(slowest, time.monotonic() - began), answered + 1
    thread.join()
    assert done[0].details > 5000
    assert answered > 3
    assert slowest < 2.5
    assert town.consistent()


@pytest.mark.parametrize("fails", ["rename", "unlink"])
def test_a_key_that_cannot_be_destroyed_is_said_so(
    town: Town, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """A read-only directory, an unlink that fails: an error, no row removed, and done the next time."""
    real = getattr(Path, fails)

    def refused(self: Path, *given: object) -> object:
        if str(town.first) in self.name:
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        return real(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Path, fails, refused)
        with pytest.raises(
            OperatorError, match=r"key of .* could not be destroyed \(Read-only file system\)"
        ):
            town.erase()
        assert [] == town.events("purge.done")
        with town.state.database.read() as connection:
            left = connection.exec_driver_sql(
                "SELECT count(*) FROM private_details WHERE day < ?", (town.before,)
            )
            assert left.scalar_one() > 6
        # What could not be renamed is whole; what could not be removed was overwritten before.
        assert town.readable(GONE) == (fails == "rename")
    town.erase()
    assert not town.readable(GONE)
    assert 1 == len(town.events("purge.begun"))
    assert 1 == len(town.events("purge.done"))


def test_a_directory_in_which_no_key_can_be_made_holds_everything(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be kept apart is not destroyed."""
    town.hold()
    real = Path.mkdir

    def refused(self: Path, *given: object, **more: object) -> None:
        if self.name == "held":
            raise OSError(errno.EROFS, "Read-only file system", str(self))
        real(self, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(GatekeeperError, match="nothing was erased"):
        town.erase()
    assert all(town.readable(plate) for plate in SEALED if plate != LATER)


@pytest.mark.needs("tmpfs")
def test_it_works_on_a_full_disk(small_disk: Path, past: Past, bundle: Bundle) -> None:
    """The reserve is given up for it, as for a stop; afterwards there is room for a reserve again."""
    shutil.copytree(past.data, small_disk / "city")
    town = Town.open(small_disk / "city", past.ids, bundle)
    try:
        town.state.database.restore_reserve()
        town.hold()
        fill(small_disk)
        town.erase()
        assert not any(town.readable(plate) for plate in (GONE, UPHELD, LATER))
        assert town.readable(HELD)
        assert 1 == len(town.events("purge.done"))
        assert town.consistent()
    finally:
        town.close()


def test_an_erasure_that_was_begun_does_not_outlive_a_longer_retention(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody stopped it to set the retention right: what is kept now is not erased all the same."""
    purge = town.purge
    with monkeypatch.context() as patched:
        patched.setattr(type(purge), "_finish", lambda *_: (_ for _ in ()).throw(OperatorError("stopped")))
        with pytest.raises(OperatorError, match="stopped"):
            town.erase()
    kept = Retention(400)
    purge.run(town.before - timedelta(days=360), kept, WHO)
    assert all(town.readable(plate) for plate in SEALED)
    assert 1 == len(town.events("purge.done"))


# --- The timer. -------------------------------------------------------------------------------------------


def test_the_timer_erases_what_a_week_brings_and_asks_a_person_for_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting or a clock that is wrong by months erases nothing by itself."""
    monkeypatch.setattr("gatekeeper.purge.timer.MOST_DAYS", 1)
    with pytest.raises(OperatorError, match="more than 1 days"):
        erase_once(town.purge, KEPT)
    _untouched(town)
    monkeypatch.undo()
    assert 1 == len(erase_once(town.purge, KEPT))
    assert not town.readable(GONE)
    assert [] == erase_once(town.purge, KEPT)


def test_the_timer_runs_by_itself_and_tells_what_failed(town: Town) -> None:
    """Of several processes one does it; an error is told, and it tries again."""
    told: list[object] = []
    wrong = [Retention(3), KEPT]
    timers = [
        Timer(
            town.purge,
            lambda: wrong.pop(0) if len(wrong) > 1 else wrong[0],
            told.append,
            first=0.01,
            every=0.05,
        )
        for _ in range(3)
    ]
    for timer in timers:
        timer.start()
    deadline = time.monotonic() + 10
    while not any(isinstance(one, list) for one in told) and time.monotonic() < deadline:
        time.sleep(0.01)
    for timer in timers:
        timer.close()
    assert isinstance(told[0], OperatorError)
    assert 1 == len([one for one in told if isinstance(one, list)])
    assert not town.readable(GONE)
    assert 1 == len(town.events("purge.begun"))


def test_a_worker_erases_by_the_settings_and_the_law(town: Town) -> None:
    """The timer as the service builds it; without a retention nothing is erased that nobody asked for."""
    state = town.state
    for days, gone in ((0, False), (40, True)):
        asked = replace(state, settings=replace(state.settings, retention_days=days))
        timer = build_timer(asked, laws_in_force(asked))
        timer._first = 0.01
        timer.start()
        deadline = time.monotonic() + (10 if gone else 0.3)
        while town.state.keys.erasable()[0] < town.before and time.monotonic() < deadline:
            time.sleep(0.01)
        timer.close()
        timer._thread.join(10)
        assert town.readable(GONE) != gone
    assert 1 == len(town.events("purge.done"))
