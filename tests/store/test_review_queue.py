"""The queue, against a plain list of what is in it: every narrowing, every order, page by page, both ways."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gatekeeper.errors import StoreUnavailable, Superseded
from gatekeeper.review.queue import DONE, ORDERS, WAITING, Order, Place, Wanted, place
from gatekeeper.store import review_queue, review_walks, reviews
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.queries import Queries
from gatekeeper.store.review_queue import Count, ReviewQueue
from gatekeeper.store.tables import metadata
from gatekeeper.store.values import ReviewCard, ReviewRow
from tests.store.making import LATER, NOON, commit, query, register, waiting

STATES = (*WAITING, *DONE)
CODES = ("case_number", "stated_reason", "affirmation")


@dataclass(frozen=True)
class Kept:
    """What the queue should know of a review."""

    query_id: str
    agency_id: str
    category: str
    state: str
    level: str
    provisions: tuple[str, ...]
    assignee: str
    urgency: int
    due_at: datetime
    queued_at: datetime
    moved_at: datetime

    def fits(self, wanted: Wanted) -> bool:
        """Say, in the plainest way, whether it was asked for."""
        return (
            self.state in wanted.states
            and wanted.provision in (None, *self.provisions)
            and wanted.agency_id in (None, self.agency_id)
            and wanted.category in (None, self.category)
            and wanted.level in (None, self.level)
            and wanted.assignee in (None, self.assignee)
            and (not wanted.assigned or self.assignee != "")
            and (wanted.due_before is None or self.due_at < wanted.due_before)
            and (wanted.queued_from is None or self.queued_at >= wanted.queued_from)
            and (wanted.queued_before is None or self.queued_at < wanted.queued_before)
        )


def _fill(rows: LedgerRows, database: Database, number: int, seed: int = 1) -> list[Kept]:
    """Queue that many reviews, move and assign some; return what is then known of each."""
    dice = random.Random(seed)  # noqa: S311  a test's dice
    register(rows)
    register(rows, "wilmette", "c2")
    kept = []
    for n in range(number):
        one = Kept(
            query_id=f"q{n:04}",
            agency_id=dice.choice(("evanston", "wilmette")),
            category=dice.choice(("stolen_vehicle", "missing_or_endangered_person", "wanted_person")),
            state="queued",
            level=dice.choice(("staff", "counsel")),
            provisions=tuple(
                dice.sample(("case_number", "stated_reason", "affirmation"), dice.randint(1, 3))
            ),
            assignee="",
            urgency=dice.choice((0, 1, 1)),
            due_at=NOON + timedelta(hours=dice.randint(0, 5)),
            queued_at=NOON + timedelta(minutes=dice.randint(0, 9)),
            moved_at=NOON,
        )
        queued = waiting(
            one.query_id,
            agency_id=one.agency_id,
            category=one.category,
            level=one.level,
            provisions=one.provisions,
            at=one.queued_at,
            due_at=one.due_at,
            first=one.urgency == 0,
        )
        commit(rows, [query(one.query_id, agency_id=one.agency_id, category=one.category), *queued])
        one = replace(one, moved_at=one.queued_at)
        if dice.random() < 0.5:
            one = replace(
                one, state=dice.choice(STATES), moved_at=one.queued_at + timedelta(hours=dice.randint(1, 4))
            )
            moved = reviews.move(
                _read(database, one.query_id),
                one.state,
                event="review.ruled",
                ref="x",
                at=one.moved_at,
                actor="staff-1",
            )
            commit(rows, moved)
        if dice.random() < 0.5:
            one = replace(one, assignee=dice.choice(("staff-1", "staff-2")))
            commit(rows, reviews.assign(_read(database, one.query_id), one.assignee))
        kept.append(one)
    return kept


def _read(database: Database, query_id: str) -> ReviewRow:
    found = Queries(database).review(query_id)
    assert found is not None
    return found


def _questions(number: int) -> Iterator[Wanted]:
    dice = random.Random(number)  # noqa: S311  a test's dice
    for _ in range(number):
        yield Wanted(
            states=tuple(dice.sample(STATES, dice.randint(1, 4))),
            order=dice.choice(ORDERS),
            provision=dice.choice((None, None, "case_number", "stated_reason", "no_such")),
            agency_id=dice.choice((None, None, "evanston")),
            category=dice.choice((None, None, "stolen_vehicle")),
            level=dice.choice((None, None, "counsel")),
            assignee=dice.choice((None, None, "", "staff-1")),
            assigned=dice.random() < 0.2,
            due_before=dice.choice((None, None, NOON + timedelta(hours=3))),
            queued_from=dice.choice((None, None, NOON + timedelta(minutes=3))),
            queued_before=dice.choice((None, None, NOON + timedelta(minutes=8))),
        )


def _sorted(kept: Sequence[Kept], order: Order) -> list[str]:
    keys: dict[Order, Any] = {
        "due": lambda one: (one.urgency, one.due_at, one.query_id),
        "oldest": lambda one: (one.queued_at, one.query_id),
        "newest": lambda one: (one.queued_at, one.query_id),
        "moved": lambda one: (one.moved_at, one.query_id),
    }
    return [o.query_id for o in sorted(kept, key=keys[order], reverse=order in ("newest", "moved"))]


def _all_pages(queue: ReviewQueue, wanted: Wanted, most: int) -> list[str]:
    seen: list[str] = []
    after: Place | None = None
    for _ in range(1000):
        found = queue.page(wanted, most=most, after=after)
        seen += [card.query_id for card in found.cards]
        if found.looked_to is not None:
            after = found.looked_to
        elif len(found.cards) == most:
            after = place(found.cards[-1], wanted.order)
        else:
            return seen
    raise AssertionError("pages without end")


@pytest.mark.parametrize("walked", [10_000, 7])
def test_every_question_is_answered_as_a_plain_list_would(
    rows: LedgerRows, database: Database, monkeypatch: pytest.MonkeyPatch, walked: int
) -> None:
    """Whatever is narrowed and sorted; also where a walk has to stop and go on from there."""
    kept = _fill(rows, database, 60)
    monkeypatch.setattr(review_walks, "MOST_WALKED", walked)
    queue = ReviewQueue(database)
    for wanted in _questions(150):
        expected = _sorted([one for one in kept if one.fits(wanted)], wanted.order)
        assert expected == _all_pages(queue, wanted, 5), wanted


def test_the_page_before_is_the_one_that_was_seen(rows: LedgerRows, database: Database) -> None:
    """Forth and back show the same cards, in the same order."""
    _fill(rows, database, 60)
    queue = ReviewQueue(database)
    for order in ORDERS:
        wanted = Wanted(STATES, order)
        first = queue.page(wanted, most=7).cards
        second = queue.page(wanted, most=7, after=place(first[-1], order)).cards
        assert first == queue.page(wanted, most=7, before=place(second[0], order)).cards
        assert () == queue.page(wanted, most=7, before=place(first[0], order)).cards


def test_counts_stop_where_nobody_would_count_on(
    rows: LedgerRows, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exact below the limit, and said to be at least so many above it."""
    kept = _fill(rows, database, 60)
    queue, questions = ReviewQueue(database), list(_questions(60))
    expected = [Count(sum(one.fits(wanted) for one in kept), more=False) for wanted in questions]
    assert tuple(expected) == queue.counts(questions)
    assert () == queue.counts([])
    for module in (review_walks, review_queue):
        monkeypatch.setattr(module, "MOST_COUNTED", 9)
    review_walks.counting.cache_clear()
    assert (Count(9, more=True),) == queue.counts([Wanted(STATES)])
    review_walks.counting.cache_clear()


