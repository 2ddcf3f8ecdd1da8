"""Finding entries of the log: by what they are about, event, agency and hour, the latest first.

Guarantees: what is answered are the entries themselves, read from the log; the index only says which. A page
costs the same wherever in the log it lies: an hour is found by halving (entries stand in the order of time),
events and agencies by the index, a reference by the log's own. The index is brought forward here, a little at
each look and the rest by a thread that mostly sleeps; a page that it does not reach yet says so, and never
passes for the whole.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from gatekeeper.errors import GatekeeperError
from gatekeeper.ledger import EVENTS, Head, Rows, StoredEntry
from gatekeeper.ledger.entries import agencies_in

PAGE: Final = 25
ANY: Final = ""
MOST_COUNTED: Final = 10_000
_CHUNK: Final = 250
_AT_A_LOOK: Final = 0.15
_SHARE: Final = 0.2
"""The part of one processor that the thread takes: queries do not wait for it."""


class Index(Protocol):
    """Which entries name an agency, by event. Raises StoreUnavailable, nothing else."""

    def reach(self) -> int:
        """Return how many entries, from the first, are in the index."""

    def fold(self, first: int, end: int, entries: Sequence[StoredEntry], /) -> bool:
        """Put in the next entries; False if they are not the next (any more)."""

    def find(self, agency: str, events: Sequence[str], *, low: int, high: int, most: int) -> Sequence[int]:
        """Return the latest entries ``low <= index < high`` of these events that name the agency."""

    def count(self, agencies: Sequence[str], event: str, *, low: int, most: int) -> int:
        """Return how many entries of the event since *low* name any of the agencies, at most *most*."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for; what is left empty does not narrow. ``since`` and ``until`` are whole hours."""

    ref: str = ""
    agency: str = ""
    event: str = ""
    """An event, or a family of them with its dot: ``query.``."""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def events(self) -> tuple[str, ...]:
        """Name the events that are meant; none for one that is not on the list."""
        if self.event.endswith("."):
            return tuple(event for event in EVENTS if event.startswith(self.event))
        return tuple(event for event in EVENTS if self.event in ("", event))


@dataclass(frozen=True, slots=True)
class Found:
    """Entries, the latest first. ``further``: the index before which the next page begins.

    ``reach`` of ``size`` entries could be looked through; those after ``reach`` are missing here.
    """

    entries: tuple[StoredEntry, ...]
    further: int | None
    reach: int
    size: int

    @property
    def whole(self) -> bool:
        """Whether all of the log was looked through."""
        return self.reach >= self.size


@dataclass(frozen=True, slots=True)
class Counted:
    """How many; ``more`` if there are more than were counted, ``whole`` if all of the log was seen."""

    count: int
    more: bool
    whole: bool


class LogSearch:
    """The search of one process. Each method raises LedgerUnavailable or StoreUnavailable."""

    def __init__(self, rows: Rows, index: Index) -> None:
        self._rows = rows
        self._index = index
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def head(self) -> Head:
        """Return how far the log reaches."""
        return self._rows.head()

    def entry(self, index: int) -> StoredEntry | None:
        """Return one entry, or None."""
        return self._rows.entry(index)

    def page(self, asked: Asked, *, before: int | None = None, most: int = PAGE) -> Found:
        """Return the latest entries that fit, below *before*."""
        size = self._rows.head().size
        low = 0 if asked.since is None else self._first_at(_hour(asked.since), size)
        high = size if asked.until is None else self._first_at(_hour(asked.until) + "~", size)
        high = high if before is None else min(high, before)
        reach = size
        if asked.ref:
            entries = [
                entry
                for entry in reversed(self._rows.entries_of(asked.ref))
                if low <= entry.index < high and entry.event in asked.events
                and (asked.agency == ANY or asked.agency in agencies_in(entry.entry))
            ]  # fmt: skip
        elif asked.agency == ANY and not asked.event:
            entries = list(self._rows.entries(max(low, high - most - 1), high))[::-1] if low < high else []
        else:
            reach = self._bring_forward(size)
            found = self._index.find(asked.agency, asked.events, low=low, high=high, most=most + 1)
            entries = [entry for index in found if (entry := self._rows.entry(index)) is not None]
        shown = tuple(entries[:most])
        return Found(shown, shown[-1].index if len(entries) > most else None, reach, size)

    def releases(self, agencies: Sequence[str], since: datetime) -> Counted:
        """Count the releases since the hour that name any of the agencies (``ANY``: all)."""
        size = self._rows.head().size
        reach, low = self._bring_forward(size), self._first_at(_hour(since), size)
        count = self._index.count(agencies, "query.released", low=low, most=MOST_COUNTED + 1)
        return Counted(min(count, MOST_COUNTED), count > MOST_COUNTED, reach >= size)

    # --- By hour. -----------------------------------------------------------------------------------------

    def _first_at(self, hour: str, size: int) -> int:
        """Return the index of the first entry of the hour or later, by halving."""
        low, high = 0, size
        while low < high:
            middle = (low + high) // 2
            if self._hour_of(middle) < hour:
                low = middle + 1
            else:
                high = middle
        return low

    def _hour_of(self, index: int) -> str:
        entry = self._rows.entry(index)
        try:
            document = json.loads(b"" if entry is None else entry.entry)
        except (ValueError, RecursionError):
            return ""
        return str(document.get("hour", "")) if isinstance(document, dict) else ""

    # --- The index follows the log. -----------------------------------------------------------------------

    def _bring_forward(self, size: int) -> int:
        """Put what is new into the index, for a moment; return how far it reaches now."""
        deadline = time.monotonic() + _AT_A_LOOK
        reach = self._index.reach()
        while reach < size and time.monotonic() < deadline:
            reach = self._step(reach, size)
        if reach < size:
            self._go_on()
        return reach

    def _step(self, reach: int, size: int) -> int:
        end = min(reach + _CHUNK, size)
        if self._index.fold(reach, end, list(self._rows.entries(reach, end))):
            return end
        return self._index.reach()  # another process was here first

    def _go_on(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._follow, name="log search", daemon=True)
                self._thread.start()

    def _follow(self) -> None:
        try:
            size, reach = self._rows.head().size, self._index.reach()
            while reach < size:
                began = time.monotonic()
                reach = self._step(reach, size)
                time.sleep((time.monotonic() - began) * (1 / _SHARE - 1))
        except GatekeeperError:
            return  # the next look goes on


def _hour(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H}Z"
