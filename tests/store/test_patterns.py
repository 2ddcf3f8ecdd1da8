"""What a query is compared with is found along an index, exactly, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.ledger.rows import Insert
from gatekeeper.store import erasure
from gatekeeper.store.database import Database
from gatekeeper.store.erasure import Erasure
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.patterns import (
    MOST_TARGETS,
    SWEPT,
    statement_of_counts,
    statement_of_marks,
    values_of_counts,
    values_of_marks,
    values_of_swept,
)
from gatekeeper.store.prepared import marked
from gatekeeper.store.queries import Queries
from gatekeeper.store.values import Marked, Swept
from tests.store.making import DAY, NOON, commit, query, register

EARLY, LATE = "2026-11-22T11Z", "2026-11-22T12Z"
OFFICER, OTHER = b"o" * 32, b"p" * 32


def _print(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _swept(database: Database, target: int) -> Swept:
    return Queries(database).swept(OFFICER, _print(target), LATE, "evanston", [])


def _mark(query_id: str, mark: bytes = b"m" * 32, at_ms: int = 1000) -> Insert:
    row = {"mark_fp": mark, "at_ms": at_ms, "query_id": query_id, "day": DAY, "box": b"sealed"}
    return Insert("marks", row)


def test_each_target_is_counted_once_and_in_its_last_hour(rows: LedgerRows, database: Database) -> None:
    """Today and this hour; another officer's are not ours; what nobody asked about has no hour."""
    register(rows)
    assert Swept(0, 0, None) == _swept(database, 1)
    commit(
        rows,
        [query(target_fp=_print(1), hour=EARLY), query(target_fp=_print(1), hour=LATE)],
        [query(target_fp=_print(2), hour=EARLY), query(target_fp=_print(3), hour=LATE)],
        [query(target_fp=_print(3), hour=LATE), query(target_fp=_print(4), officer_fp=OTHER)],
    )
    assert Swept(3, 2, LATE) == _swept(database, 1)
    assert Swept(3, 2, EARLY) == _swept(database, 2)
    assert Swept(3, 2, None) == _swept(database, 4)


def test_no_more_targets_are_counted_than_a_city_may_allow(rows: LedgerRows, database: Database) -> None:
    """Whoever sweeps on does not make the next answer slow."""
    register(rows)
    commit(rows, [query(target_fp=_print(n), hour=LATE) for n in range(MOST_TARGETS + 20)])
    assert Swept(MOST_TARGETS, MOST_TARGETS, None) == _swept(database, 999)


def test_the_days_of_an_agency_are_counted_whoever_asked_for_it(rows: LedgerRows, database: Database) -> None:
    """Each day once, by any officer, permitted or not; another agency's are not its own."""
    register(rows)
    register(rows, "skokie", "c2")
    commit(
        rows,
        [query(target_fp=_print(1), officer_fp=OFFICER), query(target_fp=_print(1), officer_fp=OTHER)],
        [query(target_fp=_print(2), outcome="permit"), query(target_fp=_print(3), dry_run=True)],
        [query(target_fp=_print(4), agency_id="skokie", client_id="c2")],
    )
    queries, days = Queries(database), [_print(n) for n in range(1, 31)]
    assert 3 == queries.swept(OFFICER, _print(0), LATE, "evanston", days).days_before
    assert 1 == queries.swept(OFFICER, _print(0), LATE, "skokie", days).days_before
    assert 0 == queries.swept(OFFICER, _print(0), LATE, "nobody", days).days_before
    assert 2 == queries.swept(OFFICER, _print(0), LATE, "evanston", days[1:]).days_before
    with pytest.raises(ValueError, match="30 days before"):
        queries.swept(OFFICER, _print(0), LATE, "evanston", [*days, _print(31)])


def test_marks_are_counted_up_to_a_bound_without_ones_own(rows: LedgerRows, database: Database) -> None:
    """By fingerprint; what is later than asked for, or of the query itself, is not counted."""
    queries, other = Queries(database), b"n" * 32
    register(rows)
    commit(rows, [query(f"q{n}") for n in range(6)])
    commit(rows, [_mark(f"q{n}", at_ms=1000 + n) for n in range(5)] + [_mark("q5", other, 1002)])
    prints = [b"m" * 32, other, b"x" * 32]
    assert (5, 1, 0) == queries.counted(prints, 9999, "q_new", 9)
    assert (3, 1, 0) == queries.counted(prints, 9999, "q_new", 3)
    assert (4, 0, 0) == queries.counted(prints, 9999, "q5", 4)
    assert (2, 1, 0) == queries.counted(prints, 1002, "q1", 9)
    assert () == queries.counted([], 9999, "q1", 9)


