"""The record of checks: one at a time, silence is no success, and a verdict stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_checks import SILENCE, LedgerChecks
from tests.store.making import NOON


class _Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    """Return a clock that stands."""
    return _Clock()


@pytest.fixture
def checks(database: Database, clock: _Clock) -> LedgerChecks:
    """Return an empty record."""
    return LedgerChecks(database, clock)


def _begin(checks: LedgerChecks) -> str:
    begun = checks.begin("staff-1", "whole", start=0, size=9)
    assert begun is not None
    return begun


def test_of_many_who_begin_at_once_one_does(checks: LedgerChecks) -> None:
    """The others are told that one runs."""
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: checks.begin("staff-1", "whole", start=0, size=9), range(8)))
    assert 7 == begun.count(None)
    (check,) = checks.latest(9)
    assert ("running", 0, 9) == (check.state, check.place, check.size)


def test_a_check_whose_process_fell_silent_is_interrupted(checks: LedgerChecks, clock: _Clock) -> None:
    """At once where it is shown, and for good when the next one begins."""
    check = _begin(checks)
    clock.now = NOON + SILENCE + timedelta(seconds=1)
    assert ["interrupted"] == [each.state for each in checks.latest(9)]
    assert checks.last("consistent", "interrupted") is None
    assert _begin(checks) != check
    assert not checks.beat(check, 5, 9)
    assert not checks.end(check, "consistent")
    assert ["interrupted"] == [each.state for each in checks.latest(9) if each.id == check]


def test_what_was_found_is_told_even_late_and_all_is_well_is_not(checks: LedgerChecks, clock: _Clock) -> None:
    """A machine that slept: its bad news counts."""
    check = _begin(checks)
    clock.now = NOON + SILENCE + timedelta(seconds=1)
    _begin(checks)
    assert checks.end(check, "inconsistent", outcome={"findings": ["altered"]})
    found = checks.last("inconsistent")
    assert found is not None
    assert (check, {"findings": ["altered"]}) == (found.id, found.outcome)


@pytest.mark.parametrize("first", ["consistent", "inconsistent"])
@pytest.mark.parametrize("second", ["running", "consistent", "inconsistent", "interrupted"])
def test_a_verdict_is_never_another(
    checks: LedgerChecks, database: Database, first: str, second: str
) -> None:
    """Not by us, and not by a statement of whoever reached the database as the application."""
    check = _begin(checks)
    assert checks.end(check, first, outcome={})
    assert not checks.end(check, second)
    if second != first:
        with pytest.raises(StoreUnavailable), database.write() as connection:
            connection.exec_driver_sql(f"UPDATE ledger_checks SET state = '{second}'")  # noqa: S608
    assert [first] == [each.state for each in checks.latest(9)]


def test_an_interrupted_check_is_never_made_sound(checks: LedgerChecks, database: Database) -> None:
    """Neither by a late thread nor by hand."""
    checks.end(_begin(checks), "interrupted", fault="ended")
    for state in ("consistent", "running"):
        with pytest.raises(StoreUnavailable), database.write() as connection:
            connection.exec_driver_sql(f"UPDATE ledger_checks SET state = '{state}'")  # noqa: S608
