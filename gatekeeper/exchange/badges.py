"""What shows that a badge is used as one person cannot use it: left for staff, never a ground to deny.

From when on staff are told is the city's choice (``alerts.badge`` in ``data/city.json``), and apart from what
the law denies. Guarantees: a mark says which agency, and tells its badges apart by a fingerprint, sealed
under the key of its day; no name and no badge is in it, and whoever may see them finds them by the query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.exchange.fingerprints import officer_print
from gatekeeper.exchange.interfaces import Marked
from gatekeeper.ledger import DayKeys, Insert
from gatekeeper.ledger.canonical import canonical, decoded
from gatekeeper.ledger.clock import from_ms, to_ms

Impossible = Literal["clients", "hours", "sessions"]
KINDS: Final[Mapping[Impossible, tuple[str, str]]] = {
    "clients": ("clients_this_hour", "clients_an_hour"),
    "hours": ("hours_today", "hours_a_day"),
    "sessions": ("sessions_at_once", "sessions_at_once"),
}
"""By which fact of the officer, and from which of the city's numbers on."""
_PURPOSE: Final = "impossible"


@dataclass(frozen=True, slots=True)
class Used:
    """Whose badge was used so; ``badge`` only tells it from others of the same day."""

    agency_id: str
    badge: tuple[date, str]


def impossible(data: Mapping[str, Any], facts: Mapping[str, Any]) -> list[Impossible]:
    """Return in which ways the badge of a query is used as one person cannot use it, as the city has it."""
    rule, officer = data["city"].get("alerts", {}).get("badge"), facts.get("officer")
    if rule is None or officer is None:
        return []
    return [
        kind
        for kind, (fact, number) in KINDS.items()
        if rule[number] is not None and officer.get(fact, 1) >= rule[number]
    ]


def left_impossible(
    keys: DayKeys,
    data: Mapping[str, Any],
    *,
    agency_id: str,
    badge: str,
    at: datetime,
    query_id: str,
    facts: Mapping[str, Any],
) -> list[Insert]:
    """Return the marks that a new query leaves for staff. Raises KeyErased, LedgerUnavailable."""
    day, rows = at.date(), []
    for kind in impossible(data, facts):
        who = officer_print(keys, day, agency_id=agency_id, badge=badge).hex()
        box = keys.seal(day, query_id, _PURPOSE, canonical({"agency": agency_id, "badge": who}))
        made = {"mark_fp": impossible_print(keys, day, kind), "at_ms": to_ms(at), "query_id": query_id}
        rows.append(Insert("marks", {**made, "day": day, "box": box}))
    return rows


def impossible_print(keys: DayKeys, day: date, kind: Impossible) -> bytes:
    """Return the day's fingerprint under which such queries are found. Raises KeyErased."""
    return keys.fingerprint(day, _PURPOSE, kind.encode())


def used(keys: DayKeys, mark: Marked) -> Used:
    """Return whose badge left a mark. Raises KeyErased, LedgerCorrupt."""
    if mark.box is None:
        raise LedgerCorrupt("a mark that does not say whose it is")
    day = from_ms(mark.at_ms).date()
    said = keys.open(day, mark.query_id, _PURPOSE, mark.box)
    try:
        document = decoded(said)
        return Used(str(document["agency"]), (day, str(document["badge"])))
    except KeyError:
        raise LedgerCorrupt("a mark that does not say whose it is") from None
