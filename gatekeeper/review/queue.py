"""The queue of denied requests that wait for a person: what one card shows, and which cards are asked for."""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol, get_args

from gatekeeper.exchange.interfaces import ReviewRow

WAITING: Final = ("queued", "needs_information", "escalated")
"""A person still has to act."""

DONE: Final = ("permitted", "upheld", "withdrawn", "expired")
"""Nobody has to act. History never leaves the queue."""

PAGE: Final = 25

Order = Literal["due", "oldest", "newest", "moved"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
"""What is due first (who is missing before all else); the oldest; the newest; what moved last."""

NOBODY: Final = ""
"""Whose review nobody looks after."""

Place = tuple[Any, ...]
"""Where a card stands in an order."""


class Card(ReviewRow, Protocol):
    """One review, as the queue shows it: nothing here is private."""

    @property
    def query_id(self) -> str: ...
    @property
    def agency_name(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def urgency(self) -> int: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def moved_at(self) -> datetime: ...
    @property
    def assignee_name(self) -> str | None: ...


class Found(Protocol):
    """Cards in order; ``looked_to`` is where the search stopped, if it did before the page was full."""

    @property
    def cards(self) -> tuple[Card, ...]: ...
    @property
    def looked_to(self) -> Place | None: ...


class Count(Protocol):
    """How many; with ``more``, at least so many."""

    @property
    def number(self) -> int: ...
    @property
    def more(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reviews are asked for, in which order. What is None narrows nothing."""

    states: tuple[str, ...]
    order: Order = "due"
    provision: str | None = None
    agency_id: str | None = None
    category: str | None = None
    level: str | None = None
    assignee: str | None = None
    assigned: bool = False
    due_before: datetime | None = None
    queued_from: datetime | None = None
    queued_before: datetime | None = None


_PLACES: Final[Mapping[Order, Callable[[Card], Place]]] = {
    "due": lambda card: (card.urgency, card.due_at, card.query_id),
    "oldest": lambda card: (card.queued_at, card.query_id),
    "newest": lambda card: (card.queued_at, card.query_id),
    "moved": lambda card: (card.moved_at, card.query_id),
}


def place(card: Card, order: Order) -> Place:
    """Return where a card stands in an order."""
    return _PLACES[order](card)


def write_place(where: Place) -> str:
    """Write a place for an address."""
    text = json.dumps([part.isoformat() if isinstance(part, datetime) else part for part in where])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str, order: Order = "newest") -> Place | None:
    """Read a place in an order; None if the text is none (the queue is then shown from its beginning)."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        *urgency, moment, query_id = parts
        read = datetime.fromisoformat(moment)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    fits = isinstance(query_id, str) and read.tzinfo is not None and len(urgency) == (order == "due")
    if not fits or any(type(number) is not int or number not in (0, 1) for number in urgency):
        return None
    return (*urgency, read, query_id)
