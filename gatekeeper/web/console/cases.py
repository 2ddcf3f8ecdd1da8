"""From ruling to law: a case is proposed of a request that was ruled on, and others accept or reject it.

Guarantees: to open the proposal of a case is an entry in the log, as to open the request; what is saved is
what was checked (``review.cases``): nothing private in it, and decided as the request was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, g, request
from marshmallow import fields, validate

from gatekeeper.errors import KeyErased, OperatorError, Superseded
from gatekeeper.review import reasons
from gatekeeper.review.accounts import Session
from gatekeeper.review.case_lines import Recorded
from gatekeeper.review.cases import FIXED, LONGEST_TITLE, Case, faults, path_of, propose, recorded, settle
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form
from gatekeeper.web.console.languages import later, say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.reviews import seen
from gatekeeper.web.console.sessions import Sessions

FIELDS: Final[Mapping[str, str]] = {
    "narrative": later("Reason, in the officer's words"),
    "case_number": later("Case number"),
    "statute": later("Statute"),
    "requester.name": later("Officer"),
    "requester.badge": later("Badge"),
    "unit": later("Unit"),
    "agency.name": later("Agency that asked"),
    "end_requester.name": later("Agency for which it asked"),
    "on_behalf_of.agency": later("That agency, as it was typed"),
    "on_behalf_of.component": later("Its component"),
    "on_behalf_of.person": later("Person for whom it asked"),
    "legal_process.form": later("Form of the legal paper"),
    "legal_process.court": later("Court"),
    "legal_process.judge": later("Judge"),
    "legal_process.number": later("Number of the legal paper"),
    "legal_process.statute": later("Statute of the legal paper"),
}
"""Each text of a request, as the form of a proposal names it."""


class _Settling(Form):
    reason = fields.String(load_default="", validate=validate.Length(max=2 * reasons.LONGEST))


_SETTLING: Final = _Settling()


def add_cases(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of proposed cases."""

    @blueprint.get("/cases")
    @sessions.needs("read_policies")
    def cases() -> Response:
        return page(
            "cases.html",
            **sessions.shown(),
            cases=desk.cases.all(),
            catalogue=desk.gate.engine.bundle.catalogue,
        )

    @blueprint.get("/cases/<case_id>")
    @sessions.needs("read_policies")
    def case(case_id: str) -> Response:
        return _one(desk, sessions, case_id, 200, [], {})

    @blueprint.post("/cases/<case_id>/<any(accept, reject):act>")
    @sessions.needs("approve_policies")
    def settled(case_id: str, act: str) -> Response:
        found, typed = desk.cases.get(case_id), request.form.to_dict()
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        if _SETTLING.validate(typed):
            return _one(desk, sessions, case_id, 422, [("reason", say("This is too long."))], typed)
        try:
            settle(
                desk.gate,
                desk.cases,
                found,
                g.session.account,
                accepted=act == "accept",
                reason=typed.get("reason", ""),
            )
        except Superseded:
            told = say("Somebody else acted on this just now. Look again first.")
            return _one(desk, sessions, case_id, 409, [("", told)], typed)
        except OperatorError as fault:
            return _one(desk, sessions, case_id, 422, [("reason", say(str(fault)))], typed)
        return see(f"/console/cases/{case_id}")

    @blueprint.get("/reviews/<query_id>/case")
    @sessions.needs("propose_case")
    def drafted(query_id: str) -> Response:
        return _draft(desk, sessions, query_id)

    @blueprint.post("/reviews/<query_id>/case")
    @sessions.needs("propose_case")
    def proposed(query_id: str) -> Response:
        return _draft(desk, sessions, query_id, request.form.to_dict())


