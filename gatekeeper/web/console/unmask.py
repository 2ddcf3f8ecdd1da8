"""The one way to see a plate: a reason of substance, a fresh proof, and an entry before it is shown.

Guarantees: the plate stands on the one page that answers the form, in no session, address or log; whoever
belongs to the agency that asked, or is named in the request, does not see it here.
"""

from __future__ import annotations

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import KeyErased, UnknownQuery
from gatekeeper.review import reasons
from gatekeeper.review.case import open_case
from gatekeeper.review.rule import Hearing
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.reviews import Sent, Show, seen
from gatekeeper.web.console.sessions import FRESH, Sessions

_ERASED = later("What was asked has been erased: there is no plate to show.")
_NO_PLATE = later("The request asks about cameras, not about a plate.")


class _Unmask(Form):
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))


_FORM = _Unmask()


def add_unmask(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: Show) -> None:
    """Add the route that answers with the plate."""

    @blueprint.post("/reviews/<query_id>/unmask")
    @sessions.needs("unmask", proved_within=FRESH)
    def unmask(query_id: str) -> Response:
        typed, faults = read(_FORM)
        if (fault := reasons.fault_of(typed["reason"])) is not None:
            faults.append(("reason", say(fault)))
        try:
            case = open_case(desk.gate, query_id)
        except UnknownQuery:
            return show(query_id)
        except KeyErased:
            return show(query_id, 409, Sent("unmask", [*faults, ("", say(_ERASED))], typed))
        hearing = Hearing(desk.gate, case, g.session.account)
        faults += [("", say(told)) for told in hearing.barred()]
        plate = case.query.plate
        if plate is None:
            faults.append(("", say(_NO_PLATE)))
        if faults or plate is None:
            return show(query_id, 422, Sent("unmask", faults, typed))
        seen(desk, query_id, "plate", reasons.tidy(typed["reason"]))
        return show(query_id, plate=plate)
