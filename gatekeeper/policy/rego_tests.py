"""Run the Rego tests of a law on the embedded engine, each by itself, and say of a failed one what came.

Guarantees: a test passes only if it is true, not merely defined; a test whose engine fails has failed; what
is said of a failure is found by asking the engine the test's own statements one after the other, so that a
reader sees the line that did not hold and the value that stood there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.policy.held import engine_of, hold, made
from gatekeeper.policy.layout import Json
from gatekeeper.policy.probing import complaint, given_of, parts_of, slice_of, span_of, tree_of
from gatekeeper.policy.syntax import flatten

_LONGEST = 400
_SEVERAL = "rules must not produce multiple outputs"


@dataclass(frozen=True, slots=True)
class RegoTest:
    """One ``test_`` rule; ``package`` is that of its file."""

    path: str
    line: int
    package: str
    name: str

    @property
    def rule(self) -> str:
        """Return the test as the engine is asked for it."""
        return f"data.{self.package}.{self.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a test; of a failed one, the line that did not hold, what it says, and what came."""

    test: RegoTest
    passed: bool
    line: int
    expected: str = ""
    came: str = ""


class RegoTests:
    """The tests of one law; *sources* are its modules, checks and tests by path.

    Raises RuntimeError, in the engine's words, if one of them cannot be parsed.
    """

    def __init__(self, sources: Mapping[str, str], data: Mapping[str, Json]) -> None:
        self._sources = sources
        self._data = json.dumps(dict(data))
        hold(self, self._made(sources))
        self.tests: list[RegoTest] = []
        # By path and name, the statements of each test: of every body, for a name may be written twice.
        self._bodies: dict[tuple[str, str], list[Sequence[Any]]] = {}
        for path in sorted(path for path in sources if path.endswith("_test.rego")):
            self._find(path)

    def run(self, test: RegoTest) -> Outcome:
        """Ask whether *test* holds; if it does not, find out why."""
        came = self._ask(engine_of(self) or hold(self, self._made(self._sources)), test.rule)
        if came == "true":
            return Outcome(test, passed=True, line=test.line)
        return self._explained(test, came)

    def _find(self, path: str) -> None:
        tree = tree_of(path, self._sources[path])
        package = _dotted(tree["package"]["refr"])
        for rule in tree["rules"]:
            spec = rule.get("Spec")
            if spec is None:
                continue
            name = _dotted(next(iter(spec["head"].values()))["refr"])
            if name.startswith("test_"):
                bodies = self._bodies.setdefault((path, name), [])
                if not bodies:
                    self.tests.append(RegoTest(path, spec["span"]["line"], package, name))
                bodies += [body["query"]["stmts"] for body in spec["bodies"]]

    def _explained(self, test: RegoTest, came: str) -> Outcome:
        """Return the failure with the first statement that did not hold."""
        bodies = self._bodies[test.path, test.name]
        whole = Outcome(test, passed=False, line=test.line, expected="true", came=came)
        if len(bodies) != 1:
            return whole
        source = self._sources[test.path]
        text = source.encode()
        statements = [slice_of(text, statement["span"]) for statement in bodies[0]]
        for number, statement in enumerate(bodies[0]):
            if self._probe(test, statements[: number + 1], "true") != "true":
                given = given_of(statement, text)
                asked = [slice_of(text, span_of(part)) for part in parts_of(statement)]
                parts = [f"{part} is {self._probe(test, statements[:number], part, given)}" for part in asked]
                return Outcome(
                    test,
                    passed=False,
                    line=statement["span"]["line"],
                    expected=" ".join(statements[number].split()),
                    came="; ".join(parts) or "it does not hold",
                )
        return whole

    def _probe(self, test: RegoTest, before: Sequence[str], asked: str, given: str = "") -> str:
        """Ask for the value of *asked* (under *given*, its ``with``) after the statements *before* it."""
        lines = [*before, f"asked_of_a_test := {asked} {given}"]
        probe = "\n\nanswer_to_a_test := asked_of_a_test if {\n\t" + "\n\t".join(lines) + "\n}\n"
        try:
            engine = self._made({**self._sources, test.path: self._sources[test.path] + probe})
        except RuntimeError:
            return "not to be told"  # the statement is no Rego when it stands by itself
        return self._ask(engine, f"data.{test.package}.answer_to_a_test")

    def _made(self, sources: Mapping[str, str]) -> Any:
        try:
            engine = made(sources, self._data)
        except RuntimeError as error:
            where = " ".join(str(error).split("Stack backtrace")[0].split())
            raise RuntimeError(where) from None
        engine.set_input_json("{}")
        return engine

    def _ask(self, engine: Any, rule: str) -> str:
        try:
            said = engine.eval_rule_as_json(rule)
        except RuntimeError as error:
            said = complaint(error)
            return "one of several values, none of which fits" if said == _SEVERAL else said
        said = (
            "undefined"
            if said in (None, '"<undefined>"')
            else json.dumps(json.loads(said), ensure_ascii=False)
        )
        return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _dotted(node: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in flatten(node))
