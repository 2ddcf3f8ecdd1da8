"""The working copy of the law that a person has, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gatekeeper.store import staff
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.policy_drafts import PolicyDraft, PolicyDrafts
from tests.store.making import LATER, NOON, commit, member

CHANGES = {"sharing/a/a.rego": "package sharing.a\n", "data/old.json": None}
ME, OTHER = member(), member("robin.sample")


@pytest.fixture
def drafts(database: Database, rows: LedgerRows) -> PolicyDrafts:
    """Two members of staff, neither of whom changes anything yet."""
    for person in (ME, OTHER):
        commit(rows, staff.add(person))
    return PolicyDrafts(database)


def test_a_person_has_one(drafts: PolicyDrafts) -> None:
    """It is kept as it was given, a second is not begun, and nobody else finds it."""
    assert drafts.of(ME.id) is None
    assert drafts.begin(ME.id, "rev_1", CHANGES, NOON)
    assert not drafts.begin(ME.id, "rev_2", {}, LATER)
    assert PolicyDraft(ME.id, "rev_1", CHANGES, 1, NOON, NOON) == drafts.of(ME.id)
    assert drafts.of(OTHER.id) is None


def test_a_change_names_what_was_seen(drafts: PolicyDrafts) -> None:
    """A second window that saw an older version changes nothing; nor does another person."""
    drafts.begin(ME.id, "rev_1", CHANGES, NOON)
    assert drafts.change(ME.id, 1, "rev_2", {"a": "ä\n"}, LATER)
    assert not drafts.change(ME.id, 1, "rev_1", {}, LATER + timedelta(minutes=1))
    assert not drafts.change(OTHER.id, 2, "rev_1", {}, LATER)
    assert PolicyDraft(ME.id, "rev_2", {"a": "ä\n"}, 2, NOON, LATER) == drafts.of(ME.id)


def test_it_is_thrown_away_as_it_was_seen(drafts: PolicyDrafts) -> None:
    """And is then begun anew."""
    drafts.begin(ME.id, "rev_1", CHANGES, NOON)
    assert not drafts.discard(ME.id, 2)
    assert not drafts.discard(OTHER.id, 1)
    assert drafts.discard(ME.id, 1)
    assert not drafts.discard(ME.id, 1)
    assert drafts.of(ME.id) is None
    assert drafts.begin(ME.id, "rev_2", {}, LATER)
