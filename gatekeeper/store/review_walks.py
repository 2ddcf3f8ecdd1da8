"""One walk along an index of the queue: which index, from where to where, and what is compared on the way.

Guarantees: a walk takes one state under one provision (or under none), in the order that was asked for, and
reads no more than ``MOST_WALKED`` rows, or ``MOST_COUNTED`` where it counts; one narrowing leads it along an
index of its own, whatever else was asked for is compared row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Select, and_, case, func, literal, select, true, tuple_

from gatekeeper.store.reviews import LATER, NOBODY, WHOLE
from gatekeeper.store.tables import review_places
from gatekeeper.store.writing import storable

MOST_WALKED: Final = 5_000
MOST_COUNTED: Final = 1_000

Order = Literal["due", "oldest", "newest", "moved"]
Place = tuple[Any, ...]
"""Where a card stands in an order: the order's columns, the last of them the query id."""

ORDERS: Final[dict[str, tuple[tuple[str, ...], bool]]] = {
    "due": (("urgency", "due_at", "query_id"), True),
    "oldest": (("queued_at", "query_id"), True),
    "newest": (("queued_at", "query_id"), False),
    "moved": (("moved_at", "query_id"), False),
}
"""The columns of each order, and whether they ascend."""

_P = review_places.c
_Condition = Callable[[Any], Any]


class Wanted(Protocol):
    """Which reviews are asked for, in which order. What is None narrows nothing.

    Equal ones are one and the same question (they can be hashed).
    """

    def __hash__(self) -> int: ...

    @property
    def states(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def order(self) -> Order: ...  # noqa: D102
    @property
    def provision(self) -> str | None: ...  # noqa: D102
    @property
    def agency_id(self) -> str | None: ...  # noqa: D102
    @property
    def category(self) -> str | None: ...  # noqa: D102
    @property
    def level(self) -> str | None: ...  # noqa: D102
    @property
    def assignee(self) -> str | None:
        """A member of staff; "" is nobody."""

    @property
    def assigned(self) -> bool:
        """Whether only what somebody looks after is wanted."""

    @property
    def due_before(self) -> datetime | None: ...  # noqa: D102
    @property
    def queued_from(self) -> datetime | None: ...  # noqa: D102
    @property
    def queued_before(self) -> datetime | None: ...  # noqa: D102


@lru_cache(maxsize=1024)
def counting(wanted: Wanted, state: str, number: int) -> Select[Any]:
    """Return the statement that counts a walk; made once for what every page asks anew."""
    return Walk(wanted, state).count(number)


class Walk:
    """One state, along one index, from one place on."""

    def __init__(
        self, wanted: Wanted, state: str, after: Place | None = None, before: Place | None = None
    ) -> None:
        self.state = state
        names, ascending = ORDERS[wanted.order]
        self._columns = [_P[name] for name in names]
        self._ascending = ascending == (before is None)
        self._where = [_P.provision == (WHOLE if wanted.provision is None else wanted.provision)]
        self._where += [_P.state == state, *_range(wanted)]
        leading, self._left = _narrowings(wanted)
        self._where += leading
        place = after if before is None else before
        if place is not None:
            here = tuple_(*self._columns)
            there = tuple_(*(literal(v, c.type) for v, c in zip(place, self._columns, strict=True)))
            self._where.append(here > there if self._ascending else here < there)

    @property
    def compares(self) -> bool:
        """Say whether anything is left to be compared row by row."""
        return bool(self._left)

    def rows(self, most: int) -> Select[Any]:
        """Return the statement for the first *most* of them: the place of each, and the state."""
        if not self._left:
            whole = self._from(self._columns).limit(most).subquery()
            return select(*whole.c, literal(self.state))
        walked = self._from([*_P]).limit(MOST_WALKED).subquery()
        places = [walked.c[column.name] for column in self._columns]
        fitting = (
            select(*places)
            .where(*(condition(walked.c) for condition in self._left))
            .order_by(*self._ordered(places))
            .limit(most)
            .subquery()
        )
        return select(*fitting.c, literal(self.state))

    def end(self) -> Select[Any]:
        """Return the statement for the place where the walk must end; no row if all of it was walked."""
        last = self._from(self._columns).limit(1).offset(MOST_WALKED - 1).subquery()
        return select(*last.c)

    def count(self, number: int) -> Select[Any]:
        """Return the statement that counts: *number* as it is, how many were walked, how many fit."""
        walked = self._from([*_P] if self._left else [_P.query_id]).limit(MOST_COUNTED + 1).subquery()
        fits = case((and_(true(), *(condition(walked.c) for condition in self._left)), 1), else_=0)
        counted: Any = select(literal(number), func.count(), func.sum(fits))
        made: Select[Any] = counted.select_from(walked)
        return made

    def _from(self, columns: Iterable[Any]) -> Select[Any]:
        return select(*columns).where(*self._where).order_by(*self._ordered(self._columns))

    def _ordered(self, columns: Iterable[Any]) -> list[Any]:
        return [column.asc() if self._ascending else column.desc() for column in columns]


def _narrowings(wanted: Wanted) -> tuple[list[Any], list[_Condition]]:
    """Return the one that leads along an index, if any does, and what is then left to be compared."""
    # The narrowest first: what one person looks after is little, what nobody does is most.
    person, nobody = wanted.assignee or None, NOBODY if wanted.assignee == NOBODY else None
    asked = [
        ("assignee", person, True),
        ("agency_id", wanted.agency_id, True),
        ("category", wanted.category, wanted.order == "due"),
        ("assignee", nobody, True),
        ("level", wanted.level, False),
    ]
    given = [(name, value, leads) for name, value, leads in asked if value is not None]
    leader = next((each for each in given if each[2]), None)
    left = [_equal(*each[:2]) for each in given if each is not leader]
    if wanted.assigned:
        left.append(lambda c: c.assignee != NOBODY)
    if (due := wanted.due_before) is not None:
        left.append(lambda c: c.due_at < due)
    if wanted.order not in ("oldest", "newest"):
        if (since := wanted.queued_from) is not None:
            left.append(lambda c: c.queued_at >= since)
        if (until := wanted.queued_before) is not None:
            left.append(lambda c: c.queued_at < until)
    return [] if leader is None else [_P[leader[0]] == leader[1]], left


def _equal(name: str, value: str) -> _Condition:
    return lambda c: c[name] == value


def _range(wanted: Wanted) -> list[Any]:
    """Return what bounds the walk itself: times of the order's own column."""
    bounds: list[Any] = []
    if wanted.order == "due" and wanted.due_before is not None:
        last = (literal(LATER, _P.urgency.type), literal(wanted.due_before, _P.due_at.type))
        bounds.append(tuple_(_P.urgency, _P.due_at) < tuple_(*last))
    if wanted.order in ("oldest", "newest"):
        if wanted.queued_from is not None:
            bounds.append(_P.queued_at >= wanted.queued_from)
        if wanted.queued_before is not None:
            bounds.append(_P.queued_at < wanted.queued_before)
    return bounds


def askable(wanted: Wanted, *places: Place | None) -> bool:
    """Return whether both databases can hold every text that is asked about."""
    texts: list[object] = [wanted.provision, wanted.agency_id, wanted.category, wanted.level, wanted.assignee]
    texts += [value for place in places for value in place or ()]
    return all(storable(text) for text in texts if isinstance(text, str))
