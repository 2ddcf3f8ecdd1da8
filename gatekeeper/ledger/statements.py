"""What entries say one after another, judged without trusting whoever wrote them.

Guarantees: each entry is canonical and fits its event's schema; time does not run backwards; each
``query.released`` names an earlier permit of the same query, agency and policy; and none lies within a stop's
scope between ``stop.set`` and ``stop.lifted`` (promise 3; the end requester counts as the agency does). Stops
of single cameras are only committed to, so an outsider cannot check those.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from gatekeeper.errors import EntryRefused
from gatekeeper.ledger.canonical import Json, canonical, quickly_decoded, sorted_json
from gatekeeper.ledger.entries import MAX_ENTRY_BYTES, fault_in
from gatekeeper.ledger.rows import StoredEntry

Fault = tuple[str, str]
Document = dict[str, Json]
_PARTIES: Final = ("agency", "end_requester", "agency_kind", "end_requester_kind")
_SHARED: Final = ("agency", "end_requester", "category", "kind", "policy")


class Statements:
    """Judges entries in their order; remembers 16 bytes for each permit and the stops in force.

    Where the entries do not begin with the first, it is given what those before left: the last hour, the
    stops in force, and a way to read one of them.
    """

    def __init__(
        self,
        hour: str = "",
        stops: Mapping[str, tuple[Json, Json]] | None = None,
        earlier: Callable[[int], bytes | None] = lambda _: None,
    ) -> None:
        self.hour = hour
        self.stops: dict[str, tuple[Json, Json]] = dict(stops or {})
        self.beside = True
        """Whether event and query are stored beside an entry; in a published copy they are not."""
        self._earlier = earlier
        self._permits = array("q")
        self._marks = array("Q")

    def judge(self, stored: StoredEntry) -> Iterator[Fault]:
        """Yield (code, message) for each thing wrong with the next entry."""
        document, faults = judged_alone(stored, beside=self.beside)
        yield from faults
        if document is None:
            return
        hour = str(document["hour"])
        if hour < self.hour:
            yield "time", f"its hour {hour} is before that of an earlier entry, {self.hour}"
        self.hour = max(hour, self.hour)
        yield from self._in_sequence(stored.index, document)

    def allow(self, said: Said) -> bool:
        """Take in what a stretch says if nothing is wrong with it here; else say so, and take in nothing."""
        parties = (
            stop for stop in self.stops.values() for party in said.parties.values() if _covers(*stop, party)
        )
        if said.first_hour < self.hour or any(True for _ in parties):
            return False
        if not all(self._marked(decided, mark) for decided, mark in said.releases):
            return False
        self.hour = said.hour
        self._permits.extend(said.permits)
        self._marks.extend(said.marks)
        return True

    def _marked(self, decided: int, mark: int) -> bool:
        place = bisect_left(self._permits, decided)
        return place < len(self._permits) and (self._permits[place], self._marks[place]) == (decided, mark)

    def _in_sequence(self, index: int, document: Document) -> Iterator[Fault]:
        match document["event"]:
            case "query.decided" if document["outcome"] == "permit":
                self._permits.append(index)
                self._marks.append(_mark(document))
            case "query.released":
                if not self._permitted(document):
                    named = f"a release that names entry {document['decided']}"
                    fault = f"{named}, which is no earlier permit of the same query, agency and policy"
                    yield "release_without_decision", fault
                for stop, (scope, value) in self.stops.items():
                    if _covers(scope, value, document):
                        yield "release_while_stopped", f"a release although stop {stop} was in force"
            case "stop.set":
                self.stops[str(document["stop"])] = (document["scope"], document["value"])
            case "stop.lifted":
                if self.stops.pop(str(document["stop"]), None) is None:
                    yield "stop_unknown", "it lifts a stop that was not in force"

    def _permitted(self, document: Document) -> bool:
        decided = document["decided"]
        if not isinstance(decided, int):
            return False
        place = bisect_left(self._permits, decided)
        if place < len(self._permits) and self._permits[place] == decided:
            return self._marks[place] == _mark(document)
        entry = self._earlier(decided)
        before = None if entry is None else _decoded(entry)
        if before is None or fault_in(before) is not None:
            return False
        permit = (before["event"], before.get("outcome")) == ("query.decided", "permit")
        return permit and _mark(before) == _mark(document)


@dataclass(slots=True)
class Said:
    """What a stretch of entries says that must fit what stands before it, as long as it says nothing wrong.

    ``releases`` are those whose permit is not in the stretch: (the permit's index, the mark they share).
    """

    start: int
    first_hour: str = ""
    hour: str = ""
    permits: array[int] = field(default_factory=lambda: array("q"))
    marks: array[int] = field(default_factory=lambda: array("Q"))
    releases: list[tuple[int, int]] = field(default_factory=list)
    parties: dict[tuple[Json, ...], Document] = field(default_factory=dict)

    def add(self, index: int, meaning: Meaning, ref: bytes, hour: str, decided: int) -> bool:
        """Take in the next entry; False if it is wrong here, or if its place decides what it means.

        `decided` is the permit that a release names.
        """
        if hour != self.hour:
            if hour < self.hour:
                return False
            self.first_hour, self.hour = self.first_hour or hour, hour
        does = meaning.does
        if does is Does.PERMIT:
            self.permits.append(index)
            self.marks.append(_marked(ref, meaning.shared))
        elif does is Does.RELEASE:
            return self._release(meaning, decided, _marked(ref, meaning.shared))
        return does is not Does.STOP

    def _release(self, meaning: Meaning, decided: int, mark: int) -> bool:
        if meaning.party not in self.parties:
            self.parties[meaning.party] = dict(zip(_PARTIES, meaning.party, strict=True))
        if decided < self.start:
            self.releases.append((decided, mark))
            return True
        place = bisect_left(self.permits, decided)
        there = place < len(self.permits) and self.permits[place] == decided
        return there and self.marks[place] == mark


class Does(Enum):
    """What an entry does to those after it."""

    NOTHING = auto()
    PERMIT = auto()
    RELEASE = auto()
    STOP = auto()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an entry means to those after it, but for its hour, its query, and the permit that it names.

    ``shared``: of a permit or a release, the hash of what the two share beside the query. ``party``: of a
    release, the values of ``_PARTIES``.
    """

    event: str
    does: Does = Does.NOTHING
    shared: bytes = b""
    party: tuple[Json, ...] = ()


def meaning_of(document: Document) -> Meaning:
    """Return what an entry that fits its schema means."""
    event = str(document["event"])
    match event:
        case "query.decided" if document["outcome"] == "permit":
            return Meaning(event, Does.PERMIT, _shared(document))
        case "query.released":
            party = tuple(document[name] for name in _PARTIES)
            return Meaning(event, Does.RELEASE, _shared(document), party)
        case "stop.set" | "stop.lifted":
            return Meaning(event, Does.STOP)
    return Meaning(event)


def said_by(document: Document) -> tuple[Meaning, bytes, str, int]:
    """Return what ``Said.add`` takes in of an entry that fits its schema."""
    decided = document.get("decided")
    permit = decided if isinstance(decided, int) else -1
    return meaning_of(document), str(document["ref"]).encode(), str(document["hour"]), permit


def judged_alone(stored: StoredEntry, *, beside: bool) -> tuple[Document | None, Sequence[Fault]]:
    """Return what an entry says, and what is wrong with it whatever stands before it.

    What it says is None where it does not fit its schema, and so cannot be judged further.
    """
    faults: list[Fault] = []
    document = quickly_decoded(stored.entry)
    quick = document is not None
    if document is None:
        document = _decoded(stored.entry)
    if document is None:
        return None, (("schema", "it is not a JSON object"),)
    if len(stored.entry) > MAX_ENTRY_BYTES or not (quick or _is_canonical(document, stored.entry)):
        faults.append(("not_canonical", "it is not the canonical form of what it says (RFC 8785)"))
    fault = fault_in(document)
    if fault is not None:
        return None, (*faults, ("schema", fault))
    if beside and (document["event"], document["ref"]) != (stored.event, stored.ref):
        faults.append(("column", "the event or query stored beside it is not the one that it states"))
    return document, faults


def _decoded(entry: bytes) -> Document | None:
    try:
        value = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_canonical(document: Document, entry: bytes) -> bool:
    try:
        return canonical(document) == entry
    except EntryRefused:
        return False


def _shared(document: Document) -> bytes:
    return hashlib.sha256(sorted_json([document[name] for name in _SHARED])).digest()


def _mark(document: Document) -> int:
    """Return eight bytes that a permit and its releases share."""
    return _marked(str(document["ref"]).encode(), _shared(document))


def _marked(ref: bytes, shared: bytes) -> int:
    return int.from_bytes(hashlib.sha256(shared + ref).digest()[:8], "big")


def _covers(scope: Json, value: Json, document: Document) -> bool:
    match scope:
        case "all":
            return True
        case "agency":
            return value in (document["agency"], document["end_requester"])
        case "kind":
            return value in (document["agency_kind"], document["end_requester_kind"])
    return False
