"""Who looks after a request: one form on the queue for several at once, the same one on a request's page.

Guarantees: each request is assigned, or not, by itself; whoever loses to a colleague is told of each, and
nothing is overwritten.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import Schema, fields, validate

from gatekeeper.errors import OperatorError, Superseded, UnknownQuery
from gatekeeper.exchange.interfaces import ReviewRow
from gatekeeper.review.accounts import Account
from gatekeeper.review.assign import assign, could_rule
from gatekeeper.review.queue import PAGE, WAITING
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.filters import QUEUE
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.queue import ShowQueue, filter_sent
from gatekeeper.web.console.sessions import Sessions

ME: Final = "me"
NOBODY: Final = "nobody"


class _Form(Schema):
    class Meta:
        unknown = "exclude"

    to = fields.String(load_default="", validate=validate.Length(max=128))
    colleague = fields.String(load_default="", validate=validate.Length(max=128))


_FORM: Final = _Form()


def add_assignment(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: ShowQueue) -> None:
    """Add the route; ``show`` answers with the queue, with what could not be done."""

    @blueprint.post("/reviews/assign")
    @sessions.needs("rule_as_staff")
    def assigned() -> Response:
        chosen = filter_sent()
        if chosen is None or _FORM.validate(request.form):
            return page("missing.html", 404, **sessions.shown())
        typed = _FORM.load(request.form)
        faults, lost = _assign_each(desk, typed)
        if faults:
            return show(chosen, 422 if lost == 0 else 409, faults)
        if request.form.get("stay"):
            (one,) = _picked()[:1] or [("", None)]
            return see(f"{QUEUE}/{one[0]}")
        return see(chosen.address())


def assignment(desk: Desk, review: ReviewRow) -> dict[str, Any]:
    """Return what ``assign.html`` shows on a request's page."""
    accounts = desk.staff.all()
    return {
        "assignee": review.assignee,
        "assignee_name": next((a.name for a in accounts if a.id == review.assignee), review.assignee),
        "colleagues": could_rule(accounts, review.agency_id),
        "assignable": review.state in WAITING,
    }


def _assign_each(desk: Desk, typed: dict[str, str]) -> tuple[Faults, int]:
    """Assign what was picked; return what could not be, each with why, and how many a colleague won."""
    person: Account = g.session.account
    picked = _picked()
    if not picked:
        return [("pick-all", say("Choose at least one request."))], 0
    try:
        to = _chosen(desk, person, typed)
    except OperatorError as fault:
        return [("colleague", say(str(fault)))], 0
    faults: Faults = []
    lost = 0
    for query_id, seen in picked:
        name = query_id[:12]
        try:
            assign(desk.gate, desk.assign, query_id, by=person, to=to, seen=seen)
        except Superseded:
            lost += 1
            told = later("%(request)s: somebody else assigned it just now. Look again first.")
            faults.append(("", say(told, request=name)))
        except UnknownQuery:
            faults.append(("", say("%(request)s: there is no review of it.", request=name)))
        except OperatorError as fault:
            faults.append(("", f"{name}: {say(str(fault))}"))
    return faults, lost


def _picked() -> list[tuple[str, str | None]]:
    """Return the requests that were picked, each with who looked after it when it was shown."""
    picked = dict.fromkeys(request.form.getlist("pick")[: 2 * PAGE])
    return [(query_id, seen or None) for query_id, _, seen in (each.partition(":") for each in picked)]


def _chosen(desk: Desk, person: Account, typed: dict[str, str]) -> Account | None:
    """Return to whom, None for nobody. Raises OperatorError for somebody who is not on the list."""
    if typed["to"] == ME:
        return person
    if typed["to"] == NOBODY:
        return None
    for account in could_rule(desk.staff.all()):
        if account.id == typed["colleague"]:
            return account
    raise OperatorError("Choose a colleague of the list.")
