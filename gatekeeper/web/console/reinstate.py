"""A suspended agency is reinstated in the console: one person proposes, another confirms, each in two steps.

Guarantees: as ``oversight.reinstating``; besides, each has just proved who they are and saw what it does, and
the second saw who proposed it and why; a form about another proposal than the one that waits does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.oversight.agencies import told
from gatekeeper.oversight.reinstating import PEOPLE, Proposal
from gatekeeper.review import reasons
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions


class _Reinstate(Form):
    reason = fields.String(load_default="")
    proposal = fields.String(load_default="")
    act = fields.String(load_default="go", validate=validate.OneOf(("go", "withdraw")))
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))


_REINSTATE = _Reinstate()


def add_reinstate(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of proposing, confirming and withdrawing."""
    steps = _Steps(desk, sessions)

    @blueprint.get("/agencies/<agency_id>/reinstate")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def ask_reinstate(agency_id: str) -> Response:
        found = steps.found(agency_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return steps.ask(found, 200, {"reason": "", "act": "go"}, [])

    @blueprint.post("/agencies/<agency_id>/reinstate")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def reinstate(agency_id: str) -> Response:
        found = steps.found(agency_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return steps.next(found)


class _Steps:
    """The two steps of either person."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions
        self._acts = desk.agencies.reinstating

    def found(self, agency_id: str) -> Agency | None:
        """Return the agency of that id, or None."""
        found = self._desk.gate.registry.snapshot().agency(agency_id)
        return found if found is not None and found.id == agency_id else None

    def next(self, agency: Agency) -> Response:
        """Show what it does, or, confirmed, do it."""
        typed, faults = read(_REINSTATE)
        waiting = self._acts.waiting(agency.id)
        if typed["proposal"] != ("" if waiting is None else waiting.id):
            said = say("Somebody else changed this agency just now. Look again first.")
            return self.ask(agency, 409, typed, [("", said)])
        faults += self._in_the_way(agency, waiting, typed)
        if faults or (typed["sure"] != "yes" and typed["act"] == "go"):
            return self.ask(agency, 422 if faults else 200, typed, faults, sure=not faults)
        try:
            self._do(agency, waiting, typed)
        except (OperatorError, Superseded):
            said = say("Somebody else changed this agency just now. Look again first.")
            return self.ask(agency, 409, typed, [("", said)])
        return see(f"/console/agencies/{agency.id}")

    def _do(self, agency: Agency, waiting: Proposal | None, typed: Mapping[str, Any]) -> None:
        person, reason = g.session.account, typed["reason"]
        if waiting is None:
            self._acts.propose(agency, person, reason)
        elif typed["act"] == "withdraw":
            self._acts.withdraw(agency, waiting, person, reason)
        else:
            self._acts.confirm(agency, waiting, person, reason)

    def _in_the_way(self, agency: Agency, waiting: Proposal | None, typed: Mapping[str, Any]) -> Faults:
        faults: Faults = []
        if agency.status != "suspended":
            status = say(agency.status)
            faults.append(("", say("The agency is %(status)s. Nothing was changed.", status=status)))
        confirms = waiting if typed["act"] == "go" else None
        if (fault := self._acts.fault_of(agency, g.session.account, confirms)) is not None:
            faults.append(("", say(fault)))
        if (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(fault)))
        return faults

    def ask(
        self, agency: Agency, status: int, typed: Mapping[str, Any], faults: Faults, *, sure: bool = False
    ) -> Response:
        """Ask why, or whether it is meant."""
        waiting = self._acts.waiting(agency.id)
        return page(
            "agency-reinstate.html",
            status,
            **self._sessions.shown(),
            agency=agency,
            possible=agency.status == "suspended",
            waiting=waiting,
            proposed=None if waiting is None else self._said(waiting),
            own=waiting is not None and waiting.proposed_by == g.session.account.id,
            two=self._acts.people() == PEOPLE,
            typed=typed,
            faults=faults,
            sure=sure,
            shortest=reasons.SHORTEST,
        )

    def _said(self, waiting: Proposal) -> dict[str, Any]:
        """Return by whom and why it was proposed."""
        account = self._desk.staff.get(waiting.proposed_by)
        entries = self._desk.gate.ledger.entries_of(waiting.ref)
        said = told(self._desk.gate.ledger, entries[0]) if entries else None
        return {
            "by": waiting.proposed_by if account is None else account.name,
            "reason": None if said is None else said.reason,
        }
