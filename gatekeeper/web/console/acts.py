"""What a person does about one request: each act a form, each answered by the page that it stood on.

Guarantees: a form that is wrong comes back filled in, with every fault at its top; what the policy answers
with a ruling is shown before the ruling is made; whoever acted meanwhile is told of, and nothing is
overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import Schema, fields, validate

from gatekeeper.errors import KeyErased, OperatorError, Superseded, UnknownQuery
from gatekeeper.exchange import process
from gatekeeper.review import reasons
from gatekeeper.review.rule import Hearing, open_case
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.reviews import Show
from gatekeeper.web.console.sessions import Sessions

LONGEST_VERIFICATION_DAYS: Final = 30


class _Form(Schema):
    class Meta:
        unknown = "exclude"

    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))
    provision = fields.String(load_default="", validate=validate.Length(max=128))
    judge_signed = fields.String(load_default="", validate=validate.OneOf(("", "yes")))
    document = fields.String(load_default="", validate=validate.Length(max=200))
    days = fields.Integer(load_default=7, validate=validate.Range(1, LONGEST_VERIFICATION_DAYS))


_FORM: Final = _Form()


def add_acts(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: Show) -> None:
    """Add the routes of acts; ``show`` answers with the request's page, with faults and what was typed."""

    @blueprint.get("/reviews/<query_id>/rule/<provision>")
    @sessions.needs("rule_as_staff")
    def consider(query_id: str, provision: str) -> Response:
        return _consider(desk, sessions, query_id, provision)

    @blueprint.post("/reviews/<query_id>/<any(ask, escalate, uphold, rule, verify):act>")
    @sessions.needs("rule_as_staff")
    def done(query_id: str, act: str) -> Response:
        refused = _FORM.validate(request.form)
        typed = _FORM.load({name: value for name, value in request.form.items() if name not in refused})
        try:
            case = open_case(desk.gate, query_id)
            _ACTS[act](Hearing(desk.gate, desk.move, case, g.session.account), typed)
        except UnknownQuery:
            return page("missing.html", 404, **sessions.shown())
        except KeyErased:
            return show(
                query_id, 409, ["What was asked has been erased: nothing can be decided on it."], typed
            )
        except Superseded:
            return show(query_id, 409, ["Somebody else acted on this just now. Look again first."], typed)
        except OperatorError as fault:
            return show(query_id, 422, [str(fault)], typed)
        return see(f"/console/reviews/{query_id}")


def _consider(desk: Desk, sessions: Sessions, query_id: str, provision: str) -> Response:
    """Show what the policy answers with a ruling, before it is made."""
    catalogue = desk.gate.engine.bundle.catalogue
    try:
        case = open_case(desk.gate, query_id)
    except (UnknownQuery, KeyErased):
        return page("missing.html", 404, **sessions.shown())
    if provision not in case.unmet or catalogue[provision].review == "none":
        return page("missing.html", 404, **sessions.shown())
    return page(
        "rule.html",
        **sessions.shown(),
        query_id=query_id,
        provision=catalogue[provision],
        after=Hearing(desk.gate, desk.move, case, g.session.account).would(provision),
        shortest=reasons.SHORTEST,
    )


def _verify(hearing: Hearing, typed: dict[str, Any]) -> None:
    """Record that this person saw a judge's signature on the paper of this request, for what it asks."""
    query, gate = hearing.case.query, hearing.gate
    in_the_way, paper = hearing.faults(typed["reason"]), query.legal_process
    if paper is None or paper.document_sha256 is None:
        in_the_way.append("The request shows no document. Ask the agency for one first.")
    elif typed["document"].strip().lower() != paper.document_sha256:
        in_the_way.append("The hash of the document you saw is not the one that the request names.")
    if typed["judge_signed"] != "yes":
        in_the_way.append("Say that you saw a judge's signature; without one the paper is worth nothing.")
    if in_the_way:
        raise OperatorError(" ".join(in_the_way))
    at = gate.clock.now()
    process.record(
        gate.ledger,
        gate.keys,
        agency_id=hearing.case.review.agency_id,
        query=query,
        plates={} if query.plate is None else {query.plate: query.plate_state},
        cameras=query.cameras,
        start=query.start,
        end=query.end,
        at=at,
        expires_at=at + timedelta(days=typed["days"]),
        by=hearing.person.id,
        level=hearing.level,
    )


_ACTS: Final[Mapping[str, Callable[[Hearing, dict[str, Any]], None]]] = {
    "ask": lambda hearing, typed: hearing.ask(typed["reason"]),
    "escalate": lambda hearing, typed: hearing.escalate(typed["reason"]),
    "uphold": lambda hearing, typed: hearing.uphold(typed["reason"]),
    "rule": lambda hearing, typed: hearing.rule(typed["provision"], typed["reason"]),
    "verify": _verify,
}
