"""What the rules can compare a fact with: the constants in their text and in the data that they read.

A comparison of a fact with a constant tells two facts apart only if one of these lies between them, or is one
of them. Guarantees: each function returns a value that compares with every constant exactly as its argument
does; where none is known it returns the argument itself.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from gatekeeper.policy import Bundle
from gatekeeper.revisions.replay.uses import EACH, Uses

_DATE_LENGTH = 10
_MOST_STRANGERS = 400


class Constants:
    """What one fact can be compared with, under several laws, at the places that its uses name."""

    def __init__(self, laws: Sequence[tuple[Bundle, Uses]], places: Iterable[str]) -> None:
        found = {
            constant for place in places for bundle, uses in laws for constant in _at(bundle, uses, place)
        }
        self.texts = frozenset(one for one in found if isinstance(one, str))
        self._texts = sorted(self.texts)
        self._numbers = sorted(one for one in found if not isinstance(one, str))
        self.day = lru_cache(maxsize=4096)(self._day)

    def number(self, value: int, least: float | None) -> int:
        """Return a whole number, not below *least*, between the same constants as *value*."""
        place = bisect_left(self._numbers, value)
        if place < len(self._numbers) and self._numbers[place] == value:
            return value
        if place:
            above = math.floor(self._numbers[place - 1]) + 1
            return max(above, math.ceil(least)) if least is not None and least <= value else above
        return value if not self._numbers else math.ceil(self._numbers[0]) - 1

    def _day(self, value: str) -> str:
        """Return the earliest day, as ISO 8601, that no constant parts from the day *value*."""
        day = _day_of(value)
        if day is None or value in self.texts:
            return value
        place = bisect_left(self._texts, value)
        below = self._texts[place - 1] if place else ""
        first, last = 1, day.toordinal()  # the first is found by halves: days are texts in their own order
        while first < last:
            middle = (first + last) // 2
            if date.fromordinal(middle).isoformat() > below:
                last = middle
            else:
                first = middle + 1
        return date.fromordinal(first).isoformat()


def strangers(laws: Sequence[tuple[Bundle, Uses]]) -> tuple[str, ...]:
    """Return texts of one character that are no constants: to be equal to one is to be equal to nothing."""
    known = Constants(laws, ["/"]).texts
    return tuple(islice((one for one in _characters() if one not in known), _MOST_STRANGERS))


def _at(bundle: Bundle, uses: Uses, place: str) -> Iterator[str | float]:
    """Yield the constants of one law at a place: in its data at it or below, or the one that it names."""
    if place.startswith("="):
        yield place[1:]
    elif place.startswith("#"):
        yield float(place[1:])
    elif place in ("/", "keys:/"):
        yield from uses.texts
        yield from uses.numbers
        everything = "*" in uses.documents
        yield from _constants(
            {name: d for name, d in bundle.data.items() if everything or name in uses.documents}
        )
    elif place:
        how, _, path = place.rpartition(":")
        for here in _standing(bundle.data, [part for part in path.split("/") if part]):
            yield from here if how == "keys" and isinstance(here, Mapping) else _constants(here)


def _standing(here: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what stands at a path of the data; ``[]`` is every element of a list and value of an object."""
    if not path:
        yield here
    elif path[0] == EACH:
        values = (
            here.values() if isinstance(here, Mapping) else here if isinstance(here, list | tuple) else ()
        )
        for value in values:
            yield from _standing(value, path[1:])
    elif isinstance(here, Mapping):
        yield from _standing(here.get(path[0]), path[1:])


def needles(laws: Sequence[tuple[Bundle, Uses]], places: Iterable[str]) -> tuple[str, ...]:
    """Return the texts at these places, in order."""
    return tuple(sorted(Constants(laws, places).texts))


def _day_of(value: str) -> date | None:
    try:
        day = date.fromisoformat(value) if len(value) == _DATE_LENGTH else None
    except ValueError:
        return None
    return day if day is not None and day.isoformat() == value and day > date.min + timedelta(1) else None


def at(bundle: Bundle, place: str) -> Iterator[str]:
    """Yield the texts that stand at a place of the data (``/offenses/classes``) or below.

    ``keys:/offenses/classes`` are the names alone of what stands there.
    """
    how, _, path = place.rpartition(":")
    here: Any = bundle.data
    for part in filter(None, path.split("/")):
        if part == "[]" or not isinstance(here, Mapping):
            how = ""  # somewhere among these
            break
        here = here.get(part)
    found: Iterable[Any] = here if how == "keys" and isinstance(here, Mapping) else _constants(here)
    yield from (constant for constant in found if isinstance(constant, str))


def _constants(document: Any) -> Iterator[str | float]:
    if isinstance(document, Mapping):
        yield from document
        yield from _all(document.values())
    elif isinstance(document, list | tuple):
        yield from _all(document)
    elif isinstance(document, str) or (isinstance(document, int | float) and not isinstance(document, bool)):
        yield document


def _all(documents: Iterable[Any]) -> Iterator[str | float]:
    for document in documents:
        yield from _constants(document)


def _characters() -> Iterator[str]:
    yield from map(chr, range(ord("~"), ord("!"), -1))
    yield from map(chr, range(0x100, 0x3000))
