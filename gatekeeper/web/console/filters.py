"""The filter of the queue: what stands in the address, what it asks the queue for, and how it is shown.

An address that we write holds no more than what differs from the whole waiting queue; it can be kept, sent to
a colleague and opened again. Guarantees: a filter that cannot be read
is refused as a whole, never half understood; nothing private can be asked for in an address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final
from urllib.parse import urlencode

from marshmallow import Schema, fields, validate

from gatekeeper.exchange.bodies import CATEGORIES
from gatekeeper.exchange.fields import Day
from gatekeeper.review.queue import (
    DONE,
    NOBODY,
    ORDERS,
    PAGE,
    WAITING,
    Card,
    Found,
    Wanted,
    place,
    write_place,
)
from gatekeeper.web.console.languages import later

QUEUE: Final = "/console/reviews"
STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "waiting": WAITING,
    "done": DONE,
    **{state: (state,) for state in (*WAITING, *DONE)},
}
DUE: Final[Mapping[str, timedelta]] = {
    "overdue": timedelta(),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
}
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": {"waiting": later("all that wait"), "done": later("all that are done")},
    "assigned": {
        "me": later("me"),
        "nobody": later("nobody"),
        "somebody": later("somebody"),
    },
    "due": {
        "overdue": later("overdue"),
        "4h": later("within 4 hours"),
        "1d": later("within a day"),
        "3d": later("within 3 days"),
    },
    "level": {"staff": later("staff"), "counsel": later("counsel")},
    "order": {
        "due": later("first due, missing persons before all"),
        "oldest": later("oldest first"),
        "newest": later("newest first"),
        "moved": later("last moved first"),
    },
}
"""What a value is called, where its own name does not say it."""

LABELS: Final[Mapping[str, str]] = {
    "state": later("State"),
    "assigned": later("Assigned to"),
    "due": later("Due"),
    "agency": later("Agency"),
    "provision": later("Denied by"),
    "purpose": later("Purpose"),
    "level": later("Who may rule"),
    "asked_from": later("Asked from"),
    "asked_to": later("Asked until"),
    "order": later("Order"),
}
"""The fields of the filter, in the order of the page."""


def _one_of(*words: str) -> fields.String:
    return fields.String(load_default="", validate=validate.OneOf(words))


def _short() -> fields.String:
    return fields.String(load_default="", validate=validate.Length(max=128))


_SENSIBLE: Final = validate.Range(date(2000, 1, 1), date(2100, 1, 1))


class FilterForm(Schema):
    """What a filter may hold, as it stands in an address."""

    class Meta:
        """What is not named is not read."""

        unknown = "exclude"

    state = _one_of(*STATES)
    assigned = _one_of("me", "nobody", "somebody")
    due = _one_of(*DUE)
    agency = _short()
    provision = _short()
    purpose = _one_of(*CATEGORIES)
    level = _one_of("staff", "counsel")
    asked_from = Day(load_default="", validate=_SENSIBLE)
    asked_to = Day(load_default="", validate=_SENSIBLE)
    order = _one_of(*ORDERS)


_FORM: Final = FilterForm()
_PAGES: Final = Schema.from_dict(
    {
        "after": fields.String(load_default="", validate=validate.Length(max=400)),
        "before": fields.String(load_default="", validate=validate.Length(max=400)),
    }
)(unknown="exclude")


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter, read. ``given`` is what of it differs from the whole waiting queue, in its own words."""

    given: Mapping[str, str]

    @property
    def state(self) -> str:
        """Name the states that are asked for."""
        return self.given.get("state", "waiting")

    @property
    def order(self) -> Any:
        """Name the order: what waits by when it is due, what is done by when that was."""
        return self.given.get("order", "moved" if STATES[self.state][0] in DONE else "due")

    def wanted(self, person: str, now: datetime, zone: tzinfo) -> Wanted:
        """Return what the queue is asked for, by that person at that moment."""
        given, assigned = self.given, self.given.get("assigned")
        due = given.get("due")
        return Wanted(
            states=STATES[self.state],
            order=self.order,
            provision=given.get("provision"),
            agency_id=given.get("agency"),
            category=given.get("purpose"),
            level=given.get("level"),
            assignee={"me": person, "nobody": NOBODY}.get(assigned or ""),
            assigned=assigned == "somebody",
            due_before=None if due is None else now + DUE[due],
            queued_from=_midnight(given.get("asked_from"), zone),
            queued_before=_midnight(given.get("asked_to"), zone, days=1),
        )

    def address(self, **more: str) -> str:
        """Return the address of the queue under this filter, from a place on if one is given."""
        asked = urlencode({**self.given, **more})
        return f"{QUEUE}?{asked}" if asked else QUEUE

    def without(self, name: str) -> Filter:
        """Return the filter without one of its fields."""
        return Filter({field: value for field, value in self.given.items() if field != name})


def read_filter(asked: Mapping[str, str]) -> Filter | None:
    """Read a filter; None if any of it cannot be read."""
    # A browser sends every field of a form; what was left empty narrows nothing.
    filled = {name: text for name, text in asked.items() if text}
    if _FORM.validate(filled):
        return None
    read = {name: str(value) for name, value in _FORM.load(filled).items()}
    found = {name: read[name] for name in LABELS if read[name]}
    if found.get("state") == "waiting":
        del found["state"]
    chosen = Filter(found)
    # What is the order anyway is not said.
    if "order" in found and found["order"] == chosen.without("order").order:
        chosen = chosen.without("order")
    return chosen


def read_pages(asked: Mapping[str, str]) -> tuple[str, str]:
    """Return behind which place, and before which, the page is asked for; nothing if it cannot be read."""
    if _PAGES.validate(asked):
        return "", ""
    read = _PAGES.load(asked)
    return read["after"], read["before"]


@dataclass(frozen=True, slots=True)
class Pages:
    """The ways from one page of the queue to those beside it; None where there is none."""

    cards: Sequence[Card]
    forth: str | None
    back: str | None
    looked_to: bool


def turn(chosen: Filter, found: Found, *, after: bool, before: bool) -> Pages:
    """Cut the page to its size and find the ways from it; one card more than fits was asked for."""
    more, looked_to = len(found.cards) > PAGE, found.looked_to
    cards = found.cards[-PAGE:] if before else found.cards[:PAGE]
    first = chosen.address(before=write_place(place(cards[0], chosen.order))) if cards else None
    last = chosen.address(after=write_place(place(cards[-1], chosen.order))) if cards else None
    further = None
    if looked_to is not None:
        way = "before" if before else "after"
        further = chosen.address(**{way: write_place(looked_to)})
    onwards, there = (more or further is not None), further
    if before:
        return Pages(
            cards,
            forth=last or chosen.address(),
            back=(there or first) if onwards else None,
            looked_to=further is not None,
        )
    return Pages(
        cards,
        forth=(there or last) if onwards else None,
        back=first if after else None,
        looked_to=further is not None,
    )


def _midnight(day: str | None, zone: tzinfo, days: int = 0) -> datetime | None:
    """Return when a day of the city begins."""
    if day is None:
        return None
    return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), zone)
