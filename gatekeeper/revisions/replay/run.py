"""A replay from its plan to its report: planned once, done in stretches by whoever, resumed where it was.

Guarantees: what is replayed is fixed when it begins (the log goes on growing); progress is saved with the
plan, after each stretch at most two seconds later, and one that was saved for other laws, another log or
another question is not gone on with; the report is made of the sum of all stretches and of nothing else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import date
from heapq import nsmallest
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import decoded
from gatekeeper.policy import Bundle, Provision
from gatekeeper.revisions.replay.past import Record
from gatekeeper.revisions.replay.report import (
    CHANGES,
    CLASSES,
    OUTCOMES,
    Asked,
    Decisions,
    Group,
    Law,
    Missing,
    ProvisionChange,
    ReplayReport,
)
from gatekeeper.revisions.replay.tally import Counts, Tally
from gatekeeper.revisions.replay.work import Laws, Stretch

LONG: Final = 2000
"""Entries of one stretch."""
_SAVED_EVERY: Final = 2.0
_FORM: Final = 1


class Workers(Protocol):
    """Whoever does stretches: this process, several, or a cluster."""

    def done(self, stretches: Iterator[Stretch]) -> AbstractContextManager[Iterator[tuple[int, Tally]]]:
        """Yield each stretch's number and tally, in any order. Raises OperatorError, LedgerCorrupt."""


