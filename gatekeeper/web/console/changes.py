"""What one person proposed about an agency, a client or a key: another looks at it, and confirms it or not.

Guarantees: as ``oversight.changing``; besides, whoever confirms has just proved who they are, and saw by whom
and why it was proposed and what it does; a client's secret that comes of it is shown once, on no address.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.oversight.changes import Proposal
from gatekeeper.review import reasons
from gatekeeper.web.console.change_facts import DOES, facts_of
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions


class _Confirm(Form):
    reason = fields.String(load_default="")
    act = fields.String(load_default="go", validate=validate.OneOf(("go", "withdraw")))
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))


_CONFIRM: Final = _Confirm()


def add_changes(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of looking at what was proposed, confirming and withdrawing it."""
    steps = _Steps(desk, sessions)

    @blueprint.get("/changes/<proposal_id>")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def look_at_proposal(proposal_id: str) -> Response:
        found = desk.agencies.changing.store.get(proposal_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return steps.ask(found, 200, {"reason": ""}, [])

    @blueprint.post("/changes/<proposal_id>")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def decide_proposal(proposal_id: str) -> Response:
        found = desk.agencies.changing.store.get(proposal_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return steps.next(found)


def waiting(desk: Desk, agency_id: str | None = None) -> list[dict[str, Any]]:
    """Return what waits for a second person (about the agency), as a list shows it."""
    return [
        {"id": one.id, "act": one.act, "agency": one.agency_id, "until": one.expires_at}
        for one in desk.agencies.changing.waiting(agency_id)
    ]


class _Steps:
    """The two steps of the second person; to withdraw takes one."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions
        self._acts = desk.agencies.changing

    def next(self, proposal: Proposal) -> Response:
        """Show what it does, or, meant, do it; or withdraw it."""
        typed, faults = read(_CONFIRM)
        faults += self._in_the_way(proposal, typed)
        if faults or (typed["sure"] != "yes" and typed["act"] == "go"):
            return self.ask(proposal, 422 if faults else 200, typed, faults, sure=not faults)
        person, reason = g.session.account, typed["reason"]
        try:
            if typed["act"] == "withdraw":
                self._acts.withdraw(proposal.id, person, reason)
                return see(self._after(proposal))
            done = self._acts.confirm(proposal.id, person, reason)
        except OperatorError:
            said = say(
                "Somebody else changed this just now, or it cannot be done any more. Look again first."
            )
            return self.ask(proposal, 409, typed, [("", said)])
        if "client_secret" not in done.made:
            return see(self._after(proposal))
        made = dict(done.made)
        return page("change-made.html", **self._sessions.shown(), proposal=proposal, made=made)

    def _after(self, proposal: Proposal) -> str:
        known = self._desk.gate.registry.snapshot().agency(proposal.agency_id)
        return "/console/agencies" if known is None else f"/console/agencies/{proposal.agency_id}"

    def _in_the_way(self, proposal: Proposal, typed: Mapping[str, Any]) -> Faults:
        faults: Faults = []
        confirms = proposal if typed["act"] == "go" else None
        if (fault := self._acts.fault_of(g.session.account, proposal.agency_id, confirms)) is not None:
            faults.append(("", say(fault)))
        if (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(fault)))
        return faults

    def ask(
        self, proposal: Proposal, status: int, typed: Mapping[str, Any], faults: Faults, *, sure: bool = False
    ) -> Response:
        """Show what was proposed; ask why, or whether it is meant."""
        account = self._desk.staff.get(proposal.proposed_by)
        agency = self._desk.gate.registry.snapshot().agency(proposal.agency_id)
        return page(
            "change.html",
            status,
            **self._sessions.shown(),
            proposal=proposal,
            does=say(DOES[proposal.act]),
            state=self._acts.state(proposal),
            agency=agency,
            by=proposal.proposed_by if account is None else account.name,
            own=proposal.proposed_by == g.session.account.id,
            typed=typed,
            faults=faults,
            sure=sure,
            shortest=reasons.SHORTEST,
            **self._said(proposal, agency),
        )

    def _said(self, proposal: Proposal, agency: Agency | None) -> dict[str, Any]:
        """Return why and what was proposed, as its entry has it; nothing where that cannot be read."""
        try:
            said = self._acts.said(proposal)
        except OperatorError:
            return {"why": None, "facts": []}
        return {"why": said.reason, "facts": facts_of(said.change, agency)}
