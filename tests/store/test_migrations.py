"""A city that is already running keeps what it has when the schema grows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command

from gatekeeper.errors import SettingsRefused, StoreUnavailable
from gatekeeper.review.queue import Wanted
from gatekeeper.store.database import Database
from gatekeeper.store.migrations.run import configuration
from gatekeeper.store.review_queue import ReviewQueue

_REVIEWS = """
INSERT INTO reviews (query_id, agency_id, state, level, provisions, queued_at, due_at, version)
VALUES ('q1', 'evanston', 'escalated', 'staff', '["case_number","stated_reason"]',
        '2026-11-22 12:00:00.000000+00', '2026-11-23 12:00:00.000000+00', 2);
INSERT INTO review_events (query_id, version, ref, event, state, at, actor)
VALUES ('q1', 2, 'q1', 'review.escalated', 'escalated', '2026-11-22 13:00:00.000000+00', 'staff-1')"""

_ROWS = """
INSERT INTO agencies (id, name, kind, status, has_287g, contacts)
VALUES ('evanston', 'Evanston', 'local', 'active', false, '[]');
INSERT INTO clients (id, agency_id, profile, status, scopes)
VALUES ('c1', 'evanston', 'basic', 'active', '[]');
INSERT INTO queries (query_id, agency_id, client_id, hour, kind, category, outcome, review, dry_run,
                     policy_revision)
VALUES ('q1', 'evanston', 'c1', '2026-11-22T12Z', 'plate', 'other', 'deny', 'staff', false, 'r')"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of the first schema, with a query in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        url = request.getfixturevalue("postgres").create(f"old{uuid.uuid4().hex}")
    database = Database.open(url)
    with database.write() as connection:
        command.upgrade(configuration(connection), "0001")
        for row in _ROWS.split(";"):
            connection.exec_driver_sql(row)
    yield database
    database.close()


def test_an_old_database_is_refused_until_it_is_brought_up(old: Database) -> None:
    """With the command that does it."""
    with pytest.raises(SettingsRefused, match="gatekeeper init"):
        old.check()


def test_what_was_there_stays_and_stays_guarded(old: Database) -> None:
    """Rows, triggers and all; what is new is empty for them, and so binds and counts nothing."""
    old.migrate()
    old.migrate()
    with old.read() as connection:
        kept = connection.exec_driver_sql("SELECT query_id, search_fp, case_fp FROM queries").all()
        assert [("q1", None, None)] == [tuple(row) for row in kept]
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM verifications").scalar()
    for attack in ("UPDATE queries SET search_fp = NULL", "DELETE FROM queries"):
        with pytest.raises(StoreUnavailable), old.write() as connection:
            connection.exec_driver_sql(attack)


def test_reviews_of_before_are_found_in_the_queue(old: Database) -> None:
    """As a whole and under each provision, when they last moved, with nobody to look after them."""
    with old.write() as connection:
        for row in _REVIEWS.split(";"):
            said = row.replace("+00'", "'") if old.dialect == "sqlite" else row
            connection.exec_driver_sql(said)
    old.migrate()
    queue = ReviewQueue(old)
    for provision in (None, "case_number", "stated_reason"):
        (card,) = queue.page(Wanted(("escalated",), assignee="", provision=provision), most=9).cards
        assert ("q1", 1, 13) == (card.query_id, card.urgency, card.moved_at.hour)
    assert () == queue.page(Wanted(("escalated",), provision="affirmation"), most=9).cards
