"""What the check of one exact revision found: the document that approvers rely on, and its digest.

Guarantees: it passed only if every step ran and refused nothing, or was excused by name; what was not run is
said, with the command that would let it run; the verdict of the same revision by the same programs is the
same text, so that its digest may be approved, and what was measured stands apart from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final, Literal

from gatekeeper.policy.findings import Finding
from gatekeeper.policy.layout import Json

StepName = Literal["load", "compile", "tests", "coverage", "lint", "budget", "agreement"]
Outcome = Literal["passed", "refused", "not_run"]

STEPS: Final[Mapping[StepName, str]] = {
    "load": "every file, METADATA, schema and check of policies/checks; it compiles on the embedded engine",
    "compile": "opa check --strict, with the closed list of builtins and the schema of the facts",
    "tests": "every Rego test and every case, on the embedded engine",
    "coverage": "every Rego test on OPA, and the lines that none runs",
    "lint": "Regal, with the law's own configuration",
    "budget": "the time of one decision, on the worst facts",
    "agreement": "both engines decide the same on cases, and on facts changed at random",
}
"""Each step in the order in which they run, in a lawyer's words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it refuses; or, of one that did not run, ``why`` and the ``cure``.

    ``excused``: the revision may pass without it, because a program is missing that this city's engine does
    not need. ``count`` is how many things it looked at: tests, lines, decisions.
    """

    name: StepName
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    count: int = 0
    why: str = ""
    cure: str = ""
    excused: bool = False

    @property
    def lets_pass(self) -> bool:
        """Say whether the revision may go on for all that this step knows."""
        return self.outcome == "passed" or (self.outcome == "not_run" and self.excused)


@dataclass(frozen=True, slots=True)
class Failed:
    """A test or a case that did not hold; ``kind`` is rego, case or opa."""

    kind: str
    about: tuple[str, ...]
    name: str
    file: str
    line: int
    expected: str
    came: str


@dataclass(frozen=True, slots=True)
class Tested:
    """What tests a provision: how many, how many of them failed, and which it still owes."""

    code: str
    rego: int
    cases: int
    failed: int
    owed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A line of a rule that no test runs."""

    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Measured:
    """Times, which differ from run to run: no part of the verdict. Milliseconds of one decision."""

    seconds: Mapping[str, float] = field(default_factory=dict)  # by step
    slowest_embedded_ms: float = 0.0
    slowest_opa_ms: float | None = None
    budget_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The whole check; ``revision`` and ``digest`` are empty where the files could not be loaded at all."""

    revision: str
    digest: str
    tree: str
    programs: Mapping[str, str | None]
    """The version of each program that was asked (embedded, opa, regal); None where it is not there."""
    steps: tuple[Step, ...]
    tested: tuple[Tested, ...] = ()
    failed: tuple[Failed, ...] = ()
    uncovered: tuple[Uncovered, ...] | None = None
    """None where it was not measured."""
    measured: Measured = field(default_factory=Measured)

    @property
    def passed(self) -> bool:
        """Say whether the revision may go on: every step passed, or was excused by name."""
        names = [step.name for step in self.steps]
        return names == [*STEPS] and all(step.lets_pass for step in self.steps)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return everything that is refused, step by step."""
        return tuple(finding for step in self.steps for finding in step.findings)

    def verdict(self) -> dict[str, Json]:
        """Return what was found, without what was measured: what is approved."""
        document: dict[str, Json] = json.loads(json.dumps(asdict(self)))
        del document["measured"]
        return {"version": 1, "passed": self.passed, **document}

    def digest_of_verdict(self) -> str:
        """Return the SHA-256 of the verdict, as ``sha256:…``: the same for the same revision."""
        text = json.dumps(self.verdict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"

    def document(self) -> dict[str, Json]:
        """Return all of it: ``verdict``, its ``digest``, and what was ``measured``."""
        measured: Json = json.loads(json.dumps(asdict(self.measured)))
        return {"verdict": self.verdict(), "digest": self.digest_of_verdict(), "measured": measured}
