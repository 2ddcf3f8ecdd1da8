"""The whole check of a revision: what must not pass does not, is named where it stands, and ends no check."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import pytest

from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import files_of, tree_digest
from gatekeeper.revisions import checks, runs_apart
from gatekeeper.revisions.checks import check
from gatekeeper.revisions.programs import regal_lint
from gatekeeper.revisions.report import STEPS, CheckReport, Step, StepName
from gatekeeper.revisions.trials import trials
from tests.servers.opa import opa_program

PATH = os.environ["PATH"]
FILES = files_of(shipped_policies())[0]
RULE = "sharing/case_number/case_number.rego"
TEST = "sharing/case_number/case_number_test.rego"
SECONDS = 90.0
"""How long the check of a hostile law may take here, on a busy machine; alone it takes less than ten."""


@pytest.fixture(autouse=True)
def _no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Find neither opa nor regal, unless a test says otherwise."""
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    (tmp_path / "programs").mkdir()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try one in twenty of the facts: where time and agreement are not what a test is about."""
    monkeypatch.setattr(checks, "trials", lambda *given: islice(trials(*given), 0, None, 20))


@pytest.fixture
def with_opa(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the real OPA."""
    monkeypatch.setenv("PATH", PATH)
    monkeypatch.setenv("PATH", str(Path(opa_program()).parent))


def _program(tmp_path: Path, name: str, script: str) -> None:
    file = tmp_path / "programs" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def _with(more: Mapping[str, str], **appended: str) -> dict[str, str]:
    """Return the law with files in place of others, and text at the end of the rule or its tests."""
    files = {**FILES, **more}
    for path, text in ((RULE, appended.get("rule", "")), (TEST, appended.get("test", ""))):
        files[path] = f"{files[path]}\n{text}\n" if text else files[path]
    return files


def _step(report: CheckReport, name: StepName) -> Step:
    return report.steps[[*STEPS].index(name)]


def _where(step: Step) -> list[str]:
    return [finding.place for finding in step.findings]


@pytest.mark.usefixtures("few")
def test_the_shipped_law_passes_and_says_what_was_not_run() -> None:
    """Without OPA and Regal, where the embedded engine decides: by name, with what installs them."""
    report = check(FILES, mutations=40)
    assert report.passed, report.findings
    assert [*STEPS] == [step.name for step in report.steps]
    not_run = {step.name: step for step in report.steps if step.outcome == "not_run"}
    assert {"compile", "coverage", "lint", "agreement"} == set(not_run)
    assert "go install github.com/open-policy-agent/opa@" in not_run["compile"].cure
    assert "go install github.com/open-policy-agent/regal@" in not_run["lint"].cure
    assert (None, None) == (report.programs["opa"], report.programs["regal"])
    assert (tree_digest(FILES), None, ()) == (report.tree, report.uncovered, report.failed)
    tested = {one.code: one for one in report.tested}
    assert tested["case_number"].rego > 5
    assert tested["case_number"].cases > 5


@pytest.mark.usefixtures("few")
def test_without_opa_nothing_passes_where_opa_decides() -> None:
    """What only OPA can say is then missing, and that is no excuse."""
    report = check(FILES, opa_decides=True, mutations=10)
    assert not report.passed
    assert () == report.findings
    assert [True] == list({step.excused for step in report.steps if step.name == "lint"})
    assert {False} == {_step(report, name).excused for name in ("compile", "coverage", "agreement")}


@pytest.mark.needs("opa")
@pytest.mark.servers
@pytest.mark.usefixtures("with_opa")
def test_on_both_engines_and_always_the_same_verdict() -> None:
    """What was measured differs and stands apart: the verdict is the same text."""
    first, second = (check(FILES, mutations=100) for _ in range(2))
    assert first.passed, first.findings
    assert ["lint"] == [step.name for step in first.steps if step.outcome != "passed"]
    assert () == first.uncovered
    assert first.verdict() == second.verdict()
    assert first.digest_of_verdict() == second.digest_of_verdict()
    assert first.measured != second.measured
    assert "measured" not in first.verdict()
    assert first.measured.slowest_opa_ms is not None
    assert first.document()["verdict"] == json.loads(json.dumps(first.verdict()))


