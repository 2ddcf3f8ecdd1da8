"""How often an officer has searched for the same plate or place: counts for the policy, no judgement.

One search is like another; thirty of them for one plate are surveillance, whatever each was filed under.
Fingerprints are HMACs under a key per day, so a search is asked about once for each of the last days whose
key still exists. Guarantees: the request at hand is counted in; dry runs count, or they would be free;
spelling hides nothing (a badge and a case number are compared by their letters and digits); counts that
could not be read are an error, never "none".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from gatekeeper.exchange.fingerprints import officer_prints, plain, target_prints, who
from gatekeeper.exchange.interfaces import AskedBefore, Queries, SearchDay
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.presence import hour_of
from gatekeeper.ledger import DayKeys, Json
from gatekeeper.ledger.canonical import canonical

DAYS = 30
LATEST = 10
MOST_OTHERS = 1000
"""Further ones are not read: a thousand say enough."""


@dataclass(frozen=True, slots=True)
class History:
    """What is on record of this officer and this target in the last 30 days, today's request included.

    Days and not distinct case numbers are counted: the numbers of two days cannot be told equal, since each
    day's key makes another fingerprint of them. Refusals are those since the beginning of the hour before.
    """

    days_searched: int
    days_under_this_case: int
    days_under_another_case: int
    refused_in_the_last_hour: int

    def facts(self) -> dict[str, Json]:
        """Return ``input.history``."""
        return asdict(self)


FIRST = History(1, 1, 0, 0)
"""The history of a search that is the first of its kind."""


def since_hour(at: datetime) -> str:
    """Return since when refusals count, as 2026-11-22T20Z."""
    return hour_of(at - timedelta(hours=1))


def history(found: Iterable[SearchDay], days: Sequence[date]) -> History:
    """Return what past searches come to, this request counted in; *days* were asked about, today first."""
    known = {days[one.day]: one for one in found}
    today = days[:1]
    return History(
        days_searched=len({*known, *today}),
        days_under_this_case=len({day for day, one in known.items() if one.under_this_case} | {*today}),
        days_under_another_case=sum(one.under_another_case for one in known.values()),
        refused_in_the_last_hour=sum(one.refused for one in known.values()),
    )


@dataclass(frozen=True, slots=True)
class Others:
    """Other queries of one kind: the latest, and how many there are by outcome.

    ``more``: there are more than were read, and these are only some of them.
    """

    latest: tuple[AskedBefore, ...]
    permitted: int
    denied: int
    more: bool


def others(
    queries: Queries,
    keys: DayKeys,
    by: Literal["officer", "target"],
    *,
    query_id: str,
    agency_id: str,
    query: Query,
) -> Others:
    """Return what else this officer asked, or who else asked about this target, on the days not yet erased.

    Dry runs are among them. Nothing is told of a day whose key is gone. Raises StoreUnavailable,
    LedgerUnavailable.
    """
    days = keys.days()
    made = (
        officer_prints(keys, days, agency_id=agency_id, badge=query.requester.badge)
        if by == "officer"
        else target_prints(keys, days, plate=query.plate, cameras=query.cameras)
    )
    found = queries.asked_before(by, made, MOST_OTHERS + 1)
    known = sorted((one for one in found if one.query_id != query_id), key=lambda one: one.hour, reverse=True)
    permitted = sum(one.outcome == "permit" for one in known)
    return Others(tuple(known[:LATEST]), permitted, len(known) - permitted, len(found) > MOST_OTHERS)


def prints(keys: DayKeys, day: date, agency_id: str, query: Query) -> tuple[bytes, bytes]:
    """Return the day's fingerprints of who searches for what, and of the case number. Raises KeyErased."""
    search, case = keys.fingerprints(day, search_values(agency_id, query))
    return search, case


def search_values(agency_id: str, query: Query) -> list[tuple[str, bytes]]:
    """Return what those are made of: purpose and value, for ``each_day``."""
    officer = who(query.requester.badge, query.requester.name)
    # Without the plate's state: leaving it out would make another search of the same plate.
    target = [query.plate] if query.plate is not None else list(query.cameras)
    search = canonical([agency_id, officer, query.kind, *target])
    return [("search", search), ("case", canonical(plain(query.purpose.case_number)))]
