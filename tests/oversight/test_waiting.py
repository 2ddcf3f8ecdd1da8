"""What waits is counted by its age, and a missing person's request that nobody has touched is found."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.review.queue import WAITING
from gatekeeper.store import reviews
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.staff import Staff, add
from gatekeeper.store.waiting import Waiting
from tests.store.making import NOON, commit, member, query, register

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MISSING = "missing_or_endangered_person"


@pytest.fixture
def waiting(database: Database, rows: LedgerRows) -> Waiting:
    """Reviews of several ages."""
    register(rows)
    for number, (age, category) in enumerate(
        [
            (5 * MINUTE, "stolen_vehicle"),
            (20 * MINUTE, MISSING),
            (14 * MINUTE, MISSING),
            (2 * HOUR, "stolen_vehicle"),
            (100 * HOUR, "stolen_vehicle"),
        ]
    ):
        name = f"q{number}"
        queued = reviews.queue(
            query_id=name,
            agency_id="evanston",
            category=category,
            first=category == MISSING,
            level="staff",
            provisions=["case_number"],
            at=NOON - age,
            due_at=NOON - age + 72 * HOUR,
        )
        commit(rows, [query(name, category=category), *queued])
    return Waiting(database)


def test_ages_hold_every_review_that_waits_once(waiting: Waiting) -> None:
    """Younger than each step, and then all that are older."""
    assert (3, 1, 1) == waiting.ages(WAITING, NOON, (HOUR, 24 * HOUR))
    assert (0, 0, 0) == waiting.ages(("upheld",), NOON, (HOUR, 24 * HOUR))
    assert 5 == sum(waiting.ages(WAITING, NOON, (20 * MINUTE, 2 * HOUR)))
    assert (1, 0) == (waiting.overdue(WAITING, NOON), waiting.overdue(("escalated",), NOON))


def test_an_untouched_request_about_a_missing_person_is_found(waiting: Waiting, database: Database) -> None:
    """Until somebody does something about it."""
    assert 1 == waiting.untouched(MISSING, NOON - 15 * MINUTE)
    assert 2 == waiting.untouched(MISSING, NOON - 13 * MINUTE)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE reviews SET state = 'needs_information' WHERE query_id = 'q1'")
    assert 0 == waiting.untouched(MISSING, NOON - 15 * MINUTE)


def test_locked_accounts_are_counted_while_they_are_locked(database: Database, rows: LedgerRows) -> None:
    """And no longer; nor one that was removed."""
    commit(rows, [*add(member())])
    waiting, people = Waiting(database), Staff(database, lambda: NOON)
    assert 0 == waiting.locked(NOON)
    assert people.failed(member().id, most=1, until=NOON + HOUR) is True
    assert (1, 0) == (waiting.locked(NOON), waiting.locked(NOON + 2 * HOUR))
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE staff SET status = 'removed'")
    assert 0 == waiting.locked(NOON)
