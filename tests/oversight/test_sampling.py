"""The lot can be drawn again by anybody, favours nothing, and its shares keep what they promise."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from gatekeeper.errors import StoreUnavailable, Superseded
from gatekeeper.ledger.rows import Alter, Insert
from gatekeeper.oversight.sampling import Drawn, Made, Taken, digest_of, pick, seed_of, share, shares
from gatekeeper.store import samples
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.samples import Samples
from tests.store.making import DAY, NOON, commit, query, register

ROOT, NONCE = b"r" * 32, b"n" * 32


def test_the_lot_is_the_three_lines_of_the_page() -> None:
    """Written anew here, with the standard library alone."""
    population = list(range(5, 900, 7))
    seed = hashlib.sha256(b"gatekeeper sample v1\0" + ROOT + NONCE).digest()
    ranked = sorted(population, key=lambda i: hashlib.sha256(seed + i.to_bytes(8, "big")).digest())
    assert ranked[:20] == pick(population, 20, seed_of(ROOT, NONCE))
    text = json.dumps(population, separators=(",", ":")).encode()
    assert hashlib.sha256(text).hexdigest() == digest_of(population)


def test_each_nonce_and_each_root_draws_another_sample() -> None:
    """Nobody who knows only one of them knows the sample."""
    population = list(range(1000))
    drawn = [
        tuple(pick(population, 10, seed_of(root, nonce)))
        for root in (ROOT, b"s" * 32)
        for nonce in (NONCE, b"m" * 32)
    ]
    assert 4 == len(set(drawn))


def test_no_permit_is_favoured() -> None:
    """Over many nonces each of ten is drawn about as often as any other: three in ten times."""
    counts: Counter[int] = Counter()
    for number in range(3000):
        counts.update(pick(range(10), 3, seed_of(ROOT, number.to_bytes(32, "big"))))
    assert 9000 == counts.total()
    # Of 3,000 draws 900 each, with a standard deviation of 25.
    assert all(abs(count - 900) < 130 for count in counts.values()), counts


def test_none_is_drawn_twice_and_a_small_population_is_drawn_whole() -> None:
    """A duplicate would count one officer's work twice."""
    assert list(range(7)) == sorted(pick(range(7), 200, seed_of(ROOT, NONCE)))
    assert 200 == len(set(pick(range(10_000), 200, seed_of(ROOT, NONCE))))
    assert [] == pick([], 5, seed_of(ROOT, NONCE))


