"""The queue under a filter, taken out as a table.

Guarantees: it holds what the queue shows and no more; it is in the log before it leaves; no cell of it is a
formula to whatever opens it; it is whole up to its limit, or not sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, g

from gatekeeper.ledger import Json
from gatekeeper.review.queue import Card, Place, Wanted, place
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.filters import Filter
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.queue import filter_sent
from gatekeeper.web.console.sessions import FRESH, Sessions
from gatekeeper.web.console.sheets import sheet

MOST_EXPORTED: Final = 10_000
_CHUNK: Final = 500
_COLUMNS: Final = (
    "query_id", "state", "purpose", "kind", "agency_id", "agency", "who_may_rule", "denied_by", "asked",
    "due", "last_moved", "assigned_to",
)  # fmt: skip


def add_export(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the route."""

    @blueprint.post("/reviews/export")
    @sessions.needs("export", proved_within=FRESH)
    def export() -> Response:
        chosen = filter_sent()
        return page("missing.html", 404, **sessions.shown()) if chosen is None else _export(desk, chosen)


def _export(desk: Desk, chosen: Filter) -> Response:
    """Answer with the queue as a table, the first ``MOST_EXPORTED`` of it, once the log says so.

    Sent whole: a table that ends in the middle would look like all there is.
    """
    person = g.session.account
    wanted = chosen.wanted(person.id, desk.gate.clock.now(), desk.zone)
    rows = [_cells(card) for card in _cards(desk, wanted)]
    subject: dict[str, Json] = {"queue": dict(chosen.given), "rows": len(rows)}
    return sheet(desk, "reviews", subject, _COLUMNS, rows)


def _cards(desk: Desk, wanted: Wanted) -> Iterator[Card]:
    after: Place | None = None
    taken = 0
    while taken < MOST_EXPORTED:
        most = min(_CHUNK, MOST_EXPORTED - taken)
        found = desk.reviews.page(wanted, most=most, after=after)
        yield from found.cards
        taken += len(found.cards)
        if len(found.cards) == most:
            after = place(found.cards[-1], wanted.order)
        elif found.looked_to is not None:
            after = found.looked_to
        else:
            return


def _cells(card: Card) -> tuple[str, ...]:
    return (
        card.query_id,
        card.state,
        card.category,
        card.kind,
        card.agency_id,
        card.agency_name,
        card.level,
        " ".join(card.provisions),
        card.queued_at.isoformat(),
        card.due_at.isoformat(),
        card.moved_at.isoformat(),
        card.assignee_name or card.assignee or "",
    )
