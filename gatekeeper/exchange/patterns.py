"""What others asked before, and how much: facts over time for the policy, no judgement.

One question is like another. That it was refused a moment ago for other words (see ``rephrased``), that it is
the fiftieth plate of the day, or the third look at who comes to a clinic, only its neighbours tell.
Guarantees: of what was refused, and of sensitive places, two that are asked at once see each other
(``Patterns.unseen`` and ``overtaken``, under the log's lock), while of a sweep as many more may pass as are
asked at the same moment; marks are HMACs under the key of their day, so a purged day takes them with it; what
could not be read is an error, never "none".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from gatekeeper.errors import KeyErased
from gatekeeper.exchange.fingerprints import officer_print, plain, target_print
from gatekeeper.exchange.history import DAYS
from gatekeeper.exchange.interfaces import Marked, Queries
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.rephrased import (
    AT_ONCE,
    LOOK_BACK,
    Earlier,
    Question,
    outwaited,
    outwaited_print,
    question_of,
    refusal_prints,
    refused_by,
    said_by,
    seal_agency,
    seal_refusal,
    tells,
)
from gatekeeper.ledger import DayKeys, Insert, Json, Ledger, Transaction
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.clock import to_ms

MOST_REFUSALS: Final = 10
"""Of further ones the policy is told that there are more."""
MOST_COUNTED: Final = 101
"""Under one fingerprint; the city's own limits are below it."""
_MINUTE: Final = timedelta(minutes=1)
_DECISIONS: Final = frozenset({"query.decided", "query.previewed"})
_STANDING: Final = "agency_standing"
"""The provision that an agency which is suspended, or not of a kind that the city shares with, fails."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """What is on record around a query, itself counted in.

    ``targets``: how many plates and places the officer asked about, this hour and today. ``days_by_agency``:
    on how many of the last 30 days the agency asked about this one, by whichever officer. ``places``: the
    kinds of sensitive place that the query looks at; if any, ``at_places`` says how often the officer and
    the agency have looked at one in the last 30 days. What follows them is for the log alone: what was asked
    of the store, and which queries it named.
    """

    refused: tuple[Earlier, ...] = ()
    more_refusals: bool = False
    targets_this_hour: int = 1
    targets_today: int = 1
    days_by_agency: int = 1
    places: tuple[str, ...] = ()
    at_places: tuple[int, int] = (0, 0)
    question: Question | None = None
    seen: frozenset[str] = frozenset()
    looked: Question | None = None
    looked_seen: frozenset[str] = frozenset()

    def facts(self, now: Mapping[str, Any]) -> dict[str, Json]:
        """Return ``input.patterns``, given the other facts of the query. Raises LedgerCorrupt."""
        officer, agency = self.at_places
        return {
            "refused_before": [one.against(now) for one in self.refused],
            "more_refusals": self.more_refusals,
            "targets_this_hour": self.targets_this_hour,
            "targets_today": self.targets_today,
            "days_by_agency": self.days_by_agency,
            "sensitive_places": [*self.places],
            "sensitive_by_officer": officer,
            "sensitive_by_agency": agency,
        }

    def unseen(self, transaction: Transaction, query_id: str) -> bool:
        """Say whether another query was refused that this one's decision did not know of.

        Raises LedgerUnavailable.
        """
        return _more(self.question, self.seen, MOST_REFUSALS + 1, transaction, query_id)

    def overtaken(self, transaction: Transaction, query_id: str) -> bool:
        """Say whether another looked at a sensitive place that this one's decision did not count.

        Raises LedgerUnavailable.
        """
        return _more(self.looked, self.looked_seen, MOST_COUNTED, transaction, query_id)


def _more(
    asked: Question | None, seen: frozenset[str], most: int, transaction: Transaction, query_id: str
) -> bool:
    if asked is None:
        return False
    return not transaction.marked(asked.prints, asked.since_ms, asked.until_ms, most) - {query_id} <= seen


ALONE: Final = Patterns()
"""The patterns of a query that stands alone."""


def patterns(
    queries: Queries,
    keys: DayKeys,
    data: Mapping[str, Json],
    *,
    agencies: Iterable[str],
    query: Query,
    at: datetime,
    query_id: str,
    began: datetime,
) -> Patterns:
    """Gather what is on record around a query; the first of *agencies* is the one that asks.

    *began* is when it was first asked: waiting makes no new question of it. Raises StoreUnavailable,
    LedgerUnavailable, LedgerCorrupt.
    """
    parties = tuple(dict.fromkeys(agencies))
    question = question_of(keys, parties, query, began)
    found = queries.marks(question.prints, question.since_ms, question.until_ms, MOST_REFUSALS + 1)
    latest: dict[str, Marked] = {}
    for one in sorted(found, key=lambda one: (-one.at_ms, one.query_id)):
        if one.query_id != query_id:
            latest.setdefault(one.query_id, one)
    newest = list(latest.values())
    refused = (refused_by(keys, one, began) for one in newest[:MOST_REFUSALS])
    within = _within_ms(data)
    this_hour, today, days = _targets(queries, keys, parties[0], query, at)
    counted = Patterns(
        refused=tuple(one for one in refused if one is not None),
        more_refusals=sum(to_ms(began) - one.at_ms <= within for one in newest) > MOST_REFUSALS,
        targets_this_hour=this_hour,
        targets_today=today,
        days_by_agency=days,
        question=question,
        seen=frozenset(latest),
    )
    places = places_of(data, query.cameras)
    return _looked(counted, queries, keys, parties, query, at, query_id, places) if places else counted


def left(  # noqa: PLR0913  what a mark is made of
    keys: DayKeys,
    data: Mapping[str, Json],
    *,
    agencies: Iterable[str],
    query: Query,
    at: datetime,
    query_id: str,
    facts: Mapping[str, Any],
    unmet: Sequence[str],
    first: bool,
    dry_run: bool,
) -> list[Insert]:
    """Return the marks that a decision leaves for later ones, and for staff.

    A refusal that the law's own lists make no matter of (a formality, a stop of sharing) leaves none, or so
    many of them would hide the one that matters. Whoever asks may name any other agency as the one it asks
    for: against that one counts no refusal of an agency out of standing, and no look that gave it nothing, or
    anybody could shut it out. Raises KeyErased, LedgerUnavailable.
    """
    parties, day = tuple(dict.fromkeys(agencies)), at.date()
    own = parties[:1]
    made = {"at_ms": to_ms(at), "query_id": query_id, "day": day}
    rows = []
    if tells(data, facts, unmet):
        box = seal_refusal(keys, day, query_id, unmet, said_by(facts))
        told = own if _STANDING in unmet else parties
        prints = dict.fromkeys(refusal_prints(keys, day, told, query))
        rows += [Insert("marks", {"mark_fp": one, "box": box, **made}) for one in prints]
    if first and places_of(data, query.cameras):
        looked = own if unmet or dry_run else parties
        prints = dict.fromkeys(_place_prints(keys, day, looked, query))
        rows += [Insert("marks", {"mark_fp": one, **made}) for one in prints]
    if first and not dry_run and not unmet and outwaited(data, facts):
        box = seal_agency(keys, day, query_id, parties[0])
        rows.append(Insert("marks", {"mark_fp": outwaited_print(keys, day), "box": box, **made}))
    return rows


def places_of(data: Mapping[str, Any], cameras: Sequence[str]) -> tuple[str, ...]:
    """Return the kinds of sensitive place at which one of these cameras stands, as the city lists them."""
    listed = data["city"].get("sensitive_places", {}).get("cameras", {})
    asked = set(cameras)
    return tuple(sorted(kind for kind, at in listed.items() if not asked.isdisjoint(at)))


def first_asked(ledger: Ledger, query_id: str) -> datetime | None:
    """Return when a query was first decided, or None if that was erased.

    Raises LedgerUnavailable, LedgerCorrupt.
    """
    for entry in ledger.entries_of(query_id):
        if entry.event in _DECISIONS:
            try:
                return datetime.fromisoformat(str(ledger.opened(entry).openings["at"]["value"]))
            except KeyErased:
                return None
    return None


# --- Counts. ----------------------------------------------------------------------------------------------


def _targets(
    queries: Queries, keys: DayKeys, agency_id: str, query: Query, at: datetime
) -> tuple[int, int, int]:
    """Count the officer's targets this hour and today, and the days on which the agency asked about this."""
    day, hour = at.date(), at.strftime("%Y-%m-%dT%HZ")
    officer = officer_print(keys, day, agency_id=agency_id, badge=query.requester.badge)
    target = target_print(keys, day, plate=query.plate, cameras=query.cameras)
    before: list[bytes] = []
    for ago in range(1, DAYS):
        with suppress(KeyErased):  # that day was purged, or nothing was asked on it
            earlier = day - timedelta(days=ago)
            before.append(target_print(keys, earlier, plate=query.plate, cameras=query.cameras))
    found = queries.swept(officer, target, hour, agency_id, before)
    new_today, new_this_hour = found.last_hour is None, found.last_hour is None or found.last_hour < hour
    return found.this_hour + new_this_hour, found.today + new_today, found.days_before + 1


