"""What others asked before, and how much: facts over time for the policy, no judgement.

One question is like another. That it was refused a moment ago for other words, that it is the fiftieth plate
of the day, or the third look at who comes to a clinic, only its neighbours tell.
Guarantees: a refusal is known to the whole agency (and to the one that is asked for), whichever client and
badge asked, whether it was a dry run, and whatever part of a place query is asked about again; two that are
asked at once see each other (``Patterns.unseen``, under the log's lock); marks are HMACs under the key of
their day, so a purged day takes them with it; what could not be read is an error, never "none".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol

from gatekeeper.errors import KeyErased, LedgerCorrupt
from gatekeeper.exchange.fingerprints import officer_print, plain, target_print
from gatekeeper.exchange.history import DAYS
from gatekeeper.exchange.interfaces import Marked, Queries
from gatekeeper.exchange.parse import Query
from gatekeeper.ledger import DayKeys, Insert, Json, Ledger, Transaction
from gatekeeper.ledger.canonical import canonical, decoded
from gatekeeper.ledger.clock import from_ms, to_ms

LOOK_BACK: Final = timedelta(hours=2)
"""The city's own time (``rephrasing.within_minutes``) is at most this."""
AT_ONCE: Final = timedelta(minutes=1)
"""What is refused this soon afterwards was asked at the same time: clocks differ, twins pass each other."""
MOST_REFUSALS: Final = 10
"""Of further ones the policy is told that there are more."""
MOST_COUNTED: Final = 101
"""Under one fingerprint; the city's own limits are below it."""
_MARK: Final = "mark"
_DECISIONS: Final = frozenset({"query.decided", "query.previewed"})
_ALIKE: Final = str.maketrans("OI", "01")
"""What readers of plates take for each other."""


class Earlier(Protocol):
    """An earlier query about the same target, which was refused."""

    @property
    def query_id(self) -> str:
        """Which one; for staff alone."""

    def against(self, now: Mapping[str, Any]) -> dict[str, Json]:
        """Return what the policy is told of it, given the facts of the present one."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal as its mark has it: what it was refused for, and what of it can be taken back."""

    query_id: str
    minutes_ago: int
    provisions: tuple[str, ...]
    said: Mapping[str, Any]

    def against(self, now: Mapping[str, Any]) -> dict[str, Json]:
        """Compare by what was said then and is not said now. Raises LedgerCorrupt."""
        try:
            gone = set(self.said["words"]["classes"]) - set(now["words"]["classes"])
            return {
                "minutes_ago": self.minutes_ago,
                "provisions": [*self.provisions],
                "category": self.said["purpose"]["category"],
                "classes_gone": [*sorted(gone)],
                "taken_back": [part for part, back in PARTS.items() if back(self.said, now)],
            }
        except (KeyError, TypeError, AttributeError):
            raise LedgerCorrupt("an earlier refusal does not have its shape") from None


def said_by(facts: Mapping[str, Any]) -> dict[str, Json]:
    """Return what of a request's facts a later one is compared with."""
    return {
        "purpose": {n: facts["purpose"][n] for n in ("category", "offense", "statute", "earlier_offenses")},
        "words": {
            "classes": facts["words"]["classes"],
            "narrative": {"means": facts["words"]["narrative"]["means"]},
        },
        "legal_process": _only(facts["legal_process"], "kind", "earlier_kinds", "form_numbers"),
        "on_behalf_of": _only(facts["on_behalf_of"], "agency", "component"),
        "end_requester": _only(facts["end_requester"], "known"),
    }


def _only(part: Mapping[str, Any] | None, *names: str) -> dict[str, Json] | None:
    return None if part is None else {name: part[name] for name in names}