WORDS = 'words := split(input.purpose.narrative, " ")'
NUMBERS = 'ns := ["1", "2", "3", "4", "5", "6", "7", "8", "9"]'
MANY = "; ".join(f"some x{number} in ns" for number in range(9))
NEVER = "satisfied if cubed < 0"
HIDDEN = """

hidden if {
	input.purpose.statute_state == "IL"
	input.attestation.accepted == true
	some a in words
	some b in words
	a == concat("", [b, "!"])
}

satisfied if hidden"""
SLOW = {
    "each word with each other, and a third": (
        f"{WORDS}\n\ncubed := count([1 | some a in words; some b in words; some c in words])\n\n{NEVER}",
        "cubed",
    ),
    "the same for whatever is asked": (
        f"{NUMBERS}\n\nendless := count([1 | {MANY}])\n\nsatisfied if endless < 0",
        "endless",
    ),
    "a text that doubles": (
        'd0 := concat("", ["x", input.purpose.narrative])\n\n'
        + "\n\n".join(f'd{n} := concat("", [d{n - 1}, d{n - 1}])' for n in range(1, 30))
        + '\n\nsatisfied if d29 == "never"',
        "d1",
    ),
    "behind a comparison that no list of long texts passes": (
        WORDS + HIDDEN,
        "hidden",
    ),
}


@pytest.mark.parametrize("how", SLOW)
def test_a_slow_rule_is_refused_and_named(how: str) -> None:
    """Within seconds, with its file and line, however slow; what is made of it is not blamed."""
    rule, name = SLOW[how]
    capabilities = FILES["capabilities.json"].replace('"sort",', '"sort",\n    "split",')
    began = time.monotonic()
    report = check(_with({"capabilities.json": capabilities}, rule=rule), mutations=40)
    assert time.monotonic() - began < SECONDS
    assert not report.passed
    slow = [one for one in report.findings if "takes longer" in one.message]
    assert slow, report.findings
    (finding,) = slow
    line = (finding.line or 0) - 1
    assert RULE == finding.file
    assert f"data.sharing.case_number.{name}" in finding.message
    assert _with({}, rule=rule)[RULE].splitlines()[line].startswith(name)
    assert "each thing once" in finding.cure


ODD = """odd if {
	input.purpose.statute_state == "IL"
	some letter in input.purpose.statute
}

satisfied if odd"""
"""One engine fails on what is no list, the other says nothing."""


def test_a_rule_behind_a_comparison_is_found_only_by_facts_that_grow() -> None:
    """The load's own worst facts do not reach it: the step of time does."""
    capabilities = FILES["capabilities.json"].replace('"sort",', '"sort",\n    "split",')
    rule = SLOW["behind a comparison that no list of long texts passes"][0]
    report = check(_with({"capabilities.json": capabilities}, rule=rule), mutations=0)
    assert ("passed", "refused", "not_run") == tuple(
        _step(report, name).outcome for name in ("load", "budget", "agreement")
    )


@pytest.mark.needs("opa")
@pytest.mark.servers
@pytest.mark.usefixtures("with_opa")
def test_what_the_engines_read_differently_is_refused() -> None:
    """With the provision, its line, and the facts by their names alone."""
    report = check(_with({}, rule=ODD), mutations=40)
    step = _step(report, "agreement")
    assert "refused" == step.outcome
    assert {RULE} == {finding.file for finding in step.findings}
    assert any("do not agree on whether case_number is satisfied" in one.message for one in step.findings)
    said = json.dumps(report.verdict())
    for case in ("Stolen Honda Civic", "625 ILCS 5/4-103", "25-10494"):
        assert case not in said


