"""The queue of denied requests that wait for a person: what one card shows, and which cards are asked for."""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from typing import Final, Protocol

from gatekeeper.exchange.interfaces import ReviewRow

WAITING: Final = ("queued", "needs_information", "escalated")
"""A person still has to act; the most urgent first."""

DONE: Final = ("permitted", "upheld", "withdrawn", "expired")
"""Nobody has to act; the latest first. History never leaves the queue."""

PAGE: Final = 25


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
    def due_at(self) -> datetime: ...


def place(card: Card) -> tuple[datetime, str]:
    """Return where a card stands: a waiting one by when it is due, a done one by when it came."""
    return (card.due_at if card.state in WAITING else card.queued_at), card.query_id


def write_place(where: tuple[datetime, str]) -> str:
    """Write a place for an address."""
    moment, query_id = where
    text = json.dumps([moment.isoformat(), query_id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str) -> tuple[datetime, str] | None:
    """Read a place; None if the text is none of ours (the queue is then shown from its beginning)."""
    try:
        moment, query_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        read = datetime.fromisoformat(moment)
    except (ValueError, TypeError, binascii.Error):
        return None
    return (read, query_id) if isinstance(query_id, str) and read.tzinfo is not None else None
