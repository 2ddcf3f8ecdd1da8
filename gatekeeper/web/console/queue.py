"""The queue of denied requests, narrowed and in order, a page at a time.

Guarantees: nothing here is private: no plate, no word that was typed, no officer.
"""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from gatekeeper.review.queue import DONE, PAGE, WAITING, place, read_place, write_place
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import Sessions


class _Filter(Schema):
    class Meta:
        unknown = "exclude"

    pile = fields.String(load_default="waiting", validate=validate.OneOf(("waiting", "done")))
    state = fields.String(load_default="", validate=validate.OneOf(("", *WAITING, *DONE)))
    agency = fields.String(load_default="", validate=validate.Length(max=128))
    provision = fields.String(load_default="", validate=validate.Length(max=128))
    overdue = fields.String(load_default="", validate=validate.OneOf(("", "yes")))
    after = fields.String(load_default="", validate=validate.Length(max=400))


_FILTER = _Filter()


def add_queue(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the route of the queue."""

    @blueprint.get("/reviews")
    @sessions.needs("read_reviews")
    def queue() -> Response:
        refused = bool(_FILTER.validate(request.args))
        asked = _FILTER.load({} if refused else request.args)
        pile = WAITING if asked["pile"] == "waiting" else DONE
        found = desk.reviews.page(
            [state for state in pile if asked["state"] in ("", state)],
            by="due_at" if pile is WAITING else "queued_at",
            most=PAGE + 1,
            agency_id=asked["agency"] or None,
            provision=asked["provision"] or None,
            due_before=desk.gate.clock.now() if asked["overdue"] else None,
            after=read_place(asked["after"]) if asked["after"] else None,
        )
        cards = found[:PAGE]
        further = urlencode({**asked, "after": write_place(place(cards[-1]))}) if len(found) > PAGE else None
        snapshot = desk.gate.registry.snapshot()
        return page(
            "queue.html",
            400 if refused else 200,
            **sessions.shown(),
            refused=refused,
            cards=cards,
            further=further,
            asked=asked,
            counts=desk.reviews.counts(),
            piles=(("waiting", WAITING), ("done", DONE)),
            catalogue=desk.gate.engine.bundle.catalogue,
            agencies=sorted(snapshot.agencies(), key=lambda agency: agency.name),
        )