def test_whoever_is_missing_is_first(rows: LedgerRows, database: Database) -> None:
    """Before what has been overdue for days."""
    register(rows)
    commit(rows, [query("old"), *waiting("old", due_at=NOON - timedelta(days=9))])
    commit(rows, [query("child"), *waiting("child", due_at=NOON + timedelta(hours=1), first=True)])
    found = ReviewQueue(database).page(Wanted(WAITING), most=9).cards
    assert ["child", "old"] == [card.query_id for card in found]


@pytest.mark.parametrize(
    "changes", [{"agency_id": "\x00"}, {"provision": "\ud800"}, {"assignee": "\x00"}, {"category": "\x00"}]
)
def test_what_no_database_could_hold_is_not_found(database: Database, changes: dict[str, Any]) -> None:
    """Nor is it an error."""
    wanted = replace(Wanted(WAITING), **changes)
    queue = ReviewQueue(database)
    assert () == queue.page(wanted, most=9).cards
    assert (Count(0, more=False),) == queue.counts([wanted])
    assert () == queue.page(Wanted(WAITING), most=9, after=(1, NOON, "\x00")).cards
    assert () == queue.starting("\x00", most=9)
    assert () == queue.cards(["\x00"])


def test_a_review_is_found_by_the_beginning_of_its_id(rows: LedgerRows, database: Database) -> None:
    """And by no pattern."""
    register(rows)
    for name in ("q_ab2", "q_abz", "q_ac2"):
        commit(rows, [query(name), *waiting(name)])
    queue = ReviewQueue(database)
    found: dict[str, list[str]] = {
        typed: [card.query_id for card in queue.starting(typed, most=9)]
        for typed in ("q_ab", "q_abz", "q_a%", "q%", "", "zz")
    }
    assert {
        "q_ab": ["q_ab2", "q_abz"],
        "q_abz": ["q_abz"],
        "q_a%": [],
        "q%": [],
        "": [],
        "zz": [],
    } == found