@dataclass(frozen=True, slots=True)
class Question:
    """Under which marks, and when, a refusal concerns a query."""

    prints: tuple[bytes, ...]
    since_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Patterns:
    """What is on record around a query, itself counted in.

    ``targets``: how many plates and places the officer asked about, this hour and today. ``places``: the
    kinds of sensitive place that the query looks at; if any, ``at_places`` says how often the officer and
    the agency have looked at one in the last 30 days. ``question`` and ``seen`` are for the log alone.
    """

    refused: tuple[Earlier, ...] = ()
    more_refusals: bool = False
    targets_this_hour: int = 1
    targets_today: int = 1
    places: tuple[str, ...] = ()
    at_places: tuple[int, int] = (0, 0)
    question: Question | None = None
    seen: frozenset[str] = frozenset()

    def facts(self, now: Mapping[str, Any]) -> dict[str, Json]:
        """Return ``input.patterns``, given the other facts of the query. Raises LedgerCorrupt."""
        officer, agency = self.at_places
        return {
            "refused_before": [one.against(now) for one in self.refused],
            "more_refusals": self.more_refusals,
            "targets_this_hour": self.targets_this_hour,
            "targets_today": self.targets_today,
            "sensitive_places": [*self.places],
            "sensitive_by_officer": officer,
            "sensitive_by_agency": agency,
        }

    def unseen(self, transaction: Transaction, query_id: str) -> bool:
        """Say whether another query was refused that this one's decision did not know of.

        Raises LedgerUnavailable.
        """
        if self.question is None:
            return False
        asked = self.question
        found = transaction.marked(asked.prints, asked.since_ms, asked.until_ms, MOST_REFUSALS + 1)
        return not found - {query_id} <= self.seen


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
    question = _question(keys, parties, query, began)
    found = queries.marks(question.prints, question.since_ms, question.until_ms, MOST_REFUSALS + 1)
    latest: dict[str, Marked] = {}
    for one in sorted(found, key=lambda one: (-one.at_ms, one.query_id)):
        if one.query_id != query_id:
            latest.setdefault(one.query_id, one)
    newest = list(latest.values())
    refused = (_refused(keys, one, began) for one in newest[:MOST_REFUSALS])
    places = places_of(data, query.cameras)
    this_hour, today = _targets(queries, keys, parties[0], query, at)
    return Patterns(
        refused=tuple(one for one in refused if one is not None),
        more_refusals=len(newest) > MOST_REFUSALS,
        targets_this_hour=this_hour,
        targets_today=today,
        places=places,
        at_places=_at_places(queries, keys, parties[0], query, at, query_id) if places else (0, 0),
        question=question,
        seen=frozenset(latest),
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
) -> list[Insert]:
    """Return the marks that a decision leaves for later ones.

    A refusal that the law's own lists make no matter of (a formality, a stop of sharing) leaves none, or so
    many of them would hide the one that matters. Raises KeyErased, LedgerUnavailable.
    """
    parties, day = tuple(dict.fromkeys(agencies)), at.date()
    made = {"at_ms": to_ms(at), "query_id": query_id, "day": day}
    rows = []
    if tells(data, facts, unmet):
        plain_text = canonical({"provisions": [*unmet], "said": said_by(facts)})
        box = keys.seal(day, query_id, _MARK, plain_text)
        prints = dict.fromkeys(_refusal_prints(keys, day, parties, query))
        rows += [Insert("marks", {"mark_fp": one, "box": box, **made}) for one in prints]
    if first and places_of(data, query.cameras):
        prints = dict.fromkeys(_place_prints(keys, day, parties[0], query))
        rows += [Insert("marks", {"mark_fp": one, **made}) for one in prints]
    return rows


def tells(data: Mapping[str, Any], facts: Mapping[str, Any], unmet: Iterable[str]) -> bool:
    """Say whether a later request could take back what this one was refused for, by the law's own lists."""
    listed = data["city"].get("rephrasing")
    unmet = frozenset(unmet)
    if listed is None or not unmet:
        return False
    of_use = listed["provisions"].keys() | {"rephrased_request"}
    return not (unmet.isdisjoint(of_use) and set(facts["words"]["classes"]).isdisjoint(listed["classes"]))


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


# --- Refusals. --------------------------------------------------------------------------------------------


def _question(keys: DayKeys, parties: Sequence[str], query: Query, began: datetime) -> Question:
    since, until = began - LOOK_BACK, began + AT_ONCE
    prints: list[bytes] = []
    for day in dict.fromkeys((since.date(), began.date(), until.date())):
        with suppress(KeyErased):  # that day was purged, or nothing was asked on it
            prints += _refusal_prints(keys, day, parties, query)
    return Question(tuple(dict.fromkeys(prints)), to_ms(since), to_ms(until))


