"""Figures of the log: its public entries, counted once each and kept beside it.

``counts_of`` says what an entry counts for; ``fold`` takes the next entries of the log into the table. Only
what an entry says in clear is read, so an outsider who holds the entries can count the same, and what was
erased changes nothing. Guarantees: the table always holds exactly the entries before its mark, however often
and by however many processes it is folded and whenever one is killed (mark and counts are one commit, which
fails if the mark moved); when the rules change, or the log is shorter than the mark, it is counted anew.

A query counts once, as it was first decided (a further page and a repeated request are decided and logged
again); a permit is the first release of a query.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from gatekeeper.errors import GatekeeperError, LedgerCorrupt
from gatekeeper.ledger import Head, StoredEntry
from gatekeeper.oversight.periods import Period

RULES: Final = 3
"""Raised with each change of what is counted: the table is then made anew."""

STEP: Final = 500
"""Entries that one commit counts: a few hundredths of a second, of which the log waits some thousandths."""

CITY: Final = ""
"""The scope that counts every agency; any other scope is one agency's."""

WEEK: Final = ".week"
"""After a facet of the city's: the same by the Monday of its week, so that a year is 52 rows and not 365."""

REVIEWS: Final = "review.*"
"""Stands for any act of staff on a request, where the hours that it took are counted."""

ACTS: Final = frozenset({"review.asked", "review.noted", "review.escalated", "review.ruled"})
"""What staff do about a request. To take it on is none yet, and ``review.withdrawn`` is the agency's too."""
_TOLD_BY: Final = {
    "query.previewed": "outcome",
    "query.refused": "reason",
    "review.ruled": "ruling",
    "stop.set": "scope",
}
EVERY_SECONDS: Final = 5.0
_DAY: Final = timedelta(days=1)


class Key(NamedTuple):
    """What is counted: in whose scope, of which event, by what of it, on which day, and its word for it."""

    scope: str
    event: str
    facet: str
    day: date
    label: str


class Mark(Protocol):
    """How far the table has come: every entry before ``upto``, by these rules."""

    @property
    def upto(self) -> int: ...
    @property
    def rules(self) -> int: ...


@dataclass(slots=True)
class Counted:
    """What some entries count up to."""

    counts: Counter[Key] = field(default_factory=Counter)
    days: dict[date, tuple[int, int]] = field(default_factory=dict)
    """The first and the last entry of each day."""
    released: list[tuple[int, date, str, str]] = field(default_factory=list)
    """The first release of each query: index, day, agency, category. Samples are drawn from them."""


class FigureStore(Protocol):
    """Keeps the table. Each method raises StoreUnavailable, nothing else."""

    def mark(self) -> Mark:
        """Return how far the table has come."""

    def add(self, mark: Mark, upto: int, counted: Counted, /) -> bool:
        """Add in one commit and move the mark; False, and nothing added, if the mark is another by now."""

    def begin_again(self, mark: Mark, rules: int, /) -> bool:
        """Empty the table, to be counted by other rules; False if the mark is another by now."""

    def firsts(self, refs: Sequence[str], before: int, /) -> dict[tuple[str, str], int]:
        """Return the first entry before that index for each ref and event."""

    def sums(self, scope: str, event: str, facet: str, period: Period, /) -> dict[str, int]:
        """Return the count of each label over a period."""

    def by_day(self, scope: str, event: str, facet: str, period: Period, /) -> dict[date, dict[str, int]]:
        """Return the count of each label on each day that has any."""

    def by_scope(
        self, scopes: Sequence[str], event: str, facet: str, label: str, period: Period, /
    ) -> dict[tuple[str, date], int]:
        """Return the count of one label in each of these scopes on each day that has any."""

    def span(self, period: Period, /) -> tuple[int, int] | None:
        """Return the first and the last counted entry of a period, or None if it has none."""

    def population(self, period: Period, agency_id: str | None, category: str | None, /) -> list[int]:
        """Return the index of each query's first release in the period, in order."""


class Log(Protocol):
    """Reads the log. Each method raises LedgerUnavailable."""

    def head(self) -> Head:
        """Return the committed head."""

    def entry(self, index: int, /) -> StoredEntry | None:
        """Return one entry, or None."""

    def entries(self, start: int, stop: int, /) -> Iterator[StoredEntry]:
        """Yield entries by index, as many as there are."""


def fold(store: FigureStore, log: Log, most: int = STEP) -> int:
    """Count the next entries; return how many are still to be counted.

    Raises StoreUnavailable, LedgerUnavailable, and LedgerCorrupt for an entry that cannot be one of ours.
    """
    mark, size = store.mark(), log.head().size
    if mark.rules != RULES or mark.upto > size:
        store.begin_again(mark, RULES)
        return size
    entries = list(log.entries(mark.upto, min(size, mark.upto + most)))
    if not entries:
        return 0
    if [entry.index for entry in entries] != list(range(mark.upto, mark.upto + len(entries))):
        raise LedgerCorrupt(f"entries are missing after entry {mark.upto}")
    firsts = store.firsts(sorted({entry.ref for entry in entries}), mark.upto)
    upto = mark.upto + len(entries)
    store.add(mark, upto, counts_of(entries, firsts, lambda index: _hour_at(log, index)))
    return size - upto