def test_facts_that_may_come_and_are_not_decided_are_refused() -> None:
    """Whoever sends them would be answered with a failure, though nothing is wrong with what they sent."""
    step = _step(check(_with({}, rule=ODD), mutations=0), "agreement")
    assert "refused" == step.outcome
    assert "not decided" in step.findings[0].message
    assert RULE == step.findings[0].file


@pytest.mark.usefixtures("few")
def test_a_test_that_never_ends_fails_and_those_after_it_run() -> None:
    """It is given seconds of the processor; so is a check of policies/checks."""
    endless = f"{NUMBERS}\n\tcount([1 | {MANY}]) > 0"
    began = time.monotonic()
    test = f"test_endless if {{\n\t{endless}\n}}\n\ntest_after if true"
    report = check(_with({}, test=test), mutations=0)
    assert time.monotonic() - began < SECONDS
    shipped_tests = len(runs_apart.run_apart(FILES))
    (failed,) = report.failed
    assert ("test_endless", TEST) == (failed.name, failed.file)
    assert _step(report, "tests").count == shipped_tests + 2
    path = "checks/endless/endless.rego"
    hanging = f'package checks.endless\n\nfaults contains "x" if {{\n\t{endless}\n}}\n'
    began = time.monotonic()
    report = check(_with({path: hanging}), mutations=0)
    assert time.monotonic() - began < SECONDS
    assert "refused" == _step(report, "load").outcome
    assert "checks/endless" in report.findings[0].place + report.findings[0].message


@pytest.mark.usefixtures("few")
def test_a_test_that_fails_is_named_with_what_came() -> None:
    """And a case, by its file; both refuse."""
    case = json.loads(FILES["cases/denied/case-number-empty.json"])
    case["expect"]["review"] = "counsel"
    changed = {"cases/denied/case-number-empty.json": json.dumps(case, indent=2)}
    report = check(_with(changed, test="test_wrong if 1 == 2"), mutations=0)
    step = _step(report, "tests")
    assert "refused" == step.outcome
    assert {TEST, "cases/denied/case-number-empty.json"} == {finding.file for finding in step.findings}
    assert all(finding.line for finding in step.findings)
    assert 2 == len(report.failed)


@pytest.mark.needs("opa")
@pytest.mark.servers
@pytest.mark.usefixtures("with_opa", "few")
def test_what_only_opa_sees_is_refused_with_its_line() -> None:
    """A name that is never used, and a text that is to be a number: strict, with the schema of the facts."""
    rule = "unused if {\n\tx := 1\n\tinput.purpose.case_number == 7\n}\n\nsatisfied if unused"
    report = check(_with({}, rule=rule), mutations=0)
    step = _step(report, "compile")
    lines = _with({}, rule=rule)[RULE].splitlines()
    assert [f"{RULE}:{lines.index(chr(9) + 'x := 1') + 1}"] == _where(step)[:1]
    assert any("match error" in finding.message for finding in step.findings)


@pytest.mark.needs("opa")
@pytest.mark.servers
@pytest.mark.usefixtures("with_opa", "few")
def test_lines_that_no_test_runs_are_listed_and_refuse_nothing() -> None:
    """With their text, so that approvers see what nobody tried."""
    rule = 'satisfied if input.purpose.case_number == "never tried"'
    report = check(_with({}, rule=rule), mutations=0)
    assert report.uncovered is not None
    assert [(RULE, rule)] == [(line.file, line.text) for line in report.uncovered]
    assert "passed" == _step(report, "coverage").outcome


VIOLATION = {
    "title": "made-up",
    "description": "Say it otherwise",
    "category": "style",
    "level": "error",
    "location": {"file": "./main/main.rego", "row": 3, "col": 1},
    "related_resources": [{"ref": "https://example.org/made-up"}],
}


def _regal(tmp_path: Path, said: str, code: int = 3) -> None:
    (tmp_path / "said.json").write_text(said)
    version = '[ "$1" = version ] && echo "Version:    0.0.1" && exit 0'
    script = f"{version}\n/bin/cat {tmp_path}/said.json\nexit {code}"
    _program(tmp_path, "regal", script)


