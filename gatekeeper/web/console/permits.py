"""One permit of a sample: what was asked and given, which provisions were proved, and the mark.

Guarantees: to open a permit is an entry in the log, written before the page is made; its plate is masked;
nobody judges what they acted on themselves, or what their own agency asked; of two who mark it at once one is
told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields

from gatekeeper.errors import KeyErased, OperatorError, Superseded
from gatekeeper.exchange.parse import as_recorded
from gatekeeper.ledger import Json
from gatekeeper.oversight.sampling import FAULTS, Item, Mark, Sampling
from gatekeeper.review import reasons
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.marks import meanings, typed_fields
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.reviews import seen
from gatekeeper.web.console.samples import people
from gatekeeper.web.console.sessions import Sessions


class _Mark(Form):
    verdict = fields.String(load_default="")
    fault = fields.String(load_default="")
    reason = fields.String(load_default="")
    marks = fields.Integer(load_default=-1)


_MARK: Final = _Mark()


def add_permits(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of one permit."""
    sampling = desk.oversight.sampling

    @blueprint.get("/samples/<sample_id>/<int:number>")
    @sessions.needs("judge_samples")
    def permit(sample_id: str, number: int) -> Response:
        found = _item(sampling, sample_id, number)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        return _permit(desk, sessions, found, 200, {}, [])

    @blueprint.post("/samples/<sample_id>/<int:number>")
    @sessions.needs("judge_samples")
    def mark_permit(sample_id: str, number: int) -> Response:
        found = _item(sampling, sample_id, number)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        typed, faults = read(_MARK)
        if faults:
            return _permit(desk, sessions, found, 422, typed, faults)
        try:
            sampling.mark(
                found,
                g.session.account,
                verdict=typed["verdict"],
                fault=typed["fault"] or None,
                reason=typed["reason"],
                marks=typed["marks"],
            )
        except OperatorError as fault:
            return _permit(desk, sessions, found, 422, typed, [("", say(str(fault)))])
        except Superseded:
            said = say("Somebody marked this just now. Look again first.")
            again = _item(sampling, sample_id, number) or found
            return _permit(desk, sessions, again, 409, typed, [("", said)])
        return see(_next(sampling, sample_id))


def _permit(
    desk: Desk, sessions: Sessions, item: Item, status: int, typed: Mapping[str, Any], faults: Faults
) -> Response:
    """Show a permit to judge. Raises LedgerUnavailable if that cannot be logged: then nothing is shown."""
    sampling = desk.oversight.sampling
    seen(desk, item.query_id, "sample")
    released = sampling.released(item)
    marks = [mark for mark in sampling.store.marks(item.sample_id) if mark.number == item.number]
    return page(
        "permit.html",
        status,
        **sessions.shown(),
        item=item,
        held=desk.holds.record.of(item.query_id),
        released=released,
        agency=desk.gate.registry.snapshot().agency(item.agency_id),
        asked=_asked(desk, item),
        proved=list(desk.gate.engine.bundle.catalogue.values()),
        same_policy=released["policy"]["revision"] == desk.gate.engine.bundle.revision,
        marks=[(mark, _said(desk, mark)) for mark in marks],
        people=people(desk, [mark.actor for mark in marks]),
        barred=list(sampling.barred(item, g.session.account)),
        typed={"verdict": "", "fault": "", "reason": "", **typed},
        faults=faults,
        wrong=FAULTS,
        shortest=reasons.SHORTEST,
    )


def _asked(desk: Desk, item: Item) -> dict[str, Any] | None:
    """Return what was asked, with the matched words marked and the plate masked; None if it was erased."""
    try:
        detail: Mapping[str, Any] = desk.oversight.sampling.detail(item)
    except KeyErased:
        return None
    query = as_recorded(detail["body"])
    matches = [match for match in detail["input"]["words"]["matches"] if isinstance(match, dict)]
    bundle = desk.gate.engine.bundle
    return {
        "query": query,
        "fields": typed_fields(query.typed_words(), matches),
        "meanings": meanings(matches, bundle.data.get("lexicon")),
        "obligations": detail["obligations"],
        "ruling": detail["input"].get("ruling"),
    }


def _said(desk: Desk, mark: Mark) -> str | None:
    """Return why it was marked so; None for what was erased."""
    ledger = desk.gate.ledger
    found = [entry for entry in ledger.entries_of(mark.ref) if entry.event == "report.sample_marked"]
    try:
        said: Json = ledger.detail_of(found[0].index).detail.get("said") if found else None
    except KeyErased:
        return None
    return None if said is None else str(said)


def _item(sampling: Sampling, sample_id: str, number: int) -> Item | None:
    return next((item for item in sampling.store.items(sample_id) if item.number == number), None)


def _next(sampling: Sampling, sample_id: str) -> str:
    """Return the address of the next permit to mark, or of the sample where none is left."""
    left = next((item.number for item in sampling.store.items(sample_id) if not item.marks), None)
    return f"/console/samples/{sample_id}" + ("" if left is None else f"/{left}")
