"""An erasure that is killed at any of its steps: nothing held is lost, and the next run finishes it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from gatekeeper.errors import KeyErased
from tests.exchange.papers import pdf
from tests.purge.killed import STEPS
from tests.purge.made import COUNSEL, GONE, HELD, LATER, OPEN, REASON, RECENT, UPHELD, Town
from tests.servers.gate import environment

KILLS = [
    ("log", 1), ("log", 2), ("make a key", 2), ("hold", 1), ("hold", 3), ("destroy", 1), ("overwrite", 2),
    ("remove", 1), ("remove", 5), ("empty", 1),
]  # fmt: skip


def _killed(town: Town, step: str, number: int, side: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.purge.killed", str(town.state.settings.data), step, str(number), side],
        capture_output=True,
        timeout=60,
        check=False,
        env=environment(),
    )
    assert -signal.SIGKILL == ended.returncode, ended.stderr.decode()


def _all_is_kept(town: Town) -> None:
    for plate in (HELD, OPEN):
        assert town.readable(plate)
        assert pdf() == town.paper(plate)
    assert town.readable(RECENT)


def _all_is_erased(town: Town) -> None:
    for plate in (GONE, UPHELD, LATER):
        assert not town.readable(plate)
    assert None is town.paper(UPHELD)
    with town.state.database.read() as connection:
        for table in ("private_details", "idempotency_keys"):
            oldest = connection.exec_driver_sql(f"SELECT min(day) FROM {table}").scalar_one()  # noqa: S608  ours
            assert str(town.before) <= oldest
    assert all(day >= town.before for day in town.state.keys.erasable())


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(("step", "number"), KILLS)
def test_it_is_finished_by_the_next_run(town: Town, step: str, number: int, side: str) -> None:
    """One begun and one done in the log, whatever came between; the counts are of both parts together."""
    town.hold()
    _killed(town, step, number, side)
    _all_is_kept(town)
    town.erase()
    _all_is_kept(town)
    _all_is_erased(town)
    begun, done = town.events("purge.begun"), town.events("purge.done")
    assert [entry["ref"] for entry in begun] == [entry["ref"] for entry in done]
    assert 1 == len(done)
    assert "10-99" == done[0]["details"]
    assert town.consistent()
    assert [] == town.erase()
    keys = town.state.keys.held
    assert (2, frozenset()) == (len(keys.names()), keys.remains())


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("step", ["let a key go", "overwrite what was held", "log"])
def test_what_was_lifted_is_gone_after_the_next_run(town: Town, step: str, side: str) -> None:
    """Killed while its key is destroyed."""
    hold = town.hold()
    town.erase()
    town.holds.lift(hold, COUNSEL, REASON)
    _killed(town, step, 1, side)
    town.erase()
    assert not town.readable(HELD)
    assert None is town.paper(HELD)
    assert town.readable(OPEN)
    assert 1 == len(town.state.keys.held.names())
    assert town.consistent()


def test_every_step_is_killed_in() -> None:
    """A step that is not in the table is one that nobody tried."""
    named = {step for step, _ in KILLS} | {"let a key go", "overwrite what was held"}
    assert set(STEPS) == named


def test_what_a_killed_process_left_of_a_key_is_destroyed(town: Town) -> None:
    """Renamed and not yet overwritten: the whole key is still there, under another name."""
    days = town.state.settings.key_directory / "days"
    _killed(town, "overwrite", 1, "before")
    left = [path for path in days.iterdir() if path.name.startswith(f".{town.first}.")]
    assert 1 == len(left)
    assert any(left[0].read_bytes())
    town.erase()
    assert [] == [path for path in days.iterdir() if path.name.startswith(".")]
    with pytest.raises(KeyErased):
        town.state.ledger.opened(town.state.rows.entries_of(town.ids[GONE])[0])
