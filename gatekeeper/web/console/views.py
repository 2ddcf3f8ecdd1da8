"""The views of the queue that a person keeps: a filter under a name that only they see."""

from __future__ import annotations

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.exchange.fields import SafeString
from gatekeeper.web.console.desk import Desk, ViewOutcome
from gatekeeper.web.console.filters import Filter
from gatekeeper.web.console.forms import Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.queue import ShowQueue, filter_sent
from gatekeeper.web.console.sessions import Sessions

_SAID: dict[ViewOutcome, str] = {
    "taken": later("You have a view of that name. Choose another."),
    "full": later("You keep as many views as there is room for. Delete one first."),
    "unknown": later("You keep no such view (any more)."),
}


class _Form(Form):
    name = SafeString(
        80, load_default="", validate=validate.Regexp(r".*\S", error=later("Give the view a name."))
    )
    view = fields.String(load_default="", validate=validate.Length(max=128))


_FORM = _Form()


def add_views(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: ShowQueue) -> None:
    """Add the routes; ``show`` answers with the queue, with what was wrong."""

    @blueprint.post("/reviews/views")
    @sessions.needs("read_reviews")
    def keep() -> Response:
        typed, faults = read(_FORM)
        chosen = filter_sent()
        if chosen is None:
            return page("missing.html", 404, **sessions.shown())
        name = typed["name"].strip()
        if not faults:
            outcome = desk.views.keep(g.session.account.id, name, chosen.given)
            if outcome == "kept":
                return see(chosen.address())
            faults = [("name", say(_SAID[outcome]))]
        return show(chosen, 422, faults, typed)

    @blueprint.post("/reviews/views/<any(rename, delete):act>")
    @sessions.needs("read_reviews")
    def changed(act: str) -> Response:
        typed, faults = read(_FORM)
        chosen, person = filter_sent() or Filter({}), g.session.account.id
        if act == "delete":
            if desk.views.forget(person, typed["view"]):
                return see(chosen.address())
            return show(chosen, 404, [("", say(_SAID["unknown"]))])
        field = f"name-{typed['view']}"
        if not faults:
            outcome = desk.views.rename(person, typed["view"], typed["name"].strip())
            if outcome == "kept":
                return see(chosen.address())
            return show(chosen, 404 if outcome == "unknown" else 422, [(field, say(_SAID[outcome]))], typed)
        return show(chosen, 422, [(field, message) for _, message in faults], typed)
