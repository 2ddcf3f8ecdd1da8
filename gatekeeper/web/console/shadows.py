"""A candidate is let decide beside the law on live queries, without effect; and this is ended.

Guarantees: only who may approve policies does it, who has just proved who they are and says why; what they
saw to be beside the law is what they change, and if somebody else was first, nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import Superseded
from gatekeeper.review import reasons
from gatekeeper.web.console.approvals import refused_by
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.revisions import PATH
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.shadow_figures import SHADOWED, beside_now, figures_of


class _Shadow(Form):
    seen = fields.String(load_default="", validate=validate.Length(max=128))
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))


_SHADOW: Final = _Shadow()


def add_shadows(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the page by which a revision begins, or ceases, to decide beside the law."""
    law = desk.law

    @blueprint.get("/policies/revisions/<revision_id>/shadow")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def shadow(revision_id: str) -> Response:
        return ask(revision_id, 200, {}, [])

    @blueprint.post("/policies/revisions/<revision_id>/shadow/<any(begin, end):act>")
    @sessions.needs("approve_policies", proved_within=FRESH)
    def shadowed(revision_id: str, act: str) -> Response:
        typed, faults = read(_SHADOW)

        def done() -> None:
            now = beside_now(desk) or ""
            if typed["seen"] != now or (act == "end" and now != revision_id):
                raise Superseded
            law.lifecycle.shadow(revision_id if act == "begin" else None, g.session.account, typed["reason"])

        if law.revisions.get(revision_id) is None:
            return page("missing.html", 404, **sessions.shown())
        refused = refused_by(done, typed, faults)
        if refused is not None:
            return ask(revision_id, refused[0], typed, refused[1])
        return see(f"{PATH}/{revision_id}#beside")

    def ask(revision_id: str, status: int, typed: Mapping[str, Any], faults: Faults) -> Response:
        found = law.revisions.get(revision_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return page(
            "revision-shadow.html",
            status,
            **sessions.shown(),
            revision=found,
            active=law.revisions.active(),
            beside=figures_of(desk, found),
            seen=beside_now(desk) or "",
            able=found.state in SHADOWED,
            typed=typed,
            faults=faults,
            shortest=reasons.SHORTEST,
        )
