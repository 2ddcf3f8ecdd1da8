"""Legal holds: what is held is kept, in every way that it is read, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError
from gatekeeper.exchange import asked, status_of
from gatekeeper.ledger import Json
from gatekeeper.purge.keeping import Keeping
from gatekeeper.review.roles import ROLES, Role
from gatekeeper.store.past import PastDecisions
from tests.exchange.papers import pdf
from tests.purge.made import AGENCY, COUNSEL, GONE, HELD, KEPT, LATER, OPEN, REASON, RECENT, UPHELD, WHO, Town


def test_what_is_held_reads_as_before(town: Town) -> None:
    """As an entry, as the query that was asked, by a replay, by its agency, and as a paper."""
    hold = town.hold()
    city, query_id = town.city(), town.ids[HELD]
    told = status_of(town.gate, city.presented(AGENCY), query_id)
    query = asked(town.gate, query_id)
    town.erase()
    assert town.readable(HELD)
    assert query == asked(town.gate, query_id)
    now = status_of(town.gate, city.presented(AGENCY), query_id)
    assert [told[name] for name in ("decision", "review")] == [now[name] for name in ("decision", "review")]
    assert pdf() == town.paper(HELD)
    replayed: dict[str, Json] = {}
    for stored, box, _ in PastDecisions(town.state.database).between(0, 1000):
        try:
            replayed[stored.ref] = town.state.ledger.unsealed(stored, box).detail["body"]
        except KeyErased:
            continue
    assert {town.ids[plate] for plate in (HELD, OPEN, RECENT)} == replayed.keys()
    assert not any(town.readable(plate) for plate in (GONE, UPHELD, LATER))
    assert [(hold, query_id, COUNSEL.id, REASON)] == [
        (one.id, one.query_id, one.by, one.reason) for one in town.holds.in_force(COUNSEL)
    ]


def test_the_log_names_neither_the_query_nor_the_reason(town: Town) -> None:
    """A public hold would say whom a court looks at."""
    town.holds.lift(town.hold(), COUNSEL, REASON)
    for event in ("purge.held", "purge.unheld"):
        [entry] = town.events(event)
        assert {"v", "event", "ref", "hour", "commitments"} == set(entry)
        assert town.ids[HELD] not in str(entry)


def test_after_a_lift_the_next_erasure_takes_it(town: Town) -> None:
    """Its own key is destroyed, and with it the rows."""
    hold = town.hold()
    town.erase()
    town.holds.lift(hold, COUNSEL, REASON)
    assert town.readable(HELD)
    [done] = town.erase()
    assert 0 == done.days
    assert not town.readable(HELD)
    assert None is town.paper(HELD)
    with town.state.database.read() as connection:
        of = (town.ids[HELD],)
        for table in ("held_boxes", "documents"):
            asked_for = f"SELECT count(*) FROM {table} WHERE query_id = ?"  # noqa: S608  ours
            assert 0 == connection.exec_driver_sql(asked_for, of).scalar_one()
    assert town.consistent()


def test_two_holds_are_two_holds(town: Town) -> None:
    """What one court no longer needs another may."""
    first, second = town.hold(), town.hold()
    town.erase()
    town.holds.lift(first, COUNSEL, REASON)
    town.erase()
    assert town.readable(HELD)
    town.holds.lift(second, COUNSEL, REASON)
    town.erase()
    assert not town.readable(HELD)


def test_a_hold_that_comes_in_the_middle_is_kept(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is committed after the erasure looked for holds and before the day's key is destroyed."""
    real, placed = Keeping._hold, list[str]()

    def hold(self: Keeping, *given: Any) -> None:
        real(self, *given)
        if not placed:
            placed.append(town.hold())

    monkeypatch.setattr(Keeping, "_hold", hold)
    town.purge.run(town.before, KEPT, WHO)
    assert placed
    assert town.readable(HELD)
    assert pdf() == town.paper(HELD)
    assert not town.readable(GONE)


def test_what_is_erased_cannot_be_held(town: Town) -> None:
    """Nobody is told that something is kept which is gone; nothing is logged."""
    town.erase()
    with pytest.raises(OperatorError, match="has been erased"):
        town.hold(GONE)
    assert [] == town.events("purge.held")


