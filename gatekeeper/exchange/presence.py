"""What one badge does on one day: counts for the policy, no judgement.

Nobody sits at two keyboards, and nobody works around the clock: a badge that comes from two clients within an
hour, or asks in most hours of a day, is shared; one that asks about the fiftieth plate sweeps. Counted are
the queries of one officer of one agency on one day (UTC), by the fingerprint under that day's key, dry runs
and denied ones too. Guarantees: the request at hand is counted in; an hour is that of the clock, so what
crosses one is seen a little late, never twice; counts that could not be read are an error, never "one"; one
look answers all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper.exchange.interfaces import OfficerDay


@dataclass(frozen=True, slots=True)
class Presence:
    """Where, when and for how much the officer asked today, this query among it.

    From how many clients within this hour, in how many hours of this day, about how many plates and places
    this hour and today; ``days_by_agency``: on how many of the last 30 days the agency asked about this one,
    by whichever officer.
    """

    clients_this_hour: int = 1
    hours_today: int = 1
    targets_this_hour: int = 1
    targets_today: int = 1
    days_by_agency: int = 1


ONCE: Final = Presence()
"""That of an officer who asks for the first time, about what nobody of the agency asked about."""


def hour_of(at: datetime) -> str:
    """Return the hour of the clock, as 2026-11-22T20Z."""
    return at.strftime("%Y-%m-%dT%HZ")


def presence(found: OfficerDay, hour: str) -> Presence:
    """Return what an officer's day comes to, once the query that comes in this hour is counted in."""
    new_today, new_this_hour = found.last_hour is None, found.last_hour is None or found.last_hour < hour
    return Presence(
        clients_this_hour=found.other_clients + 1,
        hours_today=found.other_hours + 1,
        targets_this_hour=found.targets_this_hour + new_this_hour,
        targets_today=found.targets + new_today,
        days_by_agency=found.days_before + 1,
    )
