"""A suspended agency is reinstated in the console: proposed, in two steps, or done where one person may.

Guarantees: as ``oversight.changing``; besides, whoever proposes has just proved who they are and saw what it
does. Another confirms it on the page of ``changes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.oversight.changes import Change
from gatekeeper.review import reasons
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions


class _Reinstate(Form):
    reason = fields.String(load_default="")
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))


_REINSTATE = _Reinstate()


def add_reinstate(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of proposing."""
    steps = _Steps(desk, sessions)

    @blueprint.get("/agencies/<agency_id>/reinstate")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def ask_reinstate(agency_id: str) -> Response:
        found = steps.found(agency_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        waiting = steps.waiting(found)
        return steps.ask(found, 200, {"reason": ""}, []) if waiting is None else see(waiting)

    @blueprint.post("/agencies/<agency_id>/reinstate")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def reinstate(agency_id: str) -> Response:
        found = steps.found(agency_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return steps.next(found)


class _Steps:
    """The two steps of who proposes."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions
        self._acts = desk.agencies.changing

    def found(self, agency_id: str) -> Agency | None:
        """Return the agency of that id, or None."""
        found = self._desk.gate.registry.snapshot().agency(agency_id)
        return found if found is not None and found.id == agency_id else None

    def waiting(self, agency: Agency) -> str | None:
        """Return where it is confirmed, if somebody proposed it already."""
        found = [one.id for one in self._acts.waiting(agency.id) if one.act == "reinstate_agency"]
        return f"/console/changes/{found[-1]}" if found else None

    def next(self, agency: Agency) -> Response:
        """Show what it does, or, meant, propose it (or do it)."""
        typed, faults = read(_REINSTATE)
        faults += self._in_the_way(agency, typed["reason"])
        if faults or typed["sure"] != "yes":
            return self.ask(agency, 422 if faults else 200, typed, faults, sure=not faults)
        change, person = Change("reinstate_agency", agency.id), g.session.account
        try:
            if self._acts.takes_two(change):
                self._acts.propose(change, person, typed["reason"])
            else:
                self._acts.alone(change, person=person, reason=typed["reason"])
        except OperatorError:
            said = say("Somebody else changed this agency just now. Look again first.")
            return self.ask(agency, 409, typed, [("", said)])
        return see(f"/console/agencies/{agency.id}")

    def _in_the_way(self, agency: Agency, reason: str) -> Faults:
        faults: Faults = []
        if agency.status != "suspended":
            status = say(agency.status)
            faults.append(("", say("The agency is %(status)s. Nothing was changed.", status=status)))
        if (fault := self._acts.fault_of(g.session.account, agency.id)) is not None:
            faults.append(("", say(fault)))
        if (fault := reasons.fault_of(reason)) is not None:
            faults.append(("reason", say(fault)))
        return faults

    def ask(
        self, agency: Agency, status: int, typed: Mapping[str, Any], faults: Faults, *, sure: bool = False
    ) -> Response:
        """Ask why, or whether it is meant."""
        possible = agency.status == "suspended"
        return page(
            "agency-reinstate.html",
            status,
            **self._sessions.shown(),
            agency=agency,
            possible=possible,
            two=possible and self._acts.takes_two(Change("reinstate_agency", agency.id)),
            typed=typed,
            faults=faults,
            sure=sure,
            shortest=reasons.SHORTEST,
        )
