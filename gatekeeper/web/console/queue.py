"""The queue of denied requests, narrowed and in order, a page at a time.

Guarantees: nothing here is private: no plate, no word that was typed, no officer.
"""

from __future__ import annotations

from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, Response, g, request

from gatekeeper.exchange.bodies import CATEGORIES
from gatekeeper.review.accounts import Session
from gatekeeper.review.assign import could_rule
from gatekeeper.review.queue import DONE, PAGE, WAITING, Wanted, read_place
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.filters import (
    LABELS,
    STATES,
    WORDS,
    Filter,
    read_filter,
    read_pages,
    turn,
)
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.languages import later
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import Sessions

# What somebody looks at each morning. The names are ours; a person's own views stand behind them.
DEFAULT_VIEWS: Final = (
    (later("Mine"), Filter({"assigned": "me"})),
    (later("Overdue"), Filter({"due": "overdue"})),
    (later("Missing persons"), Filter({"purpose": "missing_or_endangered_person"})),
    (later("With counsel"), Filter({"state": "escalated"})),
)


class ShowQueue(Protocol):
    """Answers with the queue under a filter, and with what was wrong with a form that stood on it."""

    def __call__(
        self, chosen: Filter, status: int = 200, faults: Faults = ..., typed: dict[str, Any] = ...
    ) -> Response:
        """Return the page."""


def add_queue(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> ShowQueue:
    """Add the route of the queue; return what answers with it."""

    @blueprint.get("/reviews")
    @sessions.needs("read_reviews")
    def queue() -> Response:
        chosen = read_filter(request.args)
        if chosen is None:
            return show(Filter({}), 400, refused=True)
        return show(chosen)

    def show(
        chosen: Filter,
        status: int = 200,
        faults: Faults = (),  # type: ignore[assignment]  # read only
        typed: dict[str, Any] | None = None,
        *,
        refused: bool = False,
    ) -> Response:
        return page(
            "queue.html",
            status,
            **sessions.shown(),
            **_found(desk, chosen),
            refused=refused,
            faults=faults,
            typed=typed or {},
        )

    return show


def filter_sent() -> Filter | None:
    """Return the filter that a form stood under; None if there is none such."""
    return read_filter(dict(parse_qsl(request.form.get("filter", "")[:2000])))


def _found(desk: Desk, chosen: Filter) -> dict[str, Any]:
    """Return what the page of a filter shows."""
    person, now = _session().account.id, desk.gate.clock.now()
    wanted = chosen.wanted(person, now, desk.zone)
    after, before = (read_place(text, chosen.order) for text in read_pages(request.args))
    found = desk.reviews.page(wanted, most=PAGE + 1, after=None if before else after, before=before)
    if before and len(found.cards) <= PAGE and found.looked_to is None:
        # Back at the beginning, where a page is as long as any other.
        found, after, before = desk.reviews.page(wanted, most=PAGE + 1), None, None
    views = [(view, read_filter(view.wanted) or Filter({})) for view in desk.views.of(person)]
    states = (*WAITING, *DONE)
    shown = [filtered.wanted(person, now, desk.zone) for _, filtered in (*DEFAULT_VIEWS, *views)]
    # One question for every number on the page.
    total, *counts = desk.reviews.counts([wanted, *(Wanted((state,)) for state in states), *shown])
    of_states, of_views = counts[: len(states)], counts[len(states) :]
    agencies = sorted(desk.gate.registry.snapshot().agencies(), key=lambda agency: agency.name)
    return {
        "pages": turn(chosen, found, after=after is not None, before=before is not None),
        "chosen": chosen,
        "given": chosen.given,
        "filter": urlencode(chosen.given),
        "total": total,
        "state_counts": dict(zip(states, of_states, strict=True)),
        "default_views": [(*view, count) for view, count in zip(DEFAULT_VIEWS, of_views, strict=False)],
        "views": [(*view, count) for view, count in zip(views, of_views[len(DEFAULT_VIEWS) :], strict=True)],
        "labels": LABELS,
        "words_of": WORDS,
        "states": tuple(STATES),
        "purposes": CATEGORIES,
        "catalogue": desk.gate.engine.bundle.catalogue,
        "agencies": agencies,
        "agency_names": {agency.id: agency.name for agency in agencies},
        "colleagues": could_rule(desk.staff.all()),
        "waiting": WAITING,
    }


def _session() -> Session:
    session: Session = g.session
    return session
