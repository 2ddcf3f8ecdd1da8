"""What a provision did: the queries that it denied, and those that were permitted while it was asked.

Guarantees: counted from the public entries as every figure is, so an outsider who holds them counts the same;
what the law does not let the public know of is not counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from gatekeeper.exchange.interfaces import Agency
from gatekeeper.oversight.figures import CITY, FigureStore
from gatekeeper.oversight.periods import Period

DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Tally:
    """The decisions of a period: how many each provision denied, and the permits of each day."""

    period: Period
    denied: Mapping[str, int]
    permitted: Mapping[date, int]

    def permitted_since(self, day: date) -> int:
        """Return how many queries were permitted on that day and later."""
        return sum(number for at, number in self.permitted.items() if at >= day)


@dataclass(frozen=True, slots=True)
class Weeks:
    """How often one provision denied, by week and by kind of agency."""

    kinds: tuple[str, ...]
    rows: tuple[tuple[Period, tuple[int, ...]], ...]

    @property
    def total(self) -> int:
        """How often it denied at all."""
        return sum(sum(numbers) for _, numbers in self.rows)


def lately(today: date) -> Period:
    """Return the days that the law's pages count."""
    return Period(today - timedelta(days=DAYS - 1), today)


def tally(figures: FigureStore, period: Period) -> Tally:
    """Count the decisions of a period. Raises StoreUnavailable."""
    days = figures.by_day(CITY, "query.decided", "outcome", period)
    return Tally(
        period,
        figures.sums(CITY, "query.decided", "provision", period),
        {day: counts.get("permit", 0) for day, counts in days.items()},
    )


def by_week(figures: FigureStore, code: str, agencies: Iterable[Agency], period: Period) -> Weeks:
    """Count what a provision denied, by week and kind of agency. Raises StoreUnavailable."""
    kinds = {agency.id: agency.kind for agency in agencies}
    days = figures.by_scope(tuple(kinds), "query.decided", "provision", code, period)
    rows = []
    for week in period.weeks():
        counts = Counter[str]()
        for (agency, day), number in days.items():
            if week.first <= day <= week.last:
                counts[kinds[agency]] += number
        rows.append((week, counts))
    met = tuple(sorted({kind for _, counts in rows for kind in counts}))
    return Weeks(met, tuple((week, tuple(counts[kind] for kind in met)) for week, counts in rows))
