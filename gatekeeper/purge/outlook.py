"""What the erasure that comes by itself will erase next, and when, for whoever may look and not erase.

Guarantees: nothing is erased or logged here; where nothing will be erased it says why, by one of ``WHY``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, get_args

from gatekeeper.errors import OperatorError
from gatekeeper.purge.erase import Plan, Purge
from gatekeeper.purge.retention import Retention, law_wants, refuse_jumped
from gatekeeper.purge.timer import MOST_DAYS

Why = Literal["unset", "setting", "law", "clock", "holds", "too_many"]
WHY: Final = get_args(Why)
"""Why nothing is erased by itself: no retention is set, it cannot be, the law does not say what it wants, the
clock is not borne out by the log, a hold is missing from the database, a person must look first."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How long is kept, what was erased last, and what is next.

    ``city`` and ``law`` are days, 0 where none are set; ``last`` is the first day that the last erasure kept,
    with when it ended. ``plan`` is what is due now, ``let_go`` of how many queries something is sealed apart
    that nothing keeps any more; where no day is due, ``next_day`` is the oldest of which there is a key, and
    ``next_on`` the day on which its time ends.
    """

    city: int
    law: int
    last: tuple[date, datetime] | None
    why: Why | None = None
    plan: Plan | None = None
    let_go: int = 0
    next_day: date | None = None
    next_on: date | None = None


def outlook(purge: Purge, city: int, data: Mapping[str, Any]) -> Outlook:
    """Return the outlook; *city* is what the settings say, *data* the law's.

    Raises LedgerUnavailable, LedgerCorrupt, StoreUnavailable.
    """
    ended = purge.store.last_ended()
    try:
        kept = Retention(city, law_wants(data))
    except OperatorError:
        return Outlook(city, 0, ended, "law")
    if not city:
        return Outlook(city, kept.law, ended, "unset")
    if kept.fault() is not None:
        return Outlook(city, kept.law, ended, "setting")
    now = purge.clock.now()
    try:
        refuse_jumped(now, purge.head())
    except OperatorError:
        return Outlook(city, kept.law, ended, "clock")
    try:
        plan = purge.plan(kept.first_kept(now.date()), kept)
    except OperatorError:
        return Outlook(city, kept.law, ended, "holds")
    let_go = len(purge.store.no_longer_held(now))
    if plan.days:
        why: Why | None = "too_many" if len(plan.days) > MOST_DAYS else None
        return Outlook(city, kept.law, ended, why, plan, let_go)
    next_day = next(iter(purge.keys.days()), None)
    next_on = None if next_day is None else next_day + timedelta(days=city + 1)
    return Outlook(city, kept.law, ended, None, plan, let_go, next_day, next_on)
