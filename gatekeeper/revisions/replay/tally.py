"""The count of a replay: what became of each decision, for whom, under which provision, in which month.

A tally is made of one stretch of the log and added to others. Guarantees: adding is the same in any order, so
the sum does not depend on who counted what when; its size depends on the number of agencies, provisions,
months and days alone; it goes through JSON and back unchanged, to be resumed from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from heapq import nsmallest
from typing import Any, Final

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import canonical
from gatekeeper.revisions.replay.answers import Verdict
from gatekeeper.revisions.replay.past import Case
from gatekeeper.revisions.replay.report import CLASSES, Example, Said, example_of

EXAMPLES: Final = 20
"""How many of each kind of change are kept to be opened."""
_GROUPS: Final = ("agencies", "categories", "months")
_MISSING: Final = "missing"
Counts = dict[str, int]


@dataclass(slots=True)
class Tally:
    """Counts by name; ``examples`` by class, each with the rank by which it was chosen."""

    decisions: int = 0
    rescreened: int = 0
    rulings_set_aside: int = 0
    taken_as_alone: int = 0
    classes: Counts = field(default_factory=dict)
    outcomes: dict[str, Counts] = field(default_factory=lambda: {"before": {}, "after": {}})
    drift: Counts = field(default_factory=dict)
    missing: Counts = field(default_factory=dict)
    groups: dict[str, dict[str, Counts]] = field(default_factory=lambda: {name: {} for name in _GROUPS})
    provisions: dict[str, Counts] = field(default_factory=dict)
    examples: dict[str, list[tuple[str, Example]]] = field(default_factory=dict)

    def erased(self, case: Case) -> None:
        """Count a decision of which nothing private is left."""
        self.decisions += 1
        _count(self.missing, case.hour[:10])
        self._grouped(case, _MISSING)

    def count(self, case: Case, before: Verdict, after: Verdict, name: str, *, seed: str) -> None:
        """Count a decision by what both laws say of it; *name* is its class."""
        self.decisions += 1
        _count(self.classes, name)
        _count(self.outcomes["before"], before.outcome)
        _count(self.outcomes["after"], after.outcome)
        self._grouped(case, name)
        self._provisions(before, after, name)
        if name != CLASSES[0]:
            self._example(case, before, after, name, seed)

    def then(self, name: str) -> None:
        """Count how the baseline's answer now stands to what was recorded then."""
        _count(self.drift, name)

    def add(self, other: Tally) -> None:
        """Add what another stretch came to."""
        self.decisions += other.decisions
        self.rescreened += other.rescreened
        self.rulings_set_aside += other.rulings_set_aside
        self.taken_as_alone += other.taken_as_alone
        for mine, its in (
            (self.classes, other.classes),
            (self.outcomes["before"], other.outcomes["before"]),
            (self.outcomes["after"], other.outcomes["after"]),
            (self.drift, other.drift),
            (self.missing, other.missing),
        ):
            _add(mine, its)
        for kind, groups in other.groups.items():
            for name, counts in groups.items():
                _add(self.groups[kind].setdefault(name, {}), counts)
        for code, counts in other.provisions.items():
            _add(self.provisions.setdefault(code, {}), counts)
        for name, found in other.examples.items():
            self._keep(name, found)

    def document(self) -> dict[str, Json]:
        """Return the tally as JSON."""
        document: dict[str, Json] = {
            name: getattr(self, name) for name in self.__slots__ if name != "examples"
        }
        return document | {
            "examples": {
                name: [[rank, _plain(example)] for rank, example in found]
                for name, found in self.examples.items()
            }
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Tally:
        """Return the tally that *document* holds. Raises OperatorError if it is none."""
        try:
            values = {name: document[name] for name in cls.__slots__ if name != "examples"}
            return cls(
                **values,
                examples={
                    name: [(rank, example_of(example)) for rank, example in found]
                    for name, found in document["examples"].items()
                },
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise OperatorError("what was kept of this replay cannot be read: begin it anew") from None

    def _grouped(self, case: Case, name: str) -> None:
        groups = self.groups
        _count(groups["agencies"].setdefault(case.agency, {}), name)
        _count(groups["categories"].setdefault(case.category, {}), name)
        _count(groups["months"].setdefault(case.hour[:7], {}), name)

    def _provisions(self, before: Verdict, after: Verdict, name: str) -> None:
        if not before.reasons and not after.reasons:
            return
        was, now = set(before.unmet), set(after.unmet)
        for code in was | now:
            counts = self.provisions.setdefault(code, {})
            if code in was:
                _count(counts, "before")
            if code in now:
                _count(counts, "after")
            # Of an undecided one nobody can say that a reason came or went.
            if name != "undecided" and (code in was) is not (code in now):
                _count(counts, "added" if code in now else "removed")
                if name in ("newly_denied", "newly_permitted"):
                    _count(counts, name)

    def _example(self, case: Case, before: Verdict, after: Verdict, name: str, seed: str) -> None:
        rank = hashlib.sha256(f"{seed}:{case.index}".encode()).hexdigest()[:24]
        kept = self.examples.get(name, [])
        if len(kept) >= EXAMPLES and rank >= kept[-1][0]:
            return
        differ = before.obligations.keys() | after.obligations.keys() if name == "obligations_changed" else ()
        example = Example(
            query_id=case.query_id,
            index=case.index,
            hour=case.hour,
            agency=case.agency,
            category=case.category,
            before=_said(before),
            after=_said(after),
            obligations=tuple(sorted(one for one in differ if _differs(one, before, after))),
        )
        self._keep(name, [(rank, example)])

    def _keep(self, name: str, found: list[tuple[str, Example]]) -> None:
        self.examples[name] = nsmallest(
            EXAMPLES, [*self.examples.get(name, []), *found], key=lambda one: (one[0], one[1].index)
        )


def class_of(before: Verdict, after: Verdict) -> str:
    """Return the class of one decision (see ``report``)."""
    if before is after:
        return "undecided" if before.outcome == "undecided" else "same"
    if "undecided" in (before.outcome, after.outcome):
        return "undecided"
    if before.outcome != after.outcome:
        return "newly_denied" if after.outcome == "deny" else "newly_permitted"
    if set(before.reasons) != set(after.reasons) or before.review != after.review:
        return "reasons_changed"
    if any(_differs(one, before, after) for one in before.obligations.keys() | after.obligations.keys()):
        return "obligations_changed"
    return "same"


def drift_of(outcome: str, unmet: frozenset[str], review: str, now: Verdict) -> str:
    """Return the class of what was recorded then beside what the baseline says now, obligations apart."""
    then = Verdict(outcome, tuple((code, True) for code in sorted(unmet)), review, {})
    told = Verdict(now.outcome, tuple((code, True) for code in sorted(now.unmet)), now.review, {})
    return class_of(then, told)


def _differs(name: str, before: Verdict, after: Verdict) -> bool:
    """Say whether an obligation differs; of a list (the fields that are shown) the order is nothing."""
    return bool(_unordered(before.obligations.get(name)) != _unordered(after.obligations.get(name)))


def _unordered(value: Json) -> Any:
    return sorted(map(canonical, value)) if isinstance(value, list) else canonical(value)


def _said(verdict: Verdict) -> Said:
    return Said(verdict.outcome, verdict.unmet, verdict.review)


def _plain(example: Example) -> Any:
    said = {side: {**asdict(getattr(example, side))} for side in ("before", "after")}
    for one in said.values():
        one["provisions"] = list(one["provisions"])
    return {**asdict(example), **said, "obligations": list(example.obligations)}


def _count(counts: Counts, name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _add(mine: Counts, its: Mapping[str, int]) -> None:
    for name, count in its.items():
        mine[name] = mine.get(name, 0) + count
