"""One denied request: what was asked, by whom, what denied it, what would cure it, what happened so far.

Guarantees: to open a request is an entry in the log, written before the page is made; a plate is masked;
whatever an agency typed is shown as text, with the words that the screen matched marked in it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint, Response, g
from markupsafe import Markup, escape

from gatekeeper.errors import KeyErased
from gatekeeper.exchange import first_detail
from gatekeeper.ledger import Draft, Json
from gatekeeper.review import reasons
from gatekeeper.review.accounts import Session
from gatekeeper.review.queue import WAITING
from gatekeeper.review.rule import Case, open_case
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import Sessions

Show = Callable[[str, int, Sequence[str], Mapping[str, object]], Response]
"""Answers with a request's page: its id, the status, what was wrong with a form, and what was typed in it."""


def add_reviews(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> Show:
    """Add the route of one request; return what answers with a request's page."""

    @blueprint.get("/reviews/<query_id>")
    @sessions.needs("read_reviews")
    def review(query_id: str) -> Response:
        return show(query_id, 200, (), {})

    def show(query_id: str, status: int, faults: Sequence[str], typed: Mapping[str, object]) -> Response:
        found = desk.gate.queries.review(query_id)
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        seen(desk, query_id, "request")
        asked, case = _asked(desk, query_id), _case(desk, query_id)
        return page(
            "review.html",
            status,
            **sessions.shown(),
            query_id=query_id,
            review=found,
            open=found.state in WAITING,
            agency=desk.gate.registry.snapshot().agency(found.agency_id),
            asked=asked,
            marked=None if asked is None else _marked(asked),
            catalogue=desk.gate.engine.bundle.catalogue,
            ruled={} if case is None else case.rulings,
            unmet=found.provisions if case is None else case.unmet,
            timeline=desk.gate.queries.review_events(query_id),
            words_of=_said(desk, query_id),
            faults=faults,
            typed=typed,
            shortest=reasons.SHORTEST,
        )

    return show


def seen(desk: Desk, query_id: str, what: str) -> None:
    """Log that this person opens a request or a part of it. Raises LedgerUnavailable: nothing is shown."""
    session: Session = g.session
    draft = Draft(
        event="staff.viewed",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={"by": session.account.id, "subject": query_id, "what": what},
        detail={},
    )
    desk.gate.ledger.append(draft)


def _asked(desk: Desk, query_id: str) -> dict[str, Json] | None:
    """Return the private detail of the first decision, or None if it was purged."""
    try:
        return first_detail(desk.gate, query_id)
    except KeyErased:
        return None


def _case(desk: Desk, query_id: str) -> Case | None:
    """Return the case as the policy sees it now, or None if what was asked has been erased."""
    try:
        return open_case(desk.gate, query_id)
    except KeyErased:
        return None


def _said(desk: Desk, query_id: str) -> dict[int, dict[str, Json]]:
    """Return what people said with each move of the review, by the move's version."""
    moves = [e for e in desk.gate.ledger.entries_of(query_id) if e.event.startswith("review.")]
    said: dict[int, dict[str, Json]] = {}
    # The first version is the queueing, which has no entry of its own: the decision's tells of it.
    for version, entry in enumerate(moves, start=2):
        try:
            said[version] = desk.gate.ledger.detail_of(entry.index).detail
        except KeyErased:
            continue
    return said


def _marked(asked: dict[str, Json]) -> Markup:
    """Return the narrative with the words that the screen matched marked, and what each means."""
    facts = asked["input"]
    assert isinstance(facts, dict)  # noqa: S101  the type checker's question: the box was checked when opened
    purpose, found = facts["purpose"], facts["words"]
    assert isinstance(purpose, dict)  # noqa: S101
    assert isinstance(found, dict)  # noqa: S101
    text, matches = str(purpose["narrative"]), found["matches"]
    assert isinstance(matches, list)  # noqa: S101
    made, at = Markup(), 0
    spans = sorted(
        (int(str(m["start"])), int(str(m["end"])), str(m["class"]))
        for m in matches
        if isinstance(m, dict) and m["field"] == "narrative"
    )
    for start, end, meaning in spans:
        if start < at:
            continue  # inside a longer match that stands already
        made += escape(text[at:start])
        made += Markup("<mark>{}</mark> <span class='meaning'>({})</span>").format(
            text[start:end], meaning.replace("_", " ")
        )
        at = end
    return made + escape(text[at:])
