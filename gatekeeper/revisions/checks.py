"""The whole check of one exact revision, before anything else is done with it.

The procedure: (1) load it as the gate would, (2) compile it on OPA in strict mode, (3) run every test and
case, (4) run the tests on OPA and find the lines that none runs, (5) lint it, (6) decide what nobody would
think of, in time and (7) alike on both engines. Guarantees: whatever the law does, the check ends; what could
not be run is said by name, with what would cure that, and is excused only where this city's engine needs none
of it; the verdict of one revision by the same programs is always the same.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import BUDGET_MS, Bundle
from gatekeeper.policy.coverage import Coverage, measure
from gatekeeper.policy.examination import Examination, examine_files
from gatekeeper.policy.findings import Finding
from gatekeeper.policy.layout import Files, tree_digest
from gatekeeper.revisions.deciding import EMBEDDED, OPA, Decided, decide
from gatekeeper.revisions.programs import INSTALL, opa_check, programs, regal_lint
from gatekeeper.revisions.report import (
    STEPS,
    CheckReport,
    Failed,
    Measured,
    Step,
    StepName,
    Tested,
    Uncovered,
)
from gatekeeper.revisions.runs import Result, owing
from gatekeeper.revisions.runs_apart import run_apart
from gatekeeper.revisions.trials import MUTATIONS, trials

Heard = Callable[[StepName, int, int], None]
"""Told how far a step has come: its name, the place, and of how many (0: not known)."""

_TEST_CURE: Final = (
    "Mend the rule if it does not do what the test asks; mend the test if it asks what the law does not say."
)
_FIRST: Final = "the step before it refused the revision: mend that first"


def check(
    files: Files,
    *,
    faults: Sequence[str] = (),
    opa_decides: bool = False,
    mutations: int = MUTATIONS,
    budget_ms: float = BUDGET_MS,
    heard: Heard = lambda *_: None,
) -> CheckReport:
    """Check *files*; *faults* are those of reading them; *opa_decides* says that OPA is the engine here."""
    return _Check(files, faults, heard, opa_decides=opa_decides).run(mutations, budget_ms)


class _Check:
    """One check: what was found so far, and how long each step took."""

    def __init__(self, files: Files, faults: Sequence[str], heard: Heard, *, opa_decides: bool) -> None:
        self._files = files
        self._faults = faults
        self._heard = heard
        self._opa_decides = opa_decides
        self._programs = programs()
        self._opa = shutil.which("opa")
        self._steps: dict[StepName, Step] = {}
        self._seconds: dict[str, float] = {}

    def run(self, mutations: int, budget_ms: float) -> CheckReport:
        """Go through the steps."""
        # (1) Load it: without a bundle there is nothing that could be run.
        with self._timed("load"):
            examined = examine_files(self._files, self._faults)
            self._steps["load"] = _step("load", examined.findings, len(self._files))
        bundle = examined.bundle
        if bundle is None or examined.findings:
            return self._report(bundle, [], {}, None, None, budget_ms)
        # (2) Compile it on OPA too, strictly.
        with self._timed("compile"):
            if opa := self._opa_for("compile"):
                self._steps["compile"] = _step("compile", opa_check(bundle, opa), len(bundle.modules))
        # (3) Every test and case, on the embedded engine.
        with self._timed("tests"):
            results = run_apart(self._files, lambda place: self._heard("tests", place, 0))
            failures = [_test_finding(result) for result in _failures(results)]
            failures += _unproved(examined, results)
            self._steps["tests"] = _step("tests", failures, len(results))
            owed = owing(examined, bundle)
        # (4) Every test on OPA, and the lines that none runs.
        coverage = None
        with self._timed("coverage"):
            if opa := self._opa_for("coverage"):
                coverage = measure(bundle, opa)
                wrong = _coverage_findings(coverage, bundle)
                self._steps["coverage"] = _step("coverage", wrong, _lines(bundle))
        # (5) The linter.
        with self._timed("lint"):
            if (regal := shutil.which("regal")) is None:
                self._not_run("lint", "regal is not on PATH", INSTALL["regal"], excused=True)
            else:
                self._steps["lint"] = _step("lint", regal_lint(self._files, regal), len(bundle.modules))
        # (6) In time, and (7) alike on both engines.
        with self._timed("budget"):
            decided = self._decide(examined, bundle, mutations, budget_ms)
        return self._report(bundle, results, owed, coverage, decided, budget_ms)

    def _decide(
        self, examined: Examination, bundle: Bundle, mutations: int, budget_ms: float
    ) -> Decided | None:
        asked = [*trials(bundle, examined.cases, mutations)]
        try:
            decided = decide(
                bundle,
                asked,
                self._opa,
                budget_ms=budget_ms,
                heard=lambda place: self._heard("budget", place, len(asked)),
            )
        except PolicyUnavailable as unavailable:
            wrong = Finding("", None, f"OPA could not be asked: {unavailable}.", "Mend or update opa here.")
            self._steps["budget"] = _step("budget", [wrong], 0)
            self._not_run("agreement", _FIRST, wrong.cure, excused=False)
            return None
        self._steps["budget"] = _step("budget", decided.slow, decided.asked)
        if decided.slow:
            self._not_run("agreement", _FIRST, decided.slow[0].cure, excused=False)
        elif decided.differing or self._opa_for("agreement"):
            self._steps["agreement"] = _step("agreement", decided.differing, decided.asked)
        return decided

    def _opa_for(self, name: StepName) -> str | None:
        """Return the program; without it the step is not run, and excused unless OPA decides here."""
        if self._opa is None:
            self._not_run(name, "opa is not on PATH", INSTALL["opa"], excused=not self._opa_decides)
        return self._opa

    def _not_run(self, name: StepName, why: str, cure: str, *, excused: bool) -> None:
        self._steps[name] = Step(name, "not_run", why=why, cure=cure, excused=excused)

    @contextmanager
    def _timed(self, name: StepName) -> Iterator[None]:
        began = time.monotonic()
        self._heard(name, 0, 0)
        yield
        self._seconds[name] = round(time.monotonic() - began, 3)

    def _report(
        self,
        bundle: Bundle | None,
        results: Sequence[Result],
        owed: Mapping[str, list[str]],
        coverage: Coverage | None,
        decided: Decided | None,
        budget_ms: float,
    ) -> CheckReport:
        for name in STEPS:
            if name not in self._steps:
                self._not_run(name, _FIRST, "", excused=False)
        slowest = decided.slowest if decided is not None else {}
        return CheckReport(
            revision="" if bundle is None else bundle.revision,
            digest="" if bundle is None else bundle.digest,
            tree=tree_digest(self._files),
            programs=self._programs,
            steps=tuple(self._steps[name] for name in STEPS),
            tested=() if bundle is None or not results else tuple(_tested(bundle, results, owed)),
            failed=tuple(map(_failed, _failures(results))),
            uncovered=None if coverage is None or bundle is None else tuple(_uncovered(coverage, bundle)),
            measured=Measured(
                seconds=self._seconds,
                slowest_embedded_ms=round(slowest.get(EMBEDDED, 0.0), 3),
                slowest_opa_ms=round(slowest[OPA], 3) if OPA in slowest else None,
                budget_ms=budget_ms,
            ),
        )


def _step(name: StepName, findings: Sequence[Finding], count: int) -> Step:
    found = tuple(dict.fromkeys(findings))
    return Step(name, "refused" if found else "passed", found, count)


def _failures(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if not result.passed]


def _test_finding(result: Result) -> Finding:
    what = "test" if result.kind == "rego" else "case"
    said = f"The {what} {result.name} fails: expected {result.expected}; came {result.came}."
    return Finding(result.file, result.line or None, said, _TEST_CURE)


def _unproved(examined: Examination, results: Sequence[Result]) -> Iterator[Finding]:
    """Yield what refuses a law of which nothing shows that a whole request could ever be permitted.

    Its tests never ask whether a request's facts fit the schema; where they do not, every request is refused.
    """
    permitted = {case.path for case in examined.cases if case.outcome == "permit"}
    if not any(result.passed and result.file in permitted for result in results):
        said = "No case shows a request that this law permits: it may be that no request can be decided."
        yield Finding("cases/permitted", None, said, "Keep, or write, a case of each kind of request there.")


def _failed(result: Result) -> Failed:
    place = (result.kind, result.about, result.name, result.file, result.line)
    return Failed(*place, result.expected, result.came)


def _tested(bundle: Bundle, results: Sequence[Result], owed: Mapping[str, list[str]]) -> Iterator[Tested]:
    """Yield what tests each provision, also those of packs that are off."""
    for code in bundle.written:
        mine = [result for result in results if code in result.about]
        kinds = [result.kind for result in mine]
        failed = len(_failures(mine))
        yield Tested(code, kinds.count("rego"), kinds.count("case"), failed, tuple(owed.get(code, ())))


def _coverage_findings(coverage: Coverage, bundle: Bundle) -> list[Finding]:
    """Return what refuses: a test that fails on OPA, or a run that is none. A bare line refuses nothing."""
    if coverage.complaint:
        said = f"opa test could not be run: {coverage.complaint}."
        return [Finding("", None, said, "Mend what OPA says, or update opa here.")]
    return [_opa_failure(name, bundle.tests) for name in coverage.failed]


def _opa_failure(name: str, tests: Mapping[str, str]) -> Finding:
    package, _, rule = name.removeprefix("data.").rpartition(".")
    said = f"The test {rule} fails on OPA."
    for path, text in tests.items():
        if re.search(rf"^package {re.escape(package)}$", text, re.MULTILINE):
            found = re.search(rf"^{re.escape(rule)}\b", text, re.MULTILINE)
            if found:
                line = text.count("\n", 0, found.start()) + 1
                return Finding(path, line, said, _TEST_CURE)
    return Finding("", None, f"The test {name} fails on OPA.", _TEST_CURE)


def _lines(bundle: Bundle) -> int:
    return sum(len(text.splitlines()) for text in bundle.modules.values())


def _uncovered(coverage: Coverage, bundle: Bundle) -> Iterator[Uncovered]:
    texts = {**bundle.modules, **bundle.checks}
    for path, rows in sorted(coverage.uncovered.items()):
        lines = texts.get(path, "").splitlines()
        for row in rows:
            yield Uncovered(path, row, lines[row - 1].strip() if row <= len(lines) else "")
