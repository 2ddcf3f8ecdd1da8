"""The facts that a law is tried on: those of its cases, and those that nobody would think of.

Guarantees: the same law is tried on the same facts each time; each is known by words that say nothing of
what stands in it (a case's name, and which facts were changed), so that what is refused can be told.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Bundle
from gatekeeper.policy.cases import Case
from gatekeeper.policy.engine import Facts
from gatekeeper.policy.mutations import (
    TEXTS,
    WAYS,
    Place,
    compared_in,
    grown,
    mutated,
    placed,
    places,
    replaced,
    texts_of,
)
from gatekeeper.policy.rehearsal import worst_inputs
from gatekeeper.revisions.case_facts import facts_of_cases

MUTATIONS: Final = 2000
_SEED: Final = 20261125


@dataclass(frozen=True, slots=True)
class Trial:
    """One set of facts. ``lawful`` says that it could reach an engine, because it fits the schema.

    ``base`` are the facts that it was made from, ``changed`` the places where it differs.
    """

    text: str
    about: str
    lawful: bool
    base: Mapping[str, Any] | None = None
    changed: tuple[Place, ...] = ()


def trials(bundle: Bundle, cases: Sequence[Case], mutations: int = MUTATIONS) -> Iterator[Trial]:
    """Yield what *bundle* is tried on: every case, the longest facts, grown and changed ones."""
    make = _Maker(bundle)
    found = [(case.name, facts) for case, facts in facts_of_cases(cases, bundle)]
    yield make.trial({}, "no facts at all")
    for name, facts in found:
        yield make.trial(facts, f"the case {name}")
    for number, text in enumerate(worst_inputs(bundle.schemas.get("input")), 1):
        yield make.trial(json.loads(text), f"the longest facts that there may be, {number}")
    permitted = {case.name for case in cases if case.outcome == "permit"}
    for name, facts in [one for one in found if one[0] in permitted][:1]:
        yield from make.compared(name, facts)
    for name, facts in _different(cases, found):
        yield from make.grown(name, facts)
        yield from make.ruled(name, facts)
    if found:
        yield from make.mutated(found, mutations)


def _different(
    cases: Sequence[Case], found: Sequence[tuple[str, dict[str, Any]]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield one case for each answer that the law gives."""
    answers = {case.name: (case.outcome, case.provisions) for case in cases}
    seen = set()
    for name, facts in found:
        if answers[name] not in seen:
            seen.add(answers[name])
            yield name, facts


class _Maker:
    """Makes trials for one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._facts = Facts(bundle)
        self._schema = bundle.schemas.get("input")
        self._provisions = bundle.provisions
        self._compared = [*compared_in(bundle.modules)]
        self._texts = TEXTS + texts_of(bundle.modules, bundle.data.get("city"))

    def trial(
        self,
        facts: dict[str, Any],
        about: str,
        base: Mapping[str, Any] | None = None,
        changed: tuple[Place, ...] = (),
    ) -> Trial:
        """Return the trial of *facts*."""
        try:
            return Trial(self._facts.text(facts), about, True, base, changed)
        except PolicyUnavailable:
            return Trial(json.dumps(facts, ensure_ascii=False), about, False, base, changed)

    def grown(self, name: str, facts: dict[str, Any]) -> Iterator[Trial]:
        """Yield the facts of a case grown in every way, and one fact at a time."""
        for way in WAYS:
            yield self.trial(grown(facts, self._schema, way), f"the case {name}, every fact grown ({way})")
        whole = grown(facts, self._schema, "everything")
        for place in places(facts):
            now, then = _at(facts, place), _at(whole, place)
            if now != then and not isinstance(now, dict):
                about = f"the case {name}, {pointer(place)} grown"
                yield self.trial(replaced(facts, place, then), about, facts, (place,))

    def compared(self, name: str, facts: dict[str, Any]) -> Iterator[Trial]:
        """Yield the facts of a case grown, with those that a rule compares as the rule would have them."""
        whole = {way: grown(facts, self._schema, way) for way in ("words", "everything")}
        for wanted in self._compared:
            about = f"the case {name}, grown, with {', '.join(map(pointer, sorted(wanted)))} as a rule asks"
            for one in whole.values():
                changed = one
                for place, value in wanted.items():
                    changed = placed(changed, self._schema, place, value)
                yield self.trial(changed, about)

    def ruled(self, name: str, facts: dict[str, Any]) -> Iterator[Trial]:
        """Yield the facts of a case with a ruling on each provision, of each level."""
        for code in self._provisions:
            for level in ("staff", "counsel"):
                about = f"the case {name}, ruled on {code} by {level}"
                yield self.trial({**facts, "ruling": {code: level}}, about, facts, (("ruling",),))

    def mutated(self, found: Sequence[tuple[str, dict[str, Any]]], count: int) -> Iterator[Trial]:
        """Yield the facts of the cases, changed at random: the same for the same law."""
        chance = random.Random(_SEED)  # noqa: S311 - reproducible, not secret
        for number in range(count):
            name, facts = found[number % len(found)]
            changed, where = mutated(facts, chance, self._texts)
            about = f"the case {name}, with {', '.join(sorted({pointer(place) for place in where}))} changed"
            yield self.trial(changed, about, facts, where)


def pointer(place: Place) -> str:
    """Return the place of a fact as a JSON pointer: its name, never its value."""
    return "/" + "/".join(map(str, place))


def _at(document: Any, place: Place) -> Any:
    for part in place:
        document = document[part]
    return document
