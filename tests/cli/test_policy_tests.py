"""``gatekeeper policy test``: what passed, what failed and why, and what nothing tests."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import typed

PATH = os.environ["PATH"]
RULE = "sharing/affirmation/affirmation.rego"
TEST = "sharing/affirmation/affirmation_test.rego"


@pytest.fixture(autouse=True)
def without_opa(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take opa off PATH: the tests that need it put it back."""
    monkeypatch.setenv("PATH", "/nowhere")


def _append(law: Path, path: str, text: str) -> int:
    """Append to a file; return the line on which the appended text begins."""
    before = (law / path).read_text(encoding="utf-8")
    (law / path).write_text(f"{before}\n{text}\n", encoding="utf-8")
    return before.count("\n") + 2


def _lines(*arguments: str, status: int = 0) -> list[dict[str, Any]]:
    result = typed("policy", "test", *arguments, "--json")
    assert status == result.exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_provision_of_the_shipped_law_passes_and_none_owes_a_test() -> None:
    """Rego tests and cases, each provision in a row of its own."""
    lines = _lines()
    assert [] == [line for line in lines if line["kind"] in ("rego", "case") and not line["passed"]]
    in_force = set(load(shipped_policies()).catalogue)
    assert in_force <= {code for line in lines for code in line["about"]}
    assert set() == {line["about"][0] for line in lines if line["kind"] == "owed"} & in_force


def test_a_failed_case_shows_both_answers(law: Path) -> None:
    """With the line of what it expects."""
    path = law / "cases" / "denied" / "ev-2-no-affirmation.json"
    text = path.read_text()
    path.write_text(text.replace('"review": "none"', '"review": "staff"'))
    (failed,) = [line for line in _lines(str(law), status=1) if line.get("passed") is False]
    assert ("cases/denied/ev-2-no-affirmation.json", ["affirmation"]) == (failed["file"], failed["about"])
    assert '"expect"' in text.splitlines()[failed["line"] - 1]
    assert ("staff", "none") == (
        json.loads(failed["expected"])["review"],
        json.loads(failed["came"])["review"],
    )


def test_a_person_sees_a_row_a_provision_and_every_failure(law: Path) -> None:
    """A failed test, a request that is no query, and what was not measured."""
    line = _append(law, TEST, "test_x if not affirmation.satisfied with input as request")
    path = law / "cases" / "denied" / "ev-2-no-affirmation.json"
    path.write_text(path.read_text().replace('"240"', '"99Z"'))
    shown = typed("policy", "test", str(law))
    assert 1 == shown.exit_code
    (row,) = [text for text in shown.stdout.splitlines() if text.strip().startswith("affirmation ")]
    assert "FAIL" in row
    assert f"{TEST}:{line}  test_x failed\n  expected  not affirmation.satisfied" in shown.stdout
    assert "came      affirmation.satisfied is true" in shown.stdout
    assert "/request/purpose/offense" in shown.stdout
    assert "opa is not on PATH" in shown.stdout  # silence would look like whole coverage


def test_one_provision_alone() -> None:
    """Its own tests, and each case in which it is not met."""
    lines = _lines("--provision", "affirmation")
    assert lines
    assert all("affirmation" in line["about"] for line in lines)
    assert {"rego", "case"} == {line["kind"] for line in lines}


def test_a_misspelt_provision_is_told_the_nearest() -> None:
    """No test is not a pass."""
    result = typed("policy", "test", "--provision", "affirmatio")
    assert 1 == result.exit_code
    assert "did you mean affirmation?" in result.stderr


def test_a_law_with_faults_is_not_tested(law: Path) -> None:
    """What may not be loaded cannot decide a case."""
    (law / ".manifest").unlink()
    result = typed("policy", "test", str(law))
    assert (1, "") == (result.exit_code, result.stdout)
    assert ".manifest" in result.stderr


def test_tests_that_are_owed_are_listed(law: Path) -> None:
    """A fact that is missing, one of a wrong type, the days around a date: by what the tests do."""
    (law / TEST).write_text(
        "package sharing.affirmation_test\n\nimport data.facts.flawless_test.request\n"
        "import data.sharing.affirmation\n\ntest_missing_by_name_only if affirmation.satisfied "
        "with input as request\n"
    )
    (owed,) = [line for line in _lines(str(law), "--provision", "affirmation") if line["kind"] == "owed"]
    assert 3 == len(owed["tests"])


@pytest.mark.needs("opa")
def test_lines_that_no_test_runs_are_named(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By file and line with their text, in the exact bundle; never a percentage alone."""
    monkeypatch.setenv("PATH", PATH)
    assert "every line of every rule is run" in typed("policy", "test").stdout
    line = _append(law, RULE, 'idle if input.agency.id == "nobody"')
    lines = _lines(str(law))
    assert [(RULE, [line])] == [(one["file"], one["lines"]) for one in lines if one["kind"] == "uncovered"]
    shown = typed("policy", "test", str(law), "--provision", "affirmation").stdout
    assert f'{RULE}:{line}  idle if input.agency.id == "nobody"' in shown


@pytest.mark.needs("opa")
def test_a_test_that_fails_on_opa_fails_here(law: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both engines must agree."""
    monkeypatch.setenv("PATH", PATH)
    _append(law, TEST, "test_x if not affirmation.satisfied with input as request")
    (opa,) = [one for one in _lines(str(law), status=1) if one["kind"] == "opa"]
    assert ["data.sharing.affirmation_test.test_x"] == opa["failed"]


@pytest.mark.parametrize("said", ["", "no json", "[1]", '[{"name": "x"}]', '{"files": 3}'])
def test_an_opa_that_says_something_else_is_a_failure(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not measured is not whole."""
    program = tmp_path / "opa"
    program.write_text(f"#!{sys.executable}\nprint({said!r})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    result = typed("policy", "test", "--provision", "affirmation")
    assert 1 == result.exit_code
    assert "could not be run" in result.stdout