@pytest.mark.usefixtures("few")
def test_regal_is_heard_where_it_is(tmp_path: Path) -> None:
    """What it calls an error refuses; a warning does not; what is not understood does."""
    _regal(tmp_path, json.dumps({"violations": [VIOLATION, {**VIOLATION, "level": "warning"}]}))
    report = check(FILES, mutations=0)
    step = _step(report, "lint")
    assert ("refused", ["main/main.rego:3"], "0.0.1") == (
        step.outcome,
        _where(step),
        report.programs["regal"],
    )
    assert "https://example.org/made-up" in step.findings[0].cure
    _regal(tmp_path, json.dumps({"violations": []}), 0)
    program = str(tmp_path / "programs/regal")
    assert [] == regal_lint(FILES, program)
    for said, code in (
        ("", 1),
        ("{", 0),
        ('{"violations": []}', 1),
        ('{"violations": [{"level": "error"}]}', 3),
    ):
        _regal(tmp_path, said, code)
        assert regal_lint(FILES, program), said


@pytest.mark.usefixtures("few")
def test_regals_configuration_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    """What checks the law is the law's own text."""
    _regal(tmp_path, json.dumps({"violations": []}), 0)
    config = FILES[".regal/config.yaml"] + "capabilities:\n  from:\n    url: https://example.org/x.json\n"
    (finding,) = regal_lint({".regal/config.yaml": config}, str(tmp_path / "programs/regal"))
    assert ".regal/config.yaml" == finding.file


@pytest.mark.usefixtures("few")
def test_a_broken_opa_refuses(tmp_path: Path) -> None:
    """A program of that name which does nothing, or hangs up, is not an engine that agrees."""
    _program(tmp_path, "opa", "exit 1")
    report = check(FILES, mutations=0)
    assert not report.passed
    for name in ("compile", "coverage", "budget"):
        assert "refused" == _step(report, name).outcome, name
    _program(tmp_path, "opa", "exit 0")
    assert not check(FILES, mutations=0).passed


@pytest.mark.parametrize(
    "files", [{}, {"README.md": "x"}, {**FILES, ".manifest": "{"}, {**FILES, "x.sh": ""}]
)
def test_what_cannot_be_loaded_stops_there(files: dict[str, str]) -> None:
    """Nothing after it is run, and none of that is excused."""
    report = check(files)
    assert not report.passed
    assert "refused" == report.steps[0].outcome
    assert {("not_run", False)} == {(step.outcome, step.excused) for step in report.steps[1:]}


def test_what_could_not_be_read_refuses() -> None:
    """A file that is missing because it was a link is a fault, not a file fewer."""
    report = check(FILES, faults=["'x.rego': a symbolic link"])
    assert ("refused", False) == (report.steps[0].outcome, report.passed)


@pytest.mark.usefixtures("few")
def test_no_report_passes_with_a_step_left_out() -> None:
    """However it was made."""
    whole = check(FILES, mutations=0)
    for missing in range(len(whole.steps)):
        steps = tuple(step for number, step in enumerate(whole.steps) if number != missing)
        assert not CheckReport(whole.revision, whole.digest, whole.tree, whole.programs, steps).passed
    refused = Step("lint", "refused", excused=True)
    steps = tuple(refused if step.name == "lint" else step for step in whole.steps)
    assert not CheckReport(whole.revision, whole.digest, whole.tree, whole.programs, steps).passed


@pytest.mark.usefixtures("few")
def test_the_steps_are_told_as_they_go() -> None:
    """For whoever waits: each step by name, and how far the long ones have come."""
    told: list[tuple[str, int, int]] = []
    check(FILES, mutations=0, heard=lambda step, place, size: told.append((step, place, size)))
    assert {"load", "compile", "tests", "coverage", "lint", "budget"} == {step for step, _, _ in told}
    places = [place for step, place, size in told if step == "budget" and size]
    assert places == sorted(places)
    assert places[-1] > 100