@pytest.mark.parametrize(
    ("right", "wrong", "low", "high"),
    [
        # Worked out by the formula with a pocket calculator's precision; 81 of 263 is a textbook's example.
        (81, 182, 0.2553, 0.3662),
        (10, 0, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (1, 0, 0.2065, 1.0),
        (95, 5, 0.8882, 0.9785),
    ],
)
def test_the_interval_is_wilsons(right: int, wrong: int, low: float, high: float) -> None:
    """Also where everything was right, an interval is left: few say little."""
    found = share(right, wrong)
    assert found is not None
    assert (right, right + wrong) == (found.right, found.judged)
    assert low == pytest.approx(found.low, abs=1e-4)
    assert high == pytest.approx(found.high, abs=1e-4)


def test_nothing_judged_has_no_share() -> None:
    """Nought of nought is not a hundred percent; what was erased is in no share."""
    assert share(0, 0) is None
    assert (None, {}) == shares([])
    assert (None, {}) == shares([("other", "erased", 4)])
    overall, each = shares(
        [("other", "right", 1), ("other", "erased", 4), ("other", "right", 1), ("stolen_vehicle", "wrong", 2)]
    )
    assert overall is not None
    assert (2, 4) == (overall.right, overall.judged)
    assert {"other": (2, 2), "stolen_vehicle": (0, 2)} == {k: (s.right, s.judged) for k, s in each.items()}


# --- The store, on both databases. ------------------------------------------------------------------------


def _sample(name: str, drawn_from: str = "a#1", **changes: Any) -> Drawn:
    values: dict[str, Any] = {
        "id": name,
        "drawn_from": drawn_from,
        "at": NOON,
        "actor": "staff-1",
        "first_day": DAY,
        "last_day": DAY,
        "agency_id": None,
        "category": None,
        "size": 2,
        "population": 9,
    }
    return Drawn(**values | changes)


def _items(name: str) -> list[Taken]:
    return [
        Taken(name, 1, 40, "q1", "evanston", "other"),
        Taken(name, 2, 12, "q2", "evanston", "stolen_vehicle"),
    ]


def _mark(name: str, number: int, mark: int, verdict: str) -> Made:
    fault = "other" if verdict == "wrong" else None
    return Made(name, number, mark, f"mark_{number}_{mark}", verdict, fault, NOON, "staff-1")


@pytest.fixture
def drawn(database: Database, rows: LedgerRows) -> Samples:
    """A sample of two."""
    commit(rows, samples.draw(_sample("s1"), _items("s1")))
    return Samples(database)


def test_what_was_drawn_and_marked_is_read_as_it_was_written(drawn: Samples, rows: LedgerRows) -> None:
    """In the order of the lot; the last mark of each is the one that counts."""
    assert [(1, 40), (2, 12)] == [(item.number, item.entry_index) for item in drawn.items("s1")]
    assert ["s1"] == [sample.id for sample in drawn.unfinished(None, None)]
    assert () == drawn.unfinished("evanston", None)
    assert () == drawn.unfinished(None, "other")
    first, second = drawn.items("s1")
    commit(rows, samples.mark(first, _mark("s1", 1, 1, "wrong")))
    assert [("s1", 1)] == [(sample.id, marked) for sample, marked in drawn.all(9)]
    commit(rows, samples.mark(drawn.items("s1")[0], _mark("s1", 1, 2, "right")))
    commit(rows, samples.mark(second, _mark("s1", 2, 1, "wrong")))
    assert [(1, 1, "wrong"), (1, 2, "right"), (2, 1, "wrong")] == [
        (mark.number, mark.mark, mark.verdict) for mark in drawn.marks("s1")
    ]
    assert {("other", "right", 1), ("stolen_vehicle", "wrong", 1)} == set(drawn.tally())
    assert () == drawn.unfinished(None, None)
    assert [("s1", 2)] == [(sample.id, marked) for sample, marked in drawn.all(9)]


def test_of_two_draws_from_the_same_at_once_one_is_refused(drawn: Samples, rows: LedgerRows) -> None:
    """Both took themselves for the first."""
    with pytest.raises(StoreUnavailable):
        commit(rows, samples.draw(_sample("s2"), _items("s2")))
    assert (1, 0) == (drawn.drawn_from("a"), drawn.drawn_from("b"))
    commit(rows, samples.draw(_sample("s2", "a#2"), _items("s2")))
    commit(rows, samples.draw(_sample("s3", "ab#1"), _items("s3")))
    assert (2, 1) == (drawn.drawn_from("a"), drawn.drawn_from("ab"))
    assert 0 == drawn.drawn_from("%")


def test_of_two_marks_at_once_one_is_refused(drawn: Samples, rows: LedgerRows) -> None:
    """The second read what is no more."""
    stale = drawn.items("s1")[0]
    commit(rows, samples.mark(stale, _mark("s1", 1, 1, "right")))
    with pytest.raises(Superseded):
        commit(rows, samples.mark(stale, _mark("s1", 1, 1, "wrong")))
    assert ["right"] == [mark.verdict for mark in drawn.marks("s1")]


@pytest.mark.parametrize(
    "attack",
    [
        lambda: Alter("samples", {"id": "s1"}, {"size": 1}),
        lambda: Alter("sample_items", {"sample_id": "s1", "number": 1}, {"entry_index": 7}),
        lambda: Alter("sample_marks", {"sample_id": "s1", "number": 1, "mark": 1}, {"verdict": "right"}),
        lambda: Insert("sample_items", {"sample_id": "s1", "number": 1, "entry_index": 7, "marks": 0}),
    ],
)
def test_nothing_of_it_is_written_over(
    drawn: Samples, rows: LedgerRows, attack: Callable[[], Insert | Alter]
) -> None:
    """Neither what was drawn, nor what was said of it."""
    with pytest.raises(StoreUnavailable):
        commit(rows, [attack()])
    assert [(1, 40), (2, 12)] == [(item.number, item.entry_index) for item in drawn.items("s1")]


def test_a_mark_of_what_was_not_drawn_is_refused(drawn: Samples, rows: LedgerRows) -> None:
    """A verdict of our own making, too."""
    made = Made("s1", 9, 1, "mark_x", "right", None, NOON, "staff-1")
    with pytest.raises((StoreUnavailable, Superseded)):
        commit(rows, samples.mark(Taken("s1", 9, 1, "q", "evanston", "other"), made))
    with pytest.raises(StoreUnavailable):
        commit(rows, samples.mark(drawn.items("s1")[0], _mark("s1", 1, 1, "perhaps")))


def test_who_acted_on_a_query_is_known(database: Database, rows: LedgerRows) -> None:
    """Whoever moved its review in any way."""
    register(rows)
    event = {
        "query_id": "q1",
        "version": 1,
        "ref": "r",
        "event": "review.queued",
        "state": "queued",
        "at": NOON,
    }
    review = {
        "query_id": "q1",
        "agency_id": "evanston",
        "state": "queued",
        "level": "staff",
        "provisions": (),
        "queued_at": NOON,
        "version": 1,
    }
    commit(
        rows,
        [
            query("q1"),
            Insert("reviews", review),
            Insert("review_events", {**event, "actor": "gatekeeper"}),
            Insert("review_events", {**event, "version": 2, "event": "review.asked", "actor": "staff-7"}),
        ],
    )
    store = Samples(database)
    assert {"gatekeeper", "staff-7"} == store.who_acted("q1")
    assert frozenset() == store.who_acted("q2") == store.who_acted("\x00")


def test_what_no_database_holds_is_not_found(database: Database) -> None:
    """Whatever is written in the address."""
    store = Samples(database)
    assert (None, (), ()) == (store.find("\x00"), store.items("\x00"), store.marks("\x00"))
    assert (None, 0, ()) == (store.find("none"), store.drawn_from("\x00"), store.unfinished("\x00", None))
    assert date.min < DAY
