"""Stopping: what is in force, what was, and the two steps by which sharing is stopped.

Guarantees: nothing is said to be in force before no record in its scope can leave any more; a stop that may
have failed is never taken for one; one confirmation is one stop, however often it is sent; to stop never
waits for a second proof of who one is, nor for a count or for the store of reads to answer. Who stopped and
why is the city's own act and no detail of a request: to read it is no log entry, so that this page can be
read when the log is down.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.errors import GatekeeperError, RecordsUnavailable
from gatekeeper.ledger.stops import KINDS, SCOPES
from gatekeeper.oversight.stops import near, new_stop_id, settle
from gatekeeper.review import reasons
from gatekeeper.review.queue import read_place, write_place
from gatekeeper.web.console.desk import Desk, PastStop
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.resume import add_resume
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.console.stop_facts import by_whom, receivers, scope_in_words, shown

PAGE: Final = 25
_NEW: Final = timedelta(seconds=10)
"""Longer than a stop can take from its time to its commit: one that is younger may still have to settle."""


class _Stop(Form):
    scope = fields.String(
        load_default="", validate=validate.OneOf(SCOPES, error=later("Choose what is to stop."))
    )
    value = fields.String(load_default="", validate=validate.Length(max=200))
    unlisted = fields.String(load_default="", validate=validate.OneOf(("", "yes")))
    reason = fields.String(load_default="")
    stop = fields.String(load_default="", validate=validate.Regexp(r"(?:stop_[0-9a-f]{16})?\Z"))


_STOP = _Stop()


def add_stops(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the pages of stops, and the ways to stop and to let go on."""
    add_stopping(blueprint, desk, sessions)
    add_resume(blueprint, desk, sessions)

    @blueprint.get("/stops")
    @sessions.needs("read_figures")
    def stops() -> Response:
        after = read_place(request.args.get("after", "")[:400])
        found = desk.stops.lifted(most=PAGE + 1, after=after)
        return page(
            "stops.html",
            **sessions.shown(),
            in_force=[shown(desk, stop) for stop in desk.gate.registry.snapshot().stops],
            lifted=[shown(desk, stop) for stop in found[:PAGE]],
            later=after is not None,
            further=_place(found[PAGE - 1]) if len(found) > PAGE else None,
        )

    @blueprint.get("/stops/<stop_id>")
    @sessions.needs("read_figures")
    def one_stop(stop_id: str) -> Response:
        found = desk.stops.find(stop_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        now = desk.gate.clock.now()
        if found.lifted_at is None and now - found.set_at < _NEW:
            settle()  # it is in the database now, so one lease from now it is true that nothing leaves
        lifting = by_whom(desk, found.id, "stop.lifted")
        return page("stop.html", **sessions.shown(), stop=shown(desk, found), lifting=lifting)


def add_stopping(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the two steps by which sharing is stopped."""

    @blueprint.get("/stops/new")
    @sessions.needs("stop_sharing")
    def choose_stop() -> Response:
        scope = request.args.get("scope", "")
        value = request.args.get("value", "")[:200]
        return _form(desk, sessions, {"scope": scope if scope in SCOPES else "all", "value": value})

    @blueprint.post("/stops/confirm")
    @sessions.needs("stop_sharing")
    def consider_stop() -> Response:
        typed, faults = read(_STOP)
        faults = faults or _in_the_way(desk, typed)
        if faults:
            return _form(desk, sessions, typed, faults)
        return page("stop-confirm.html", **sessions.shown(), **_consequence(desk, typed), typed=typed)

    @blueprint.post("/stops")
    @sessions.needs("stop_sharing")
    def set_stop() -> Response:
        typed, faults = read(_STOP)
        if not typed["stop"]:
            faults = faults or [("", say("Look at what it will do first, then confirm."))]
        # Not the camera: it was looked for when the page was shown, and a store that is slow keeps nobody.
        faults = faults or _in_the_way(desk, typed | {"unlisted": "yes"})
        if faults:
            return _form(desk, sessions, typed, faults)
        return _set(desk, sessions, typed)


def _form(desk: Desk, sessions: Sessions, typed: dict[str, Any], faults: Faults | None = None) -> Response:
    """Show the first step; the cameras only where one is to be stopped: their store may be slow."""
    filled = {"value": "", "unlisted": "", "reason": ""} | typed
    filled["scope"] = filled["scope"] if filled["scope"] in SCOPES else "all"
    cameras = _cameras(desk) if filled["scope"] == "camera" else None
    return page(
        "stop-new.html",
        422 if faults else 200,
        **sessions.shown(),
        typed=filled,
        faults=faults or [],
        scopes=SCOPES,
        kinds=KINDS,
        cameras=cameras,
        agencies=sorted(desk.gate.registry.snapshot().agencies(), key=lambda agency: agency.name),
        shortest=reasons.SHORTEST,
    )


def _in_the_way(desk: Desk, typed: dict[str, Any]) -> Faults:
    """Say what keeps this from being a stop: a misspelt one would stop nothing."""
    faults: Faults = []
    scope, value = typed["scope"], typed["value"].strip()
    agency = desk.gate.registry.snapshot().agency(value) if scope == "agency" else None
    if scope == "agency" and (agency is None or agency.id != value):  # an ORI stops nothing
        faults.append(("value", say("Choose an agency from the list.")))
    if scope == "kind" and value not in KINDS:
        faults.append(("value", say("Choose a kind from the list.")))
    if scope == "camera" and (not value or not value.isprintable()):
        faults.append(("value", say("Name the camera by its id.")))
    elif scope == "camera" and typed["unlisted"] != "yes":
        cameras = _cameras(desk)
        if cameras is not None and value not in cameras:
            alike = ", ".join(near(value, cameras))
            faults.append(
                ("value", say("The store of reads has no such camera; it has %(alike)s …", alike=alike))
            )
    if (fault := reasons.fault_of(typed["reason"])) is not None:
        faults.append(("reason", say(fault)))
    return faults


def _cameras(desk: Desk) -> Sequence[str] | None:
    """Return the ids of the cameras, or None if their store does not say: that keeps nobody from stopping."""
    try:
        return sorted(desk.gate.reads.cameras())
    except RecordsUnavailable:
        return None


def _set(desk: Desk, sessions: Sessions, typed: dict[str, Any]) -> Response:
    """Stop, and lead to the page that says so; say in red if it may not be in force."""
    stop_id, value = typed["stop"], typed["value"].strip() or None
    try:
        desk.switch.stop(
            typed["scope"],
            None if typed["scope"] == "all" else value,
            reason=typed["reason"],
            by=g.session.account.id,
            stop_id=stop_id,
        )
    except Exception as fault:  # noqa: BLE001  whatever it was: nobody is to read past it
        g.fault = fault.code if isinstance(fault, GatekeeperError) else f"internal:{type(fault).__name__}"
        if not _in_force(desk, stop_id):
            return page("stop-failed.html", 503, **sessions.shown(), typed=typed, **_otherwise(desk, typed))
    return see(f"/console/stops/{stop_id}")


def _in_force(desk: Desk, stop_id: str) -> bool:
    """Say whether the stop is in force after all: sent twice, or committed though the answer was lost."""
    try:
        return any(stop.id == stop_id for stop in desk.gate.registry.snapshot().stops)
    except GatekeeperError:
        return False


def _consequence(desk: Desk, typed: dict[str, Any]) -> dict[str, Any]:
    """Return what the second step shows: exactly what will stop, for whom, and what they got of late."""
    scope, value = typed["scope"], typed["value"].strip()
    same = [
        shown(desk, stop)
        for stop in desk.gate.registry.snapshot().stops
        if (stop.scope, stop.value or "") == (scope, "" if scope == "all" else value)
    ]
    return {
        "scope": scope_in_words(desk, scope, value),
        "stop_id": new_stop_id(),
        "same": same,
        **receivers(desk, scope, value),
    }


def _otherwise(desk: Desk, typed: dict[str, Any]) -> dict[str, str]:
    """Return what was to be stopped, and the command that stops it on the server."""
    scope, value = typed["scope"], typed["value"].strip()
    option = "--all" if scope == "all" else f"--{scope} {shlex.quote(value)}"
    return {
        "scope": scope_in_words(desk, scope, value),
        "command": f"gatekeeper stop {option} --reason {shlex.quote(reasons.tidy(typed['reason']))}",
    }


def _place(stop: PastStop) -> str | None:
    """Return where a page of lifted stops that ends with this one is gone on from."""
    return None if stop.lifted_at is None else write_place((stop.lifted_at, stop.id))
