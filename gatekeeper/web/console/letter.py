"""The denial letter, for staff to read, print or hand on: the same that the agency gets."""

from __future__ import annotations

from flask import Blueprint, Response, request

from gatekeeper.errors import NotDenied, UnknownQuery
from gatekeeper.exchange.letter import letter_of
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import language
from gatekeeper.web.console.letter_words import Wanted, answer
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import Sessions

_WANTED = Wanted()


def add_letter(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the route of a request's letter. Nothing of it is private, so reading it is not in the log."""

    @blueprint.get("/reviews/<query_id>/letter")
    @sessions.needs("read_reviews")
    def letter(query_id: str) -> Response:
        review = desk.gate.queries.review(query_id)
        refused = _WANTED.validate(request.args)
        if review is None or refused:
            return page("missing.html", 404, **sessions.shown())
        wanted = _WANTED.load(request.args)
        try:
            found = letter_of(desk.gate, query_id, review.agency_id)
        except (UnknownQuery, NotDenied):
            return page("missing.html", 404, **sessions.shown())
        return answer(found, {**wanted, "lang": wanted["lang"] or language()})