def _refusal_prints(keys: DayKeys, day: date, parties: Iterable[str], query: Query) -> list[bytes]:
    """Return a fingerprint for each part of the target and each agency: a part asked about again is known."""
    plate = query.plate
    parts = [["plate", plate.translate(_ALIKE)]] if plate is not None else [["at", c] for c in query.cameras]
    return [keys.fingerprint(day, "refused", canonical([who, *part])) for who in parties for part in parts]


def _refused(keys: DayKeys, mark: Marked, began: datetime) -> Refused | None:
    """Return the refusal that left a mark; None if its day has been erased since."""
    if mark.box is None:
        raise LedgerCorrupt("a refusal that does not say what it was for")
    try:
        document: Any = decoded(keys.open(from_ms(mark.at_ms).date(), mark.query_id, _MARK, mark.box))
        provisions, said = tuple(map(str, document["provisions"])), document["said"]
    except KeyErased:
        return None
    except (ValueError, KeyError, TypeError):
        raise LedgerCorrupt("an earlier refusal does not have its shape") from None
    return Refused(mark.query_id, max(0, to_ms(began) - mark.at_ms) // 60_000, provisions, said)


def _category(said: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return bool(said["purpose"]["category"] != now["purpose"]["category"])


def _offense(said: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    named = {said["purpose"]["offense"], *said["purpose"]["earlier_offenses"]} - {None}
    return not named <= {now["purpose"]["offense"], *now["purpose"]["earlier_offenses"]}


def _statute(said: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    then = plain(said["purpose"]["statute"] or "")
    return then not in {"", plain(now["purpose"]["statute"] or "")}


def _paper(said: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return not _shown(said["legal_process"]) <= _shown(now["legal_process"])


def _shown(paper: Mapping[str, Any] | None) -> set[str]:
    if paper is None:
        return set()
    return {paper["kind"], *paper["earlier_kinds"], *paper["form_numbers"]}


def _requester(said: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    then, today = said["on_behalf_of"], now["on_behalf_of"]
    if then is None or today is None:
        return then is not None
    # An agency that the registry did not know was a mistyped id, or hides behind one: its words are read.
    told = ["component", *(["agency"] if said["end_requester"]["known"] else [])]
    return any(plain(then[name] or "") not in {"", plain(today[name] or "")} for name in told)


def _crime(said: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    then = set(said["words"]["narrative"]["means"])
    return bool(then) and then.isdisjoint(now["words"]["narrative"]["means"])


PARTS: Final = {
    "category": _category,
    "offense": _offense,
    "statute": _statute,
    "paper": _paper,
    "requester": _requester,
    "crime": _crime,
}
"""What a request can take back, and how it is seen; ``crime`` is what the words say happened."""


# --- Counts. ----------------------------------------------------------------------------------------------


def _targets(queries: Queries, keys: DayKeys, agency_id: str, query: Query, at: datetime) -> tuple[int, int]:
    day, hour = at.date(), at.strftime("%Y-%m-%dT%HZ")
    officer = officer_print(keys, day, agency_id=agency_id, badge=query.requester.badge)
    target = target_print(keys, day, plate=query.plate, cameras=query.cameras)
    found = queries.swept(officer, target, hour)
    new_today, new_this_hour = found.last_hour is None, found.last_hour is None or found.last_hour < hour
    return found.this_hour + new_this_hour, found.today + new_today


def _at_places(
    queries: Queries, keys: DayKeys, agency_id: str, query: Query, at: datetime, query_id: str
) -> tuple[int, int]:
    """Count the queries of the officer and of the agency at sensitive places, this one among them."""
    prints: list[bytes] = []
    for ago in range(DAYS):
        with suppress(KeyErased):
            prints += _place_prints(keys, at.date() - timedelta(days=ago), agency_id, query)
    found = queries.marks(prints, 0, to_ms(at), MOST_COUNTED)
    both: tuple[set[str], set[str]] = ({query_id}, {query_id})
    for one in found:
        both[one.place % 2].add(one.query_id)
    return min(len(both[0]), MOST_COUNTED), min(len(both[1]), MOST_COUNTED)


def _place_prints(keys: DayKeys, day: date, agency_id: str, query: Query) -> list[bytes]:
    """Return the day's fingerprints of the officer and of the agency, in this order."""
    officer = plain(query.requester.badge) or plain(query.requester.name)
    return [keys.fingerprint(day, "place", canonical([agency_id, *who])) for who in ([officer], [])]
