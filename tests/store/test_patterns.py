"""What a query is compared with is found along an index, exactly, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.exchange.questions import DayQuestion, LookQuestion, MarkQuestion
from gatekeeper.ledger.rows import Insert
from gatekeeper.store import administration, erasure
from gatekeeper.store.database import Database
from gatekeeper.store.erasure import Erasure
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.patterns import (
    MOST_READ,
    MOST_TARGETS,
    OFFICER_DAY,
    PRESENT,
    SWEPT,
    statement_of_looks,
    statement_of_marks,
    values_of_looks,
    values_of_marks,
    values_of_officer_day,
)
from gatekeeper.store.prepared import marked
from gatekeeper.store.queries import Queries
from gatekeeper.store.values import Looks, Marked, OfficerDay
from tests.store.making import DAY, NOON, around, client, commit, query, register

EARLY, LATE = "2026-11-22T11Z", "2026-11-22T12Z"
OFFICER, OTHER = b"o" * 32, b"p" * 32


def _print(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _day(database: Database, target: int = 0, **changes: Any) -> OfficerDay:
    asked = replace(DayQuestion(OFFICER, _print(target), LATE, "c1", "evanston", ()), **changes)
    return around(database, day=asked).day


def _targets(database: Database, target: int) -> tuple[int, int, str | None]:
    found = _day(database, target)
    return found.targets, found.targets_this_hour, found.last_hour


def _counted(
    database: Database, groups: tuple[tuple[bytes, ...], ...], until_ms: int, but: str, most: int
) -> tuple[int, ...]:
    asked = LookQuestion(groups, MarkQuestion((), 0, until_ms, most), but)
    return around(database, looks=asked).looks.counts


def _mark(query_id: str, mark: bytes = b"m" * 32, at_ms: int = 1000) -> Insert:
    row = {"mark_fp": mark, "at_ms": at_ms, "query_id": query_id, "day": DAY, "box": b"sealed"}
    return Insert("marks", row)


def test_each_target_is_counted_once_and_in_its_last_hour(rows: LedgerRows, database: Database) -> None:
    """Today and this hour; another officer's are not ours; what nobody asked about has no hour."""
    register(rows)
    assert (0, 0, None) == _targets(database, 1)
    commit(
        rows,
        [query(target_fp=_print(1), hour=EARLY), query(target_fp=_print(1), hour=LATE)],
        [query(target_fp=_print(2), hour=EARLY), query(target_fp=_print(3), hour=LATE)],
        [query(target_fp=_print(3), hour=LATE), query(target_fp=_print(4), officer_fp=OTHER)],
    )
    assert (3, 2, LATE) == _targets(database, 1)
    assert (3, 2, EARLY) == _targets(database, 2)
    assert (3, 2, None) == _targets(database, 4)


@pytest.mark.parametrize("asked", [0, MOST_READ])
def test_the_hours_and_the_clients_of_a_badge_are_counted(
    rows: LedgerRows, database: Database, asked: int
) -> None:
    """Beside the hour and the client at hand; the client of another hour is not of this one.

    A day with more queries than are read in one stretch is counted alike.
    """
    register(rows)
    for number in (2, 3, 4):
        commit(rows, administration.add_client(client(f"c{number}")))
    assert (0, 0) == _present(database)
    commit(rows, [query(hour=LATE) for _ in range(asked + 1)])
    assert (0, 0) == _present(database)
    assert (1, 0) == _present(database, hour="2026-11-22T13Z")
    assert (0, 1) == _present(database, client_id="c9")
    commit(
        rows,
        [query(hour=LATE, client_id="c2"), query(hour=LATE, client_id="c2", dry_run=True)],
        [query(hour=EARLY, client_id="c3"), query(hour=LATE, client_id="c4", officer_fp=OTHER)],
        [query(hour=f"2026-11-22T{hour:02}Z", outcome="permit") for hour in range(5)],
    )
    assert (6, 1) == _present(database)
    assert (6, 2) == _present(database, client_id="c3")
    assert (6, 1) == _present(database, hour=EARLY, client_id="c2")
    assert (6, 0) == _present(database, hour=EARLY, client_id="c3")


def _present(database: Database, **changes: Any) -> tuple[int, int]:
    found = _day(database, **changes)
    return found.other_hours, found.other_clients


def test_a_long_day_is_counted_as_a_short_one_is(rows: LedgerRows, database: Database) -> None:
    """The last query that is read in one stretch, and the first that is too many."""
    register(rows)
    commit(rows, [query(target_fp=_print(n % 7), hour=EARLY) for n in range(MOST_READ - 1)])
    for number in range(3):
        commit(rows, [query(target_fp=_print(100 + number), hour=LATE)])
        assert (8 + number, 1 + number, LATE) == _targets(database, 100)
        assert (8 + number, 1 + number, None) == _targets(database, 999)
        assert (1, 0) == _present(database)


