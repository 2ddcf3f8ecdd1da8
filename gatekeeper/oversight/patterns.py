"""What an agency does otherwise than it used to: alerts for staff, never a ground to deny.

Compared is the last week with the agency's own four weeks before, from the figures of the log, which are
counted as entries come. Guarantees: thresholds are the city's (``alerts`` in ``data/city.json``); an alert
names the agency and the ids of its latest queries, never an officer, a word or a plate; what the city lists
as quiet hours is in UTC, as the log's hours are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final, NamedTuple, Protocol

from gatekeeper.oversight.figures import FigureStore, total
from gatekeeper.oversight.periods import Period

WEEKS: Final = 4
"""How many earlier weeks are an agency's habit."""
MOST_NAMED: Final = 3
"""Queries that an alert names, the latest."""


class Unusual(NamedTuple):
    """An agency whose last week is unlike its own weeks before: how many queries, how many are usual."""

    agency_id: str
    asked: int
    usual: int
    queries: tuple[str, ...] = ()


class LatestQueries(Protocol):
    """Names queries. Raises StoreUnavailable."""

    def latest_of(
        self, agency_id: str, since_hour: str, hours: Collection[int], most: int, /
    ) -> Sequence[str]:
        """Return the ids of an agency's latest queries since an hour, of these hours of the day."""


def volumes(recent: Mapping[str, int], before: Mapping[str, int], rule: Mapping[str, Any]) -> list[Unusual]:
    """Return the agencies that asked so many times their usual week, the most first.

    *rule* has ``times`` and ``at_least``; *before* counts the ``WEEKS`` weeks before.
    """
    found = [
        Unusual(agency, asked, round(before.get(agency, 0) / WEEKS))
        for agency, asked in recent.items()
        if asked >= rule["at_least"] and asked * WEEKS >= rule["times"] * before.get(agency, 0)
    ]
    return sorted(found, key=lambda each: (-each.asked, each.agency_id))


def off_hours(
    recent: Mapping[tuple[str, int], int], before: Mapping[tuple[str, int], int], rule: Mapping[str, Any]
) -> list[Unusual]:
    """Return the agencies that asked in the city's quiet hours, and a so many times larger share than usual.

    Counts are by agency and hour of the day. Who has no weeks before is held to the city's hours: more than
    half of its queries lie in them.
    """
    quiet = frozenset(rule["hours_utc"])
    asked, asked_before = _by_agency(recent), _by_agency(before)
    late, late_before = _by_agency(recent, quiet), _by_agency(before, quiet)
    found = []
    for agency, number in late.items():
        whole = asked_before[agency]
        unlike = (
            number * whole >= rule["times"] * late_before[agency] * asked[agency]
            if whole
            else 2 * number > asked[agency]
        )
        if number >= rule["at_least"] and unlike:
            found.append(Unusual(agency, number, round(late_before[agency] / WEEKS)))
    return sorted(found, key=lambda each: (-each.asked, each.agency_id))


def unusual(
    figures: FigureStore, queries: LatestQueries, data: Mapping[str, Any], today: date
) -> tuple[tuple[Unusual, ...], tuple[Unusual, ...]]:
    """Return who asked more than usual, and who at other hours, with their latest queries.

    A law that says nothing of alerts has none. Raises StoreUnavailable.
    """
    rules = data["city"].get("alerts")
    if rules is None:
        return (), ()
    week = Period(today - timedelta(days=6), today)
    earlier = Period(today - timedelta(days=6 + 7 * WEEKS), today - timedelta(days=7))
    recent, before = (_by_hour(figures, period) for period in (week, earlier))
    since = f"{week.first.isoformat()}T00Z"

    def named(found: Sequence[Unusual], hours: Collection[int]) -> tuple[Unusual, ...]:
        return tuple(
            each._replace(queries=tuple(queries.latest_of(each.agency_id, since, hours, MOST_NAMED)))
            for each in found
        )

    more = volumes(_by_agency(recent), _by_agency(before), rules["volume"])
    late = off_hours(recent, before, rules["off_hours"])
    return named(more, range(24)), named(late, rules["off_hours"]["hours_utc"])


def _by_hour(figures: FigureStore, period: Period) -> dict[tuple[str, int], int]:
    counts = total(figures, "query.decided", "hour.agency", period)
    return {(label[3:], int(label[:2])): number for label, number in counts.items()}


def _by_agency(counts: Mapping[tuple[str, int], int], hours: Collection[int] = range(24)) -> Counter[str]:
    found = Counter[str]()
    for (agency, hour), number in counts.items():
        if hour in hours:
            found[agency] += number
    return found
