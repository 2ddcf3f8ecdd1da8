"""In how many proved sessions at once one badge asks: a count for the policy, no judgement.

A badge that asks in one session, in another, and in the first again, all within the minutes that the city
sets, is signed in at two places: to sign out and in again makes no such thing. Each new query of a proved
officer leaves a mark, a fingerprint of its session under one of its badge. Guarantees: both are HMACs under
the key of their day, so a purged day takes them with it; how a badge is spelled hides nothing; the request at
hand is counted in; two that are decided at the same moment are seen by the next; what could not be read is an
error, never "one".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from gatekeeper.exchange.fingerprints import each_day, plain
from gatekeeper.exchange.interfaces import Queries
from gatekeeper.exchange.officer import Assertion
from gatekeeper.exchange.rephrased import AT_ONCE
from gatekeeper.ledger import DayKeys, Insert, Json
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.clock import to_ms

MOST_READ: Final = 200
"""So many of the badge's last queries of a day are looked at; the city's limits an hour are near it."""


def at_once(
    queries: Queries,
    keys: DayKeys,
    data: Mapping[str, Json],
    *,
    agency_id: str,
    officer: Assertion | None,
    at: datetime,
) -> int:
    """Count the sessions of a proved officer at that moment, this one among them; one of who is not proved.

    Raises StoreUnavailable, LedgerUnavailable.
    """
    minutes = _minutes(data)
    if officer is None or minutes is None:
        return 1
    since, until = at - timedelta(minutes=minutes), at + AT_ONCE
    days = dict.fromkeys((since.date(), at.date(), until.date()))
    made = list(each_day(keys, days, _values(agency_id, officer)).values())
    found = queries.marks([badge for badge, _ in made], to_ms(since), to_ms(until), MOST_READ)
    own = [one.at_ms for one in found if one.box == made[one.place][1]]
    if not own:
        return 1
    # A session has another fingerprint on each day: none is to count twice.
    others: list[set[bytes | None]] = [set() for _ in made]
    for one in found:
        if one.at_ms >= min(own) and one.box != made[one.place][1]:
            others[one.place].add(one.box)
    return 1 + max(map(len, others))


def left_session(
    keys: DayKeys,
    data: Mapping[str, Json],
    *,
    agency_id: str,
    officer: Assertion | None,
    at: datetime,
    query_id: str,
) -> list[Insert]:
    """Return the mark that a new query leaves. Raises KeyErased, LedgerUnavailable."""
    if officer is None or _minutes(data) is None:
        return []
    day: date = at.date()
    badge, session = keys.fingerprints(day, _values(agency_id, officer))
    made = {"mark_fp": badge, "box": session, "at_ms": to_ms(at), "query_id": query_id, "day": day}
    return [Insert("marks", made)]


def _minutes(data: Mapping[str, Json]) -> int | None:
    """Return within how many minutes sessions alternate that are at once; None by a law of before."""
    city = data["city"]
    minutes = city.get("officer_sessions_within_minutes") if isinstance(city, dict) else None
    return minutes if isinstance(minutes, int) else None


def _values(agency_id: str, officer: Assertion) -> list[tuple[str, bytes]]:
    who = [agency_id, plain(officer.badge)]
    return [("sessions", canonical(who)), ("session", canonical([*who, officer.session]))]
