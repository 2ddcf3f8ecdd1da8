"""The rows by which a denied query enters review, moves through it, and comes to be looked after by somebody.

Guarantees: a review moves only along ``MOVES``; two people who read the same state cannot both move it (the
change names the version that was read); each move leaves an event that nothing can alter, and a notice where
the agency is to be told; where a review is found in the queue (``review_places``) changes in the same commit
as the review. Nothing is written here: the log commits these rows together with their entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError
from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.notices import notice_rows
from gatekeeper.store.values import ReviewRow, Ruling

_OPEN: Final = frozenset(
    {"queued", "needs_information", "escalated", "upheld", "permitted", "withdrawn", "expired"}
)

MOVES: Final[dict[str, frozenset[str]]] = {
    "queued": _OPEN,
    "needs_information": _OPEN,
    "escalated": _OPEN - {"queued"},
    # A ruling that permits ends by itself (72 hours), or is taken back: then the request waits again.
    "permitted": frozenset({"expired", "withdrawn", "upheld", "queued"}),
    # An agency may appeal what was upheld, once more to a person; or what it adds makes the law permit it.
    "upheld": frozenset({"queued", "escalated", "permitted"}),
    "withdrawn": frozenset(),
    "expired": frozenset(),
}
"""Where a review may go from each state; staying in an open state records a message."""

WHOLE: Final = ""
"""The place of a review as a whole, beside one under each provision that it failed."""

NOBODY: Final = ""

FIRST: Final = 0
LATER: Final = 1


class Fails(Protocol):
    """What a query fails by now: the provisions, and what their places in the queue say."""

    @property
    def codes(self) -> Sequence[str]:
        """The provisions."""

    @property
    def category(self) -> str:
        """The request's purpose."""

    @property
    def first(self) -> bool:
        """Whether it goes before all else."""


def queue(
    *,
    query_id: str,
    agency_id: str,
    category: str,
    level: str,
    provisions: Sequence[str],
    at: datetime,
    due_at: datetime,
    first: bool,
) -> tuple[Row, ...]:
    """Return the rows that put a denied query before the staff; the decision's entry records it.

    What is *first* goes before all else, whatever is due.
    """
    review = {
        "query_id": query_id,
        "agency_id": agency_id,
        "state": "queued",
        "level": level,
        "provisions": tuple(provisions),
        "queued_at": at,
        "due_at": due_at,
        "version": 1,
    }
    event = {
        "query_id": query_id,
        "version": 1,
        "ref": query_id,
        "event": "review.queued",
        "state": "queued",
        "at": at,
        "actor": "gatekeeper",
    }
    place = {
        "query_id": query_id,
        "agency_id": agency_id,
        "category": category,
        "state": "queued",
        "level": level,
        "assignee": NOBODY,
        "urgency": FIRST if first else LATER,
        "due_at": due_at,
        "queued_at": at,
        "moved_at": at,
    }
    places = [Insert("review_places", {**place, "provision": code}) for code in _codes(provisions)]
    told = notice_rows(
        query_id=query_id, agency_id=agency_id, event="review.queued", before=None, state="queued", at=at
    )
    return Insert("reviews", review), Insert("review_events", event), *places, *told


def move(  # noqa: PLR0913  a move says as much
    review: ReviewRow,
    to: str,
    *,
    event: str,
    ref: str,
    at: datetime,
    actor: str,
    due_at: datetime | None = None,
    ruling: Ruling | Any = None,
    fails: Fails | None = None,
) -> tuple[Row, ...]:
    """Return the rows that move a review on from the version that was read.

    *event* and *ref* are those of the log entry; without a new *due_at* the review is due when it was.
    *fails* are provisions that the query fails by now; those that it failed before stay named. Where several
    provisions are ruled on, the review stays in its open state until the last ruling. Raises
    OperatorError for a move that there is not, and for a ruling on a provision that was not unmet.
    """
    if to not in MOVES.get(review.state, frozenset()):
        raise OperatorError(
            f"a review that is {review.state} cannot become {to}: look at it in the console, /console/reviews"
        )
    named = None if ruling is None else ruling.provision  # of a legal paper: none
    if named is not None and named not in review.provisions:
        raise OperatorError(
            "the ruling names a provision that this query did not fail: look at it in the console, "
            "/console/reviews"
        )
    version, due = review.version + 1, due_at or review.due_at
    further = [code for code in fails.codes if code not in review.provisions] if fails is not None else []
    change = Alter(
        "reviews",
        {"query_id": review.query_id, "version": review.version},
        {
            "state": to,
            "due_at": due,
            "provisions": (*review.provisions, *further),
            "version": version,
        },
    )
    values = {
        "query_id": review.query_id,
        "version": version,
        "ref": ref,
        "event": event,
        "state": to,
        "at": at,
        "actor": actor,
    }
    moved = Insert("review_events", values if ruling is None else values | asdict(ruling))
    place = {"state": to, "due_at": due or review.queued_at, "moved_at": at}
    found = [] if fails is None else _found_under(review, further, fails, place)
    told = notice_rows(
        query_id=review.query_id,
        agency_id=review.agency_id,
        event=event,
        before=review.state,
        state=to,
        at=at,
    )
    return change, *_places(review, place), moved, *found, *told


def assign(review: ReviewRow, assignee: str | None) -> tuple[Row, ...]:
    """Return the rows by which *assignee* (None: nobody) looks after a review from now on.

    Not a move: the version stays, so that a form which a colleague has open on the request is as good as it
    was; what they decide does not depend on who looks after it. Instead the change names who did so when it
    was read, and in which state: of two clerks who take it at once, or if it was closed meanwhile, one wins.
    """
    seen = {"query_id": review.query_id, "assignee": review.assignee, "state": review.state}
    return (
        Alter("reviews", seen, {"assignee": assignee}),
        *_places(review, {"assignee": assignee or NOBODY}),
    )


def _codes(provisions: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((WHOLE, *provisions)))


def _places(review: ReviewRow, values: dict[str, object]) -> Iterator[Row]:
    """Yield the change of a review's every place; the review itself, which tells a race, is changed first."""
    for code in _codes(review.provisions):
        yield Alter("review_places", {"query_id": review.query_id, "provision": code}, values)


def _found_under(
    review: ReviewRow, further: Sequence[str], fails: Fails, place: dict[str, object]
) -> list[Row]:
    """Return the places under provisions that the query did not fail when it came."""
    named = {
        "query_id": review.query_id,
        "agency_id": review.agency_id,
        "category": fails.category,
        "level": review.level,
        "assignee": review.assignee or NOBODY,
        "urgency": FIRST if fails.first else LATER,
        "queued_at": review.queued_at,
        **place,
    }
    return [Insert("review_places", {**named, "provision": code}) for code in further]
