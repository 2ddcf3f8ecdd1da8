"""What an agency does otherwise than it used to is told to staff: by its own habit, and naming no plate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.exchange.rephrased import seal_agency
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.clock import to_ms
from gatekeeper.oversight.alerts import Standing, alerts_of
from gatekeeper.oversight.figures import WEEK
from gatekeeper.oversight.patterns import Habits, Unusual, Waited, off_hours, unusual, volumes, waited
from gatekeeper.oversight.periods import Period
from gatekeeper.policy import load, shipped_policies
from gatekeeper.store.values import Marked

TODAY = date(2026, 11, 26)
NOON = datetime.combine(TODAY, time(12), UTC)
VOLUME = {"times": 3, "at_least": 40}
QUIET = {"times": 3, "at_least": 10, "hours_utc": [5, 6]}


@pytest.mark.parametrize(
    ("recent", "before", "found"),
    [
        ({"a": 39}, {}, []),
        ({"a": 40}, {}, [Unusual("a", 40, 0)]),
        ({"a": 90}, {"a": 120}, [Unusual("a", 90, 30)]),
        ({"a": 89}, {"a": 120}, []),
        ({"a": 50, "b": 60}, {"a": 4}, [Unusual("b", 60, 0), Unusual("a", 50, 1)]),
        ({}, {"a": 1000}, []),
    ],
)
def test_a_change_of_volume_is_against_the_agencys_own_weeks(
    recent: dict[str, int], before: dict[str, int], found: list[Unusual]
) -> None:
    """At least so many, and so many times the usual week: the line itself counts."""
    assert found == volumes(recent, before, VOLUME)


@pytest.mark.parametrize(
    ("recent", "before", "found"),
    [
        # A night desk has always worked at night.
        ({("a", 5): 50, ("a", 14): 50}, {("a", 5): 200, ("a", 14): 200}, []),
        # Twice as busy everywhere is a change of volume, not of hours.
        ({("a", 5): 20, ("a", 14): 180}, {("a", 5): 40, ("a", 14): 360}, []),
        ({("a", 5): 10, ("a", 14): 90}, {("a", 14): 400}, [Unusual("a", 10, 0)]),
        ({("a", 5): 9, ("a", 14): 90}, {("a", 14): 400}, []),
        ({("a", 5): 30, ("a", 14): 70}, {("a", 5): 40, ("a", 14): 360}, [Unusual("a", 30, 10)]),
        ({("a", 5): 29, ("a", 14): 71}, {("a", 5): 40, ("a", 14): 360}, []),
        # Whoever has no habit yet is held to the city's hours.
        ({("new", 6): 11, ("new", 14): 10}, {}, [Unusual("new", 11, 0)]),
        ({("new", 6): 11, ("new", 14): 11}, {}, []),
        ({("a", 7): 100}, {("a", 14): 100}, []),
    ],
)
def test_use_in_quiet_hours_is_against_the_agencys_own_habit(
    recent: dict[tuple[str, int], int], before: dict[tuple[str, int], int], found: list[Unusual]
) -> None:
    """By its share, so that who works at night is not told on for it."""
    assert found == off_hours(recent, before, QUIET)


class _Figures:
    """Counts of two weeks, by day."""

    def __init__(self, counts: dict[date, dict[str, int]]) -> None:
        self.counts = counts

    def sums(self, scope: str, event: str, facet: str, period: Period) -> dict[str, int]:
        assert ("", "query.decided") == (scope, event)
        found: dict[str, int] = {}
        if facet in {"hour.agency", "hour.agency" + WEEK}:
            for day, labels in self.counts.items():
                if period.first <= day <= period.last:
                    for label, number in labels.items():
                        found[label] = found.get(label, 0) + number
        return found


class _Queries:
    """Names what it was asked for."""

    def latest_of(self, agency_id: str, since: str, hours: Collection[int], most: int) -> Sequence[str]:
        return [f"q_{agency_id}_{since}_{len(hours)}_{most}"]


def test_the_last_week_is_told_with_its_latest_queries() -> None:
    """Seven days, today among them, by the shipped law; the alerts name agency and query ids."""
    data: Any = load(shipped_policies()).data
    counts = {
        TODAY: {"05 night-pd": 12, "14 busy-pd": 30},
        TODAY - timedelta(days=6): {"14 busy-pd": 30},
        TODAY - timedelta(days=7): {"14 busy-pd": 20, "14 night-pd": 40},
    }
    more, bursts, late = unusual(_Figures(counts), _Queries(), data, TODAY)  # type: ignore[arg-type]
    assert (Unusual("busy-pd", 60, 5, ("q_busy-pd_2026-11-20T00Z_24_3",)),) == more
    assert () == bursts
    assert (Unusual("night-pd", 12, 0, ("q_night-pd_2026-11-20T00Z_6_3",)),) == late
    told = [alert.said % alert.values for alert in alerts_of(Standing(volumes=more, off_hours=late))]
    assert ["busy-pd asked 60 times; 5 a", "night-pd asked 12 times; 0 a"] == [
        " ".join(text.partition(" days ")[2].split()[:6]) for text in told
    ]
    assert all("q_" in text for text in told)


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ({0: 40}, [("split-pd", 40, 0, 0)]),
        ({0: 39}, []),
        # Half of it before midnight, and seen on the next morning.
        ({0: 41, 1: 60}, [("split-pd", 60, 0, 1)]),
        ({1: 60}, [("split-pd", 60, 0, 1)]),
        ({2: 60}, []),
        # Who asks as often every day is no burst.
        ({0: 60} | dict.fromkeys(range(7, 35), 13), []),
        ({0: 60} | dict.fromkeys(range(7, 35), 12), [("split-pd", 60, 12, 0)]),
    ],
)
def test_a_burst_on_one_day_is_the_agencys_however_many_officers_share_it(
    days: dict[int, int], found: list[tuple[str, int, int, int]]
) -> None:
    """Against its usual day; today or yesterday, so that the night's is seen in the morning."""
    data: Any = load(shipped_policies()).data
    counts = {TODAY - timedelta(days=ago): {"14 split-pd": number} for ago, number in days.items()}
    bursts = unusual(_Figures(counts), _Queries(), data, TODAY).bursts  # type: ignore[arg-type]
    assert found == [(b.agency_id, b.asked, b.usual, (TODAY - b.day).days) for b in bursts if b.day]
    told = [alert.said % alert.values for alert in alerts_of(Standing(bursts=bursts))]
    assert all("split-pd asked" in text and "q_split-pd" in text for text in told)
    assert len(told) == len(found)


