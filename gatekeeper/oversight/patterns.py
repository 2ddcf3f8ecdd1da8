"""What an agency does otherwise than it used to, what it had by waiting, whose badges are shared: alerts.

None is a ground to deny.

Compared is the last week, and the last two days, with the agency's own four weeks before, from the figures of
the log, which are counted as entries come: however many officers share a sweep, it is one agency's.
Guarantees: thresholds are the city's (``alerts`` in ``data/city.json``); an alert names the agency and the
ids of its latest queries, never an officer, a word or a plate; what the city lists as quiet hours is in UTC,
as the log's hours are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Protocol

from gatekeeper.errors import KeyErased
from gatekeeper.exchange.badges import KINDS, Impossible, impossible_print, used
from gatekeeper.exchange.interfaces import Marked
from gatekeeper.exchange.rephrased import agency_of, outwaited_print
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.clock import to_ms
from gatekeeper.oversight.figures import FigureStore, total
from gatekeeper.oversight.periods import Period

WEEKS: Final = 4
"""How many earlier weeks are an agency's habit."""
DAYS: Final = 7 * WEEKS
MOST_NAMED: Final = 3
"""Queries that an alert names, the latest."""
MOST_WAITED: Final = 100
MOST_SHARED: Final = 100
"""Of a day; further ones are not counted."""


class Unusual(NamedTuple):
    """An agency that is unlike its own weeks before: how many queries, how many are usual.

    ``day`` is the day (UTC) that they were asked on; None: in the last week.
    """

    agency_id: str
    asked: int
    usual: int
    queries: tuple[str, ...] = ()
    day: date | None = None


class Waited(NamedTuple):
    """An agency that was permitted what it was refused in other words before: how often, and which."""

    agency_id: str
    asked: int
    queries: tuple[str, ...]


class Shared(NamedTuple):
    """An agency whose badges were used as one person cannot use one: in what way, how many, and how often.

    ``queries`` names the latest of each badge.
    """

    kind: Impossible
    agency_id: str
    badges: int
    asked: int
    queries: tuple[str, ...]


class Habits(NamedTuple):
    """What agencies do otherwise than they used to: in a week, on a day, and in the quiet hours."""

    volumes: tuple[Unusual, ...] = ()
    bursts: tuple[Unusual, ...] = ()
    off_hours: tuple[Unusual, ...] = ()


class LatestQueries(Protocol):
    """Names queries. Raises StoreUnavailable."""

    def latest_of(
        self, agency_id: str, since_hour: str, hours: Collection[int], most: int, /
    ) -> Sequence[str]:
        """Return the ids of an agency's latest queries since an hour, of these hours of the day."""


class Marks(Protocol):
    """Finds marks. Raises StoreUnavailable."""

    def marks(self, prints: Sequence[bytes], since_ms: int, until_ms: int, most: int, /) -> Sequence[Marked]:
        """Return the last *most* marks under each fingerprint in that time."""


