"""What pages say of a stop: its scope in words, who is in it, who set it and why.

Guarantees: what an agency is called is quoted; what cannot be read just now is said to be unknown, and keeps
nobody from stopping.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from gatekeeper.errors import GatekeeperError
from gatekeeper.oversight import search
from gatekeeper.oversight.stops import told
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import say

_LAST_DAY: Final = timedelta(hours=24)


def way_back(stop: Any) -> str:
    """Return the name of the way by which a stop is lifted: that of a stop of everything wants a proof."""
    return "resume-all" if stop.scope == "all" else "resume"


def scope_in_words(desk: Desk, scope: str, value: str | None) -> str:
    """Say what a stop stops. What an agency is called is quoted."""
    match scope:
        case "all":
            return say("All sharing")
        case "agency":
            agency = desk.gate.registry.snapshot().agency(value or "")
            return say("Sharing with %(agency)s", agency=value if agency is None else agency.name)
        case "kind":
            return say("Sharing with every %(kind)s agency", kind=say((value or "").replace("_", " ")))
        case "camera":
            return say("The reads of camera %(camera)s", camera=value)
    return say("All sharing")  # as the gate takes a scope that it does not know


def receivers(desk: Desk, scope: str, value: str | None) -> dict[str, Any]:
    """Return who is in a scope: agencies and clients that could ask today, and what was released to them."""
    snapshot = desk.gate.registry.snapshot()
    meant = [
        agency
        for agency in snapshot.agencies()
        if scope in ("all", "camera") or value == (agency.id if scope == "agency" else agency.kind)
    ]
    active = {agency.id for agency in meant if agency.status == "active"}
    clients = sum(client.status == "active" and client.agency_id in active for client in snapshot.clients())
    asked = [search.ANY] if scope in ("all", "camera") else [agency.id for agency in meant]
    try:
        since = desk.gate.clock.now() - _LAST_DAY
        released = None if scope == "camera" else desk.search.releases(asked, since)
    except GatekeeperError:
        released = None  # a stop does not wait for a count
    names = sorted(agency.name for agency in meant if agency.id in active)
    return {"names": names, "clients": clients, "released": released, "scope_kind": scope}


def shown(desk: Desk, stop: Any) -> dict[str, Any]:
    """Return a stop as pages show it."""
    return {
        "id": stop.id,
        "scope": scope_in_words(desk, stop.scope, stop.value),
        "set_at": stop.set_at,
        "lifted_at": getattr(stop, "lifted_at", None),
        "way_back": way_back(stop),
        "setting": by_whom(desk, stop.id, "stop.set"),
    }


def by_whom(desk: Desk, stop_id: str, event: str) -> dict[str, Any] | None:
    """Return which entry tells of it, and by whom and why; None if the log does not tell (any more)."""
    try:
        found = told(desk.gate.ledger, stop_id, event)
    except GatekeeperError:
        return None
    if found is None:
        return None
    account = None if found.by is None else desk.staff.get(found.by)
    return {
        "index": found.index,
        "by": found.by if account is None else account.name,
        "reason": found.reason,
    }
