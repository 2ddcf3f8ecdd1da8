"""Figures are what anyone counts in the public entries: after kills, restarts, and several at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import LedgerCorrupt, StoreUnavailable
from gatekeeper.ledger.rows import StoredEntry
from gatekeeper.oversight import figures as counting
from gatekeeper.oversight.figures import REVIEWS, fold, quantile, total
from gatekeeper.oversight.periods import Period
from gatekeeper.store.database import Database
from gatekeeper.store.figures import Figures
from gatekeeper.store.ledger_rows import LedgerRows
from tests.oversight.logs import BEGIN, decided, other, released, some, write

ALL = Period(date(2026, 1, 1), date(2027, 12, 31))
HOUR = timedelta(hours=1)


def _all(database: Database) -> dict[tuple[Any, ...], int]:
    with database.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT scope, event, facet, day, label, number FROM figures"
        ).all()
    return {(*row[:3], str(row[3]), row[4]): row[5] for row in found}


class _Recount:
    """Counts as an outsider would: over the whole of the raw entries, one figure after another."""

    def __init__(self, entries: list[StoredEntry]) -> None:
        self.documents: list[dict[str, Any]] = [json.loads(entry.entry) for entry in entries]
        self.counted: Counter[tuple[Any, ...]] = Counter()

    def add(self, document: dict[str, Any], event: str, facet: str, label: str, number: int = 1) -> None:
        """Count one in its scopes."""
        for scope in ("",) if facet.endswith("agency") else ("", document.get("agency")):
            if scope is not None:
                self.counted[scope, event, facet, document["hour"][:10], label] += number
            if scope == "":
                day = date.fromisoformat(document["hour"][:10])
                monday = str(day - timedelta(days=day.weekday()))
                self.counted[scope, event, f"{facet}.week", monday, label] += number

    def first_of(self, event: str) -> list[dict[str, Any]]:
        """Return the first entry of this event for each ref."""
        refs: dict[str, dict[str, Any]] = {}
        for document in self.documents:
            if document["event"] == event:
                refs.setdefault(document["ref"], document)
        return list(refs.values())


def _recount(entries: list[StoredEntry]) -> dict[tuple[Any, ...], int]:
    count = _Recount(entries)
    add = count.add
    for document in count.documents:
        add(document, document["event"], "entry", "")
        match document:
            case {"event": "query.refused", "reason": reason}:
                add(document, "query.refused", "reason", reason)
            case {"event": "query.refused", "reasons": reasons}:
                for reason, number in reasons.items():
                    add(document, "query.refused", "unauthenticated", reason, number)
            case {"event": "review.ruled", "ruling": ruling}:
                add(document, "review.ruled", "ruling", ruling)
            case {"event": "stop.set", "scope": scope}:
                add(document, "stop.set", "scope", scope)
    _recount_queries(count)
    _recount_reviews(count.documents, add)
    return dict(count.counted)


def _recount_queries(count: _Recount) -> None:
    asked, add = count.first_of("query.decided"), count.add
    for document in asked:
        outcome = document["outcome"]
        add(document, "query.decided", "outcome", outcome)
        add(document, "query.decided", f"{outcome}.category", document["category"])
        add(document, "query.decided", f"{outcome}.agency", document["agency"])
        add(document, "query.decided", "hour.agency", f"{document['hour'][11:13]} {document['agency']}")
        for code in document["provisions"]:
            add(document, "query.decided", "provision", code)
    for document in count.documents:
        if document["event"] == "query.decided" and not any(document is first for first in asked):
            add(document, "query.decided", "again", document["outcome"])
    for document in count.first_of("query.released"):
        add(document, "query.released", "category", document["category"])
        add(document, "query.released", "agency", document["agency"])
        add(document, "query.released", "band", document["count_band"])


def _recount_reviews(documents: list[dict[str, Any]], add: Any) -> None:
    by_staff = {"review.asked", "review.escalated", "review.ruled"}
    for ref in {document["ref"] for document in documents}:
        about = [document for document in documents if document["ref"] == ref]
        acts = [place for place, document in enumerate(about) if document["event"] in by_staff]
        rulings = [place for place in acts if about[place]["event"] == "review.ruled"]
        for facet, places in (("first_act", acts), ("first_ruling", rulings)):
            if not places:
                continue
            act = about[places[0]]
            asked = [d for d in about[: places[0]] if d["event"] == "query.decided"]
            if asked:
                add(act, REVIEWS, facet, f"{_hours(asked[0]['hour'], act['hour']):06d}")


def _hours(begin: str, end: str) -> int:
    days = date.fromisoformat(end[:10]) - date.fromisoformat(begin[:10])
    return days.days * 24 + int(end[11:13]) - int(begin[11:13])


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_the_table_is_what_an_outsider_counts(database: Database, rows: LedgerRows, most: int) -> None:
    """However many entries a step takes."""
    entries = write(rows, list(some(most, 400)))
    store = Figures(database)
    fold(store, rows)
    left = [fold(store, rows, most) for _ in range(400)]
    assert 0 == left[-1]
    assert _recount(entries) == _all(database)
    assert len(entries) == store.mark().upto
    assert len(entries) == sum(
        sum(store.sums("", event, "entry", ALL).values()) for event in _events(entries)
    )


def _events(entries: list[StoredEntry]) -> set[str]:
    return {entry.event for entry in entries}


def test_several_who_count_at_once_count_each_entry_once(database: Database, rows: LedgerRows) -> None:
    """While the log grows."""
    said = list(some(5, 600))
    entries, store = write(rows, said[:300]), Figures(database)
    fold(store, rows)

    def work() -> None:
        for _ in range(40):
            fold(store, rows, 11)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    entries += write(rows, said[300:])
    for thread in threads:
        thread.join()
    while fold(store, rows):
        pass
    assert _recount(entries) == _all(database)


_COUNTER = """
import sys
from gatekeeper.oversight.figures import fold
from gatekeeper.store.database import Database
from gatekeeper.store.figures import Figures
from gatekeeper.store.ledger_rows import LedgerRows
database = Database.open(sys.argv[1])
store, rows = Figures(database), LedgerRows(database)
while fold(store, rows, 3):
    print(store.mark().upto, flush=True)
