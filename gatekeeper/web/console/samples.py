"""Samples of permits: what each was drawn from and how, how far it is marked, and what share was right.

Guarantees: nothing here is private: who only reads figures sees marks and shares, and no request; a sample is
taken out only by who may export, who has just proved who they are, and with an entry in the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response, g
from marshmallow import fields, validate

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.bodies import CATEGORIES
from gatekeeper.oversight.periods import Period, chosen
from gatekeeper.oversight.sampling import LARGEST, Item, Mark, Sample, shares
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form, read
from gatekeeper.web.console.languages import say
from gatekeeper.web.console.pages import page, see
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.sheets import sheet

PAGE: Final = 50


class _Draw(Form):
    first = fields.Date(load_default=None)
    last = fields.Date(load_default=None)
    agency = fields.String(load_default="", validate=validate.Length(max=128))
    category = fields.String(load_default="", validate=validate.OneOf(("", *CATEGORIES)))
    size = fields.Integer(load_default=20)


_DRAW: Final = _Draw()


def add_samples(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the routes of samples."""
    sampling = desk.oversight.sampling
    store = sampling.store

    @blueprint.get("/samples")
    @sessions.needs("read_figures")
    def samples() -> Response:
        yesterday = desk.gate.clock.now().date() - timedelta(days=1)
        typed = {"first": yesterday - timedelta(days=27), "last": yesterday, "size": 20}
        return _list(desk, sessions, 200, {**typed, "agency": "", "category": ""}, [])

    @blueprint.post("/samples")
    @sessions.needs("judge_samples")
    def draw_sample() -> Response:
        typed, faults = read(_DRAW)
        if faults:
            return _list(desk, sessions, 422, typed, faults)
        period = chosen("custom", desk.gate.clock.now().date(), typed["first"], typed["last"])
        if period is None:
            said = say("Give a first day and a last day, the first not after the last.")
            return _list(desk, sessions, 422, typed, [("first", said)])
        try:
            made = sampling.draw(
                Period(period.first, period.last),
                typed["size"],
                agency_id=typed["agency"] or None,
                category=typed["category"] or None,
                by=g.session.account.id,
            )
        except OperatorError as fault:
            return _list(desk, sessions, 422, typed, [("", say(str(fault)))])
        return see(f"/console/samples/{made}")

    @blueprint.get("/samples/<sample_id>")
    @sessions.needs("read_figures")
    def sample(sample_id: str) -> Response:
        found = store.find(sample_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        items, last = store.items(found.id), _last(store.marks(found.id))
        overall, each = shares(_tally(items, last))
        return page(
            "sample.html",
            **sessions.shown(),
            sample=found,
            items=items,
            last=last,
            overall=overall,
            each=each,
            names=_names(desk),
            drawn=_drawn(desk, found),
            people=people(desk, [found.actor, *(mark.actor for mark in last.values())]),
        )

    @blueprint.post("/samples/<sample_id>.csv")
    @sessions.needs("export", proved_within=FRESH)
    def sample_sheet(sample_id: str) -> Response:
        found = store.find(sample_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        items, last = store.items(found.id), _last(store.marks(found.id))
        head = ("number", "entry", "agency", "category", "verdict", "fault", "marked_at", "marks")
        return sheet(
            desk,
            found.id,
            f"sample {found.id}",
            head,
            (_cells(item, last.get(item.number)) for item in items),
        )


def _list(desk: Desk, sessions: Sessions, status: int, typed: Mapping[str, Any], faults: Faults) -> Response:
    store = desk.oversight.sampling.store
    overall, each = shares(store.tally())
    return page(
        "samples.html",
        status,
        **sessions.shown(),
        samples=store.all(PAGE),
        overall=overall,
        each=each,
        typed=typed,
        faults=faults,
        names=_names(desk),
        categories=CATEGORIES,
        largest=LARGEST,
    )


def _drawn(desk: Desk, sample: Sample) -> dict[str, Any] | None:
    """Return the public entry of the draw, with its index, or None if the log does not tell."""
    found = [e for e in desk.gate.ledger.entries_of(sample.id) if e.event == "report.sample_drawn"]
    return {**json.loads(found[0].entry), "index": found[0].index} if found else None


def _last(marks: Sequence[Mark]) -> dict[int, Mark]:
    return {mark.number: mark for mark in marks}


def _tally(items: Sequence[Item], last: Mapping[int, Mark]) -> list[tuple[str, str, int]]:
    return [(item.category, last[item.number].verdict, 1) for item in items if item.number in last]


def _cells(item: Item, mark: Mark | None) -> tuple[object, ...]:
    told = (None, None, None) if mark is None else (mark.verdict, mark.fault, mark.at.isoformat())
    return (item.number, item.entry_index, item.agency_id, item.category, *told, item.marks)


def _names(desk: Desk) -> dict[str, str]:
    return {agency.id: agency.name for agency in desk.gate.registry.snapshot().agencies()}


def people(desk: Desk, ids: Sequence[str]) -> dict[str, str]:
    """Return the names of these members of staff; an account that is not there is named by its id."""
    found = {each: desk.staff.get(each) for each in dict.fromkeys(ids)}
    return {each: each if account is None else account.name for each, account in found.items()}
