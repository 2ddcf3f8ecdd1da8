"""The tables of the dashboard: what is counted, by which rule, from which entries, and how it is drawn.

A page and a CSV file show the same table. Guarantees: a figure of the log says from which entry to which, and
by what rule, so that it can be counted again from the public entries; nothing here is private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

from babel.dates import format_skeleton

from gatekeeper.oversight.figures import CITY, REVIEWS, WEEK, FigureStore, quantile, total
from gatekeeper.oversight.periods import Period
from gatekeeper.policy import Catalogue
from gatekeeper.review.queue import WAITING
from gatekeeper.web.console import charts
from gatekeeper.web.console.charts import Chart
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import language, later, say

MOST: Final = 12
"""Rows that a page shows; the file has them all."""

AGES: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=3), timedelta(days=7))
_WEEK: Final = 7
_AGE_WORDS: Final = (
    later("less than an hour"),
    later("an hour to a day"),
    later("one to three days"),
    later("three to seven days"),
    later("more than seven days"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what it is about, its numbers (None: nothing was counted), and where to look further."""

    label: str
    numbers: tuple[int | None, ...]
    link: str | None = None
    short: str | None = None
    """What the drawing says instead of a label that is too wide for it."""


@dataclass(frozen=True, slots=True)
class Table:
    """One figure of the dashboard."""

    name: str
    title: str
    rule: str
    columns: tuple[str, ...]
    """The head of the first column, then of each number."""
    lines: tuple[Line, ...]
    draw: Callable[[charts.Rows], Chart]
    span: tuple[int, int] | None
    """The first and the last entry that were counted; None for what stands so now."""
    unit: str = ""

    @property
    def shown(self) -> tuple[Line, ...]:
        """The rows that a page shows: bars only the longest, columns and lines all."""
        return self.lines[:MOST] if self.draw is charts.bars else self.lines

    @property
    def left_out(self) -> int:
        """How many rows are in the file alone."""
        return len(self.lines) - len(self.shown)

    @property
    def chart(self) -> Chart:
        """The drawing of what is shown."""
        return self.draw([(line.short or line.label, line.numbers) for line in self.shown])

    @property
    def empty(self) -> bool:
        """Whether nothing was counted at all."""
        return not any(number for line in self.lines for number in line.numbers)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the tables of one period are made from."""

    desk: Desk
    period: Period
    names: Mapping[str, str]
    """Of the agencies."""
    scope: str = CITY
    """The city, or one agency."""

    @property
    def figures(self) -> FigureStore:
        """The counts."""
        return self.desk.oversight.figures

    @property
    def catalogue(self) -> Catalogue:
        """The provisions in force."""
        return self.desk.gate.engine.bundle.catalogue

    def total(self, event: str, facet: str) -> dict[str, int]:
        """Return the count of each label over the period."""
        return total(self.figures, event, facet, self.period, self.scope)

    def tables(self) -> tuple[Table, ...]:
        """Make every table."""
        return tuple(make(self) for make in MAKERS.values())


def denials_by_provision(reading: Reading) -> Table:
    """Count first decisions that denied, by each public provision that they name."""
    counts = reading.total("query.decided", "provision")
    catalogue = reading.catalogue

    def queue(code: str) -> str | None:
        return f"/console/reviews?{urlencode({'provision': code})}" if _reviewed(catalogue, code) else None

    lines = [
        Line(catalogue[code].title if code in catalogue else _words(code), (number,), queue(code))
        for code, number in _largest(counts)
    ]
    rule = say(
        "query.decided, the first of each query, by each of its provisions. One denial may name several."
    )
    return _table(reading, "denials-by-provision", say("Denials by provision"), rule, "Provision", lines)


def denials_by_agency(reading: Reading) -> Table:
    """Count first decisions by agency: denied, and asked at all."""
    denied = reading.total("query.decided", "deny.agency")
    allowed = reading.total("query.decided", "permit.agency")
    lines = [
        Line(_name(reading, agency), (number, number + allowed.get(agency, 0)), f"/console/agencies/{agency}")
        for agency, number in _largest(denied)
    ]
    return Table(
        "denials-by-agency",
        say("Denials by agency"),
        say("query.decided, the first of each query, whose outcome is deny; beside it every outcome."),
        (say("Agency"), say("Denied"), say("Asked")),
        tuple(lines),
        charts.bars,
        reading.figures.span(reading.period),
    )


def decisions_over_time(reading: Reading) -> Table:
    """Count first decisions day by day or week by week: denied and permitted."""
    days = reading.figures.by_day(reading.scope, "query.decided", "outcome", reading.period)
    lines = [
        Line(
            part.first.isoformat(),
            tuple(_total(days, part, outcome) for outcome in ("deny", "permit")),
            short=_short(part.first),
        )
        for part in reading.period.slices()
    ]
    return Table(
        "decisions-over-time",
        say("Denied and permitted over time"),
        say("query.decided, the first of each query, by outcome and by the day of its hour (UTC)."),
        (say("Begins on"), say("Denied"), say("Permitted")),
        tuple(lines),
        charts.columns,
        reading.figures.span(reading.period),
    )


def permits_by_purpose(reading: Reading) -> Table:
    """Count queries that were released, by the purpose that the agency stated."""
    counts = reading.total("query.released", "category")
    lines = [
        Line(_words(code), (number,), "/console/ledger?event=query.released")
        for code, number in _largest(counts)
    ]
    rule = say("query.released, the first of each query, by category.")
    return _table(reading, "permits-by-purpose", say("Permits by purpose"), rule, "Purpose", lines)


def permits_by_agency(reading: Reading) -> Table:
    """Count queries that were released, by agency."""
    counts = reading.total("query.released", "agency")
    lines = [
        Line(_name(reading, agency), (number,), f"/console/agencies/{agency}")
        for agency, number in _largest(counts)
    ]
    rule = say("query.released, the first of each query, by agency.")
    return _table(reading, "permits-by-agency", say("Permits by agency"), rule, "Agency", lines)


def first_acts(reading: Reading) -> Table:
    """Tell how long requests waited until somebody of the staff did something about them."""
    return _waits(
        reading,
        "first-acts",
        say("Hours until staff first acted"),
        say("From the hour of query.decided to the first review.asked, .noted, .escalated or .ruled."),
        "first_act",
    )


def first_rulings(reading: Reading) -> Table:
    """Tell how long requests waited until somebody ruled on them."""
    return _waits(
        reading,
        "first-rulings",
        say("Hours until the first ruling"),
        say("From the hour of query.decided to that of the first review.ruled."),
        "first_ruling",
    )


def queue_age(reading: Reading) -> Table:
    """Count the reviews that wait now, by how long they have."""
    waiting, now = reading.desk.oversight.waiting, reading.desk.gate.clock.now()
    counts = waiting.ages(WAITING, now, AGES)
    lines = [
        Line(say(words), (number,), "/console/reviews")
        for words, number in zip(_AGE_WORDS, counts, strict=True)
    ]
    overdue = waiting.overdue(WAITING, now)
    return Table(
        "queue-age",
        say("Age of the queue, %(overdue)s overdue", overdue=overdue),
        say("Reviews that still wait for a person, by when the request came. It stands so now."),
        (say("Waiting for"), say("Reviews")),
        tuple(lines),
        charts.bars,
        None,
    )


MAKERS: Final[Mapping[str, Callable[[Reading], Table]]] = {
    "queue-age": queue_age,
    "denials-by-provision": denials_by_provision,
    "denials-by-agency": denials_by_agency,
    "decisions-over-time": decisions_over_time,
    "permits-by-purpose": permits_by_purpose,
    "permits-by-agency": permits_by_agency,
    "first-acts": first_acts,
    "first-rulings": first_rulings,
}
"""The tables by their names, in the order of the page."""

_HEADS: Final = {
    "Provision": later("Provision"),
    "Purpose": later("Purpose"),
    "Agency": later("Agency"),
}


def _table(reading: Reading, name: str, title: str, rule: str, head: str, lines: Sequence[Line]) -> Table:
    columns = (say(_HEADS[head]), say("Number"))
    span = reading.figures.span(reading.period)
    return Table(name, title, rule, columns, tuple(lines), charts.bars, span)


def _waits(reading: Reading, name: str, title: str, rule: str, facet: str) -> Table:
    lines = []
    for week, counts in _by_week(reading, facet):
        hours = {int(label): number for label, number in counts.items()}
        numbers = quantile(hours, 0.5), quantile(hours, 0.9), sum(hours.values()) or None
        lines.append(Line(week.first.isoformat(), numbers, short=_short(week.first)))
    return Table(
        name,
        title,
        rule,
        (say("Week of"), say("Half took at most"), say("Nine in ten took at most"), say("Requests")),
        tuple(lines),
        _draw_waits,
        reading.figures.span(reading.period),
        say("h"),
    )


def _by_week(reading: Reading, facet: str) -> Iterator[tuple[Period, Mapping[str, int]]]:
    """Yield each week's counts: a whole week is one row a label, the days of a short one are added up."""
    whole = reading.period.whole_weeks()
    weeks = {} if whole is None else reading.figures.by_day(CITY, REVIEWS, facet + WEEK, whole)
    for week in reading.period.weeks():
        if whole is not None and week.days == _WEEK:
            yield week, weeks.get(week.first, {})
        else:
            yield week, reading.figures.sums(CITY, REVIEWS, facet, week)


def _draw_waits(rows: charts.Rows) -> Chart:
    return charts.lines([(label, values[:2]) for label, values in rows])


def _total(days: Mapping[date, Mapping[str, int]], part: Period, label: str) -> int:
    return sum(counts.get(label, 0) for day, counts in days.items() if part.first <= day <= part.last)


def _largest(counts: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _reviewed(catalogue: Catalogue, code: str) -> bool:
    return code in catalogue and catalogue[code].review != "none"


def _name(reading: Reading, agency: str) -> str:
    return reading.names.get(agency, agency)


def _words(code: str) -> str:
    return say(code.replace("_", " "))


def _short(day: date) -> str:
    return format_skeleton("MMMd", day, locale=language())
