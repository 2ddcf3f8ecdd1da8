"""What must outlive its day, said in one place for every statement of an erasure.

Guarantees: that is the queries under a legal hold with the reasons of their holds, those whose review is
open, and those whose ruling is still in force; nothing is read or written here, statements are made.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, LargeBinary, and_, cast, or_, select, union
from sqlalchemy.sql import Select

from gatekeeper.ledger.held import DOCUMENT_CONTENT
from gatekeeper.store.tables import (
    documents,
    held_boxes,
    legal_holds,
    private_details,
    review_events,
    reviews,
)

_OPEN: Final = ("queued", "needs_information", "escalated")
_DETAIL, _HELD = private_details.c, held_boxes.c
DOCUMENT_IS_HELD: Final = (
    select(_HELD.ref).where(_HELD.ref == documents.c.id, _HELD.event == DOCUMENT_CONTENT).exists()
)
"""Of a row of ``documents``: its bytes were sealed anew."""


def kept(at: datetime) -> Any:
    """Return the subquery of ``(ref, query_id)``: what must outlive its day, as of now."""
    held = legal_holds.c.lifted_at.is_(None)
    ruled = (
        select(review_events.c.query_id)
        .where(review_events.c.query_id == reviews.c.query_id, review_events.c.expires_at > at)
        .exists()
    )
    open_ = or_(reviews.c.state.in_(_OPEN), and_(reviews.c.state == "permitted", ruled))
    return union(
        select(legal_holds.c.query_id.label("ref"), legal_holds.c.query_id).where(held),
        select(legal_holds.c.id, legal_holds.c.query_id).where(held),
        select(reviews.c.query_id, reviews.c.query_id).where(open_),
    ).subquery("kept")


def details_kept(day: date, at: datetime) -> Select[Any]:
    """Return the statement of the details of a day that must be kept and are not yet sealed anew."""
    keeping = kept(at)
    apart = select(_HELD.ref).where(_HELD.ref == _DETAIL.ref, _HELD.event == _DETAIL.event).exists()
    return (
        select(_DETAIL.ref, _DETAIL.event, keeping.c.query_id, _DETAIL.day, _bytes(_DETAIL.box))
        .join(keeping, keeping.c.ref == _DETAIL.ref)
        .where(_DETAIL.day == day, ~apart)
    )


def documents_kept(day: date, at: datetime) -> Select[Any]:
    """Return the statement of the documents of a day that must be kept and are not yet sealed anew."""
    c, keeping = documents.c, kept(at)
    return (
        select(c.id, c.query_id, c.day, _bytes(c.name_box), _bytes(c.box))
        .join(keeping, keeping.c.ref == c.query_id)
        .where(c.day == day, ~DOCUMENT_IS_HELD)
    )


def _bytes(column: Column[bytes]) -> ColumnElement[bytes]:
    # Whatever stands there: who writes a text into SQLite's column must not stop every erasure.
    return cast(column, LargeBinary)
