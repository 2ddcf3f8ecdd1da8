"""Samples of permits: drawn by lot, marked right or wrong by a person, and what share of them was right.

How a sample is drawn, so that anybody can draw the same from the public entries and the entry of the draw:
(1) the population: the index of every ``query.released`` before entry ``upto`` that is the first of its
``ref`` and whose day lies in the period (and whose agency and category are those asked for), in order;
(2) the seed: SHA-256 over ``gatekeeper sample v1``, a zero byte, the root of the tree of ``tree_size``
entries, and a nonce that is drawn now; (3) each index has a rank, SHA-256 over the seed and the index (eight
bytes, big-endian); the sample are those of the lowest rank, in its order.

Who could choose what is looked at? Not an agency: the period is over, and no query joins it. Not who draws:
the nonce is drawn after they said what from, each draw is an entry, and none is drawn from the same days
again before the last is marked to its end; what they did choose, the days and filters, stands in the entry.
Whoever runs an altered gatekeeper could draw nonces until one pleases: an entry cannot show how many were
thrown away. Against that stands who may run it, and an auditor who draws from the same log by their own lot.

Guarantees: what was drawn, and each mark, is a commit with its entry; a mark is never changed, a correction
is a new one; nobody marks what they acted on, or what their own agency asked.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import hashlib
import heapq
import json
import math
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import NormalDist
from typing import Any, Final, NamedTuple, Protocol

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError, StoreUnavailable
from gatekeeper.exchange import Gate
from gatekeeper.ledger import Draft, Json, Row, Rows, VerifierKey, canonical, open_checkpoint
from gatekeeper.oversight.figures import FigureStore, fold
from gatekeeper.oversight.periods import Period
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy

LARGEST: Final = 200
VERDICTS: Final = ("right", "wrong", "erased")
FAULTS: Final = ("wrong_purpose", "missing_case_number", "words_overlooked", "other")
_DOMAIN: Final = b"gatekeeper sample v1\x00"
_STEPS: Final = 40
"""Steps of the count that a draw waits for; more are the background's."""