class Folding:
    """Folds from a thread of its own, a step at a time, so that no query waits for figures."""

    def __init__(self, store: FigureStore, log: Log) -> None:
        self._store, self._log = store, log
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the present step."""
        self._ended.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            try:
                # Between two steps as long again as a step takes: the log's writers come first.
                pause = 0.05 if fold(self._store, self._log) else EVERY_SECONDS
            except GatekeeperError:  # the dashboard says that the figures stand still
                pause = EVERY_SECONDS


def counts_of(
    entries: Iterable[StoredEntry],
    firsts: Mapping[tuple[str, str], int],
    hour_at: Callable[[int], datetime],
) -> Counted:
    """Return what the entries count up to. *firsts* tells of every ref among them what came before.

    Raises LedgerCorrupt for an entry that cannot be one of ours.
    """
    counted, seen, hours = Counted(), dict(firsts), dict[int, datetime]()
    for entry in entries:
        try:
            document = json.loads(entry.entry)
            hours[entry.index] = hour = _hour(document)
            seen.setdefault((entry.ref, entry.event), entry.index)
            found = [("entry", "", 1), *_facets(entry, document, seen)]
            waited = [*_waited(entry, seen, hour, lambda index: hours.get(index) or hour_at(index))]
            agency = document.get("agency")
            for scope in (CITY, agency) if agency else (CITY,):
                for facet, label, number in found:
                    if scope == CITY or not facet.endswith("agency"):
                        _add(counted, Key(scope, entry.event, facet, hour.date(), label), number)
                for facet, label in waited:
                    _add(counted, Key(scope, REVIEWS, facet, hour.date(), label), 1)
            _keep(counted, entry, document, hour.date(), first=seen[entry.ref, entry.event] == entry.index)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            raise LedgerCorrupt(f"entry {entry.index} cannot be counted: it is none of ours") from None
    return counted


def total(store: FigureStore, event: str, facet: str, period: Period, scope: str = CITY) -> dict[str, int]:
    """Return the count of each label over a period: of the city's whole weeks by the week."""
    whole = period.whole_weeks() if scope == CITY else None
    if whole is None:
        return store.sums(scope, event, facet, period)
    counts = Counter(store.sums(scope, event, facet + WEEK, whole))
    if period.first < whole.first:
        counts.update(store.sums(scope, event, facet, Period(period.first, whole.first - _DAY)))
    if whole.last < period.last:
        counts.update(store.sums(scope, event, facet, Period(whole.last + _DAY, period.last)))
    return dict(counts)


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """Return the smallest value that at least this share of what was counted does not exceed, or None."""
    reached, needed = 0, share * sum(counts.values())
    for value in sorted(counts):
        reached += counts[value]
        if counts[value] and reached >= needed:
            return value
    return None


def _add(counted: Counted, key: Key, number: int) -> None:
    counted.counts[key] += number
    if key.scope == CITY:
        monday = key.day - timedelta(days=key.day.weekday())
        counted.counts[key._replace(facet=key.facet + WEEK, day=monday)] += number


def _facets(
    entry: StoredEntry, document: Mapping[str, Any], seen: Mapping[tuple[str, str], int]
) -> Iterator[tuple[str, str, int]]:
    first = seen[entry.ref, entry.event] == entry.index
    match entry.event:
        case "query.decided" if first:
            outcome = document["outcome"]
            yield from _each("outcome", outcome)
            yield from _each(f"{outcome}.category", document["category"])
            yield from _each(f"{outcome}.agency", document["agency"])
            yield from _each("provision", *document["provisions"])
        case "query.decided":
            yield from _each("again", document["outcome"])
        case "query.released" if first:
            yield from _each("category", document["category"])
            yield from _each("agency", document["agency"])
            yield from _each("band", document["count_band"])
        case "query.refused" if "reasons" in document:
            yield from (("unauthenticated", reason, number) for reason, number in document["reasons"].items())
        case "query.refused" if "over" in document:
            yield from (("over_quota", limit, number) for limit, number in document["over"].items())
        case event if event in _TOLD_BY:
            yield from _each(_TOLD_BY[event], document[_TOLD_BY[event]])


def _each(facet: str, *labels: str) -> Iterator[tuple[str, str, int]]:
    return ((facet, label, 1) for label in labels)


def _waited(
    entry: StoredEntry,
    seen: Mapping[tuple[str, str], int],
    hour: datetime,
    hour_at: Callable[[int], datetime],
) -> Iterator[tuple[str, str]]:
    """Yield the hours from the first decision to this act, if it is the first of its sort on the request."""
    asked = seen.get((entry.ref, "query.decided"))
    if asked is None or entry.event not in ACTS:
        return
    earlier = [index for (ref, event), index in seen.items() if ref == entry.ref and event in ACTS]
    hours = f"{int((hour - hour_at(asked)).total_seconds()) // 3600:06d}"
    if min(earlier) == entry.index:
        yield "first_act", hours
    if entry.event == "review.ruled" and seen[entry.ref, entry.event] == entry.index:
        yield "first_ruling", hours


def _keep(
    counted: Counted, entry: StoredEntry, document: Mapping[str, Any], day: date, *, first: bool
) -> None:
    begins, _ = counted.days.get(day, (entry.index, entry.index))
    counted.days[day] = begins, entry.index
    if first and entry.event == "query.released":
        counted.released.append((entry.index, day, document["agency"], document["category"]))


def _hour(document: Mapping[str, Any]) -> datetime:
    return datetime.strptime(document["hour"], "%Y-%m-%dT%HZ")  # noqa: DTZ007  compared with its like alone


def _hour_at(log: Log, index: int) -> datetime:
    found = log.entry(index)
    if found is None:
        raise LedgerCorrupt(f"entry {index} is missing")
    return _hour(json.loads(found.entry))
