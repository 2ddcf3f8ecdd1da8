"""Which rule makes a decision slow: each is asked alone, those first that others are made of.

Guarantees: it ends within seconds, whatever the rules do; a rule is named only if it alone takes more than
the budget, and none of what it is made of does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from gatekeeper.policy.audition import Audition, Said
from gatekeeper.policy.layout import Json
from gatekeeper.policy.rehearsal import RULE
from gatekeeper.policy.syntax import Module, Rule

_SECONDS: Final = 10.0

Slow = Callable[[str], bool]
"""Says whether a rule (``data.sharing.x.satisfied``) takes more than the budget when it is asked alone."""


class Asks(Protocol):
    """An engine that is asked one rule at a time."""

    def ask(self, rule: str, text: str, /, *, seconds: float) -> Said:
        """Return what *rule* is on the facts *text* (JSON), within *seconds*."""


def over_budget(engine: Asks, rule: str, text: str, budget_ms: float) -> bool:
    """Say whether *rule* takes more than the budget on the facts *text*: again and again, or without end.

    The best of three counts: a machine that is busy, or an engine that tidies up, is no slow rule.
    """
    for _ in range(3):
        said = engine.ask(rule, text, seconds=2 * budget_ms / 1000)
        if said.slow or said.died:
            return True
        if said.ms <= budget_ms:
            return False
    return True


def blamed(
    parsed: Sequence[Module],
    modules: Mapping[str, str],
    data: Mapping[str, Json],
    inputs: Sequence[str],
    budget_ms: float,
) -> list[str]:
    """Return a fault for each rule that makes the embedded engine slow on the first of *inputs* that is."""
    with Audition(modules, data) as audition:
        for text in inputs:
            if over_budget(audition, RULE, text, budget_ms):
                slow = partial(over_budget, audition, text=text, budget_ms=budget_ms)
                return slow_rules(parsed, slow, budget_ms)
    return []


def slow_rules(modules: Sequence[Module], slow: Slow, budget_ms: float) -> list[str]:
    """Return a fault for each rule that is slow by itself, with its file and line."""
    rules = _rules(modules)
    deadline = time.monotonic() + _SECONDS
    tainted: set[str] = set()
    faults = []
    for name in _inner_first(rules):
        path, line, made_of = rules[name]
        if made_of & tainted:
            tainted.add(name)
        elif time.monotonic() < deadline and slow(name):
            tainted.add(name)
            faults.append(f"{path}:{line}: {name} alone takes longer than the budget of {budget_ms:.0f} ms")
    return faults


_Rules = Mapping[str, tuple[str, int, set[str]]]


def _rules(modules: Sequence[Module]) -> _Rules:
    """Return every rule by its full name: its file, its line, and the rules that it refers to."""
    named: dict[str, tuple[str, int, list[Rule]]] = {}
    for module in modules:
        for rule in module.rules:
            name = f"data.{module.package}.{rule.name}"
            path, line, bodies = named.get(name, (module.path, 0, []))
            first = line or (0 if rule.is_default else rule.line)
            named[name] = (path, first, [*bodies, rule])
    return {
        name: (path, line or bodies[0].line, set(_made_of(bodies, named)) - {name})
        for name, (path, line, bodies) in named.items()
    }


def _made_of(bodies: Sequence[Rule], known: Mapping[str, object]) -> Iterator[str]:
    for body in bodies:
        for reference in body.references:
            name = ""
            for part in reference:
                if part is None:
                    break
                name = f"{name}.{part}" if name else part
                if name in known:
                    yield name
                    break
            else:
                yield from (one for one in known if one.startswith(f"{name}."))


def _inner_first(rules: _Rules) -> list[str]:
    """Return the names so that each stands after those that it is made of."""
    order: dict[str, None] = {}
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return  # also where rules refer to each other in a circle, which is refused elsewhere
        seen.add(name)
        for other in sorted(rules[name][2]):
            visit(other)
        order[name] = None

    for name in rules:
        visit(name)
    return [*order]
