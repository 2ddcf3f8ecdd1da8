"""Is every decision in time, and the same on both engines? The two steps of a check that decide.

Guarantees: every trial is decided by the embedded engine in a process of its own, and by OPA where there is
one; a decision over the budget, or one on which the two disagree, refuses the law and names the rule; a rule
that never ends costs seconds; of the facts only names are told, never what stood in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import BUDGET_MS, Bundle, Verdict, verdict_of
from gatekeeper.policy.audition import Audition, Said
from gatekeeper.policy.findings import Finding, finding_of
from gatekeeper.policy.opa_process import OpaProcess
from gatekeeper.policy.rehearsal import RULE, rehearse
from gatekeeper.policy.slowness import Asks, over_budget, slow_rules
from gatekeeper.policy.syntax import module_of
from gatekeeper.revisions.trials import Trial, pointer

EMBEDDED: Final = "the embedded engine"
OPA: Final = "OPA"
_MOST: Final = 3
"""Findings after which nothing more is asked."""
_DISAGREE: Final = (
    "Write the rule so that both engines read it alike: establish the type of what it looks at first "
    "(is_string, is_array), and compare only what has one type."
)
_UNDECIDED: Final = (
    "Establish the type of what the rule looks at before it is used, such as is_string(input.x)."
)


@dataclass(slots=True)
class Decided:
    """What came of the trials: findings of time and of agreement, how many, and the slowest in ms."""

    slow: list[Finding] = field(default_factory=list)
    differing: list[Finding] = field(default_factory=list)
    asked: int = 0
    slowest: dict[str, float] = field(default_factory=dict)


def decide(
    bundle: Bundle,
    trials: Sequence[Trial],
    program: str | None,
    *,
    budget_ms: float = BUDGET_MS,
    heard: Callable[[int], None] = lambda _: None,
) -> Decided:
    """Have both engines decide *trials*; OPA only if there is its *program*. Raises PolicyUnavailable."""
    in_force = bundle.idle.left_out_of(bundle.modules)
    with ExitStack() as opened:
        engines: dict[str, Asks] = {EMBEDDED: opened.enter_context(Audition(in_force, bundle.data))}
        if program is not None:
            engines[OPA] = opened.enter_context(OpaProcess(program, bundle))
        return _Court(bundle, engines, budget_ms).decide(trials, heard)


class _Court:
    """Both engines, and what was found so far."""

    def __init__(self, bundle: Bundle, engines: dict[str, Asks], budget_ms: float) -> None:
        self._bundle = bundle
        self._engines = engines
        self._budget = budget_ms
        self._texts = {**bundle.modules}
        self._found = Decided(slowest=dict.fromkeys(engines, 0.0))

    def decide(self, trials: Sequence[Trial], heard: Callable[[int], None]) -> Decided:
        """Ask until all is asked, or enough is found."""
        found = self._found
        for number, trial in enumerate(trials, 1):
            said = {name: self._asked(name, trial) for name in self._engines}
            found.asked = number
            if found.slow:
                break  # what is too slow is not asked thousands of times more
            verdicts = {name: self._verdict(one) for name, one in said.items()}
            if _differ([*verdicts.values()], lawful=trial.lawful):
                found.differing.append(self._difference(trial, verdicts))
            elif trial.lawful and None in verdicts.values():
                found.differing.append(self._undecided(trial))
            if len(found.differing) >= _MOST:
                break
            heard(number)
        found.differing = list(dict.fromkeys(found.differing))
        return found

    def _asked(self, name: str, trial: Trial) -> Said:
        """Ask for the decision, and see that it is in time."""
        engine, found = self._engines[name], self._found
        said = engine.ask(RULE, trial.text, seconds=8 * self._budget / 1000)
        late = said.slow or said.died or said.ms > self._budget
        if late and trial.lawful and over_budget(engine, RULE, trial.text, self._budget):
            found.slow += self._blamed(name, trial)
        elif trial.lawful and not late:
            found.slowest[name] = max(found.slowest[name], said.ms)
        return said

    def _blamed(self, name: str, trial: Trial) -> Iterator[Finding]:
        """Name the rules that make it slow; if none is by itself, the decision as a whole."""
        parsed = [
            module_of(path, tree) for path, tree in rehearse(self._bundle.modules, {}, []).trees.items()
        ]
        slow = partial(over_budget, self._engines[name], text=trial.text, budget_ms=self._budget)
        faults = slow_rules(parsed, slow, self._budget) or [
            f"main/main.rego: {RULE} takes longer than the budget of {self._budget:.0f} ms, and no rule alone"
        ]
        for fault in faults:
            yield finding_of(f"{fault}, on {name}: {trial.about}", self._texts)

    def _verdict(self, said: Said) -> Verdict | None:
        """Read an answer as the gate would; None if it is no decision."""
        try:
            return None if said.fault or said.slow or said.died else verdict_of(said.answer, self._bundle)
        except PolicyUnavailable:
            return None

    def _difference(self, trial: Trial, verdicts: dict[str, Verdict | None]) -> Finding:
        """Say which provision the two read differently, and on which facts."""
        codes = [code for code in self._bundle.provisions if len(set(self._proofs(code, trial))) > 1]
        about = self._about(trial)
        if not codes:
            said = ", ".join(f"{name}: {_outcome(verdict)}" for name, verdict in verdicts.items())
            message = f"The two engines do not decide the same ({said}): {about}."
            return Finding("main/main.rego", None, message, _DISAGREE)
        provision = self._bundle.written[codes[0]]
        names = ", ".join(codes)
        message = f"The two engines do not agree on whether {names} is satisfied: {about}."
        return Finding(provision.path, self._line(provision.path), message, _DISAGREE)

    def _undecided(self, trial: Trial) -> Finding:
        """Say that facts that may come are not decided: whoever asks would get no answer at all."""
        message = (
            f"These facts are not decided, so whoever sends them is answered with a failure: {trial.about}."
        )
        broken = [code for code in self._bundle.provisions if any(self._failures(code, trial))]
        path = self._bundle.written[broken[0]].path if broken else "main/main.rego"
        return Finding(path, self._line(path), message, _UNDECIDED)

    def _proofs(self, code: str, trial: Trial) -> Iterator[bool]:
        for engine in self._engines.values():
            yield self._satisfied(engine, code, trial).answer is True

    def _failures(self, code: str, trial: Trial) -> Iterator[bool]:
        for engine in self._engines.values():
            said = self._satisfied(engine, code, trial)
            yield bool(said.fault) or said.died or said.slow

    def _satisfied(self, engine: Asks, code: str, trial: Trial) -> Said:
        package = self._bundle.written[code].path.rpartition("/")[0].replace("/", ".")
        return engine.ask(f"data.{package}.satisfied", trial.text, seconds=8 * self._budget / 1000)

    def _about(self, trial: Trial) -> str:
        """Say which facts it is, with no more changes named than it takes."""
        if trial.base is None or len(trial.changed) < 2:
            return trial.about
        facts = json.loads(trial.text)
        for place in trial.changed:
            alone = _with(dict(trial.base), facts, place[0])
            text = json.dumps(alone, ensure_ascii=False)
            verdicts = [self._verdict(e.ask(RULE, text, seconds=2.0)) for e in self._engines.values()]
            if _differ(verdicts, lawful=trial.lawful):
                case = trial.about.partition(", with ")[0]
                return f"{case}, with {pointer(place)} changed"
        return trial.about

    def _line(self, path: str) -> int | None:
        lines = self._texts.get(path, "").splitlines()
        return next((n for n, line in enumerate(lines, 1) if line.startswith("satisfied")), None)


def _with(base: dict[str, Any], facts: dict[str, Any], name: str | int) -> dict[str, Any]:
    """Return *base* with the fact of that name as it is in *facts*."""
    changed = {key: value for key, value in base.items() if key != name}
    return {**changed, name: facts[name]} if name in facts else changed


def _differ(verdicts: Sequence[Verdict | None], *, lawful: bool) -> bool:
    """Say whether the engines disagree.

    Facts that do not fit the schema never reach an engine. Of those, one may decide and another fail, but
    none may permit alone.
    """
    told = {_told(verdict) for verdict in verdicts}
    if lawful or any(verdict is not None and verdict.permit for verdict in verdicts):
        return len(told) > 1
    return len(told - {""}) > 1


def _told(verdict: Verdict | None) -> str:
    """Return all that a verdict says, as a text that can be compared."""
    if verdict is None:
        return ""
    document = [verdict.permit, sorted(verdict.proved), verdict.unmet, verdict.obligations]
    return json.dumps(document, sort_keys=True)


def _outcome(verdict: Verdict | None) -> str:
    if verdict is None:
        return "no decision"
    return "permit" if verdict.permit else "deny"
