"""The queue of reviews, read a page at a time.

Guarantees: a page is found by key (the last card of the page before), so that none is repeated or left out
while others come in; each state is read along its own index, so a page costs the same with ten reviews and
with a million; nothing here writes.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Text, and_, func, or_, select, type_coerce

from gatekeeper.store.database import Database
from gatekeeper.store.tables import agencies, queries, reviews
from gatekeeper.store.values import ReviewCard
from gatekeeper.store.writing import storable

_CARD: Any = (
    select(
        *(reviews.c[name] for name in ("query_id", "agency_id")),
        agencies.c.name,
        *(reviews.c[name] for name in ("state", "level", "provisions")),
        *(queries.c[name] for name in ("category", "kind")),
        *(reviews.c[name] for name in ("queued_at", "due_at")),
    )
    .join(agencies, agencies.c.id == reviews.c.agency_id)
    .join(queries, queries.c.query_id == reviews.c.query_id)
)

_CODES = type_coerce(reviews.c.provisions, Text)


class ReviewQueue:
    """The queue as staff read it. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        states: Sequence[str],
        *,
        by: Literal["due_at", "queued_at"],
        most: int,
        agency_id: str | None = None,
        provision: str | None = None,
        due_before: datetime | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> tuple[ReviewCard, ...]:
        """Return reviews in these states: by ``due_at`` the first due, by ``queued_at`` the latest."""
        if not all(map(storable, (agency_id or "", provision or "", after[1] if after else ""))):
            return ()
        place, query_id = reviews.c[by], reviews.c.query_id
        narrowed = _CARD
        if agency_id is not None:
            narrowed = narrowed.where(reviews.c.agency_id == agency_id)
        if provision is not None:  # the column is a JSON array of codes, which hold no quotes
            narrowed = narrowed.where(_CODES.contains(f'"{provision}"', autoescape=True))
        if due_before is not None:
            narrowed = narrowed.where(reviews.c.due_at < due_before)
        ascending = by == "due_at"
        if after is not None:
            moment, last = after
            beyond = place > moment if ascending else place < moment
            beside = query_id > last if ascending else query_id < last
            narrowed = narrowed.where(or_(beyond, and_(place == moment, beside)))
        order = (place, query_id) if ascending else (place.desc(), query_id.desc())
        narrowed = narrowed.order_by(*order).limit(most)
        with self._database.read() as connection:
            each = [
                [
                    ReviewCard(*row)
                    for row in connection.execute(narrowed.where(reviews.c.state == state)).all()
                ]
                for state in states
            ]
        merged = heapq.merge(*each, key=lambda card: _key(card, by), reverse=not ascending)
        return tuple(card for card, _ in zip(merged, range(most), strict=False))

    def counts(self) -> dict[str, int]:
        """Return how many reviews are in each state."""
        statement = select(reviews.c.state, func.count()).group_by(reviews.c.state)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}


def _key(card: ReviewCard, by: Literal["due_at", "queued_at"]) -> tuple[Any, str]:
    return getattr(card, by), card.query_id