def test_no_more_targets_are_counted_than_a_city_may_allow(rows: LedgerRows, database: Database) -> None:
    """Whoever sweeps on does not make the next answer slow."""
    register(rows)
    for number in (MOST_TARGETS + 20, MOST_READ):
        commit(rows, [query(target_fp=_print(n), hour=LATE) for n in range(number)])
        assert (MOST_TARGETS, MOST_TARGETS, None) == _targets(database, 9999)


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
    days = [_print(n) for n in range(1, 31)]
    assert 3 == _day(database, before=days).days_before
    assert 1 == _day(database, before=days, agency_id="skokie").days_before
    assert 0 == _day(database, before=days, agency_id="nobody").days_before
    assert 2 == _day(database, before=days[1:]).days_before
    with pytest.raises(ValueError, match="30 days before"):
        _day(database, before=[*days, _print(31)])


def test_marks_are_counted_up_to_a_bound_without_ones_own(rows: LedgerRows, database: Database) -> None:
    """By fingerprint; what is later than asked for, or of the query itself, is not counted."""
    other = b"n" * 32
    register(rows)
    commit(rows, [query(f"q{n}") for n in range(6)])
    commit(rows, [_mark(f"q{n}", at_ms=1000 + n) for n in range(5)] + [_mark("q5", other, 1002)])
    groups = ((b"m" * 32,), (other, b"x" * 32), (b"x" * 32,), (b"m" * 32, other))
    assert (5, 1, 0, 6) == _counted(database, groups, 9999, "q_new", 9)
    assert (3, 1, 0, 3) == _counted(database, groups, 9999, "q_new", 3)
    assert (4, 0, 0, 4) == _counted(database, groups, 9999, "q5", 4)
    assert (2, 1, 0, 3) == _counted(database, groups, 1002, "q1", 9)
    assert (0,) == _counted(database, ((),), 9999, "q1", 9)
    asked = LookQuestion(groups, MarkQuestion((b"m" * 32, other), 1002, 1003, 9), "q3")
    assert Looks((3, 1, 0, 4), frozenset({"q2", "q3", "q5"})) == around(database, looks=asked).looks
    asked = replace(asked, latest=replace(asked.latest, most=1))
    assert Looks((1, 1, 0, 1), frozenset({"q3", "q5"})) == around(database, looks=asked).looks


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
    latest = MarkQuestion(tuple(prints), 0, 9999, 900)
    looks = LookQuestion((latest.prints, latest.prints[:1]), latest, "q_new")
    everything = around(database, marks=replace(latest, most=5), looks=looks)
    assert found == {(one.place, one.query_id) for one in everything.marks}
    assert Looks(((number + 1) // 2, 1), frozenset(query_id for _, query_id in found)) == everything.looks
    assert everything.looks == around(database, looks=looks).looks


def test_every_look_is_a_seek_into_an_index(rows: LedgerRows, database: Database) -> None:
    """No table is walked over, however many queries there are."""
    register(rows)
    commit(rows, [query(f"q{n}", target_fp=_print(n), officer_fp=_print(n % 50)) for n in range(2000)])
    commit(rows, [_mark(f"q{n}", _print(n), 1000 + n) for n in range(2000)])
    with database.write() as connection:
        connection.exec_driver_sql("ANALYZE")
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    kind = database.dialect
    of_day = values_of_officer_day(DayQuestion(OFFICER, _print(1), LATE, "c1", "evanston", (_print(2),)))
    who = (OFFICER, b"", OFFICER, OFFICER, LATE, OFFICER, _print(1))
    one = (_print(1),)
    few = values_of_looks(kind, LookQuestion((one,), MarkQuestion(one, 0, 9999, 11), "q1"))
    many = values_of_looks(kind, LookQuestion((one * 31,) * 2, MarkQuestion(one * 6, 0, 9999, 11), "q1"))
    asked: list[tuple[str, tuple[object, ...], str]] = [
        (OFFICER_DAY, of_day, "ix_queries_officer_fp_target_fp_hour"),
        (OFFICER_DAY, of_day, "ix_queries_target_fp_agency_id"),
        (SWEPT, who, "ix_queries_officer_fp_target_fp_hour"),
        (PRESENT, (LATE, LATE, "c1", OFFICER), "ix_queries_officer_fp_target_fp_hour"),
        (statement_of_looks(kind, (1,), 1, 11), few, "marks"),
        (statement_of_looks(kind, (31, 31), 6, 11), many, "marks"),
        (
            statement_of_marks(kind, 2, 11),
            values_of_marks(kind, [_print(1), _print(2)], 0, 9999),
            "marks",
        ),
        (statement_of_marks(kind, 40, 11), values_of_marks(kind, [_print(1)] * 40, 0, 9999), "marks"),
    ]
    for statement, values, index in asked:
        with database.read() as connection:
            plan = connection.exec_driver_sql(explain + marked(statement, kind), values).all()
        lines = [str(line[-1]) for line in plan]
        assert any(index in line for line in lines), lines
        walked = ("SCAN queries", "SCAN marks", "Seq Scan on queries", "Seq Scan on marks")
        assert not [line for line in lines if any(walk in line for walk in walked)], lines