def test_marks_are_found_within_their_time_the_latest_first(rows: LedgerRows, database: Database) -> None:
    """Both ends count; of many the latest; each with the place of its fingerprint."""
    queries, other = Queries(database), b"n" * 32
    register(rows)
    commit(rows, [query(f"q{n}") for n in range(6)])
    commit(rows, [_mark(f"q{n}", at_ms=1000 + n) for n in range(5)] + [_mark("q5", other, 1002)])
    found = queries.marks([b"m" * 32, other, b"x" * 32], 1001, 1003, 2)
    assert {
        Marked(0, "q3", 1003, b"sealed"),
        Marked(0, "q2", 1002, b"sealed"),
        Marked(1, "q5", 1002, b"sealed"),
    } == set(found)
    assert () == queries.marks([], 0, 9999, 2)
    assert () == queries.marks([b"m" * 32], 1005, 9999, 2)


class _Undone(Exception):
    """Ends a transaction without a commit."""


def test_a_mark_of_the_same_batch_is_seen_under_the_lock(rows: LedgerRows) -> None:
    """Of two requests that one transaction commits, the second sees what the first left."""
    register(rows)

    def both() -> None:
        with rows.transaction() as transaction:
            transaction.head()
            transaction.write([query("q1"), _mark("q1")])
            assert frozenset({"q1"}) == transaction.marked([b"m" * 32], 0, 5000, 9)
            assert frozenset() == transaction.marked([], 0, 5000, 9)
            assert frozenset() == transaction.marked([b"m" * 32], 1001, 5000, 9)
            raise _Undone

    with pytest.raises(_Undone):
        both()


@pytest.mark.parametrize("changes", [{"mark_fp": b"short"}, {"at_ms": None}, {"query_id": "q_unknown"}])
def test_a_mark_of_another_shape_is_refused(rows: LedgerRows, changes: dict[str, object]) -> None:
    """By the check before the database, or by the database itself."""
    register(rows)
    commit(rows, [query("q1")])
    with pytest.raises(StoreUnavailable):
        commit(rows, [replace(_mark("q1"), values={**_mark("q1").values, **changes})])


def test_a_purged_day_takes_its_marks_with_it(rows: LedgerRows, database: Database, tmp_path: Path) -> None:
    """Nothing about who was refused what outlives the day's key."""
    register(rows)
    commit(rows, [query("q1"), _mark("q1"), _mark("q1", b"n" * 32)])
    commit(rows, erasure.begin("purge_1", DAY + timedelta(days=1), NOON))
    gone = Erasure(database, tmp_path / "lock")
    assert (DAY,) == gone.days(DAY + timedelta(days=1))
    while gone.remove("purge_1", DAY):
        pass
    assert () == gone.days(DAY + timedelta(days=1))
    assert () == Queries(database).marks([b"m" * 32, b"n" * 32], 0, 9999, 9)


@pytest.mark.parametrize("number", [1, 12, 13, 40, 180])
def test_however_many_fingerprints_are_asked_about_each_has_its_place(
    rows: LedgerRows, database: Database, number: int
) -> None:
    """Few and many are asked in different words, and answered alike."""
    register(rows)
    commit(rows, [query(f"q{n}") for n in range(number)])
    commit(rows, [_mark(f"q{n}", _print(n), 1000 + n) for n in range(0, number, 2)])
    queries, prints = Queries(database), [_print(n) for n in range(number)]
    found = {(one.place, one.query_id) for one in queries.marks(prints, 0, 9999, 5)}
    assert {(n, f"q{n}") for n in range(0, number, 2)} == found
    assert tuple(n % 2 == 0 for n in range(number)) == queries.counted(prints, 9999, "q_new", 5)


def test_every_look_is_a_seek_into_an_index(rows: LedgerRows, database: Database) -> None:
    """No table is walked over, however many queries there are."""
    register(rows)
    commit(rows, [query(f"q{n}", target_fp=_print(n), officer_fp=_print(n % 50)) for n in range(2000)])
    commit(rows, [_mark(f"q{n}", _print(n), 1000 + n) for n in range(2000)])
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    swept = values_of_swept(OFFICER, _print(1), LATE, "evanston", [_print(2)])
    kind = database.dialect
    counts = values_of_counts(kind, [_print(1)], 9999, "q1")
    asked: list[tuple[str, tuple[object, ...], str]] = [
        (SWEPT, swept, "ix_queries_officer_fp_target_fp_hour"),
        (SWEPT, swept, "ix_queries_target_fp_agency_id"),
        (statement_of_counts(kind, 1, 11), counts, "marks"),
        (
            statement_of_marks(kind, 2, 11),
            values_of_marks(kind, [_print(1), _print(2)], 0, 9999),
            "marks",
        ),
        (statement_of_marks(kind, 40, 11), values_of_marks(kind, [_print(1)] * 40, 0, 9999), "marks"),
        (statement_of_counts(kind, 40, 11), values_of_counts(kind, [_print(1)] * 40, 9999, "q1"), "marks"),
    ]
    for statement, values, index in asked:
        with database.read() as connection:
            plan = connection.exec_driver_sql(explain + marked(statement, kind), values).all()
        lines = [str(line[-1]) for line in plan]
        assert any(index in line for line in lines), lines
        walked = ("SCAN queries", "SCAN marks", "Seq Scan on queries", "Seq Scan on marks")
        assert not [line for line in lines if any(walk in line for walk in walked)], lines
