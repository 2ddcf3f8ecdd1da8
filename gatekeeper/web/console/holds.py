"""Legal holds: which are in force and which were, one of them, and what the next erasure takes.

Guarantees: what is listed is what the database and the log have; a hold that only the log has is said to be
in danger; whether what a hold is for can still be read is found by opening it, not remembered; nothing
private of a request is shown. Who holds what, and why, is the city's own act: to read it is no log entry.
"""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Blueprint, Response, request

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.purge.holds import Held, Left, Said
from gatekeeper.review.queue import read_place, write_place
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import Sessions

PAGE: Final = 25
"""Lifted holds on one page."""

MOST: Final = 50
"""Holds in force on one page: what each keeps is opened to be told of."""

_NUMBER: Final = re.compile(r"[0-9]{1,6}")


def add_holds(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the page of holds, and that of one."""

    @blueprint.get("/holds")
    @sessions.needs("read_reviews")
    def holds() -> Response:
        after = read_place(request.args.get("after", "")[:400])
        found = desk.holds.record.lifted(most=PAGE + 1, after=after)
        further = found[PAGE - 1] if len(found) > PAGE else None
        typed = request.args.get("from", "")
        skip = int(typed) if _NUMBER.fullmatch(typed) else 0
        held = len(desk.holds.record.in_force())
        past = (desk.holds.find(hold.id) for hold in found[:PAGE])
        return page(
            "holds.html",
            **sessions.shown(),
            in_force=[shown(desk, one) for one in desk.holds.listed(skip=skip, most=MOST)],
            skipped=min(skip, held),
            held_further=skip + MOST if held > skip + MOST else None,
            lifted=[shown(desk, one) for one in past if one is not None and not one.lost],
            later=after is not None,
            further=None
            if further is None or further.lifted_at is None
            else write_place((further.lifted_at, further.id)),
            outlook=desk.outlook(desk.gate.engine.bundle.data),
        )

    @blueprint.get("/holds/<hold_id>")
    @sessions.needs("read_reviews")
    def one_hold(hold_id: str) -> Response:
        found = desk.holds.find(hold_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return page("hold.html", **sessions.shown(), hold=shown(desk, found), others=others(desk, found))


def shown(desk: Desk, hold: Held) -> dict[str, Any]:
    """Return a hold as pages show it."""
    return {
        "id": hold.id,
        "query_id": hold.query_id,
        "placed_at": hold.placed_at,
        "lifted_at": hold.lifted_at,
        "placing": _said(desk, hold.placing),
        "lifting": _said(desk, hold.lifting),
        "lost": hold.lost,
        "left": left(desk, hold.query_id) if hold.query_id else None,
        "is_review": bool(hold.query_id) and desk.gate.queries.review(hold.query_id) is not None,
    }


def left(desk: Desk, query_id: str) -> Left | None:
    """Return how much of a query can still be read; None where something of it was altered."""
    try:
        return desk.holds.left(query_id)
    except LedgerCorrupt:
        return None


def others(desk: Desk, hold: Held) -> list[str]:
    """Return the ids of the other holds in force on the same query."""
    return [one.id for one in desk.holds.record.of(hold.query_id) if one.id != hold.id]


def _said(desk: Desk, said: Said | None) -> dict[str, Any] | None:
    if said is None:
        return None
    account = None if said.by is None else desk.staff.get(said.by)
    return {"index": said.index, "by": said.by if account is None else account.name, "reason": said.reason}
