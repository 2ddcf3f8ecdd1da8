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
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from gatekeeper.errors import KeyErased
from gatekeeper.exchange.fingerprints import who
from gatekeeper.exchange.interfaces import Marked, Neighbours
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.presence import ONCE, Presence, presence
from gatekeeper.exchange.questions import MarkQuestion, Questions
from gatekeeper.exchange.rephrased import (
    LOOK_BACK,
    Earlier,
    outwaited,
    outwaited_print,
    refusal_prints,
    refused_by,
    said_by,
    seal_agency,
    seal_refusal,
    tells,
)
from gatekeeper.ledger import DayKeys, Insert, Json, Ledger, StoredEntry, Transaction
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.clock import to_ms

MOST_REFUSALS: Final = 10
"""Of further ones the policy is told that there are more."""
MOST_COUNTED: Final = 101
"""Under one fingerprint; the city's own limits are below it."""
_MINUTE: Final = timedelta(minutes=1)
_PLACE: Final = "place"
_DECISIONS: Final = frozenset({"query.decided", "query.previewed"})
_STANDING: Final = "agency_standing"
"""The provision that an agency which is suspended, or not of a kind that the city shares with, fails."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """What is on record around a query, itself counted in.

    ``presence``: what the officer does on this day. ``places``: the kinds of sensitive place that the query
    looks at; if any, ``at_places`` says how often the officer and the agency have looked at one in the last
    30 days. What follows them is for the log alone: what was asked of the store, and which queries it named.
    """

    refused: tuple[Earlier, ...] = ()
    more_refusals: bool = False
    presence: Presence = ONCE
    places: tuple[str, ...] = ()
    at_places: tuple[int, int] = (0, 0)
    question: MarkQuestion | None = None
    seen: frozenset[str] = frozenset()
    looked: MarkQuestion | None = None
    looked_seen: frozenset[str] = frozenset()

    def facts(self, now: Mapping[str, Any]) -> dict[str, Json]:
        """Return ``input.patterns``, given the other facts of the query. Raises LedgerCorrupt."""
        officer, agency = self.at_places
        return {
            "refused_before": [one.against(now) for one in self.refused],
            "more_refusals": self.more_refusals,
            "targets_this_hour": self.presence.targets_this_hour,
            "targets_today": self.presence.targets_today,
            "days_by_agency": self.presence.days_by_agency,
            "sensitive_places": [*self.places],
            "sensitive_by_officer": officer,
            "sensitive_by_agency": agency,
        }

    def unseen(self, transaction: Transaction, query_id: str) -> bool:
        """Say whether another query was refused that this one's decision did not know of.

        Raises LedgerUnavailable.
        """
        return _more(self.question, self.seen, transaction, query_id)

    def overtaken(self, transaction: Transaction, query_id: str) -> bool:
        """Say whether another looked at a sensitive place that this one's decision did not count.

        Raises LedgerUnavailable.
        """
        return _more(self.looked, self.looked_seen, transaction, query_id)


def _more(asked: MarkQuestion | None, seen: frozenset[str], transaction: Transaction, query_id: str) -> bool:
    if asked is None:
        return False
    found = transaction.marked(asked.prints, asked.since_ms, asked.until_ms, asked.most)
    return not found - {query_id} <= seen


ALONE: Final = Patterns()
"""The patterns of a query that stands alone."""


def patterns(
    keys: DayKeys,
    data: Mapping[str, Json],
    asked: Questions,
    found: Neighbours,
    *,
    places: tuple[str, ...],
    query_id: str,
    began: datetime,
) -> Patterns:
    """Return what the answers come to; *places* are the kinds of sensitive place that the query looks at.

    Raises LedgerUnavailable, LedgerCorrupt.
    """
    latest: dict[str, Marked] = {}
    for one in sorted(found.marks, key=lambda one: (-one.at_ms, one.query_id)):
        if one.query_id != query_id:
            latest.setdefault(one.query_id, one)
    newest = list(latest.values())
    refused = (refused_by(keys, one, began) for one in newest[:MOST_REFUSALS])
    within = _within_ms(data)
    counted = Patterns(
        refused=tuple(one for one in refused if one is not None),
        more_refusals=sum(to_ms(began) - one.at_ms <= within for one in newest) > MOST_REFUSALS,
        presence=presence(found.day, asked.day.hour),
        question=asked.marks,
        seen=frozenset(latest),
    )
    if asked.looks is None:
        return counted
    officer, *agency = (min(1 + number, MOST_COUNTED) for number in found.looks.counts)
    return replace(
        counted,
        places=places,
        at_places=(officer, max(agency)),
        looked=asked.looks.latest,
        looked_seen=found.looks.seen,
    )


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
        prints = dict.fromkeys(keys.fingerprints(day, look_values(looked, query)))
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


def first_asked(ledger: Ledger, entries: Iterable[StoredEntry]) -> datetime | None:
    """Return when the query of these entries was first decided, or None if that was erased.

    Raises LedgerCorrupt.
    """
    for entry in entries:
        if entry.event in _DECISIONS:
            try:
                return datetime.fromisoformat(str(ledger.opened(entry).openings["at"]["value"]))
            except KeyErased:
                return None
    return None


# --- Counts. ----------------------------------------------------------------------------------------------


def _within_ms(data: Mapping[str, Any]) -> int:
    """Return how long the law's own text looks back; without one, nothing is beyond it."""
    minutes = data["city"].get("rephrasing", {}).get("within_minutes", LOOK_BACK // _MINUTE)
    return int(minutes) * 60_000 + 59_999


def look_values(parties: Sequence[str], query: Query) -> list[tuple[str, bytes]]:
    """Return what tells the officer and each agency from others, in this order: for ``each_day``."""
    officer = who(query.requester.badge, query.requester.name)
    return [(_PLACE, canonical(one)) for one in ([parties[0], officer], *([party] for party in parties))]
