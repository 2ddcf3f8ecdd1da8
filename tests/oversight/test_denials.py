"""What a provision did: counted in the public entries, by week and by kind of agency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

from gatekeeper.oversight.denials import by_week, lately, tally
from gatekeeper.oversight.figures import fold
from gatekeeper.oversight.periods import Period
from gatekeeper.store.database import Database
from gatekeeper.store.figures import Figures
from gatekeeper.store.ledger_rows import LedgerRows
from tests.oversight.logs import BEGIN, decided, write


@dataclass(frozen=True)
class _Agency:
    id: str
    kind: str


AGENCIES = cast(
    "Any", [_Agency("sample-il-pd", "local"), _Agency("sample-wi-pd", "local"), _Agency("hsi", "federal")]
)
WEEK = timedelta(days=7)


def _counted(rows: LedgerRows, database: Database) -> Figures:
    figures = Figures(database)
    while fold(figures, rows):
        pass
    return figures


def test_denials_by_week_and_kind(rows: LedgerRows, database: Database) -> None:
    """Of one provision alone; weeks without any are there, kinds without any are not."""
    write(
        rows,
        [
            decided("q_1", BEGIN),
            decided("q_2", BEGIN, agency="sample-wi-pd"),
            decided("q_3", BEGIN + 2 * WEEK, agency="hsi", provisions=["case_number", "stated_reason"]),
            decided("q_4", BEGIN, provisions=["stated_reason"]),
            decided("q_5", BEGIN, agency="gone"),
        ],
    )
    period = Period(BEGIN.date(), BEGIN.date() + timedelta(days=20))
    found = by_week(_counted(rows, database), "case_number", AGENCIES, period)
    assert ("federal", "local") == found.kinds
    assert [(0, 2), (0, 0), (1, 0)] == [numbers for _, numbers in found.rows]
    assert 3 == found.total


def test_a_provision_that_denied_nothing_has_no_kinds(rows: LedgerRows, database: Database) -> None:
    """And one that does not exist neither."""
    write(rows, [decided("q_1", BEGIN)])
    period = Period(BEGIN.date(), BEGIN.date() + timedelta(days=13))
    found = by_week(_counted(rows, database), "no_such", AGENCIES, period)
    assert ((), 0, 2) == (found.kinds, found.total, len(found.rows))
    assert 0 == by_week(_counted(rows, database), "case_number", [], period).total


def test_the_tally_of_a_period(rows: LedgerRows, database: Database) -> None:
    """Denials by provision over all of it, permits by their day."""
    permit = {"outcome": "permit", "provisions": []}
    write(
        rows,
        [
            decided("q_1", BEGIN),
            decided("q_2", BEGIN, **permit),
            decided("q_3", BEGIN + WEEK, **permit),
            decided("q_3", BEGIN + WEEK, **permit),
            decided("q_4", BEGIN + 9 * WEEK),
        ],
    )
    first = BEGIN.date()
    counted = tally(_counted(rows, database), Period(first, first + timedelta(days=29)))
    assert {"case_number": 1} == counted.denied
    assert [2, 1, 0] == [counted.permitted_since(first + timedelta(days=days)) for days in (0, 1, 8)]


def test_lately_is_thirty_days() -> None:
    """Today is one of them."""
    assert Period(date(2026, 10, 27), date(2026, 11, 25)) == lately(date(2026, 11, 25))
