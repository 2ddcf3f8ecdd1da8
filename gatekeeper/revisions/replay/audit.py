"""A published log of searches, decided by two laws before a city goes live: nothing of a city is needed.

Each row becomes one request: its own reason in a flawless template, asked by a flawless agency, on the day
that the row says. The gate's own parse, screen and gather make the facts, so what is denied is denied for its
words. Guarantees: a row whose reason cannot be a request (over-long, say) is counted as undecided under both
laws, never left out; one whose day cannot be read is decided on the day of the row before it (the first such
on ``FIRST_DAY``); no reason is kept in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from itertools import islice
from typing import Any, Final

from gatekeeper.errors import InvalidRequest
from gatekeeper.exchange.decide import Situation, gather
from gatekeeper.exchange.history import FIRST
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.parse import read_again
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.exchange.screen import Words
from gatekeeper.ledger import Json
from gatekeeper.revisions.replay.past import Case, Decided
from gatekeeper.revisions.replay.tally import Tally
from gatekeeper.revisions.replay.work import Laws, Work

FIRST_DAY: Final = date(2026, 1, 1)
AGENCY: Final = "flawless"
_AT_ONCE: Final = 2000
_WINDOW: Final = timedelta(days=7)
_SIGNED_BEFORE: Final = timedelta(days=30)
_UNREAD = Words((), (), 0, 0, (), (), False, False, False, False, False)


@dataclass(frozen=True, slots=True)
class Search:
    """One row: its number from 1, its day if that could be read, and the reason as typed."""

    number: int
    day: date | None
    reason: str


@dataclass(frozen=True, slots=True)
class _Signed:
    kind: str
    text_version: str
    signer: str
    title: str
    signed_on: date
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class _Flawless:
    """An agency of the city's own state that has signed everything."""

    state: str | None
    affirmations: tuple[_Signed, ...]
    id: str = AGENCY
    ori: str | None = None
    name: str = "Flawless Sample Police"
    kind: str = "local"
    status: str = "active"
    has_287g: bool = False
    contacts: tuple[str, ...] = ()


def replayed(
    laws: Laws, searches: Iterable[Search], template: Mapping[str, Any], *, seed: str
) -> Iterator[Tally]:
    """Yield the tally of each stretch of rows, in order. Raises BundleRefused, PolicyUnavailable."""
    signed = _texts(laws)
    work = Work(laws, {AGENCY: _Flawless(None, ()).name}, seed)
    decisions = _decisions(searches, template, lru_cache(maxsize=1024)(partial(_agency, *signed)))
    while some := list(islice(decisions, _AT_ONCE)):
        prepared = work.gathered(some)
        yield work.counted(prepared, work.decide(prepared, everything=True))


def _decisions(
    searches: Iterable[Search], template: Mapping[str, Any], asking: Callable[[date], _Flawless]
) -> Iterator[Decided]:
    day = FIRST_DAY
    for search in searches:
        day = search.day or day
        at = datetime.combine(day, time(12), UTC)
        body = _body(template, search.reason, at)
        case = Case(search.number, "", f"{day}T12Z", AGENCY, template["purpose"]["category"])
        situation = Situation(
            agency=asking(day),
            end_requester=None,
            stops=(),
            at=at,
            history=FIRST,
            patterns=ALONE,
            officer=NAMED,
        )
        try:
            # The words are each law's own to find: ``facts`` screens them.
            facts = gather(read_again(body), _UNREAD, situation)
        except InvalidRequest:
            facts = {}  # which fit no law's schema: undecided
        yield Decided(case, facts, body, "", frozenset(), "", "")


def _body(template: Mapping[str, Any], reason: str, at: datetime) -> dict[str, Json]:
    window = {"from": (at - _WINDOW).isoformat(), "to": at.isoformat()}
    return {
        **template,
        "query": {**template["query"], **window},
        "purpose": {**template["purpose"], "narrative": reason},
    }


def _agency(state: str | None, texts: Sequence[tuple[str, str]], day: date) -> _Flawless:
    """Return an agency that signed everything a month before that day."""
    return _Flawless(
        state,
        tuple(_Signed(kind, text, "Sam Sample", "Chief", day - _SIGNED_BEFORE) for kind, text in texts),
    )


def _texts(laws: Laws) -> tuple[str | None, list[tuple[str, str]]]:
    """Return the city's state, and every text of an affirmation or a declaration that a law accepts.

    Those that both accept stand last: what was signed last is what counts.
    """
    accepted: list[list[tuple[str, str]]] = []
    state = None
    for bundle in (laws.baseline, laws.candidate):
        city: Any = bundle.data.get("city")
        city = city if isinstance(city, dict) else {}
        state = city.get("state", state)
        accepted.append(
            [
                (kind, str(text))
                for kind in ("affirmation", "declaration")
                for text in city.get(f"{kind}_texts") or ()
            ]
        )
    every = list(dict.fromkeys([*accepted[0], *accepted[1]]))
    return state, sorted(every, key=lambda one: all(one in texts for texts in accepted))