@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"legal", "counsel"}])
def test_nobody_else_holds(town: Town, role: Role) -> None:
    """Not records staff, whose rulings it may be about, nor the operator's administrators."""
    person = replace(COUNSEL, role=role)
    with pytest.raises(OperatorError, match="may not keep private detail"):
        town.holds.place(town.ids[HELD], person, REASON)
    with pytest.raises(OperatorError, match="may not keep private detail"):
        town.holds.in_force(person)


@pytest.mark.parametrize(
    ("query_id", "reason", "why"),
    [
        ("q_none", REASON, "no query"),
        ("", REASON, "no query"),
        ("q\x00", REASON, "no query"),
        ("\ud800", REASON, "no query"),
        ("x" * 100_000, REASON, "no query"),
        (None, "", "Say why"),
        (None, "......................", "Say why"),
        (None, "x" * 3000, "Say why"),
    ],
)
def test_a_hold_of_nothing_or_without_a_reason_is_refused(
    town: Town, query_id: str | None, reason: str, why: str
) -> None:
    """With a sentence, and without an entry."""
    size = town.state.rows.head().size
    with pytest.raises(OperatorError, match=why):
        town.holds.place(town.ids[HELD] if query_id is None else query_id, COUNSEL, reason)
    assert size == town.state.rows.head().size


@pytest.mark.parametrize("entry", ["an agency's", "a hold's"])
def test_only_a_query_is_held(town: Town, entry: str) -> None:
    """Another ref of the log has no query to keep: the hold would keep nothing."""
    ref = town.events("agency.added")[0]["ref"] if entry == "an agency's" else town.hold()
    with pytest.raises(OperatorError, match="no query"):
        town.holds.place(ref, COUNSEL, REASON)


def test_a_hold_is_lifted_once(town: Town) -> None:
    """The second is told."""
    hold = town.hold()
    town.holds.lift(hold, COUNSEL, REASON)
    for name in (hold, "hold_none", "\x00"):
        with pytest.raises(OperatorError, match="no hold"):
            town.holds.lift(name, COUNSEL, REASON)


def test_a_held_box_that_was_altered_keeps_its_day(town: Town) -> None:
    """Who can write the database must not be able to have evidence erased by breaking a bit of it."""
    town.hold()
    with town.state.database.write() as connection:
        # As its owner could: the trigger stands in the way of everybody else.
        connection.exec_driver_sql("DROP TRIGGER private_details_no_update")
        connection.exec_driver_sql(
            "UPDATE private_details SET box = substr(box, 1, length(box) - 1) || x'00' WHERE ref = ?",
            (town.ids[HELD],),
        )
    with pytest.raises(OperatorError, match=f"{town.first} something is held that cannot be opened"):
        town.erase()
    assert town.first in town.state.keys.days()
    assert town.readable(GONE)
    assert not town.readable(LATER)
    assert [] == town.events("purge.done")


def test_a_held_box_opens_for_its_own_row_only(town: Town) -> None:
    """Another query's held box in its place is found."""
    town.hold()
    town.hold(GONE)
    town.erase()
    rows, ledger = town.state.rows, town.state.ledger
    one, other = (rows.entries_of(town.ids[plate])[0] for plate in (HELD, GONE))
    box = rows.box(other.ref, f"query.decided@{other.index}")
    assert ledger.unsealed(other, box).detail
    with pytest.raises(LedgerCorrupt):
        ledger.unsealed(one, box)
    assert box is not None
    with pytest.raises(LedgerCorrupt):
        ledger.unsealed(other, (box[0], box[1][:-1] + bytes([box[1][-1] ^ 1])))
    with pytest.raises(LedgerCorrupt):
        ledger.unsealed(other, (box[0], box[1][:20]))


def test_a_key_of_what_is_held_is_as_closed_as_the_others(town: Town) -> None:
    """Mode 0600 in a directory of 0700; its name says nothing of its query."""
    town.hold()
    town.erase()
    held = town.state.settings.key_directory / "days" / "held"
    assert 0o700 == held.stat().st_mode & 0o777
    for path in held.iterdir():
        assert 0o600 == path.stat().st_mode & 0o777
        assert town.ids[HELD] not in path.name
