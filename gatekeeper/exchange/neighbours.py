"""What is on record around a query: what the officer did before, and what others asked.

Each day's fingerprints have a key of their own, and the store may be a server away. Guarantees: the keys of
the last days are gone through once, and the store is asked once; what could not be read is an error, never
"none".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain

from gatekeeper.exchange.fingerprints import each_day, officer_value, target_value
from gatekeeper.exchange.history import DAYS, History, history, search_values, since_hour
from gatekeeper.exchange.interfaces import Queries
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.patterns import (
    MOST_COUNTED,
    MOST_REFUSALS,
    Patterns,
    look_values,
    patterns,
    places_of,
)
from gatekeeper.exchange.presence import hour_of
from gatekeeper.exchange.questions import DayQuestion, LookQuestion, MarkQuestion, Questions, SearchQuestion
from gatekeeper.exchange.rephrased import AT_ONCE, question_of
from gatekeeper.ledger import DayKeys, Json
from gatekeeper.ledger.clock import to_ms


def neighbours(  # noqa: PLR0913  a query has as many neighbours
    queries: Queries,
    keys: DayKeys,
    data: Mapping[str, Json],
    *,
    agencies: Iterable[str],
    client_id: str,
    query: Query,
    at: datetime,
    query_id: str,
    began: datetime,
) -> tuple[History, Patterns]:
    """Gather what is on record around a query; the first of *agencies* is the one that asks.

    *client_id* is by which of its clients. *began* is when it was first asked: waiting makes no new question
    of it. Raises StoreUnavailable, LedgerUnavailable, LedgerCorrupt, KeyErased without a key of that day.
    """
    parties, places = tuple(dict.fromkeys(agencies)), places_of(data, query.cameras)
    looks = look_values(parties, query) if places else []
    days, asked = _asked(keys, parties, client_id, query, looks, at, query_id, began)
    found = queries.neighbours(asked)
    return (
        history(found.searches, days),
        patterns(keys, data, asked, found, places=places, query_id=query_id, began=began),
    )


def _asked(  # noqa: PLR0917  what is asked about
    keys: DayKeys,
    parties: Sequence[str],
    client_id: str,
    query: Query,
    looks: list[tuple[str, bytes]],
    at: datetime,
    query_id: str,
    began: datetime,
) -> tuple[Sequence[date], Questions]:
    """Return what the store is asked, and which days the searches are of, today first."""
    agency_id, today = parties[0], at.date()
    officer = officer_value(agency_id, query.requester.badge)
    of_each = [*search_values(agency_id, query), target_value(query.plate, query.cameras), *looks]
    officer_fp, *first = keys.fingerprints(today, [officer, *of_each])
    earlier = [today - timedelta(days=ago) for ago in range(1, DAYS)]
    made = {today: first, **each_day(keys, earlier, of_each)}
    target_fp, *before = [target for _, _, target, *_ in made.values()]
    return [*made], Questions(
        SearchQuestion(tuple((search, case) for search, case, *_ in made.values()), since_hour(at)),
        question_of(keys, parties, query, began, MOST_REFUSALS + 1),
        DayQuestion(officer_fp, target_fp, hour_of(at), client_id, agency_id, tuple(before)),
        _looks(keys, looks, [one for _, _, _, *one in made.values()], at, query_id) if looks else None,
    )


def _looks(
    keys: DayKeys,
    looks: list[tuple[str, bytes]],
    made: Sequence[Sequence[bytes]],
    at: datetime,
    query_id: str,
) -> LookQuestion:
    """Return what is asked of who looked at sensitive places; clocks differ, so tomorrow may have begun."""
    soon = at + AT_ONCE
    prints = [*each_day(keys, [soon.date()] if soon.date() != at.date() else [], looks).values(), *made]
    latest = tuple(chain.from_iterable(prints[:3]))
    return LookQuestion(
        tuple(zip(*prints, strict=True)),
        MarkQuestion(latest, to_ms(at - AT_ONCE), to_ms(soon), MOST_COUNTED),
        query_id,
    )
