"""From how many places, and through how many hours, one badge asks: counts for the policy, no judgement.

Nobody sits at two keyboards, and nobody works around the clock: a badge that comes from two clients within an
hour, or asks in most hours of a day, is shared. Counted are the queries of one officer of one agency on one
day (UTC), by the fingerprint under that day's key, dry runs and denied ones too. Guarantees: the request at
hand is counted in; an hour is that of the clock, so what crosses one is seen a little late, never twice;
counts that could not be read are an error, never "one".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.exchange.fingerprints import officer_print
from gatekeeper.exchange.interfaces import Queries
from gatekeeper.exchange.parse import Query
from gatekeeper.ledger import DayKeys

_HOUR = "%Y-%m-%dT%HZ"


@dataclass(frozen=True, slots=True)
class Presence:
    """From how many clients the badge came within this hour, and in how many hours of this day."""

    clients_this_hour: int
    hours_today: int


def presence(
    queries: Queries, keys: DayKeys, *, agency_id: str, client_id: str, query: Query, at: datetime
) -> Presence:
    """Count where the officer's badge is on record today. Raises StoreUnavailable, LedgerUnavailable."""
    badge, hour = query.requester.badge, at.strftime(_HOUR)
    seen = queries.seen_today(officer_print(keys, at.date(), agency_id=agency_id, badge=badge))
    return Presence(
        clients_this_hour=len({client for client, when in seen if when == hour} | {client_id}),
        hours_today=len({when for _, when in seen} | {hour}),
    )
