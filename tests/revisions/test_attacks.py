# ruff: noqa: S608  the attacks are made of our own table names
"""Attempts to put a law into force that may not be, and to keep one from deciding for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.cli import serve
from gatekeeper.errors import GatekeeperError, OperatorError, PolicyUnavailable
from gatekeeper.parts import laws_in_force
from gatekeeper.policy import Bundle
from gatekeeper.revisions import LawsInForce
from gatekeeper.revisions.in_force import EVERY, MAX_AGE
from gatekeeper.revisions.interfaces import Revision
from tests.promises.made import nothing_leaves
from tests.revisions.lives import REASON, Life


def _set(life: Life, statement: str) -> None:
    """Change the database behind the program's back, as whoever holds its files could."""
    with life.city.state.database.write() as connection:
        connection.exec_driver_sql(statement)


def _decides(life: Life) -> str:
    """Return by which law the next request would be decided."""
    return life.city.gate.as_in_force().law.bundle.revision


def _back(life: Life, to: Revision) -> Revision:
    """Let two people return to a law."""
    asked = life.lifecycle.roll_back(to.id, life.people["legal"], REASON)
    seen = life.lifecycle.seal(asked)
    return life.lifecycle.confirm(asked.id, life.people["counsel"], seen=seen, reason=REASON)


def test_what_waited_approved_is_not_scheduled_over_another_law(
    life: Life, other: Bundle, third: Bundle
) -> None:
    """It could not come into force; scheduled, it would keep the law in force from deciding anything."""
    at = life.lifecycle.clock.now() + timedelta(hours=2)
    life.scheduled(other, at)
    late = life.replayed(third)
    life.approve(late, "legal 2", at)
    with pytest.raises(OperatorError, match="scheduled already"):
        life.approve(late, "counsel", at)
    life.time.by = timedelta(hours=3)
    assert other.revision == _decides(life)
    with pytest.raises(OperatorError, match="Another policy came into force"):
        life.lifecycle.schedule(late.id)
    assert other.revision == _decides(life)


# --- A law that decides must go on, and one that cannot be verified must have a way back. ------------------


def test_the_service_starts_after_a_moment_that_it_slept_through(
    life: Life, other: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever starts first puts into force what is due, and begins with that."""
    state = life.city.state
    life.scheduled(other, state.clock.now() + timedelta(seconds=2))
    time.sleep(2.1)
    serve._say_what_is_in_force(state, other)
    assert f"policy {other.revision} is in force" in capsys.readouterr().out


def test_a_law_that_nobody_tended_is_verified_by_who_asks(life: Life) -> None:
    """A thread that ended must not leave a worker that denies everything until somebody starts it anew."""
    _decides(life)
    life.time.by = MAX_AGE + timedelta(seconds=1)
    _decides(life)
    _set(life, "UPDATE revisions SET signature = NULL WHERE state = 'active'")
    life.time.by = 3 * MAX_AGE
    nothing_leaves(life.city, PolicyUnavailable)


def test_tending_survives_what_is_not_ours(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody thought of is told, and the next second tends again."""
    told, again = list[GatekeeperError](), threading.Event()

    def fails(laws: LawsInForce) -> None:
        assert laws is life.laws
        if told:
            again.set()
        raise KeyError("made up")

    monkeypatch.setattr(LawsInForce, "tend", fails)
    life.laws.start(told.append)
    assert again.wait(10)
    life.laws.close()
    assert "KeyError" in str(told[0])
    assert "made up" not in str(told[0])
