"""What was refused before, and whether a request says it in other words: facts, no judgement.

A refusal leaves a mark for each part of its target: a fingerprint under the key of its day, with what it was
refused for and what it said sealed beside it. Guarantees: a refusal is known to the whole agency (and to the
one that is asked for), whichever client and badge asked, whether it was a dry run, and whatever part of a
place query is asked about again; nothing of it can be read once the key of its day is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, Final, Protocol

from gatekeeper.errors import KeyErased, LedgerCorrupt
from gatekeeper.exchange.fingerprints import each_day, plain
from gatekeeper.exchange.interfaces import Marked
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.questions import MarkQuestion
from gatekeeper.ledger import DayKeys, Json
from gatekeeper.ledger.canonical import canonical, decoded
from gatekeeper.ledger.clock import from_ms, to_ms

LOOK_BACK: Final = timedelta(hours=24)
"""The city's own time (``rephrasing.within_minutes``) is at most this."""
AT_ONCE: Final = timedelta(minutes=1)
"""What is refused this soon afterwards was asked at the same time: clocks differ, twins pass each other."""
_MARK: Final = "mark"
_OUTWAITED: Final = "outwaited"
_REFUSED: Final = "refused"
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


def tells(data: Mapping[str, Any], facts: Mapping[str, Any], unmet: Iterable[str]) -> bool:
    """Say whether a later request could take back what this one was refused for, by the law's own lists."""
    listed = data["city"].get("rephrasing")
    unmet = frozenset(unmet)
    if listed is None or not unmet:
        return False
    of_use = listed["provisions"].keys() | {"rephrased_request"}
    return not (unmet.isdisjoint(of_use) and set(facts["words"]["classes"]).isdisjoint(listed["classes"]))


def outwaited(data: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Say whether a request says in other words what was refused longer ago than the law looks back.

    It is permitted; staff are told of it (see ``oversight.patterns``).
    """
    listed, patterns = data["city"].get("rephrasing"), facts.get("patterns")
    if listed is None or patterns is None:
        return False
    within = listed["within_minutes"]
    return any(
        one["minutes_ago"] > within and _says_otherwise(listed, one) for one in patterns["refused_before"]
    )


def _says_otherwise(listed: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    if "rephrased_request" in earlier["provisions"] or set(earlier["classes_gone"]) & set(listed["classes"]):
        return True
    matters = {part for code in earlier["provisions"] for part in listed["provisions"].get(code, ())}
    if earlier["category"] in listed["categories_that_say_nothing"]:
        matters.discard("category")
    return not matters.isdisjoint(earlier["taken_back"])


def outwaited_print(keys: DayKeys, day: date) -> bytes:
    """Return the day's fingerprint under which such requests are found. Raises KeyErased."""
    return keys.fingerprint(day, _OUTWAITED, b"")


def seal_agency(keys: DayKeys, day: date, query_id: str, agency_id: str) -> bytes:
    """Return who asked such a request, for ``agency_of``. Raises KeyErased."""
    return keys.seal(day, query_id, _OUTWAITED, agency_id.encode())


def agency_of(keys: DayKeys, mark: Marked) -> str:
    """Return who asked such a request. Raises KeyErased, LedgerCorrupt."""
    if mark.box is None:
        raise LedgerCorrupt("a mark that does not say whose it is")
    return keys.open(from_ms(mark.at_ms).date(), mark.query_id, _OUTWAITED, mark.box).decode()


def seal_refusal(
    keys: DayKeys, day: date, query_id: str, unmet: Sequence[str], said: Mapping[str, Json]
) -> bytes:
    """Return what a refusal was for and what it said, for ``refused_by``. Raises KeyErased."""
    return keys.seal(day, query_id, _MARK, canonical({"provisions": [*unmet], "said": dict(said)}))


def question_of(
    keys: DayKeys, parties: Sequence[str], query: Query, began: datetime, most: int
) -> MarkQuestion:
    """Return which marks concern a query that was first asked at *began*: the last *most* of each."""
    since, until = began - LOOK_BACK, began + AT_ONCE
    days = dict.fromkeys((since.date(), began.date(), until.date()))
    prints = each_day(keys, days, _parts(parties, query)).values()
    return MarkQuestion(tuple(dict.fromkeys(chain.from_iterable(prints))), to_ms(since), to_ms(until), most)


def refusal_prints(keys: DayKeys, day: date, parties: Iterable[str], query: Query) -> list[bytes]:
    """Return a fingerprint for each part of the target and each agency: a part asked about again is known."""
    return keys.fingerprints(day, _parts(parties, query))


def _parts(parties: Iterable[str], query: Query) -> list[tuple[str, bytes]]:
    plate = query.plate
    parts = [["plate", plate.translate(_ALIKE)]] if plate is not None else [["at", c] for c in query.cameras]
    return [(_REFUSED, canonical([who, *part])) for who in parties for part in parts]


def refused_by(keys: DayKeys, mark: Marked, began: datetime) -> Refused | None:
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