def _draft(desk: Desk, sessions: Sessions, query_id: str, typed: Mapping[str, str] | None = None) -> Response:
    """Show a proposal, or make it: what was typed is checked either way."""
    session: Session = g.session
    if desk.gate.queries.review(query_id) is None:
        return page("missing.html", 404, **sessions.shown())
    seen(desk, query_id, "case")
    try:
        found = recorded(desk.gate, query_id, session.account)
    except KeyErased:
        return _no_case(sessions, query_id, say("What was asked has been erased: no case can be made of it."))
    except OperatorError as fault:
        return _no_case(sessions, query_id, say(str(fault)))
    texts, title = found.original.stand_ins(desk.gate.lexicon), ""
    if typed is not None:
        title = _line(typed.get("title", ""))
        edited = [name for name in FIELDS if name in texts and _id(name) in typed]
        texts |= {name: _line(typed[_id(name)]) for name in edited}
    wrong = faults(desk.gate, found, title, texts)
    if typed is None:
        wrong = [fault for fault in wrong if fault.field != "title"]  # nobody has been asked for it yet
    elif typed.get("act") == "propose" and not wrong:
        made = propose(
            desk.gate, desk.cases, found, session.account, query_id=query_id, title=title, texts=texts
        )
        return see(f"/console/cases/{made}")
    shown = [(_id(fault.field), say(fault.message, **fault.values)) for fault in wrong]
    return _form(desk, sessions, query_id, found, {**texts, "title": title}, shown, checked=typed is not None)


def _line(typed: str) -> str:
    return " ".join(typed.split())


def _form(
    desk: Desk,
    sessions: Sessions,
    query_id: str,
    found: Recorded,
    texts: Mapping[str, str],
    told: Faults,
    *,
    checked: bool,
) -> Response:
    original = found.original.texts
    return page(
        "propose.html",
        422 if checked and told else 200,
        **sessions.shown(),
        query_id=query_id,
        rows=[(_id(n), say(label), original[n], texts[n]) for n, label in FIELDS.items() if n in original],
        fixed=[name for name in FIXED if name in original],
        title=texts["title"],
        longest=LONGEST_TITLE,
        expected=found.expected,
        about=desk.gate.engine.bundle.catalogue[found.provision],
        catalogue=desk.gate.engine.bundle.catalogue,
        faults=told,
        checked=checked,
    )


def _no_case(sessions: Sessions, query_id: str, told: str) -> Response:
    return page("no-case.html", 409, **sessions.shown(), query_id=query_id, told=told)


def _one(
    desk: Desk, sessions: Sessions, case_id: str, status: int, told: Faults, typed: Mapping[str, Any]
) -> Response:
    found = desk.cases.get(case_id)
    if found is None:
        return page("missing.html", 404, **sessions.shown())
    session: Session = g.session
    return page(
        "case.html",
        status,
        **sessions.shown(),
        case=found,
        path=path_of(found),
        about=desk.gate.engine.bundle.catalogue.get(found.provision),
        expected=json.loads(found.document)["expect"],
        catalogue=desk.gate.engine.bundle.catalogue,
        own=session.account.id == found.proposed_by,
        people=_people(desk, found),
        said=_said(desk, found),
        faults=told,
        typed=typed,
        shortest=reasons.SHORTEST,
    )


def _people(desk: Desk, case: Case) -> dict[str, str]:
    """Name who proposed the case and who decided on it."""
    accounts = {by: desk.staff.get(by) for by in (case.proposed_by, case.decided_by) if by is not None}
    return {by: by if account is None else account.name for by, account in accounts.items()}


def _said(desk: Desk, case: Case) -> str | None:
    """Return why the case was accepted or rejected; None if nobody did, or if that has been erased."""
    events = {"policy.case_accepted", "policy.case_rejected"}
    decided: Sequence[Any] = [e for e in desk.gate.ledger.entries_of(case.id) if e.event in events]
    try:
        return str(desk.gate.ledger.detail_of(decided[-1].index).detail["said"]) if decided else None
    except KeyErased:
        return None


def _id(name: str) -> str:
    """Return the id of a field on the page."""
    return name.replace(".", "-")
