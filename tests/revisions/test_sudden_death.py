"""A process that dies while people change the law, and a disk that fills: no step is half done."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.errors import Unavailable
from gatekeeper.ledger import verify
from gatekeeper.policy import Bundle
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.settings import Settings
from tests.exchange.city import body
from tests.promises.made import built_city, document
from tests.promises.test_1_permit import fill, small_disk
from tests.revisions.lives import REASON, Life

__all__ = ["small_disk"]

STATES = [("replayed", 0), ("approved", 1), ("scheduled", 2), ("active", 3)]
STEPS = ["policy.approved", "policy.scheduled"]


def _dies(life: Life, revision: Revision, commit: int, side: str) -> None:
    """The second person's approval, in a process that is killed before or after one of its commits."""
    given = [
        str(life.city.state.settings.data),
        revision.id,
        life.people["counsel"].username,
        str(commit),
        side,
    ]
    run = [sys.executable, "-m", "tests.revisions.killed", *given]
    died = subprocess.run(run, cwd=Path(__file__).parents[2], timeout=120, check=False)
    assert -signal.SIGKILL == died.returncode


def _goes_on(life: Life, revision: Revision) -> None:
    """What a person, or the next query, does from wherever it stands."""
    if "replayed" == life.now(revision).state:
        life.approve(revision, "counsel")
    if "approved" == life.now(revision).state:
        life.lifecycle.schedule(revision.id)


def _whole(life: Life) -> None:
    state = life.city.state
    state.ledger.check_tail()
    assert [] == verify(state.rows, state.log_key.vkey, checkpoints=state.rows.checkpoints())


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3])
def test_an_approval_that_dies_is_done_to_a_commit(life: Life, other: Bundle, commit: int, side: str) -> None:
    """It stands where its last commit left it; queries are decided by one whole law; it goes on."""
    old, revision = life.active(), life.replayed(other)
    life.approve(revision, "legal 2")
    _dies(life, revision, commit, side)
    state, _ = STATES[commit if side == "after" else commit - 1]
    assert state == life.now(revision).state
    _whole(life)
    decided = document(life.city.ask(body()))["decision"]["policy"]["revision"]
    # What was due is put into force by the first query that comes.
    assert decided == (revision if state in ("scheduled", "active") else old).revision
    _goes_on(life, revision)
    assert "active" == life.now(revision).state
    told = life.events(revision)
    assert (2, 1, 1) == tuple(map(told.count, [*STEPS, "policy.activated"]))
    _whole(life)


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_rollback_that_dies_is_done_to_a_commit(life: Life, other: Bundle, commit: int) -> None:
    """The same, in the hurry in which it matters most."""
    first = life.active()
    life.scheduled(other)
    asked = life.lifecycle.roll_back(first.id, life.people["legal"], REASON)
    _dies(life, asked, commit, "after")
    _goes_on(life, asked)
    assert document(life.city.ask(body()))["decision"]["policy"]["revision"] == first.revision
    told = life.events(asked)
    assert (2, 1, 1) == tuple(map(told.count, [*STEPS, "policy.rolled_back"]))
    _whole(life)


@pytest.mark.needs("tmpfs")
def test_a_full_disk_changes_no_law(small_disk: Path, bundle: Bundle, other: Bundle) -> None:
    """No step is taken, and the next is taken when there is room again."""
    with built_city(
        Settings(data=small_disk / "city", engine="embedded", client_profiles="fapi basic"),
        bundle,
    ) as city:
        life = Life.of(city)
        revision = life.replayed(other)
        life.approve(revision, "legal 2")
        seen, before = life.lifecycle.seal(life.now(revision)), len(life.events(revision))
        attempts: list[Callable[[], object]] = [
            lambda: life.lifecycle.approve(revision.id, life.people["counsel"], seen=seen, reason=REASON),
            lambda: life.lifecycle.reject(revision.id, life.people["counsel"], REASON),
            lambda: life.lifecycle.shadow(revision.id, life.people["counsel"], REASON),
        ]
        fill(small_disk)
        for attempt in attempts:
            with pytest.raises(Unavailable):
                attempt()
        (small_disk / "filler").unlink()
        assert ("replayed", before) == (life.now(revision).state, len(life.events(revision)))
        _whole(life)
        assert "active" == life.approve(revision, "counsel").state