def volumes(
    recent: Mapping[str, int], before: Mapping[str, int], rule: Mapping[str, Any], parts: int = WEEKS
) -> list[Unusual]:
    """Return the agencies that asked so many times what is usual for them, the most first.

    *rule* has ``times`` and ``at_least``; *before* counts so many times as long (*parts*) as *recent*.
    """
    found = [
        Unusual(agency, asked, round(before.get(agency, 0) / parts))
        for agency, asked in recent.items()
        if asked >= rule["at_least"] and asked * parts >= rule["times"] * before.get(agency, 0)
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


def unusual(figures: FigureStore, queries: LatestQueries, data: Mapping[str, Any], today: date) -> Habits:
    """Return who asked more than usual, and who at other hours, with their latest queries.

    A law that says nothing of alerts has none. Raises StoreUnavailable.
    """
    rules = data["city"].get("alerts")
    if rules is None:
        return Habits()
    week = Period(today - timedelta(days=6), today)
    earlier = Period(today - timedelta(days=6 + DAYS), today - timedelta(days=7))
    recent, before = (_by_hour(figures, period) for period in (week, earlier))

    def named(found: Sequence[Unusual], hours: Collection[int] = range(24)) -> tuple[Unusual, ...]:
        return tuple(_with_latest(queries, each, each.day or week.first, hours) for each in found)

    return Habits(
        named(volumes(_by_agency(recent), _by_agency(before), rules["volume"])),
        named(_bursts(figures, _by_agency(before), rules.get("day"), today)),
        named(off_hours(recent, before, rules["off_hours"]), rules["off_hours"]["hours_utc"]),
    )


def waited(queries: Marks, keys: DayKeys, today: date) -> tuple[Waited, ...]:
    """Return who was permitted what was refused in other words longer ago than the law looks back.

    In the last week, the most first. Days that were purged tell nothing. Raises StoreUnavailable,
    LedgerUnavailable, LedgerCorrupt.
    """
    first = datetime.combine(today - timedelta(days=6), time(), UTC)
    prints = []
    for ago in range(7):
        with suppress(KeyErased):
            prints.append(outwaited_print(keys, today - timedelta(days=ago)))
    found: dict[str, list[str]] = {}
    marks = queries.marks(prints, to_ms(first), to_ms(first + timedelta(days=8)), MOST_WAITED)
    for mark in sorted(marks, key=lambda mark: -mark.at_ms):
        with suppress(KeyErased):
            found.setdefault(agency_of(keys, mark), []).append(mark.query_id)
    told = [Waited(agency, len(ids), tuple(ids[:MOST_NAMED])) for agency, ids in found.items()]
    return tuple(sorted(told, key=lambda each: (-each.asked, each.agency_id)))


def shared(queries: Marks, keys: DayKeys, today: date) -> tuple[Shared, ...]:
    """Return whose badges were used as one person cannot use one, in the last week, the most first.

    A badge counts once a day. Days that were purged tell nothing. Raises StoreUnavailable, LedgerUnavailable,
    LedgerCorrupt.
    """
    first = datetime.combine(today - timedelta(days=6), time(), UTC)
    prints, kinds = [], []
    for ago in range(7):
        for kind in KINDS:
            with suppress(KeyErased):
                prints.append(impossible_print(keys, today - timedelta(days=ago), kind))
                kinds.append(kind)
    found: dict[tuple[Impossible, str], dict[tuple[date, str], list[str]]] = {}
    marks = queries.marks(prints, to_ms(first), to_ms(first + timedelta(days=8)), MOST_SHARED)
    for mark in sorted(marks, key=lambda mark: -mark.at_ms):
        with suppress(KeyErased):
            one = used(keys, mark)
            badges = found.setdefault((kinds[mark.place], one.agency_id), {})
            badges.setdefault(one.badge, []).append(mark.query_id)
    told = [
        Shared(kind, agency, len(badges), sum(map(len, badges.values())), _latest(badges.values()))
        for (kind, agency), badges in found.items()
    ]
    return tuple(sorted(told, key=lambda each: (-each.badges, -each.asked, each.agency_id, each.kind)))


def _latest(badges: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(ids[0] for ids in badges)[:MOST_NAMED]


def _bursts(
    figures: FigureStore, before: Mapping[str, int], rule: Mapping[str, Any] | None, today: date
) -> list[Unusual]:
    """Return who asked so many times their usual day, today or, where that was the more, yesterday."""
    if rule is None:
        return []
    most: dict[str, Unusual] = {}
    for day in (today, today - timedelta(days=1)):
        for each in volumes(_by_agency(_by_hour(figures, Period(day, day))), before, rule, DAYS):
            if each.agency_id not in most or most[each.agency_id].asked < each.asked:
                most[each.agency_id] = each._replace(day=day)
    return sorted(most.values(), key=lambda each: (-each.asked, each.agency_id))


def _with_latest(queries: LatestQueries, each: Unusual, since: date, hours: Collection[int]) -> Unusual:
    latest = queries.latest_of(each.agency_id, f"{since.isoformat()}T00Z", hours, MOST_NAMED)
    return each._replace(queries=tuple(latest))


def _by_hour(figures: FigureStore, period: Period) -> dict[tuple[str, int], int]:
    counts = total(figures, "query.decided", "hour.agency", period)
    return {(label[3:], int(label[:2])): number for label, number in counts.items()}


def _by_agency(counts: Mapping[tuple[str, int], int], hours: Collection[int] = range(24)) -> Counter[str]:
    found = Counter[str]()
    for (agency, hour), number in counts.items():
        if hour in hours:
            found[agency] += number
    return found
