"""What a person does about one request: each act a form, each answered by the page that it stood on.

Guarantees: a form that is wrong comes back filled in, with every fault beside its field and at the top; what
the policy answers with a ruling is shown before the ruling is made; a form names the version of the review
that its person saw: if somebody acted meanwhile nothing is done, they are told what happened, and keep what
they typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.errors import KeyErased, NotDone, OperatorError, Superseded, UnknownQuery
from gatekeeper.review import paper, reasons
from gatekeeper.review.case import open_case
from gatekeeper.review.rule import Hearing
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Form, read
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.reviews import Sent, Show
from gatekeeper.web.console.sessions import Sessions

MOST_PROVISIONS: Final = 64
_ERASED: Final = later("What was asked has been erased: nothing can be decided on it.")
_STALE: Final = later(
    "Somebody acted on this request after you opened it. Look at what happened, then send the form again."
)
_ANEW: Final = later("The registry changed at this moment. Send the form again.")


class Act(Form):
    """Every act says why, and what was seen of the review."""

    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))
    version = fields.Integer(load_default=0)
    provision = fields.String(load_default="", validate=validate.Length(max=128))


_PLAIN: Final = Act()


def add_acts(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: Show) -> None:
    """Add the routes of acts; ``show`` answers with the request's page, with faults and what was typed."""

    @blueprint.get("/reviews/<query_id>/rule")
    @sessions.needs("rule_as_staff")
    def consider(query_id: str) -> Response:
        return _consider(desk, sessions, query_id, request.args.getlist("provision"))

    @blueprint.post("/reviews/<query_id>/rule")
    @sessions.needs("rule_as_staff")
    def rule(query_id: str) -> Response:
        chosen = request.form.getlist("provision")

        def ruled(hearing: Hearing, typed: dict[str, Any]) -> None:
            hearing.rule(chosen[:MOST_PROVISIONS], typed["reason"])

        sent, status = attempt(desk, query_id, "rule", _PLAIN, ruled)
        if sent is None:
            return see(f"/console/reviews/{query_id}")
        return _consider(desk, sessions, query_id, chosen, status, sent)

    @blueprint.post("/reviews/<query_id>/<any(ask, note, escalate, uphold, reopen, take_back, unverify):act>")
    @sessions.needs("rule_as_staff")
    def done(query_id: str, act: str) -> Response:
        sent, status = attempt(desk, query_id, act, _PLAIN, _ACTS[act])
        return see(f"/console/reviews/{query_id}") if sent is None else show(query_id, status, sent)


def attempt(
    desk: Desk, query_id: str, act: str, form: Form, do: Callable[[Hearing, dict[str, Any]], None]
) -> tuple[Sent | None, int]:
    """Do an act; return None, or what came with all that is wrong with it, and the status of the answer.

    Raises LedgerUnavailable, PolicyUnavailable, StoreUnavailable: nothing was done then.
    """
    typed, faults = read(form)
    version = typed["version"] if isinstance(typed["version"], int) else 0

    def refused(said: list[tuple[str, str]], *, stale: bool = False) -> Sent:
        return Sent(act, [*faults, *((field, say(told)) for field, told in said)], typed, version, stale)

    try:
        case = open_case(desk.gate, query_id)
        if act != "note" and version != case.review.version:
            return refused([("", _STALE)], stale=True), 409
        if faults:
            return refused([]), 422
        do(Hearing(desk.gate, case, g.session.account), typed)
    except UnknownQuery:
        return Sent(act), 404
    except KeyErased:
        return refused([("", _ERASED)]), 409
    except Superseded:
        moved = desk.gate.queries.review(query_id)
        return refused([("", _ANEW if moved and moved.version == version else _STALE)], stale=True), 409
    except NotDone as fault:
        return refused([*fault.faults]), 422
    except OperatorError as fault:
        return refused([("", str(fault))]), 422
    return None, 303


def _consider(
    desk: Desk,
    sessions: Sessions,
    query_id: str,
    chosen: list[str],
    status: int = 200,
    sent: Sent | None = None,
) -> Response:
    """Show what the policy answers with a ruling, before it is made."""
    try:
        case = open_case(desk.gate, query_id)
    except (UnknownQuery, KeyErased):
        return page("missing.html", 404, **sessions.shown())
    catalogue, sent = desk.gate.engine.bundle.catalogue, sent or Sent("rule")
    hearing = Hearing(desk.gate, case, g.session.account)
    codes = [code for code in dict.fromkeys(chosen) if hearing.beyond(code) is None]
    if not codes and sent.act == "rule" and status == 200:
        return page("missing.html", 404, **sessions.shown())
    return page(
        "rule.html",
        status,
        **sessions.shown(),
        query_id=query_id,
        version=case.review.version,
        chosen=[catalogue[code] for code in codes],
        outlook=hearing.would(codes),
        titles={code: provision.title for code, provision in catalogue.items()},
        faults=sent.faults,
        typed=sent.typed or {},
        meanwhile=[e for e in case.recorded if e.version > sent.seen] if sent.stale and sent.seen else [],
    )


_ACTS: Final[Mapping[str, Callable[[Hearing, dict[str, Any]], None]]] = {
    "ask": lambda hearing, typed: hearing.ask(typed["reason"]),
    "note": lambda hearing, typed: hearing.note(typed["reason"]),
    "escalate": lambda hearing, typed: hearing.escalate(typed["reason"]),
    "uphold": lambda hearing, typed: hearing.uphold(typed["reason"]),
    "reopen": lambda hearing, typed: hearing.reopen(typed["reason"]),
    "take_back": lambda hearing, typed: hearing.take_back(typed["provision"], typed["reason"]),
    "unverify": lambda hearing, typed: paper.take_back(hearing, typed["reason"]),
}
