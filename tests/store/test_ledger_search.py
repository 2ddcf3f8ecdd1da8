"""The index of the log: complete, never twice, the same from any process, and a walk along one key."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

import pytest

from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_search import ANY, LedgerSearch


def _entry(index: int, event: str = "query.decided", **clear: Any) -> StoredEntry:
    text = json.dumps({"event": event, "ref": f"r{index}", **clear}).encode()
    return StoredEntry(index, text, b"h" * 32, event, f"r{index}")


@pytest.fixture
def search(database: Database) -> LedgerSearch:
    """Return an empty index."""
    return LedgerSearch(database)


def test_an_entry_is_found_by_its_event_and_by_each_agency_that_it_names(search: LedgerSearch) -> None:
    """The one that asks, the one it asks for, the one that is stopped; once, if they are the same."""
    assert search.fold(
        0,
        5,
        [
            _entry(0, agency="pd-one", end_requester="pd-two"),
            _entry(1, "query.released", agency="pd-one", end_requester="pd-one"),
            _entry(2, "stop.set", scope="agency", value="pd-two"),
            _entry(3, "stop.set", scope="kind", value="local"),
            _entry(4, "staff.signed_in"),
        ],
    )
    every = ("query.decided", "query.released", "stop.set", "staff.signed_in")
    assert 5 == search.reach()
    assert (4, 3, 2, 1, 0) == search.find(ANY, every, low=0, high=5, most=9)
    assert (1, 0) == search.find("pd-one", every, low=0, high=5, most=9)
    assert (2, 0) == search.find("pd-two", every, low=0, high=5, most=9)
    assert (0,) == search.find("pd-two", ("query.decided",), low=0, high=5, most=9)
    assert () == search.find("local", every, low=0, high=5, most=9)
    assert (3, 2) == search.find(ANY, every, low=1, high=4, most=2)
    assert 1 == search.count(["pd-one", "pd-two"], "query.decided", low=0, most=9)
    assert 0 == search.count(["pd-one"], "query.decided", low=1, most=9)
    assert 2 == search.count([ANY], "stop.set", low=0, most=2)


def test_entries_are_put_in_once(search: LedgerSearch) -> None:
    """Of two processes that bring the same entries one is told that they are there."""
    assert search.fold(0, 2, [_entry(0), _entry(1)])
    assert not search.fold(0, 2, [_entry(0), _entry(1)])
    assert not search.fold(3, 4, [_entry(3)])
    assert not search.fold(2, 3, [_entry(2), _entry(4)])
    assert not search.fold(2, 2, [])
    assert 2 == search.reach()
    assert (1, 0) == search.find(ANY, ("query.decided",), low=0, high=9, most=9)


def test_a_gap_that_somebody_made_does_not_end_the_search(search: LedgerSearch) -> None:
    """What is left can be found; that something is missing the check of the log says."""
    assert search.fold(0, 4, [_entry(0), _entry(3)])
    assert search.fold(4, 6, [])
    assert 6 == search.reach()
    assert (3, 0) == search.find(ANY, ("query.decided",), low=0, high=9, most=9)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"\xff", b'{"agency":7}', b'{"agency":""}', b'{"agency":"\\u0000"}', b"[" * 99_999]
)
def test_what_was_put_into_the_log_by_force_does_not_end_the_search(
    search: LedgerSearch, text: bytes
) -> None:
    """An altered entry stands under its event; the check of the log says what is wrong with it."""
    assert search.fold(0, 1, [StoredEntry(0, text, b"h" * 32, "query.decided", "r")])
    assert (0,) == search.find(ANY, ("query.decided",), low=0, high=1, most=1)


def test_an_agency_that_no_database_can_hold_names_nothing(search: LedgerSearch) -> None:
    """NUL and half a character pair are not asked about."""
    for agency in ("\0", "\ud800"):
        assert () == search.find(agency, ("query.decided",), low=0, high=1, most=1)


_COPY = """
INSERT INTO ledger_search (agency, event, entry_index)
WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {many})
SELECT '{agency}', CASE mod(n, 3) WHEN 0 THEN 'query.released' ELSE 'query.decided' END, n FROM s"""


def _fill(database: Database, many: int) -> None:
    with database.write() as connection:
        for agency in ("", "busy"):
            connection.exec_driver_sql(_COPY.format(many=many, agency=agency))
        connection.exec_driver_sql("ANALYZE")


def test_a_question_costs_the_same_in_a_large_log(search: LedgerSearch, database: Database) -> None:
    """A page, also far down, and a count are walks along the key: milliseconds among 200,000 rows."""
    _fill(database, 100_000)
    events = ("query.decided", "query.released", "stop.set")
    spent = []
    for high in (100_000, 50_000, 30) * 5:
        began = time.perf_counter()
        found = search.find("busy", events, low=0, high=high, most=26)
        search.find("nobody", events, low=0, high=high, most=26)
        search.count(["busy"], "query.released", low=high, most=10_000)
        spent.append(time.perf_counter() - began)
        assert 26 == len(found)
    print(f"{database.dialect}: {statistics.median(spent) * 1000:.1f} ms")
    assert min(spent) < 0.02
