"""A draft is examined apart from what answers queries: a mistake is told in words, a crash is a finding."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from gatekeeper.errors import OperatorError
from gatekeeper.policy import shipped_policies
from gatekeeper.policy.drafts import Draft
from gatekeeper.policy.layout import files_of
from gatekeeper.policy.manifest import Listed
from gatekeeper.revisions import examiner as module
from gatekeeper.revisions.examiner import Busy, Examiner

RULE, TEST = "sharing/affirmation/affirmation.rego", "sharing/affirmation/affirmation_test.rego"
FILES, _ = files_of(shipped_policies())


@pytest.fixture(scope="module")
def examiner() -> Examiner:
    """Return one for all: it has one turn and many answers."""
    return Examiner()


def _with(path: str, before: str, after: str) -> dict[str, str]:
    assert before in FILES[path]
    return {**FILES, path: FILES[path].replace(before, after, 1)}


def test_a_law_without_a_fault(examiner: Examiner) -> None:
    """Nothing is found, and it has the name that it would have."""
    found = examiner.examine(FILES, "whole")
    assert () == found.findings
    assert found.ran > 900
    assert "+" in (found.revision or "")


MISTAKES = [
    (RULE, ("affirms(input.agency)", "affirms(agncy)"), "agncy", "Nothing gives agncy a value", "spelling"),
    (
        RULE,
        ("affirms(input.agency)", "affirms(data.city.agncy)"),
        "data.city.agncy",
        "data.city.agncy, which does not",
        "spelling",
    ),
    (RULE, ("#   review: none\n", ""), "# METADATA", "does not say its review", "Add a line"),
    (
        TEST,
        ("test_not_satisfied_by_nothing if not", "test_not_satisfied_by_nothing if"),
        "test_not_satisfied_by_nothing",
        "test_not_satisfied_by_nothing fails: expected affirmation.satisfied with input as {}; came",
        "mend the test if",
    ),
    ("data/city.json", ('"state": "IL"', '"state": 7'), "7", "is 7", "state whose law applies"),
]


@pytest.mark.parametrize(("path", "change", "at", "message", "cure"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_its_cure(
    examiner: Examiner, path: str, change: tuple[str, str], at: str, message: str, cure: str
) -> None:
    """The file, the line, what is wrong, and what to do."""
    files = _with(path, *change)
    (found, *_) = [one for one in examiner.examine(files, "whole").findings if message in one.message]
    assert path == found.file
    assert found.line is not None
    assert cure in found.cure
    assert found.cure
    assert at in files[path].splitlines()[found.line - 1]


def test_a_provision_that_the_manifest_does_not_list(examiner: Examiner) -> None:
    """Nothing would require it: it is named where it begins."""
    path = "sharing/extra/extra.rego"
    files = {**FILES, path: FILES[RULE].replace("sharing.affirmation", "sharing.extra")}
    (found,) = [one for one in examiner.examine(files, "whole").findings if one.file == path]
    assert files[path].splitlines()[(found.line or 0) - 1].startswith("package ")
    assert "not in .manifest" in found.message
    assert ".manifest" in found.cure


def test_what_became_of_a_provisions_tests(examiner: Examiner) -> None:
    """Each test and case that is about it, and of one that fails what was expected and what came."""
    files = _with(TEST, "test_signed_today if", "test_signed_today if not")
    found = examiner.examine(files, "tests", "affirmation")
    assert () == found.findings  # the law itself could be loaded
    failed = [one for one in found.results if not one.passed]
    assert ["test_signed_today"] == [one.name for one in failed]
    assert (TEST, True, True) == (failed[0].file, bool(failed[0].expected), bool(failed[0].came))
    assert {"rego", "case"} == {one.kind for one in found.results}
    assert all("affirmation" in one.about for one in found.results)


def test_a_test_that_kills_the_engine_is_a_finding() -> None:
    """Recursion that the text does not show ends the process: never this one, and never unnoticed."""
    path = "checks/again/again.rego"
    loop = "package checks.again\n\nfaults contains data[input.packs][input.packs]\n"
    found = Examiner().examine({**FILES, path: loop.replace("data[", "data.checks[")}, "findings")
    assert found.findings


def _running(instead: str) -> Callable[[str, str], list[str]]:
    """Return what starts a process that runs something else."""
    return lambda _module, _function: [sys.executable, "-I", "-B", "-c", instead]


def test_a_process_that_does_not_answer_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it did instead: it ended, said nonsense, or never finished. It is asked again next time."""
    for instead in ("raise SystemExit(1)", "print('nonsense')", "import time; time.sleep(60)"):
        with monkeypatch.context() as patched:
            patched.setattr(module, "command", _running(instead))
            patched.setattr(module, "_SECONDS", 1)
            asked = Examiner()
            (found,) = asked.examine(FILES, "findings").findings
            assert "engine ended" in found.message
            with pytest.raises(OperatorError, match="engine ended"):
                asked.begin(_draft("quiet_hours"), FILES)
        assert () == asked.examine(FILES, "findings").findings


def test_it_knows_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may print what its process knows: that is nothing of the service's."""
    monkeypatch.setenv("GATEKEEPER_OIDC_CLIENT_SECRET", "not for drafts")
    told = (
        "import json, os; known = [n for n in os.environ if 'GATEKEEPER' in n or 'PYTHON' in n]\n"
        "print(json.dumps({'findings': [], 'results': [], 'ran': len(known), 'revision': None}))"
    )
    monkeypatch.setattr(module, "command", _running(told))
    assert 0 == Examiner().examine(FILES, "findings").ran


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Examiner]:
    """Return one whose turn is taken until the test ends."""
    asked, answered, taken = Examiner(), threading.Event(), threading.Event()

    def slowly(_: str) -> str:
        taken.set()
        answered.wait(20)
        return '{"findings": [], "results": [], "ran": 0, "revision": null}'

    monkeypatch.setattr(module, "_answer", slowly)
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    first = threading.Thread(target=lambda: asked.examine(FILES, "findings"))
    first.start()
    assert taken.wait(10)
    yield asked
    answered.set()
    first.join()


def test_one_at_a_time(held: Examiner) -> None:
    """Whoever comes meanwhile is told at once, or after some patience: no thread waits for long."""
    for wait, most in ((False, 0.1), (True, 2)):
        begun = time.monotonic()
        with pytest.raises(Busy):
            held.examine({**FILES, "README.md": "x"}, "findings", wait=wait)
        assert time.monotonic() - begun < most


def test_the_same_question_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two windows, or a page and its editor, ask about one text."""
    asked: list[str] = []
    answer = '{"findings": [], "results": [], "ran": 0, "revision": "x"}'

    def answered(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr(module, "_answer", answered)
    examined = Examiner()
    for _ in range(3):
        examined.examine(FILES, "findings")
    examined.examine(FILES, "tests", "affirmation")
    examined.examine({**FILES, "README.md": "x"}, "findings")
    assert 3 == len(asked)


def _draft(code: str, pack: str | None = None) -> Draft:
    return Draft(Listed(code, pack), "Quiet hours", "Test Code 9", ("EV-7",), "none", date(2026, 12, 1))


def test_what_cannot_be_begun_is_said(examiner: Examiner) -> None:
    """A name that no provision can have, one that is taken, and a law with faults."""
    for code, files, said in (
        ("Quiet", FILES, "no name of a provision"),
        ("affirmation", FILES, "already"),
        ("quiet_hours", _with(RULE, "satisfied if {", "satisfied {"), "faults already"),
    ):
        with pytest.raises(OperatorError, match=said):
            examiner.begin(_draft(code), files)
