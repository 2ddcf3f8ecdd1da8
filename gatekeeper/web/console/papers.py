"""The form by which a person records that they saw a judge's signature on the paper of a request.

Guarantees: the hash of a document is computed here from its bytes, never typed; a document is one that came
with this very request, or one that is handed in with the form and passes every check; what was read on it
stands beside what the request says.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from flask import Blueprint, Response
from marshmallow import fields, validate

from gatekeeper.errors import NotDone, UnknownDocument
from gatekeeper.exchange.documents import Document, fetched, rows
from gatekeeper.review import paper
from gatekeeper.review.rule import Hearing
from gatekeeper.web.console.acts import Act, attempt
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.documents import LARGEST_FORM, uploaded
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later
from gatekeeper.web.console.pages import see
from gatekeeper.web.console.reviews import Show
from gatekeeper.web.console.sessions import Sessions

LONGEST: Final = 200
_ONE: Final = later("Hand in one file, or choose one that is here: not both, and not several.")
_UNKNOWN: Final = later("That document is not of this request, or has been erased.")
_AGAIN: Final = later("Choose the file again: a form that was wrong does not keep it.")


class _Verification(Act):
    """What was read on a paper."""

    document = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    court = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    judge = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    number = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    statute = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    form_number = fields.String(load_default="", validate=validate.Length(max=LONGEST))
    judge_signed = fields.String(load_default="", validate=validate.OneOf(("", "yes")))
    same = fields.String(load_default="", validate=validate.OneOf(("", "yes")))
    days = fields.Integer(load_default=7, validate=validate.Range(1, paper.LONGEST_DAYS))


_FORM: Final = _Verification()


def add_papers(blueprint: Blueprint, desk: Desk, sessions: Sessions, show: Show) -> None:
    """Add the route of a verification."""

    @blueprint.post("/reviews/<query_id>/verify")
    @sessions.needs("rule_as_staff", most=LARGEST_FORM)
    def verify(query_id: str) -> Response:
        sent, status = attempt(desk, query_id, "verify", _FORM, _verify)
        return see(f"/console/reviews/{query_id}") if sent is None else show(query_id, status, sent)


def _verify(hearing: Hearing, typed: dict[str, Any]) -> None:
    handed_in, faults = uploaded("upload")
    sha256 = _seen(hearing, typed["document"], handed_in, faults)
    reading = paper.Reading(
        sha256=sha256,
        court=typed["court"],
        judge=typed["judge"],
        number=typed["number"],
        statute=typed["statute"],
        form=typed["form_number"],
        judge_signed=typed["judge_signed"] == "yes",
        same_in_other_words=typed["same"] == "yes",
        days=typed["days"],
    )
    gate = hearing.gate
    kept = rows(gate.keys, hearing.case.query_id, "staff", gate.clock.now(), handed_in if sha256 else [])
    try:
        paper.verify(hearing, reading, typed["reason"], rows=kept)
    except NotDone as refused:
        # What is wrong with the file itself is said before that there is none.
        known = [one for one in refused.faults if not (faults and one[0] == "document")]
        again = [("upload", _AGAIN)] if handed_in and not faults else []
        raise NotDone([*faults, *known, *again]) from None


def _seen(hearing: Hearing, chosen: str, handed_in: list[Document], faults: Faults) -> str | None:
    """Return the hash of the one document that the person says they saw; what is wrong goes to *faults*."""
    if faults:
        return None
    if len(handed_in) > 1 or (handed_in and chosen):
        faults.append(("upload", _ONE))
        return None
    if handed_in:
        return handed_in[0].sha256
    if not chosen:
        return None
    with suppress(UnknownDocument):
        kept, document = fetched(hearing.gate.documents, hearing.gate.keys, chosen)
        if kept.query_id == hearing.case.query_id:
            return document.sha256
    faults.append(("document", _UNKNOWN))
    return None
