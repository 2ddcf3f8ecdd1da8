"""Explain one decision: each provision in the order of the law, met or not, and the statements that made it.

The engine itself is asked, statement after statement (``policy.probing`` writes the questions, a process of
its own answers them), so that what is shown is what the engine made of the rule. Guarantees: nothing here
decides; a statement behind one that did not hold was never reached, and says so; what the engine could not be
asked is said to be unknown, never guessed. Raises NotExplained if it takes longer than it may.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from gatekeeper.policy import Bundle
from gatekeeper.policy.asking import Asking, Refused, asking
from gatekeeper.policy.engine import encode
from gatekeeper.policy.layout import Json
from gatekeeper.policy.probing import Body, Definition, Mention, Part, Probes, RuleName, Step, probes_of
from gatekeeper.policy.syntax import Path
from gatekeeper.revisions.trace import Alternative, Explained, Statement, Stood, Traced

SECONDS: Final = 3.0
"""How long an explanation may take."""
_MOST_CALLS: Final = 8
_MAIN: Final = "main"
_OWED: Final = (_MAIN, "obligations")

Names = Mapping[str, Part]
"""What the arguments of a rule are called where it is called."""


class Explainer:
    """Explains decisions of one bundle; made once for it, and shared by threads."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._modules = bundle.idle.left_out_of(bundle.modules)
        self._probes = probes_of(self._modules)
        self._paths = {_package(text): path for path, text in self._modules.items()}

    def explain(self, facts: Mapping[str, Json], seconds: float = SECONDS) -> Explained:
        """Return why *facts* are decided as they are. Raises NotExplained, PolicyUnavailable."""
        bundle, text = self.bundle, encode(dict(facts))
        with asking(self._modules, self._probes.modules, bundle.data, text, seconds) as engine:
            walk = _Walk(engine, self._probes, self._paths)
            provisions = tuple(
                (code, walk.rule((self._package(code), "satisfied"))) for code in bundle.provisions
            )
            return Explained(provisions, tuple(map(walk.rule, self._obliging())))

    def _package(self, code: str) -> str:
        return _package(self.bundle.modules[self.bundle.catalogue[code].path])

    def _obliging(self) -> list[RuleName]:
        """Name the rules outside of the decision itself that say what is owed."""
        found: list[RuleName] = []
        for definition in self._probes.rules.get(_OWED, ()):
            for body in definition.bodies:
                found += [m.rule for m in body.mentions if m.rule[0] != _MAIN and m.rule not in found]
        return found


