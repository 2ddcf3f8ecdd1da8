"""One stretch of the log, from reading to tally; the same steps wherever the engines stand.

(1) read and open each decision; (2) give each law its facts; (3) make them alike; (4) have those decided that
nobody decided yet; (5) count. Steps (1) to (3) and (5) are done where the log and its keys are; (4) may be
done elsewhere, by whoever has the text of both laws. Guarantees: (4) is asked for nothing but treated facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Bundle
from gatekeeper.revisions.replay.alike import Alike, Unhidden
from gatekeeper.revisions.replay.answers import (
    UNDECIDED,
    Answers,
    Key,
    Raw,
    Verdict,
    Wanted,
    asked,
    engine_of,
    key_of,
)
from gatekeeper.revisions.replay.facts import Facts, Given
from gatekeeper.revisions.replay.past import Case, Decided, Erased, Found, Record, Seal, read
from gatekeeper.revisions.replay.tally import Tally, class_of, drift_of


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the work: the entries from *start* to *stop*, or these *places* among them."""

    number: int
    start: int
    stop: int
    places: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Laws:
    """The two laws of a replay, and those that decided in the past, as far as they are known, by digest."""

    baseline: Bundle
    candidate: Bundle
    then: Mapping[str, Bundle] = field(default_factory=dict)


@dataclass(slots=True)
class Prepared:
    """A stretch after step (3): its cases, with the keys of their facts, and what is still to be decided."""

    tally: Tally
    cases: list[tuple[Case, Decided | None, Key | None, Key | None]]
    wanted: tuple[dict[Key, Wanted], dict[Key, Wanted]]