"""


@pytest.mark.servers
def test_a_counter_that_is_killed_leaves_no_half_step(database: Database, rows: LedgerRows, url: str) -> None:
    """``kill -9`` at any moment; the next one goes on from the mark."""
    entries = write(rows, list(some(9, 300)))
    for lines in (1, 7, 2):
        process = subprocess.Popen(
            [sys.executable, "-c", _COUNTER, url],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        upto = Figures(database).mark().upto
        assert _recount(entries[:upto]) == _all(database)
    while fold(Figures(database), rows):
        pass
    assert _recount(entries) == _all(database)


def test_other_rules_begin_anew(
    database: Database, rows: LedgerRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a mark beyond the log, after an old copy was restored: never half of one, half of another."""
    entries = write(rows, list(some(3, 60)))
    store = Figures(database)
    while fold(store, rows):
        pass
    monkeypatch.setattr(counting, "RULES", 99)
    assert 60 == fold(store, rows)
    assert {} == _all(database)
    assert None is store.span(ALL)
    while fold(store, rows, 50):
        pass
    assert _recount(entries) == _all(database)
    assert store.begin_again(store.mark()._replace(rules=7), 3) is False
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE figure_mark SET upto = 61")
    assert 60 == fold(store, rows)
    while fold(store, rows):
        pass
    assert _recount(entries) == _all(database)


def test_who_read_an_older_mark_adds_nothing(database: Database, rows: LedgerRows) -> None:
    """The comparison is inside the commit."""
    write(rows, [decided("q1", BEGIN)])
    store = Figures(database)
    fold(store, rows)
    before = store.mark()
    assert 0 == fold(store, rows)
    counts = counting.counts_of(list(rows.entries(0, 1)), {}, lambda _: BEGIN)
    assert store.add(before, 1, counts) is False
    assert 1 == store.sums("", "query.decided", "entry", ALL)[""]


def test_an_entry_that_cannot_be_ours_stops_the_count(database: Database, rows: LedgerRows) -> None:
    """Nothing after it is counted as if it were not there."""
    write(rows, [decided("q1", BEGIN), ("q2", {"event": "query.decided", "hour": "yesterday"})])
    store = Figures(database)
    fold(store, rows)
    for _ in range(2):
        with pytest.raises(LedgerCorrupt, match="entry 1 "):
            fold(store, rows)
    assert {} == _all(database)
    assert 1 == fold(store, rows, 1)


