"""The queue of reviews, read a page at a time.

Guarantees: a page is found by key (the last card of the page before), so that none is repeated or left out
while others come in. Each question is a few walks along indexes (``review_walks``), bounded in what they
read, so that none costs more with a million reviews than with ten thousand; an answer that is not the whole
says how far it looked. Nothing here writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, and_, select, union_all

from gatekeeper.store.database import Database
from gatekeeper.store.review_walks import MOST_COUNTED, ORDERS, Place, Walk, Wanted, askable, counting
from gatekeeper.store.reviews import WHOLE
from gatekeeper.store.tables import agencies, queries, review_places, reviews, staff
from gatekeeper.store.values import ReviewCard
from gatekeeper.store.writing import storable

_P = review_places.c
_CARD: Any = (
    select(
        reviews.c.query_id,
        reviews.c.agency_id,
        agencies.c.name,
        *(reviews.c[name] for name in ("state", "level", "provisions")),
        *(queries.c[name] for name in ("category", "kind")),
        _P.urgency,
        reviews.c.queued_at,
        *(_P[name] for name in ("due_at", "moved_at")),
        reviews.c.assignee,
        staff.c.name,
    )
    .join(agencies, agencies.c.id == reviews.c.agency_id)
    .join(queries, queries.c.query_id == reviews.c.query_id)
    .join(review_places, and_(_P.query_id == reviews.c.query_id, _P.provision == WHOLE))
    .outerjoin(staff, staff.c.id == reviews.c.assignee)
)


@dataclass(frozen=True, slots=True)
class Found:
    """Cards in order; ``looked_to`` is where the search stopped, if it did before the page was full."""

    cards: tuple[ReviewCard, ...]
    looked_to: Place | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many; with ``more``, at least so many."""

    number: int
    more: bool


class ReviewQueue:
    """The queue as staff read it. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, wanted: Wanted, *, most: int, after: Place | None = None, before: Place | None = None
    ) -> Found:
        """Return the first cards behind a place, or the last ones before one (in the order, both)."""
        if not askable(wanted, after, before):
            return Found(())
        walks = [Walk(wanted, state, after, before) for state in wanted.states]
        keyed = self._all([walk.rows(most) for walk in walks])
        columns, ascending = ORDERS[wanted.order]
        # The same way as the walks: up the order, or down it.
        down = ascending == (before is not None)
        found = sorted(((tuple(row[: len(columns)]), row[-1]) for row in keyed), reverse=down)
        # A state of which fewer came than could have: was all of it seen, or did the walk end before?
        short = [w for w in walks if w.compares and sum(state == w.state for _, state in found) < most]
        ends = [tuple(row) for row in self._all([walk.end() for walk in short])]
        looked_to = (max(ends) if down else min(ends)) if ends else None
        if looked_to is not None:
            # Beyond that place, rows of another state would be shown without those that belong between.
            found = [each for each in found if (each[0] >= looked_to if down else each[0] <= looked_to)]
        some = [place[-1] for place, _ in found[:most]]
        cards = self.cards(some if before is None else some[::-1])
        return Found(cards, looked_to if len(some) < most else None)

    def counts(self, asked: Sequence[Wanted]) -> tuple[Count, ...]:
        """Count what each would find, up to ``MOST_COUNTED`` rows of each state."""
        statements = [
            counting(wanted, state, number)
            for number, wanted in enumerate(asked)
            if askable(wanted)
            for state in wanted.states
        ]
        found, cut = [0] * len(asked), [False] * len(asked)
        for number, walked, fitting in self._all(statements):
            found[number] += fitting or 0
            cut[number] |= walked > MOST_COUNTED
        return tuple(
            Count(min(fitting, MOST_COUNTED), more or fitting > MOST_COUNTED)
            for fitting, more in zip(found, cut, strict=True)
        )

    def cards(self, query_ids: Sequence[str]) -> tuple[ReviewCard, ...]:
        """Return the cards of these reviews, in the order of their ids; what is none is left out."""
        known = [query_id for query_id in query_ids if storable(query_id)]
        if not known:
            return ()
        with self._database.read() as connection:
            rows = connection.execute(_CARD.where(reviews.c.query_id.in_(known))).all()
        found = {row[0]: ReviewCard(*row) for row in rows}
        return tuple(found[query_id] for query_id in known if query_id in found)

    def starting(self, beginning: str, *, most: int) -> tuple[ReviewCard, ...]:
        """Return reviews whose query id begins so."""
        if not beginning or not storable(beginning):
            return ()
        statement = (
            select(_P.query_id)
            .where(
                _P.provision == WHOLE,
                # Ids are small letters and digits: none of them stands behind a row of z.
                _P.query_id.between(beginning, f"{beginning}{'z' * 32}"),
                _P.query_id.startswith(beginning, autoescape=True),
            )
            .order_by(_P.query_id)
            .limit(most)
        )
        with self._database.read() as connection:
            found = connection.execute(statement).scalars().all()
        return self.cards(found)

    def of_prints(
        self, of: Literal["target_fp", "officer_fp"], prints: Sequence[bytes], *, most: int
    ) -> tuple[ReviewCard, ...]:
        """Return the reviews of queries with one of these fingerprints, the latest first."""
        if not prints:
            return ()
        statement = (
            select(queries.c.query_id)
            .join(reviews, reviews.c.query_id == queries.c.query_id)
            .where(queries.c[of].in_(list(prints)))
            .order_by(reviews.c.queued_at.desc(), reviews.c.query_id)
            .limit(most)
        )
        with self._database.read() as connection:
            found = connection.execute(statement).scalars().all()
        return self.cards(found)

    def _all(self, statements: Sequence[Select[Any]]) -> Sequence[Any]:
        if not statements:
            return ()
        one = statements[0] if len(statements) == 1 else union_all(*statements)
        with self._database.read() as connection:
            return connection.execute(one).all()
