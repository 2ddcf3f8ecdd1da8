"""What passes between the parts of the package: a notice on its way, its agency, and how one try went."""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol


class Notice(Protocol):
    """What an agency is told of: one move of a review, or that what it signed ends."""

    @property
    def id(self) -> str: ...
    @property
    def query_id(self) -> str | None: ...
    @property
    def agency_id(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def affirmation_id(self) -> str | None: ...


class Delivery(Protocol):
    """A notice on its way to one place; its id is the same at each try."""

    @property
    def id(self) -> str: ...
    @property
    def notice(self) -> Notice: ...
    @property
    def channel(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def recipient(self) -> str | None: ...
    @property
    def attempts(self) -> int: ...


class Affirmation(Protocol):
    """What an agency signed."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def signed_on(self) -> date: ...
    @property
    def expires_on(self) -> date | None: ...
    @property
    def reminded_days(self) -> int | None: ...


class Agency(Protocol):
    """Who is told."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def contacts(self) -> Sequence[str]: ...
    @property
    def affirmations(self) -> Sequence[Affirmation]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one try went. ``code`` is a word of ours, never one of the other side's.

    ``failed`` is tried again; ``refused`` is not, by that side's own word; ``gone`` ends the endpoint;
    ``dropped`` was not sent, because it is not to be any more. ``whole``: the endpoint failed, and not this
    one delivery.
    """

    end: Literal["delivered", "failed", "refused", "gone", "dropped"]
    code: str
    whole: bool = False


DELIVERED = Outcome("delivered", "delivered")


def failing(code: str) -> Outcome:
    """Return the outcome of a try at an endpoint that fails whatever it is sent."""
    return Outcome("failed", code, whole=True)