def test_a_gap_stops_the_count(database: Database, rows: LedgerRows, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that lost an entry is not counted on."""
    entries = write(rows, [decided(f"q{n}", BEGIN) for n in range(4)])
    store = Figures(database)
    fold(store, rows)
    monkeypatch.setattr(LedgerRows, "entries", lambda *_: iter([entries[0], entries[2]]))
    with pytest.raises(LedgerCorrupt, match="missing"):
        fold(store, rows)


def test_a_query_counts_once_and_its_waiting_is_told_in_hours(database: Database, rows: LedgerRows) -> None:
    """Denied, asked again with the same key, asked about, ruled on, decided anew, released twice."""
    write(
        rows,
        [
            decided("q1", BEGIN),
            decided("q1", BEGIN + HOUR, replay=True),
            other("q1", BEGIN + 3 * HOUR, "review.asked", agency="sample-il-pd"),
            other("q1", BEGIN + 4 * HOUR, "review.answered", agency="sample-il-pd"),
            other("q1", BEGIN + 30 * HOUR, "review.ruled", agency="sample-il-pd", ruling="permitted"),
            decided("q1", BEGIN + 31 * HOUR, outcome="permit", provisions=[], replay=True),
            released("q1", BEGIN + 31 * HOUR),
            released("q1", BEGIN + 32 * HOUR, page=2),
        ],
    )
    store = Figures(database)
    while fold(store, rows, 2):
        pass
    for scope in ("", "sample-il-pd"):
        assert {"deny": 1} == store.sums(scope, "query.decided", "outcome", ALL)
        assert {"deny": 1, "permit": 1} == store.sums(scope, "query.decided", "again", ALL)
        assert {"case_number": 1} == store.sums(scope, "query.decided", "provision", ALL)
        assert {"stolen_vehicle": 1} == store.sums(scope, "query.released", "category", ALL)
        assert {"000003": 1} == store.sums(scope, REVIEWS, "first_act", ALL)
        assert {"000030": 1} == store.sums(scope, REVIEWS, "first_ruling", ALL)
    monday, tuesday = BEGIN.date(), BEGIN.date() + timedelta(days=1)
    assert (0, 3) == store.span(Period(monday, monday))
    assert (4, 7) == store.span(Period(tuesday, ALL.last))
    assert {monday: {"deny": 1}} == store.by_day("", "query.decided", "outcome", ALL)
    assert [6] == store.population(ALL, None, None)
    assert [6] == store.population(Period(tuesday, tuesday), "sample-il-pd", "stolen_vehicle")
    assert [] == store.population(Period(monday, monday), None, None)
    assert [] == store.population(ALL, "sample-wi-pd", None)
    assert [] == store.population(ALL, "\x00", None)


def test_a_lost_database_is_said(database: Database) -> None:
    """By the family's own error, whatever the driver raised."""
    with database.write() as connection:
        connection.exec_driver_sql("DROP TABLE figure_mark")
    with pytest.raises(StoreUnavailable):
        Figures(database).mark()


@pytest.mark.parametrize(
    ("first", "last"), [(0, 0), (0, 6), (1, 6), (0, 7), (3, 30), (6, 8), (0, 27), (2, 19), (5, 13), (-9, 90)]
)
def test_a_total_is_the_sum_of_its_days(database: Database, rows: LedgerRows, first: int, last: int) -> None:
    """Whatever part of it is read by the week."""
    entries, store = write(rows, list(some(2, 500))), Figures(database)
    while fold(store, rows):
        pass
    begin = BEGIN.date()
    period = Period(begin + timedelta(days=first), begin + timedelta(days=last))
    counted: Counter[str] = Counter()
    for (scope, event, facet, day, label), number in _recount(entries).items():
        same = ("", "query.decided", "deny.agency") == (scope, event, facet)
        if same and str(period.first) <= day <= str(period.last):
            counted[label] += number
    assert dict(counted) == total(store, "query.decided", "deny.agency", period)
    own = total(store, "query.decided", "outcome", period, "sample-il-pd")
    assert counted["sample-il-pd"] == own.get("deny", 0)


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ({}, 0.5, None),
        ({4: 0}, 0.5, None),
        ({3: 1}, 0.5, 3),
        ({1: 1, 2: 1}, 0.5, 1),
        ({1: 1, 2: 1, 9: 1}, 0.5, 2),
        (dict.fromkeys(range(1, 11), 1), 0.9, 9),
        ({1: 99, 500: 1}, 0.9, 1),
        ({1: 9, 500: 2}, 0.9, 500),
    ],
)
def test_a_quantile_is_a_value_that_was_counted(
    counts: dict[int, int], share: float, expected: int | None
) -> None:
    """The smallest that so large a share does not exceed: nothing is invented between two."""
    assert expected == quantile(counts, share)


def test_the_thread_counts_by_itself(rows: LedgerRows, database: Database) -> None:
    """And ends when it is told to."""
    write(rows, list(some(1, 50)))
    store = Figures(database)
    folding = counting.Folding(store, rows)
    folding.start()
    for _ in range(200):
        if store.mark().upto == 50:
            break
        threading.Event().wait(0.05)
    folding.close()
    folding._thread.join(5)
    assert (50, False) == (store.mark().upto, folding._thread.is_alive())
