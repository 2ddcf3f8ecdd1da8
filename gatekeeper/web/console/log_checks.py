"""The check of the whole log: begun with a button, watched while it runs, and what it found.

Guarantees: green is shown only for a check that came to its end and found nothing, and only while it is the
last; what was found is shown in red, with what to do, until a check of the whole log finds nothing, and stays
in sight after. Everybody who may read the log may
check it: it changes nothing.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.oversight.checks import Check
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import Sessions


class _Begin(Form):
    scope = fields.String(load_default="whole", validate=validate.OneOf(("whole", "since")))


_BEGIN = _Begin()


def add_log_checks(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the page of checks and the button that begins one."""

    @blueprint.get("/ledger/checks")
    @sessions.needs("read_ledger")
    def ledger_checks() -> Response:
        return shown(200)

    @blueprint.post("/ledger/checks")
    @sessions.needs("read_ledger")
    def begin_check() -> Response:
        typed, faults = read(_BEGIN)
        if faults:
            return shown(422, say("Choose what is to be checked."))
        if desk.checks.begin(g.session.account.id, typed["scope"]) is None:
            return shown(409, say("A check runs already: one at a time, so that queries do not wait."))
        return see("/console/ledger/checks")

    def shown(status: int, fault: str | None = None) -> Response:
        latest = [_told(desk, check) for check in desk.checks.latest()]
        running = latest[0] if latest and latest[0]["state"] == "running" else None
        ended = [check for check in latest if check["state"] != "running"]
        verdict = desk.checks.verdict()
        found = desk.checks.last_found()  # afterwards: what a check finds between the two is not missed
        return page(
            "ledger-checks.html",
            status,
            **sessions.shown(),
            fault=fault,
            running=running,
            last=ended[0] if ended else None,
            found=None if found is None else _told(desk, found),
            wrong=verdict is not None and verdict.state == "inconsistent",
            sound=desk.checks.sound(),
            size=desk.search.head().size,
            checks=latest,
        )


def _told(desk: Desk, check: Check) -> dict[str, Any]:
    account, outcome = desk.staff.get(check.actor), check.outcome or {}
    todo = max(check.size - check.start, 1)
    return {
        "state": check.state,
        "scope": check.scope,
        "by": check.actor if account is None else account.name,
        "begun_at": check.begun_at,
        "ended_at": check.ended_at,
        "start": check.start,
        "size": outcome.get("size", check.size),
        "place": check.place,
        "percent": min(100, max(0, (check.place - check.start) * 100 // todo)),
        "fault": check.fault,
        "findings": outcome.get("findings", []),
        "count": outcome.get("count", 0),
    }
