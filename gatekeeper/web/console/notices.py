"""What agencies were told, what has not reached them, and why; whoever may act has it tried now.

Guarantees: nothing here is private: which request, what happened, where to; an address is shown, a webhook
only by its host. To have it tried is no change of anything that the log speaks of, and no entry.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from marshmallow import Schema, fields, validate

from gatekeeper.review.queue import PAGE, read_place, write_place
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import Sessions

NOTICES: Final = "/console/notices"
PILES: Final = {
    "undelivered": ("waiting", "given_up"),
    "delivered": ("delivered",),
    "dropped": ("dropped",),
}
WORDS: Final = (
    later("undelivered"),
    later("waiting"),
    later("delivered"),
    later("given up"),
    later("dropped"),
    later("webhook"),
    later("mail"),
    later("queued"),
    later("asked"),
    later("answered"),
    later("ruled"),
    later("escalated"),
    later("withdrawn"),
    later("expired"),
    later("address refused"),
    later("agency closed"),
    later("certificate refused"),
    later("connection lost"),
    later("internal"),
    later("mail is off"),
    later("mail server refused"),
    later("message deferred"),
    later("message refused"),
    later("no address"),
    later("no connection"),
    later("no http answer"),
    later("not a contact"),
    later("recipient deferred"),
    later("recipient refused"),
    later("sign in refused"),
    later("store unavailable"),
    later("timed out"),
    later("tls failed"),
    later("too many waiting"),
    later("webhook disabled"),
    later("signed anew"),
    later("reminded"),
    later("ending"),
)
"""The words of this page that are codes of ours; ``status_503`` and the like are numbers."""


class _Filter(Schema):
    class Meta:
        unknown = "exclude"

    pile = fields.String(load_default="undelivered", validate=validate.OneOf(tuple(PILES)))
    agency = fields.String(load_default="", validate=validate.Length(max=128))
    after = fields.String(load_default="", validate=validate.Length(max=400))


_FILTER: Final = _Filter()


def add_notices(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the page of notices, and the act of having one tried now."""

    @blueprint.get("/notices")
    @sessions.needs("read_reviews")
    def notices() -> Response:
        return _shown(desk, sessions, 200, [])

    @blueprint.post("/notices/<delivery_id>/try")
    @sessions.needs("rule_as_staff")
    def try_now(delivery_id: str) -> Response:
        if desk.try_now(delivery_id, desk.gate.clock.now()):
            return see(NOTICES)
        said = say("It is on its way at this moment, or has ended. Look again first.")
        return _shown(desk, sessions, 409, [("", said)])


def _shown(desk: Desk, sessions: Sessions, status: int, faults: Faults) -> Response:
    refused = bool(_FILTER.validate(request.args))
    asked = _FILTER.load({} if refused else request.args)
    found = desk.notices.page(
        PILES[asked["pile"]],
        most=PAGE + 1,
        agency_id=asked["agency"] or None,
        after=read_place(asked["after"]) if asked["after"] else None,
    )
    shown, further = found[:PAGE], None
    if len(found) > PAGE:
        further = urlencode({**asked, "after": write_place((shown[-1].notice.at, shown[-1].id))})
    agencies = {agency.id: agency.name for agency in desk.gate.registry.snapshot().agencies()}
    counts = desk.notices.counts()
    return page(
        "notices.html",
        400 if refused and status == 200 else status,
        **sessions.shown(),
        refused=refused,
        faults=faults,
        asked=asked,
        told=shown,
        further=further,
        piles={pile: sum(counts.get(state, 0) for state in states) for pile, states in PILES.items()},
        undelivered=desk.notices.undelivered(),
        hosts=desk.notices.hosts(),
        agencies=dict(sorted(agencies.items(), key=lambda each: each[1])),
    )