class _Walk:
    """Asks about one set of facts; each rule with the same arguments once."""

    def __init__(self, engine: Asking, probes: Probes, paths: Mapping[str, str]) -> None:
        self._engine = engine
        self._probes = probes
        self._paths = paths
        self._known: dict[tuple[RuleName, str], Traced] = {}

    def rule(
        self, rule: RuleName, arguments: Sequence[Json] | None = None, said: Sequence[Part] = ()
    ) -> Traced:
        """Return a rule as it stands with these arguments (None: it takes none)."""
        call = "" if arguments is None else f"({', '.join(map(_rego, arguments))})"
        # What the arguments are called where the rule is called is part of what a reader is told.
        key = (rule, f"{call} {' '.join(part.text for part in said)}")
        if key not in self._known:
            self._known[key] = self._traced(rule, call, arguments or (), said)
        return self._known[key]

    def _traced(self, rule: RuleName, call: str, arguments: Sequence[Json], said: Sequence[Part]) -> Traced:
        package, name = rule
        alternatives: list[Alternative] = []
        for definition in self._probes.rules.get(rule, ()):
            alternatives += self._alternatives(package, definition, call, said)
        return Traced(
            rule=rule,
            path=self._paths.get(package, ""),
            arguments=tuple(
                Stood(part.text, part.path, part.constant, (value,))
                for part, value in zip(said, arguments, strict=False)
            ),
            values=self._values(f"data.{package}.{name}{call}"),
            alternatives=tuple(alternatives),
        )

    def _alternatives(
        self, package: str, definition: Definition, call: str, said: Sequence[Part]
    ) -> list[Alternative]:
        names = dict(zip(definition.arguments, said, strict=False))
        found: list[Alternative] = []
        reached = True
        for body in definition.bodies:
            found.append(self._alternative(package, body, call, names, reached=reached))
            reached = reached and not found[-1].held
        return found

    def _alternative(
        self, package: str, body: Body, call: str, names: Names, *, reached: bool
    ) -> Alternative:
        statements = self._statements(package, body.steps, call, names, reached=reached)
        held = reached and all(statement.held for statement in statements)
        value: Stood | None = None
        rules: tuple[Traced, ...] = ()
        if body.value is not None:
            answer = self._answer(package, body.probe, call) if held else None
            value = _stood(body.value, answer[0] if answer else [], names)
            if answer:
                rules = self._rules(body.mentions, answer[1:], names, wanted=True)
        return Alternative(body.line, reached, held, statements, value, rules)

    def _statements(
        self, package: str, steps: Sequence[Step], call: str, names: Names, *, reached: bool
    ) -> tuple[Statement, ...]:
        statements: list[Statement] = []
        for step in steps:
            statements.append(self._statement(package, step, call, names, reached=reached))
            reached = reached and statements[-1].held is True
        return tuple(statements)

    def _statement(self, package: str, step: Step, call: str, names: Names, *, reached: bool) -> Statement:
        answer, fault = None, ""
        if reached:
            try:
                answer = self._asked(package, step.probe, call)
            except Refused as refused:
                fault = str(refused) or "unknown"
        count, values, given = _read(answer, step)
        held = None if answer is None else count > 0
        wanted = held is not step.negated
        rules = () if held is None else self._rules(step.mentions, given, names, wanted=wanted)
        return Statement(
            text=" ".join(step.text.split()),
            line=step.line,
            shape=step.shape,
            negated=step.negated,
            called=step.called,
            binds=step.binds,
            parts=tuple(_stood(part, one, names) for part, one in zip(step.parts, values, strict=True)),
            held=held,
            fault="" if not reached or answer is not None else fault or "unknown",
            rules=rules,
            element=self._element(package, step, call) if held is False and step.element else None,
            within=self._statements(package, step.within, call, names, reached=True)
            if held is False and step.within
            else (),
        )

    def _element(self, package: str, step: Step, call: str) -> Json:
        answer = self._answer(package, step.element, call)
        elements = answer[0] if answer else None
        first = elements[0] if isinstance(elements, list) and elements else None
        return first[0] if isinstance(first, list) and len(first) == 1 else first

    def _rules(
        self, mentions: Sequence[Mention], given: Sequence[Json], names: Names, *, wanted: bool
    ) -> tuple[Traced, ...]:
        """Return the rules named; of several calls, the first that came out as the statement did."""
        found: list[Traced] = []
        calls = iter(given)
        for mention in mentions:
            if mention.arguments is None:
                found.append(self.rule(mention.rule))
                continue
            said = [_called(part, names) for part in mention.arguments]
            each = _distinct(next(calls, None))[:_MOST_CALLS]
            traced = [self.rule(mention.rule, one, said) for one in each if isinstance(one, list)]
            chosen = next((one for one in traced if one.held is wanted), traced[0] if traced else None)
            found += [] if chosen is None else [chosen]
        return tuple(found)

    def _values(self, question: str) -> tuple[Json, ...]:
        try:
            answer = self._engine.ask(f"[probed_value | probed_value := {question}]")
        except Refused:
            return ()
        return tuple(answer) if isinstance(answer, list) else ()

    def _answer(self, package: str, probe: str, call: str) -> list[Json] | None:
        try:
            return self._asked(package, probe, call)
        except Refused:
            return None

    def _asked(self, package: str, probe: str, call: str) -> list[Json] | None:
        """Return what a probe answers; None if it is not there. Raises Refused."""
        answer = self._engine.ask(f"data.{package}.{probe}{call}")
        return answer if isinstance(answer, list) else None


def _read(answer: list[Json] | None, step: Step) -> tuple[float, list[Json], list[Json]]:
    """Return how often a statement held, the values of its parts, and the arguments of its calls."""
    if answer is None:
        return 0, [[] for _ in step.parts], []
    count, rest = answer[0], answer[1:]
    number = count if isinstance(count, int | float) else 0
    return number, rest[: len(step.parts)], rest[len(step.parts) :]


def _stood(part: Part, values: Json, names: Names) -> Stood:
    called = _called(part, names)
    return Stood(" ".join(called.text.split()), called.path, part.constant, tuple(_distinct(values)))


def _called(part: Part, names: Names) -> Part:
    """Return a part as its caller would write it: ``agency.state`` of a rule called with ``input.agency``."""
    if part.path is None or part.path[0] not in names:
        return part
    name = str(part.path[0])
    outer = names[name]
    rest = part.text.removeprefix(name)
    path: Path | None = None if outer.path is None else (*outer.path, *part.path[1:])
    return Part(f"{outer.text}{rest}", path, constant=False)


def _distinct(values: Json) -> list[Json]:
    found: dict[str, Json] = {}
    for value in values if isinstance(values, list) else ():
        found.setdefault(json.dumps(value, sort_keys=True), value)
    return list(found.values())


def _rego(value: Json) -> str:
    """Write a value as Rego does: the same as JSON."""
    return json.dumps(value, ensure_ascii=False)


def _package(text: str) -> str:
    """Return the package of a module that the engine has read."""
    line = next(line for line in text.splitlines() if line.startswith("package "))
    return line.removeprefix("package ").partition("#")[0].strip()