class _Marks:
    """Holds marks of this week as the log leaves them."""

    def __init__(self, keys: DayKeys, agencies: Sequence[str]) -> None:
        self.found = [
            Marked(0, f"q_{n}", to_ms(NOON) + n, seal_agency(keys, TODAY, f"q_{n}", agency))
            for n, agency in enumerate(agencies)
        ]

    def marks(self, prints: Sequence[bytes], since_ms: int, until_ms: int, most: int) -> Sequence[Marked]:
        assert len(prints) == 1  # of the other days there is no key
        return [mark for mark in self.found if since_ms <= mark.at_ms <= until_ms][:most]


def test_who_waited_until_the_law_looked_back_no_further_is_told(tmp_path: Path) -> None:
    """By agency, the most first, with the latest queries; what was purged tells nothing."""
    keys = DayKeys(tmp_path / "days", today=lambda: TODAY)
    marks = _Marks(keys, ["a", "b", "b", "b", "b"])
    found = waited(marks, keys, TODAY)
    assert (Waited("b", 4, ("q_4", "q_3", "q_2")), Waited("a", 1, ("q_0",))) == found
    told = [alert.said % alert.values for alert in alerts_of(Standing(waited=found))]
    assert ["b was permitted 4", "a was permitted 1"] == [" ".join(t.split()[3:7]) for t in told]
    tomorrow = TODAY + timedelta(days=1)
    later = DayKeys(tmp_path / "days", today=lambda: tomorrow)
    later.fingerprint(tomorrow, "other", b"")
    later.destroy(TODAY)
    assert () == waited(marks, later, tomorrow)


def test_a_law_that_says_nothing_of_alerts_has_none() -> None:
    """An older text still serves the page."""
    assert Habits() == unusual(_Figures({}), _Queries(), {"city": {}}, TODAY)  # type: ignore[arg-type]
