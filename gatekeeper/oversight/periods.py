"""Spans of days that figures are asked for. Days are the log's: UTC, as each public entry states its hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

CHOICES: Final = ("week", "4weeks", "12weeks", "year", "custom")
LONGEST_DAYS: Final = 366 * 5
BY_DAY: Final = 31
"""Up to so many days are drawn day by day, more of them week by week."""


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both counted."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def whole_weeks(self) -> Period | None:
        """Return its weeks that are whole, from the first Monday to the last Sunday, or None."""
        first = self.first + timedelta(days=-self.first.weekday() % 7)
        last = self.last - timedelta(days=(self.last.weekday() + 1) % 7)
        return Period(first, last) if first < last else None

    def slices(self) -> Iterator[Period]:
        """Yield its days, or, of a long period, its weeks; the first and the last week may be short."""
        if self.days <= BY_DAY:
            for past in range(self.days):
                yield Period(self.first + timedelta(days=past), self.first + timedelta(days=past))
            return
        yield from self.weeks()

    def weeks(self) -> Iterator[Period]:
        """Yield its weeks, which begin on Monday (ISO 8601); the first and the last may be short."""
        begins = self.first
        while begins <= self.last:
            ends = min(begins + timedelta(days=6 - begins.weekday()), self.last)
            yield Period(begins, ends)
            begins = ends + timedelta(days=1)


def chosen(choice: str, today: date, first: date | None = None, last: date | None = None) -> Period | None:
    """Return the period of one of ``CHOICES``, or None if its days make none."""
    match choice:
        case "week":
            return Period(today - timedelta(days=today.weekday()), today)
        case "4weeks":
            return Period(today - timedelta(days=27), today)
        case "12weeks":
            return Period(today - timedelta(days=83), today)
        case "year":
            return Period(today - timedelta(days=364), today)
    if first is None or last is None or not first <= last:
        return None
    asked = Period(first, last)
    return asked if asked.days <= LONGEST_DAYS else None