class Sample(Protocol):
    """What was drawn, from what."""

    @property
    def id(self) -> str: ...
    @property
    def drawn_from(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def first_day(self) -> date: ...
    @property
    def last_day(self) -> date: ...
    @property
    def agency_id(self) -> str | None: ...
    @property
    def category(self) -> str | None: ...
    @property
    def size(self) -> int: ...
    @property
    def population(self) -> int: ...


class Item(Protocol):
    """One permit of a sample, by the entry that released it."""

    @property
    def sample_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def entry_index(self) -> int: ...
    @property
    def query_id(self) -> str: ...
    @property
    def agency_id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def marks(self) -> int: ...


class Mark(Protocol):
    """One mark; the last of a permit is the one that counts."""

    @property
    def number(self) -> int: ...
    @property
    def mark(self) -> int: ...
    @property
    def ref(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def fault(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...


class SampleStore(Protocol):
    """Samples as they are read. Each raises StoreUnavailable, nothing else."""

    def all(self, most: int, /) -> Sequence[tuple[Sample, int]]: ...
    def find(self, sample_id: str, /) -> Sample | None: ...
    def drawn_from(self, same: str, /) -> int: ...
    def unfinished(self, agency_id: str | None, category: str | None, /) -> Sequence[Sample]: ...
    def items(self, sample_id: str, /) -> Sequence[Item]: ...
    def marks(self, sample_id: str, /) -> Sequence[Mark]: ...
    def tally(self) -> Sequence[tuple[str, str, int]]: ...
    def who_acted(self, query_id: str, /) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample as it is drawn."""

    id: str
    drawn_from: str
    at: datetime
    actor: str
    first_day: date
    last_day: date
    agency_id: str | None
    category: str | None
    size: int
    population: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A permit as it is drawn."""

    sample_id: str
    number: int
    entry_index: int
    query_id: str
    agency_id: str
    category: str
    marks: int = 0


@dataclass(frozen=True, slots=True)
class Made:
    """A mark as it is made."""

    sample_id: str
    number: int
    mark: int
    ref: str
    verdict: str
    fault: str | None
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """What samples are drawn from and kept in; ``…_rows`` make the rows that the log commits."""

    gate: Gate
    figures: FigureStore
    log: Rows
    key: VerifierKey
    store: SampleStore
    draw_rows: Callable[[Drawn, Sequence[Taken]], Sequence[Row]]
    mark_rows: Callable[[Item, Made], Sequence[Row]]

    def draw(self, period: Period, size: int, *, agency_id: str | None, category: str | None, by: str) -> str:
        """Draw a sample; return its id.

        Raises OperatorError with all that stands in the way, LedgerUnavailable, StoreUnavailable: nothing
        was drawn then.
        """
        _refuse(self._in_the_way(period, size, agency_id, category))
        upto = self._counted(period)
        population = [i for i in self.figures.population(period, agency_id, category) if i < upto]
        if not population:
            raise OperatorError("Nothing was released there: there is nothing to draw from.")
        # (1) what is drawn from, and how often it was before
        same = f"{period.first}/{period.last}/{agency_id or '*'}/{category or '*'}"
        times = self.store.drawn_from(same)
        # (2) the seed: nobody knew the nonce before now
        checkpoint = open_checkpoint(self.gate.ledger.checkpoint(), self.key)
        nonce = secrets.token_bytes(32)
        # (3) the lot
        chosen = pick(population, size, seed_of(checkpoint.root, nonce))
        sample = Drawn(
            id=f"sample_{secrets.token_hex(12)}",
            drawn_from=f"{same}#{times + 1}",
            at=self.gate.clock.now(),
            actor=by,
            first_day=period.first,
            last_day=period.last,
            agency_id=agency_id,
            category=category,
            size=len(chosen),
            population=len(population),
        )
        items = [self._taken(sample.id, place, index) for place, index in enumerate(chosen, start=1)]
        draft = Draft(
            event="report.sample_drawn",
            ref=sample.id,
            clear={
                "first": str(period.first),
                "last": str(period.last),
                "agency": agency_id,
                "category": category,
                "size": len(chosen),
                "population": len(population),
                "population_sha256": digest_of(population),
                "upto": upto,
                "tree_size": checkpoint.size,
                "root": checkpoint.root.hex(),
                "nonce": nonce.hex(),
            },
            secret={"by": by},
            detail={},
        )
        try:
            self.gate.ledger.append(draft, self.draw_rows(sample, items))
        except StoreUnavailable:
            if self.store.drawn_from(same) == times:
                raise
            raise OperatorError("Somebody drew from the same just now. Look at theirs first.") from None
        return sample.id

    def mark(
        self, item: Item, person: Account, *, verdict: str, fault: str | None, reason: str, marks: int
    ) -> None:
        """Mark a permit, or mark it anew; *marks* is how often it was marked when it was looked at.

        Raises OperatorError with all that stands in the way, Superseded if somebody marked it meanwhile,
        LedgerUnavailable, StoreUnavailable: nothing was marked then.
        """
        _refuse(self._faults(item, person, verdict, fault, reason))
        if marks != item.marks:
            raise OperatorError("Somebody marked this just now. Look again first.")
        said, ref = tidy(reason), f"mark_{secrets.token_hex(12)}"
        made = Made(
            item.sample_id,
            item.number,
            item.marks + 1,
            ref,
            verdict,
            fault if verdict == "wrong" else None,
            self.gate.clock.now(),
            person.id,
        )
        secret: dict[str, Json] = {
            "by": person.id,
            "number": item.number,
            "entry": item.entry_index,
            "verdict": verdict,
            "fault": made.fault,
            "reason": said,
        }
        draft = Draft(
            event="report.sample_marked",
            ref=ref,
            clear={"sample": item.sample_id},
            secret=secret,
            detail={"by": person.name, "role": person.role, "said": said},
        )
        self.gate.ledger.append(draft, self.mark_rows(item, made))

    def erased(self, item: Item) -> bool:
        """Say whether what was asked can no longer be read. Raises LedgerUnavailable, LedgerCorrupt."""
        try:
            self.detail(item)
        except KeyErased:
            return True
        return False

    def detail(self, item: Item) -> Mapping[str, Json]:
        """Return the private side of the decision that a permit was released by.

        Raises KeyErased, LedgerUnavailable, LedgerCorrupt.
        """
        return self.gate.ledger.detail_of(int(self.released(item)["decided"])).detail

    def released(self, item: Item) -> dict[str, Any]:
        """Return the public entry that released a permit. Raises LedgerUnavailable, LedgerCorrupt."""
        return self._entry(item.entry_index)

    def _in_the_way(
        self, period: Period, size: int, agency_id: str | None, category: str | None
    ) -> list[str]:
        found = []
        if period.last >= self.gate.clock.now().date():
            found.append("The last day must be over (in UTC): what is drawn from may not grow any more.")
        if not 1 <= size <= LARGEST:
            found.append(f"Draw between 1 and {LARGEST} permits.")
        if agency_id is not None and self.gate.registry.snapshot().agency(agency_id) is None:
            found.append("Choose an agency from the list.")
        for other in self.store.unfinished(agency_id, category):
            if other.first_day <= period.last and period.first <= other.last_day:
                found.append(
                    "A sample of some of these days is not marked to its end. Mark it first: who draws again "
                    "and again could choose."
                )
                break
        return found

    def _counted(self, period: Period) -> int:
        """Count until the period's last day is whole; return before which entry everything is counted."""
        try:
            for _ in range(_STEPS):
                if fold(self.figures, self.log) == 0:
                    break
        except LedgerCorrupt:
            raise OperatorError(
                "The log has an entry that cannot be counted: verify the log first."
            ) from None
        upto = self.figures.mark().upto
        entry = self.log.entry(upto)
        if entry is not None and json.loads(entry.entry)["hour"][:10] <= str(period.last):
            raise OperatorError("The log is still being counted. Try again in a few minutes.")
        return upto

    def _taken(self, sample_id: str, number: int, index: int) -> Taken:
        entry = self._entry(index)
        return Taken(sample_id, number, index, entry["ref"], entry["agency"], entry["category"])

    def _entry(self, index: int) -> dict[str, Any]:
        stored = self.log.entry(index)
        if stored is None or stored.event != "query.released":
            raise LedgerCorrupt(f"entry {index} is no release")
        entry: dict[str, Any] = json.loads(stored.entry)
        return entry

    def _faults(self, item: Item, person: Account, verdict: str, fault: str | None, reason: str) -> list[str]:
        found = [*self.barred(item, person)]
        erased = self.erased(item)
        if verdict not in VERDICTS:
            found.append("Say whether it was right or wrong.")
        elif (verdict == "erased") != erased:
            found.append(
                "What was asked has been erased: it can no longer be judged."
                if erased
                else "It has not been erased: judge it."
            )
        if verdict == "wrong" and fault not in FAULTS:
            found.append("Say in what way it was wrong.")
        if (verdict == "wrong" or item.marks or reason) and (lacks := fault_of(reason)) is not None:
            found.append(lacks)
        return found

    def barred(self, item: Item, person: Account) -> Iterable[str]:
        """Yield why this person may not mark this permit, if they may not."""
        if person.id in self.store.who_acted(item.query_id):
            yield "You acted on this request yourself. Somebody else must judge it."
        asked_for = self.released(item)["end_requester"]
        if person.agency_id is not None and person.agency_id in {item.agency_id, asked_for}:
            yield "Your own agency asked this. Somebody else must judge it."


def seed_of(root: bytes, nonce: bytes) -> bytes:
    """Return the seed of a draw."""
    return hashlib.sha256(_DOMAIN + root + nonce).digest()


def pick(population: Sequence[int], size: int, seed: bytes) -> list[int]:
    """Return the indices of the lowest rank, in its order: fewer if there are not as many."""
    return heapq.nsmallest(
        size, population, key=lambda i: hashlib.sha256(seed + i.to_bytes(8, "big")).digest()
    )


def digest_of(population: Sequence[int]) -> str:
    """Return the SHA-256 of a population's canonical JSON, in hex."""
    return hashlib.sha256(canonical(list(population))).hexdigest()


class Share(NamedTuple):
    """How many of so many were right, and between which shares the whole lies with 95 % confidence."""

    right: int
    judged: int
    low: float
    high: float


def share(right: int, wrong: int) -> Share | None:
    """Return the share with its Wilson score interval, or None where nothing was judged.

    E. B. Wilson, Journal of the American Statistical Association 22 (1927), pages 209-212; it keeps what it
    promises for few and for extreme counts, too (Brown, Cai and DasGupta, Statistical Science 16 (2001)).
    """
    judged = right + wrong
    if not judged:
        return None
    z = NormalDist().inv_cdf(0.975)
    p, square = right / judged, z * z / judged
    middle = (p + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(p * (1 - p) / judged + square / (4 * judged))
    return Share(right, judged, max(0.0, middle - half), min(1.0, middle + half))


def shares(tally: Iterable[tuple[str, str, int]]) -> tuple[Share | None, dict[str, Share]]:
    """Return the share of all, and of each category, from (category, verdict, how many)."""
    counts: dict[str, dict[str, int]] = {}
    for category, verdict, number in tally:
        of = counts.setdefault(category, {})
        of[verdict] = of.get(verdict, 0) + number
    each = {
        category: found
        for category, of in sorted(counts.items())
        if (found := share(of.get("right", 0), of.get("wrong", 0))) is not None
    }
    return share(sum(s.right for s in each.values()), sum(s.judged - s.right for s in each.values())), each


def _refuse(found: Sequence[str]) -> None:
    if found:
        raise OperatorError(" ".join(found))