def test_reviews_are_found_by_fingerprint(rows: LedgerRows, database: Database) -> None:
    """Of what was asked for, or of who asked; a query without a review is none."""
    register(rows)
    commit(rows, [query("q1", target_fp=b"1" * 32, officer_fp=b"2" * 32), *waiting("q1")])
    commit(rows, [query("q2", target_fp=b"1" * 32, outcome="permit", review="none")])
    queue = ReviewQueue(database)
    assert ["q1"] == [card.query_id for card in queue.of_prints("target_fp", [b"1" * 32, b"9" * 32], most=9)]
    assert ["q1"] == [card.query_id for card in queue.of_prints("officer_fp", [b"2" * 32], most=9)]
    assert () == queue.of_prints("officer_fp", [b"1" * 32], most=9)
    assert () == queue.of_prints("officer_fp", [], most=9)


# --- Who looks after it. ----------------------------------------------------------------------------------


def test_of_two_who_take_a_review_one_wins(rows: LedgerRows, database: Database) -> None:
    """The other is told; and nothing of theirs is written, not in the queue either."""
    register(rows)
    commit(rows, [query("q1"), *waiting("q1")])
    seen = _read(database, "q1")
    commit(rows, reviews.assign(seen, "staff-1"))
    with pytest.raises(Superseded):
        commit(rows, reviews.assign(seen, "staff-2"))
    assert "staff-1" == _read(database, "q1").assignee
    queue = ReviewQueue(database)
    assert 1 == len(queue.page(Wanted(WAITING, assignee="staff-1"), most=9).cards)
    assert 0 == len(queue.page(Wanted(WAITING, assignee="staff-2"), most=9).cards)
    commit(rows, reviews.assign(_read(database, "q1"), None))
    assert _read(database, "q1").assignee is None
    assert 1 == len(queue.page(Wanted(WAITING, assignee="", provision="case_number"), most=9).cards)


def test_an_assignment_leaves_an_open_form_good(rows: LedgerRows, database: Database) -> None:
    """Whoever read the request before it was assigned may still act; it does not undo the assignment."""
    register(rows)
    commit(rows, [query("q1"), *waiting("q1")])
    seen = _read(database, "q1")
    commit(rows, reviews.assign(seen, "staff-1"))
    moved = reviews.move(seen, "escalated", event="review.escalated", ref="x", at=LATER, actor="staff-2")
    commit(rows, moved)
    now = _read(database, "q1")
    assert ("escalated", "staff-1", 2) == (now.state, now.assignee, now.version)
    (card,) = ReviewQueue(database).page(Wanted(("escalated",), assignee="staff-1"), most=9).cards
    assert LATER == card.moved_at


def test_what_was_closed_meanwhile_is_not_assigned(rows: LedgerRows, database: Database) -> None:
    """The change names the state that was read."""
    register(rows)
    commit(rows, [query("q1"), *waiting("q1")])
    seen = _read(database, "q1")
    commit(rows, reviews.move(seen, "upheld", event="review.ruled", ref="x", at=LATER, actor="staff-2"))
    with pytest.raises(Superseded):
        commit(rows, reviews.assign(seen, "staff-1"))


def test_a_move_that_loses_moves_nothing_in_the_queue(rows: LedgerRows, database: Database) -> None:
    """The places of a review are those of the move that won."""
    register(rows)
    commit(rows, [query("q1"), *waiting("q1")])
    seen = _read(database, "q1")
    commit(rows, reviews.move(seen, "escalated", event="review.escalated", ref="x", at=NOON, actor="a"))
    with pytest.raises(Superseded):
        commit(rows, reviews.move(seen, "upheld", event="review.ruled", ref="y", at=NOON, actor="b"))
    assert ["escalated"] == [card.state for card in ReviewQueue(database).page(Wanted(STATES), most=9).cards]


