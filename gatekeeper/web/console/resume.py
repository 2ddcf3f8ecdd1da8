"""Letting sharing go on: the two steps by which a stop is lifted.

Guarantees: a stop is lifted once, with a reason, by a person who saw what will flow again and what stays
stopped; nobody lifts the stop of their own agency; to let all sharing go on, a person proves again who they
are (to stop, nobody has to: whoever must stop is in the middle of an incident); if the log does not take it,
the stop is in force and the page says so.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import GatekeeperError, OperatorError, Superseded
from gatekeeper.review import reasons
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.stop_facts import receivers, shown, way_back


class _Resume(Form):
    reason = fields.String(load_default="")
    sure = fields.String(load_default="", validate=validate.OneOf(("", "yes")))


_RESUME = _Resume()


def add_resume(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes: a stop of everything is lifted on a way of its own, which wants a proof."""
    steps = _Steps(desk, sessions)

    @blueprint.get("/stops/<stop_id>/resume")
    @sessions.needs("stop_sharing")
    def ask_resume(stop_id: str) -> Response:
        return steps.first(stop_id, "resume")

    @blueprint.post("/stops/<stop_id>/resume")
    @sessions.needs("stop_sharing")
    def resume(stop_id: str) -> Response:
        return steps.next(stop_id, "resume")

    @blueprint.get("/stops/<stop_id>/resume-all")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def ask_resume_all(stop_id: str) -> Response:
        return steps.first(stop_id, "resume-all")

    @blueprint.post("/stops/<stop_id>/resume-all")
    @sessions.needs("stop_sharing", proved_within=FRESH)
    def resume_all(stop_id: str) -> Response:
        return steps.next(stop_id, "resume-all")


class _Steps:
    """The two steps, whichever way they are taken."""

    def __init__(self, desk: Desk, sessions: Sessions) -> None:
        self._desk = desk
        self._sessions = sessions

    def first(self, stop_id: str, way: str) -> Response:
        """Ask for the reason."""
        stop = self._found(stop_id, way)
        if stop is None:
            return page("missing.html", 404, **self._sessions.shown())
        if stop.lifted_at is not None:
            return see(f"/console/stops/{stop.id}")
        return self._ask(stop, 200, {"reason": ""}, [])

    def next(self, stop_id: str, way: str) -> Response:
        """Show what it will do, or, confirmed, do it."""
        stop = self._found(stop_id, way)
        if stop is None:
            return page("missing.html", 404, **self._sessions.shown())
        typed, faults = read(_RESUME)
        if (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(fault)))
        if stop.scope == "agency" and stop.value == g.session.account.agency_id:
            faults.append(("", say("This is your own agency. Somebody else must lift its stop.")))
        if faults or typed["sure"] != "yes":
            return self._ask(stop, 422 if faults else 200, typed, faults, sure=not faults)
        try:
            self._desk.switch.resume(stop.id, reason=typed["reason"], by=g.session.account.id)
        except (OperatorError, Superseded):
            return see(f"/console/stops/{stop.id}")  # somebody else lifted it: the page says who
        except GatekeeperError as error:
            g.fault = error.code
            said = say("The log did not take it in time: the stop is still in force. Try again.")
            return self._ask(stop, 503, typed, [("", said)])
        return see(f"/console/stops/{stop.id}")

    def _found(self, stop_id: str, way: str) -> Any:
        """Return the stop if it is lifted on this way, else None."""
        stop = self._desk.stops.find(stop_id)
        return stop if stop is not None and way == way_back(stop) else None

    def _ask(
        self, stop: Any, status: int, typed: dict[str, Any], faults: Faults, *, sure: bool = False
    ) -> Response:
        in_force = self._desk.gate.registry.snapshot().stops
        return page(
            "stop-resume.html",
            status,
            **self._sessions.shown(),
            **receivers(self._desk, stop.scope, stop.value),
            stop=shown(self._desk, stop),
            others=[shown(self._desk, other) for other in in_force if other.id != stop.id],
            typed=typed,
            faults=faults,
            sure=sure,
            shortest=reasons.SHORTEST,
        )
