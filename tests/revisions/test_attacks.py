# ruff: noqa: S608  the attacks are made of our own table names
"""Attempts to put a law into force that may not be, and to keep one from deciding for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

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