class Progress(Protocol):
    """Where a job keeps how far it has come."""

    def saved(self) -> Mapping[str, Any] | None:
        """Return what was saved last, None for a job that only begins."""

    def save(self, place: int, size: int, progress: Mapping[str, Json] | None) -> None:
        """Save it. Raises OperatorError if the job is nobody's, or somebody else's, any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides what a replay comes to: laws, log and question."""

    candidate: str
    baseline: str
    asked: Asked
    start: int
    stop: int

    def stretches(self, record: Record, done: frozenset[int]) -> Iterator[Stretch]:
        """Yield the stretches that are not done yet; the same ones, by number, each time."""
        if self.asked.sample is not None:
            chosen = _chosen(record, self)
            for number, first in enumerate(range(0, len(chosen), LONG)):
                places = tuple(chosen[first : first + LONG])
                if number not in done:
                    yield Stretch(number, places[0], places[-1] + 1, places)
            return
        for number, first in enumerate(range(self.start, self.stop, LONG)):
            if number not in done:
                yield Stretch(number, first, min(first + LONG, self.stop))

    @property
    def size(self) -> int:
        """Return how many stretches there are at most."""
        entries = self.stop - self.start
        return -(-(entries if self.asked.sample is None else min(entries, self.asked.sample)) // LONG)


class Hours(Protocol):
    """Reads one entry of the log."""

    def __call__(self, index: int, /) -> bytes | None:
        """Return the entry's text."""


def planned(laws: Laws, asked: Asked, entry: Hours) -> Plan:
    """Return the plan: which entries lie in the days asked for. Raises OperatorError, LedgerCorrupt."""
    start = 0 if asked.since is None else _first_of(asked.since, asked.size, entry)
    stop = asked.size if asked.until is None else _first_of(asked.until, asked.size, entry)
    if start > stop:
        raise OperatorError("the last day lies before the first: --from and --to are exchanged")
    return Plan(laws.candidate.digest, laws.baseline.digest, asked, start, stop)


def _silent(place: int, size: int, /) -> None:
    """Tell nobody how far it has come."""


def replayed(
    laws: Laws,
    plan: Plan,
    record: Record,
    workers: Workers,
    progress: Progress,
    tell: Callable[[int, int], None] = _silent,
) -> ReplayReport:
    """Do what is left of the plan, and report. Raises OperatorError, LedgerCorrupt, LedgerUnavailable."""
    done, tally = _resumed(progress.saved(), plan)
    size, saved = plan.size, time.monotonic()
    progress.save(len(done), size, _state(plan, done, tally))
    tell(len(done), size)
    with workers.done(plan.stretches(record, frozenset(done))) as finished:
        for number, counted in finished:
            done.add(number)
            tally.add(counted)
            tell(len(done), size)
            if time.monotonic() - saved > _SAVED_EVERY:
                progress.save(len(done), size, _state(plan, done, tally))
                saved = time.monotonic()
    progress.save(size, size, _state(plan, done, tally))
    tell(size, size)
    return report(laws, plan.asked, tally)


def report(laws: Laws, asked: Asked, tally: Tally) -> ReplayReport:
    """Return what a sum of stretches says."""
    missing = sum(tally.missing.values())
    return ReplayReport(
        candidate=_law(laws.candidate),
        baseline=_law(laws.baseline),
        asked=asked,
        decisions=Decisions(tally.decisions - missing, missing),
        classes=_whole(tally.classes),
        outcomes={
            side: {name: found.get(name, 0) for name in OUTCOMES} for side, found in tally.outcomes.items()
        },
        drift=_whole(tally.drift),
        rescreened=tally.rescreened,
        rulings_set_aside=tally.rulings_set_aside,
        taken_as_alone=tally.taken_as_alone,
        provisions=tuple(_provision(code, laws, tally) for code in _codes(laws)),
        agencies=_groups(tally.groups["agencies"]),
        categories=_groups(tally.groups["categories"]),
        months=_groups(tally.groups["months"]),
        missing=tuple(Missing(day, count) for day, count in sorted(tally.missing.items())),
        examples={name: tuple(example for _, example in tally.examples.get(name, ())) for name in CHANGES},
    )


def seed_of(root: bytes, given: str | None) -> str:
    """Return what a sample and the examples are drawn by: what was given, else the log's root."""
    return given or root.hex()


# --- Which entries. ---------------------------------------------------------------------------------------


def _first_of(day: str, size: int, entry: Hours) -> int:
    """Return the index of the first entry of that day or later; entries are in order of time."""
    date.fromisoformat(day)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        text = entry(middle)
        if text is None:
            raise OperatorError(f"the log has no entry {middle}: run `gatekeeper ledger verify`")
        if str(decoded(text).get("hour", ""))[:10] < day:
            low = middle + 1
        else:
            high = middle
    return low


def _chosen(record: Record, plan: Plan) -> Sequence[int]:
    """Return the sample: those whose place, hashed with the seed, comes first; in the log's order."""
    seed = plan.asked.seed

    def rank(index: int) -> bytes:
        return hashlib.sha256(f"sample:{seed}:{index}".encode()).digest()

    return sorted(nsmallest(plan.asked.sample or 0, record.places(plan.start, plan.stop), key=rank))


# --- Progress. --------------------------------------------------------------------------------------------


def _state(plan: Plan, done: set[int], tally: Tally) -> dict[str, Json]:
    return {"form": _FORM, "plan": _plan_document(plan), "done": _ranges(done), "tally": tally.document()}


def _resumed(saved: Mapping[str, Any] | None, plan: Plan) -> tuple[set[int], Tally]:
    if not saved:
        return set(), Tally()
    if saved.get("form") != _FORM or saved.get("plan") != _plan_document(plan):
        return set(), Tally()
    done = {number for first, last in saved["done"] for number in range(first, last + 1)}
    return done, Tally.read(saved["tally"])


def plan_of(saved: Mapping[str, Any] | None, laws: Laws) -> Plan | None:
    """Return the plan that saved progress belongs to, if it is one for these laws."""
    found = saved.get("plan") if saved and saved.get("form") == _FORM else None
    if not isinstance(found, dict):
        return None
    plan = Plan(**{**found, "asked": Asked(**found["asked"])})
    return plan if (plan.candidate, plan.baseline) == (laws.candidate.digest, laws.baseline.digest) else None


def _plan_document(plan: Plan) -> dict[str, Json]:
    document: dict[str, Json] = asdict(plan)
    return document


def _ranges(numbers: set[int]) -> list[Json]:
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [[first, last] for first, last in found]


# --- The report. ------------------------------------------------------------------------------------------


def _law(bundle: Bundle) -> Law:
    return Law(bundle.revision, bundle.digest)


def _whole(counts: Counts) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in CLASSES}


def _groups(found: Mapping[str, Counts]) -> tuple[Group, ...]:
    return tuple(
        Group(
            name,
            sum(count for kind, count in counts.items() if kind != "missing"),
            counts.get("missing", 0),
            _whole(counts),
        )
        for name, counts in sorted(found.items())
    )


def _codes(laws: Laws) -> list[str]:
    """Return every provision of either law, in the candidate's order, then those that it leaves out."""
    return list(dict.fromkeys([*laws.candidate.provisions, *laws.baseline.provisions]))


def _provision(code: str, laws: Laws, tally: Tally) -> ProvisionChange:
    before, after = laws.baseline.catalogue.get(code), laws.candidate.catalogue.get(code)
    said = after or before
    if said is None:
        raise OperatorError(f"the law has no provision {code}")
    counts = tally.provisions.get(code, {})
    names = ("before", "after", "added", "removed", "newly_denied", "newly_permitted")
    return ProvisionChange(
        code=code,
        title=said.title,
        citation=said.citation,
        public=said.public,
        standing=_standing(before, after),
        **{name: counts.get(name, 0) for name in names},
    )


def _standing(before: Provision | None, after: Provision | None) -> str:
    if before is None or after is None:
        return "added" if before is None else "removed"
    if before.public is after.public:
        return "both"
    return "hidden" if before.public else "shown"
