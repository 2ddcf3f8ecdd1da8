"""The public log of a period, entry by entry, in the log's order.

Guarantees: the memory that it takes does not grow with the log; each entry is held against the hash that the
tree has of it, so what was altered or taken away ends it with an error; a period is whole hours in UTC, as
the entries say them, and begins and ends exactly there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from gatekeeper.errors import LedgerCorrupt
from gatekeeper.ledger import Rows, StoredEntry
from gatekeeper.ledger.entries import agencies_in
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.ledger.tiles import WIDTH, TileReader


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, the last one included; `agency` None: whatever agency an entry names, or none."""

    first: date
    last: date
    agency: str | None = None

    @property
    def hours(self) -> tuple[str, str]:
        """The first hour and the last, as entries say them; such texts compare as times do."""
        return f"{self.first.isoformat()}T00Z", f"{self.last.isoformat()}T23Z"


@dataclass(frozen=True, slots=True)
class Public:
    """One entry, and what it says."""

    stored: StoredEntry
    said: dict[str, Any]


def entries_in(rows: Rows, period: Period, size: int) -> Iterator[Public]:
    """Yield the entries of a period, of the log's first *size*. Raises LedgerCorrupt, LedgerUnavailable."""
    first, last = period.hours
    start = _first_not_before(rows, first, size)
    while start < size:
        stop = min(size, (start // WIDTH + 1) * WIDTH)
        for public in _checked(rows, start, stop):
            if public.said["hour"] > last:
                return
            if period.agency is None or period.agency in agencies_in(public.stored.entry):
                yield public
        start = stop


def _checked(rows: Rows, start: int, stop: int) -> list[Public]:
    """Return entries of one tile, each as the tree has it."""
    found = list(rows.entries(start, stop))
    if [stored.index for stored in found] != [*range(start, stop)]:
        raise LedgerCorrupt(f"entries are missing between {start} and {stop - 1}: gatekeeper ledger verify")
    promised = TileReader(rows).hashes(0, start, stop)
    for stored, leaf in zip(found, promised, strict=True):
        if not leaf == stored.leaf_hash == leaf_hash(stored.entry):
            raise _altered(stored.index)
    return [Public(stored, _said(stored)) for stored in found]


def _first_not_before(rows: Rows, hour: str, size: int) -> int:
    """Return the index of the first entry of the hour or later, by halving: entries stand in time's order."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        stored = rows.entry(middle)
        if stored is None or leaf_hash(stored.entry) != stored.leaf_hash:
            raise _altered(middle)
        if _said(stored)["hour"] < hour:
            low = middle + 1
        else:
            high = middle
    return low


def _said(stored: StoredEntry) -> dict[str, Any]:
    try:
        said = json.loads(stored.entry)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("hour"), str):
        raise _altered(stored.index)
    return said


def _altered(index: int) -> LedgerCorrupt:
    return LedgerCorrupt(f"entry {index} is missing, or was altered: gatekeeper ledger verify")