def _within_ms(data: Mapping[str, Any]) -> int:
    """Return how long the law's own text looks back; without one, nothing is beyond it."""
    minutes = data["city"].get("rephrasing", {}).get("within_minutes", LOOK_BACK // _MINUTE)
    return int(minutes) * 60_000 + 59_999


def _looked(  # noqa: PLR0917  what a look is counted by
    counted: Patterns,
    queries: Queries,
    keys: DayKeys,
    parties: Sequence[str],
    query: Query,
    at: datetime,
    query_id: str,
    places: tuple[str, ...],
) -> Patterns:
    """Count the looks of the officer and of each agency at sensitive places, this one among them."""
    prints: list[bytes] = []
    for ago in range(-1, DAYS):
        day = at.date() - timedelta(days=ago)
        if ago < 0 and (at + AT_ONCE).date() != day:
            continue
        with suppress(KeyErased):
            prints += _place_prints(keys, day, parties, query)
    since, until, width = to_ms(at - AT_ONCE), to_ms(at + AT_ONCE), 1 + len(parties)
    looked = Question(tuple(prints[: 3 * width]), since, until)
    # Seen before counted: who came in between is counted, and only makes the log ask again.
    seen = queries.marks(looked.prints, since, until, MOST_COUNTED)
    found = queries.counted(prints, until, query_id, MOST_COUNTED)
    officer, *agencies = (min(1 + sum(found[place::width]), MOST_COUNTED) for place in range(width))
    return replace(
        counted,
        places=places,
        at_places=(officer, max(agencies)),
        looked=looked,
        looked_seen=frozenset(one.query_id for one in seen),
    )


def _place_prints(keys: DayKeys, day: date, parties: Sequence[str], query: Query) -> list[bytes]:
    """Return the day's fingerprints of the officer and of each agency, in this order."""
    officer = plain(query.requester.badge) or plain(query.requester.name)
    who = [[parties[0], officer], *([party] for party in parties)]
    return [keys.fingerprint(day, "place", canonical(one)) for one in who]
