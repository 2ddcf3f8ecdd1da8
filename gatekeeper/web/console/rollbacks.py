"""Return to a law that was in force: one page, two people, each from their own session, in seconds.

The first asks and says why; the second sees who asked, when and why, and confirms: then the earlier text is
in force at once, as a new revision. Guarantees: both have just proved who they are; what is confirmed is the
seal that the page showed; where another law came into force meanwhile, nothing is done and the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.review import reasons
from gatekeeper.revisions.interfaces import OPEN, ROLLBACK, Revision
from gatekeeper.web.console.approvals import refused_by
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.revision_facts import facts_of
from gatekeeper.web.console.revisions import PATH
from gatekeeper.web.console.sessions import FRESH, Sessions


class _Rollback(Form):
    pending = fields.String(load_default="", validate=validate.Length(max=100))
    seal = fields.String(load_default="", validate=validate.Length(max=100))
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))


_ROLLBACK: Final = _Rollback()


def add_rollbacks(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the page by which two people return to an earlier law."""
    law = desk.law

    @blueprint.get("/policies/revisions/<revision_id>/rollback")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def rollback(revision_id: str) -> Response:
        return ask(revision_id, 200, {}, [])

    @blueprint.post("/policies/revisions/<revision_id>/rollback")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def roll_back(revision_id: str) -> Response:
        typed, faults = read(_ROLLBACK)
        person = g.session.account

        def done() -> None:
            if typed["pending"]:
                law.lifecycle.confirm(typed["pending"], person, seen=typed["seal"], reason=typed["reason"])
            else:
                law.lifecycle.roll_back(revision_id, person, typed["reason"])

        earlier = law.revisions.get(revision_id)
        if earlier is None:
            return page("missing.html", 404, **sessions.shown())
        if earlier.state == "active" and not typed["pending"]:  # to sign it anew is the operator's to begin
            return ask(revision_id, 422, typed, faults)
        refused = refused_by(done, typed, faults)
        if refused is not None:
            return ask(revision_id, refused[0], typed, refused[1])
        return see(f"{PATH}/{typed['pending']}" if typed["pending"] else f"{PATH}/{revision_id}/rollback")

    def ask(revision_id: str, status: int, typed: Mapping[str, Any], faults: Faults) -> Response:
        earlier = law.revisions.get(revision_id)
        if earlier is None:
            return page("missing.html", 404, **sessions.shown())
        active = law.revisions.active()
        pending = _pending(desk, earlier, active)
        again = active if active is not None and active.origin == f"{ROLLBACK}{earlier.id}" else None
        return page(
            "revision-rollback.html",
            status,
            **sessions.shown(),
            earlier=earlier,
            active=active,
            facts=facts_of(desk, pending or again or earlier),
            pending=pending,
            again=again,
            mine=pending is not None and pending.author == g.session.account.id,
            seal="" if pending is None else law.lifecycle.seal(pending),
            typed=typed,
            faults=faults,
            shortest=reasons.SHORTEST,
        )


def _pending(desk: Desk, earlier: Revision, active: Revision | None) -> Revision | None:
    """Return the return to this revision that waits for its second person, or None."""
    found = [
        each
        for each in desk.law.revisions.all()
        if each.origin == f"{ROLLBACK}{earlier.id}"
        and each.state in OPEN
        and active is not None
        and each.base == active.id
    ]
    return found[0] if found else None