def test_a_place_is_not_taken_away(rows: LedgerRows, database: Database) -> None:
    """What waits for a person cannot be made to wait nowhere."""
    register(rows)
    commit(rows, [query("q1"), *waiting("q1")])
    attacks = ("DELETE FROM review_places", "UPDATE review_places SET query_id = 'q2' WHERE provision = ''")
    for attack in attacks[: 2 if database.dialect == "sqlite" else 1]:
        with pytest.raises(StoreUnavailable), database.write() as connection:
            connection.exec_driver_sql(attack)


# --- How it is found. -------------------------------------------------------------------------------------

_MANY = """
INSERT INTO {table} ({columns})
SELECT {values}
  FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 12000) SELECT n FROM s) AS s,
       {table} AS first
 WHERE first.query_id = 'first'"""


def _many(rows: LedgerRows, database: Database) -> None:
    """Put the same review there again and again: nothing but the order tells one from another."""
    register(rows)
    commit(rows, [query("first"), *waiting("first")])
    with database.write() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for name in ("queries", "reviews", "review_places"):
            columns = metadata.tables[name].c.keys()
            values = ", ".join("'q' || n" if c == "query_id" else f"first.{c}" for c in columns)
            connection.exec_driver_sql(_MANY.format(table=name, columns=", ".join(columns), values=values))
        connection.exec_driver_sql("ANALYZE")
        if database.dialect == "postgresql":
            # Else the next test that kills this server waits for it all to be written again.
            connection.exec_driver_sql("CHECKPOINT")


_NARROWED: tuple[dict[str, Any], ...] = (
    {},
    {"provision": "case_number"},
    {"agency_id": "evanston"},
    {"assignee": ""},
    {"assignee": "staff-1"},
    {"category": "stolen_vehicle"},
    {"provision": "case_number", "agency_id": "evanston"},
    {"provision": "case_number", "assignee": ""},
    {"agency_id": "evanston", "assignee": "", "level": "counsel"},
    {"assigned": True},
    {"due_before": NOON},
    {"queued_before": NOON},
)


def test_every_page_is_a_walk_along_an_index(rows: LedgerRows, database: Database) -> None:
    """In every order, under every narrowing, from a place in the middle: nothing is scanned."""
    _many(rows, database)
    queue, spent = ReviewQueue(database), []
    for order in ORDERS:
        (card,) = queue.cards(["q6000"])
        middle = place(card, order)
        for changes in _NARROWED:
            wanted = Wanted(WAITING, order, **changes)
            begun = time.perf_counter()
            queue.page(wanted, most=26, after=middle)
            queue.counts([wanted])
            spent.append(time.perf_counter() - begun)
            walk = review_walks.Walk(wanted, "queued", middle)
            for statement in (walk.rows(26), walk.end(), walk.count(0)):
                plan = _plan(database, statement)
                assert any("ix_review_places" in line for line in plan), (wanted, plan)
                scans = [line for line in plan if "SCAN review_places" in line or "Seq Scan" in line]
                assert [] == scans, (wanted, plan)
    print(f"{database.dialect}: {statistics.median(spent) * 1000:.2f} ms, most {max(spent) * 1000:.2f} ms")


def _plan(database: Database, statement: Any) -> list[str]:
    compiled = statement.compile(dialect=database.kind, compile_kwargs={"render_postcompile": True})
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    with database.read() as connection:
        if database.dialect == "sqlite":
            values: Any = tuple(
                bound.type.dialect_impl(database.kind).bind_processor(database.kind)(bound.value)
                if bound.type.dialect_impl(database.kind).bind_processor(database.kind)
                else bound.value
                for bound in (compiled.binds[name] for name in compiled.positiontup)
            )
        else:
            values = {name: bound.value for name, bound in compiled.binds.items()}
        return [str(line[-1]) for line in connection.exec_driver_sql(explain + str(compiled), values).all()]


def test_a_card_says_who_looks_after_it(rows: LedgerRows, database: Database) -> None:
    """Everything on it comes with one question, however many cards there are."""
    kept = _fill(rows, database, 20)
    found: tuple[ReviewCard, ...] = ReviewQueue(database).cards([one.query_id for one in kept])
    assert [one.assignee or None for one in kept] == [card.assignee for card in found]
    assert [one.moved_at for one in kept] == [card.moved_at for card in found]
    assert [one.urgency for one in kept] == [card.urgency for card in found]