class Work:
    """Does stretches for two laws; one thread's own."""

    def __init__(self, laws: Laws, names: Mapping[str, str], seed: str) -> None:
        then = {**laws.then, laws.baseline.digest: laws.baseline, laws.candidate.digest: laws.candidate}
        self._sides = (laws.baseline, laws.candidate)
        self._facts = tuple(Facts(bundle, then, names) for bundle in self._sides)
        self._answers = tuple(Answers(bundle) for bundle in self._sides)
        self._engines = tuple(engine_of(bundle) for bundle in self._sides)
        self._alike = Alike(self._sides)
        self._one_schema = laws.baseline.schemas.get("input") == laws.candidate.schemas.get("input")
        self._seed = seed
        self._classes: dict[tuple[int, int], str] = {}
        self._drifts: dict[tuple[str, frozenset[str], str, int], str] = {}
        self.evaluated = 0

    @property
    def unhidden(self) -> Sequence[Unhidden]:
        """Return what would have to leave this process as it was typed, for rules that ask for it."""
        return self._alike.unhidden

    def done(self, record: Record, seal: Seal, stretch: Stretch) -> Tally:
        """Do all of a stretch here. Raises LedgerCorrupt, LedgerUnavailable."""
        prepared = self.prepare(self._read(record, stretch), seal)
        return self.counted(prepared, self.decide(prepared, everything=True))

    def decide(self, prepared: Prepared, *, everything: bool) -> tuple[dict[Key, Raw], dict[Key, Raw]]:
        """Do step (4) here, for all or for those alone that must not leave this process."""
        found: tuple[dict[Key, Raw], dict[Key, Raw]] = ({}, {})
        for engine, wanted, answers in zip(self._engines, prepared.wanted, found, strict=True):
            for key, one in wanted.items():
                if everything or not one.hidden:
                    answers[key] = asked(engine, one.facts)
                    self.evaluated += 1
        return found

    def prepare(self, found: Iterable[Found], seal: Seal) -> Prepared:
        """Do steps (1) to (3). Raises LedgerCorrupt, LedgerUnavailable."""
        return self.gathered(decided for one in found if (decided := read(one, seal)) is not None)

    def gathered(self, decisions: Iterable[Decided | Erased]) -> Prepared:
        """Do steps (2) and (3) for decisions that were read."""
        if sum(answers.room() for answers in self._answers):
            self._classes.clear()
            self._drifts.clear()
        prepared = Prepared(Tally(), [], ({}, {}))
        found: list[tuple[Decided, list[Given | None]]] = []
        for decided in decisions:
            if isinstance(decided, Erased):
                prepared.tally.erased(decided.case)
            else:
                found.append((decided, self._given(decided)))
        self._alike.prepare(one.facts for _, given in found for one in given if one is not None)
        for decided, given in found:
            known = [one for one in given if one is not None]
            prepared.tally.rescreened += any(one.rescreened for one in known)
            prepared.tally.rulings_set_aside += any(one.ruling_set_aside for one in known)
            prepared.tally.taken_as_alone += any(one.taken_as_alone for one in known)
            keys = self._keys(given, prepared)
            prepared.cases.append((decided.case, decided if decided.policy else None, *keys))
        return prepared

    def counted(self, prepared: Prepared, found: tuple[Mapping[Key, Raw], Mapping[Key, Raw]]) -> Tally:
        """Do step (5), with what was decided in (4)."""
        for answers, raws in zip(self._answers, found, strict=True):
            for key, raw in raws.items():
                answers.keep(key, raw)
        tally = prepared.tally
        for case, decided, first, second in prepared.cases:
            before, after = self._said(0, first), self._said(1, second)
            tally.count(case, before, after, self._class(before, after), seed=self._seed)
            if decided is not None:
                tally.then(self._drift(decided.outcome, decided.unmet, decided.review, before))
        return tally

    def _class(self, before: Verdict, after: Verdict) -> str:
        key = id(before), id(after)  # both are kept by the answers, until they forget them all
        if key not in self._classes:
            self._classes[key] = class_of(before, after)
        return self._classes[key]

    def _drift(self, outcome: str, unmet: frozenset[str], review: str, now: Verdict) -> str:
        key = outcome, unmet, review, id(now)
        if key not in self._drifts:
            self._drifts[key] = drift_of(outcome, unmet, review, now)
        return self._drifts[key]

    def _read(self, record: Record, stretch: Stretch) -> Iterable[Found]:
        if stretch.places is not None:
            return record.at(stretch.places)
        return record.between(stretch.start, stretch.stop)

    def _said(self, side: int, key: Key | None) -> Verdict:
        found = UNDECIDED if key is None else self._answers[side].get(key)
        if found is None:
            raise PolicyUnavailable("facts of this stretch were not decided")
        return found

    def _given(self, decided: Decided) -> list[Given | None]:
        """Return the facts for each law, None where it cannot decide them."""
        first = self._fitting(0, decided)
        if self._one_schema and self._facts[1].reads_as(self._facts[0], decided):
            return [first, first]
        return [first, self._fitting(1, decided)]

    def _fitting(self, side: int, decided: Decided) -> Given | None:
        try:
            given = self._facts[side].of(decided)
        except PolicyUnavailable:
            return None
        return given if self._answers[side].fit(given.facts) else None

    def _keys(self, given: Sequence[Given | None], prepared: Prepared) -> tuple[Key | None, Key | None]:
        """Return the keys of the facts for each law; what nobody decided yet is wanted."""
        made: Wanted | None = None
        keys: list[Key | None] = []
        for side, one in enumerate(given):
            if one is None:
                keys.append(None)
                continue
            first = given[0]
            if made is None or first is None or first.facts is not one.facts:
                treated, hidden = self._alike.treated(one.facts)
                made = Wanted(key_of(self._alike, treated), treated, hidden)
            keys.append(made.key)
            if self._answers[side].get(made.key) is None:
                # What was made alike must still be facts; if it is not, the facts are decided as they are.
                fits = self._answers[side].fit(made.facts)
                wanted = made if fits else Wanted(made.key, one.facts, hidden=False)
                prepared.wanted[side].setdefault(made.key, wanted)
        return keys[0], keys[1]
