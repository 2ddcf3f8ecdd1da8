"""Past searches and verified papers, as the store finds them: exactly, and without walking over rows."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.exchange.questions import SearchQuestion
from gatekeeper.store import searches
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.prepared import marked
from gatekeeper.store.queries import Queries
from gatekeeper.store.values import SearchDay
from tests.store.making import NOON, around, commit, query, register, verification

HOUR = "2026-11-22T11Z"


def _print(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _asked(days: int = 3) -> SearchQuestion:
    return SearchQuestion(tuple((_print(day), _print(100 + day)) for day in range(days)), HOUR)


def test_each_day_is_found_with_its_cases_and_refusals(rows: LedgerRows, database: Database) -> None:
    """Under this case, under another, both or neither; refusals since the hour; dry runs like any other."""
    register(rows)
    assert () == around(database, searches=_asked()).searches
    commit(
        rows,
        [query(search_fp=_print(0), case_fp=_print(100), dry_run=True)],
        [query(search_fp=_print(0), case_fp=_print(99), hour="2026-11-22T11Z")],
        [query(search_fp=_print(0), case_fp=_print(100), hour="2026-11-22T10Z")],
        [query(search_fp=_print(0), case_fp=_print(100), outcome="permit")],
        [query(search_fp=_print(2), case_fp=_print(999), outcome="permit")],
        [query(search_fp=_print(1001), case_fp=_print(100))],
        [query()],
    )
    found = sorted(around(database, searches=_asked()).searches, key=lambda day: day.day)
    assert found == [
        SearchDay(0, under_this_case=True, under_another_case=True, refused=2),
        SearchDay(2, under_this_case=False, under_another_case=True, refused=0),
    ]
    assert () == around(database, searches=_asked(0)).searches


def test_more_days_than_one_question_covers_are_refused(database: Database) -> None:
    """A day left out in silence would be a day not counted."""
    with pytest.raises(ValueError, match="31 days"):
        around(database, searches=_asked(32))


def test_refusals_are_counted_up_to_a_hundred(rows: LedgerRows, database: Database) -> None:
    """Whoever is refused without end does not make the next answer slow."""
    register(rows)
    commit(rows, [query(search_fp=_print(0), case_fp=_print(100)) for _ in range(120)])
    assert [100] == [day.refused for day in around(database, searches=_asked()).searches]


_COPY = """
INSERT INTO queries (query_id, agency_id, client_id, hour, kind, category, outcome, review, dry_run,
                     policy_revision, search_fp, case_fp)
SELECT 'q' || n, agency_id, client_id, hour, kind, category, outcome, review, dry_run,
       policy_revision, search_fp, case_fp
  FROM (WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 60000) SELECT n FROM s) AS s,
       queries
 WHERE query_id = 'first'"""


def _fill(rows: LedgerRows, database: Database) -> None:
    """Put the worst case into the table: one officer, one plate, one case number, again and again."""
    register(rows)
    commit(rows, [query("first", search_fp=_print(0), case_fp=_print(100))])
    with database.write() as connection:
        connection.exec_driver_sql(_COPY)
        connection.exec_driver_sql("ANALYZE")


def test_a_search_repeated_without_end_is_found_by_seeks(rows: LedgerRows, database: Database) -> None:
    """Each look is a seek into an index: no table is scanned, and the time does not grow with the rows."""
    _fill(rows, database)
    asked = _asked(31)
    assert [100] == [day.refused for day in around(database, searches=asked).searches]
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    with database.read() as connection:
        plan = connection.exec_driver_sql(
            explain + marked(searches.STATEMENT, database.dialect), searches.values_of(asked)
        ).all()
    lines = [str(line[-1]) for line in plan]
    assert any("ix_queries_search_fp" in line for line in lines), lines
    assert not [line for line in lines if "SCAN queries" in line or "Seq Scan on queries" in line], lines


def test_the_last_word_on_a_paper_is_the_one_that_is_found(rows: LedgerRows, database: Database) -> None:
    """Of one agency and one document; what another agency showed is not ours to use."""
    queries = Queries(database)
    register(rows)
    assert queries.verification("evanston", "d" * 64) is None
    commit(rows, [verification("v1")])
    found = queries.verification("evanston", "d" * 64)
    assert found is not None
    assert ("v1", ("aa", "bb"), NOON) == (found.id, found.targets, found.at)
    commit(rows, [verification("v0", at=NOON.replace(minute=1), targets=())])
    later = queries.verification("evanston", "d" * 64)
    assert later is not None
    assert ("v0", ()) == (later.id, later.targets)
    assert queries.verification("wilmette", "d" * 64) is None
    assert queries.verification("evanston", "e" * 64) is None
    assert queries.verification("evanston\0", "d" * 64) is None


@pytest.mark.parametrize("changes", [{"level": "clerk"}, {"paper_fp": b"short"}, {"agency_id": "nobody"}])
def test_a_verification_of_another_shape_is_refused(rows: LedgerRows, changes: dict[str, Any]) -> None:
    """By the check before the database, or by the database itself."""
    register(rows)
    with pytest.raises(StoreUnavailable):
        commit(rows, [verification(**changes)])


@pytest.mark.parametrize("by", ["officer", "target"])
def test_what_else_was_asked_is_found_along_an_index(
    rows: LedgerRows, database: Database, by: Literal["officer", "target"]
) -> None:
    """Each day's fingerprint is a seek; no more is read than is answered with."""
    queries, prints = Queries(database), [bytes([day]) * 32 for day in range(31)]
    register(rows)
    commit(rows, *([query(f"q{n}", **{f"{by}_fp": prints[n % 3]})] for n in range(9)))
    assert 9 == len(queries.asked_before(by, prints, 100))
    assert 4 == len(queries.asked_before(by, prints, 4))
    assert () == queries.asked_before(by, prints[3:], 100)
    assert () == queries.asked_before(by, [], 100)
    if database.dialect == "sqlite":  # PostgreSQL reads so few rows as it likes
        asked = f"SELECT query_id FROM queries WHERE {by}_fp IN (?, ?) LIMIT 3"  # noqa: S608  our own words
        with database.read() as connection:
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + asked, tuple(prints[:2])).all()
        assert f"ix_queries_{by}_fp" in str(plan)
