"""A fault as its reader is told it: which file, which line, what is wrong in words, what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gatekeeper.policy.cures import UNKNOWN
from gatekeeper.policy.examination import examine
from gatekeeper.policy.findings import finding_of
from tests.policy.laws import SMALL

RULE = "sharing/standing/standing.rego"
TEST = "sharing/standing/standing_test.rego"
NOT_JSON = "The file is not JSON: something is missing or too many at or just before this line."
CASE = """{
  "expect": {"outcome": "deny", "provisions": ["nothing"], "review": "none"}
}
"""


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """Return a copy of the small law, with the checks of the shipped one, that a test may spoil."""
    return Path(shutil.copytree(SMALL, tmp_path / "law"))


@pytest.mark.parametrize(
    ("path", "change", "at", "message", "cure"),
    [
        (
            RULE,
            ("satisfied if {", "satisfied {"),
            "satisfied {",
            "The word `if` is missing",
            "satisfied if {",
        ),
        (RULE, ("review: none", "review: maybe"), "maybe", "review must be none, staff or", "Correct it"),
        (RULE, ("#   remedy:", "#   remdy:"), "remdy", "field remdy that nobody knows", "spelling"),
        (RULE, ("2024-01-01", "soon"), "soon", "effective_on must be a date", "line"),
        (
            RULE,
            ("data.facts.agency", "data.facts.agncy"),
            "data.facts.agncy",
            "data.facts.agncy.active",
            "spelling",
        ),
        (TEST, ("package", "test_x if if true\npackage"), "if if", "not begin with its package", "package"),
        (
            RULE,
            ("is_string(input.agency.id)", "is_string(agncy)"),
            "is_string(agncy)",
            "Nothing gives agncy a value",
            "spelling",
        ),
        (
            RULE,
            ("input.agency.id", "input.agency.idd"),
            "input.agency.idd",
            "looks at input.agency.idd, which does not exist",
            "spelling",
        ),
        (
            "sharing/purpose/purpose.rego",
            ("data.city.purposes", "data.city.purpose"),
            "data.city.purpose",
            "looks at data.city.purpose, which does not exist",
            "spelling",
        ),
        (
            TEST,
            ("import data.sharing.standing", "import data.sharing.standin"),
            "import data.sharing.standin",
            "Imports data.sharing.standin, which is nothing that exists",
            "import",
        ),
        (
            TEST,
            ("test_no_facts if not standing", "test_no_facts if not stnding"),
            "test_no_facts",
            "Nothing gives stnding a value",
            "spelling",
        ),
        (
            TEST,
            ("test_no_facts if", "again(x) := again(x)\n\ntest_no_facts if"),
            "again(x)",
            "The rule depends on itself",
            "facts only",
        ),
        ("data/city.json", ("100", "100,"), None, "not JSON", "comma"),
        (
            "main/main.rego",
            ("decision :=", "decisions :="),
            None,
            "The decision itself is missing",
            "Restore",
        ),
        (".manifest", ('"small-1"', '""'), None, "Label must be", ".manifest"),
    ],
)
def test_a_fault_has_its_place_its_sentence_and_its_cure(
    law: Path, path: str, change: tuple[str, str], at: str | None, message: str, cure: str
) -> None:
    """The line is the one to look at; the words need no Rego."""
    text = (law / path).read_text(encoding="utf-8").replace(*change, 1)
    (law / path).write_text(text, encoding="utf-8")
    (finding,) = [found for found in examine(law).findings if message in found.message]
    assert path == finding.file
    assert cure in finding.cure
    if at is not None:
        assert finding.line is not None
        assert at in text.splitlines()[finding.line - 1]


def test_a_case_is_read_too(law: Path) -> None:
    """A case in the wrong folder, or about a provision that does not exist, tests nothing."""
    for folder in ("denied", "permitted"):
        (law / "cases" / folder).mkdir(parents=True)
        (law / "cases" / folder / "one.json").write_text(CASE)
    (law / "cases" / "denied" / "two.json").write_text("{\n")
    (law / "cases" / "denied" / "three.json").write_text("{}")
    (law / "cases" / "denied" / "four.json").write_bytes(b"\xff")
    said = {(found.place, found.message) for found in examine(law).findings if found.file.startswith("cases")}
    assert {
        ("cases/denied/one.json:2", "No provision is called nothing."),
        ("cases/permitted/one.json:2", "No provision is called nothing."),
        ("cases/permitted/one.json:2", "A case stands in permitted or denied, as its outcome says."),
        ("cases/denied/two.json:2", NOT_JSON),
        ("cases/denied/three.json:1", "A case says in `expect` its outcome, provisions and review."),
        ("cases/denied/four.json", "Not UTF-8."),
    } == said


def test_a_test_that_is_written_twice_is_named(law: Path) -> None:
    """It would pass if either of the two held."""
    with (law / TEST).open("a", encoding="utf-8") as file:
        file.write("\ntest_again if true\n\ntest_again if false\n")
    (finding,) = [found for found in examine(law).findings if "twice" in found.message]
    assert "test_again if false" == (law / TEST).read_text().splitlines()[(finding.line or 0) - 1]


def test_what_only_follows_from_a_broken_file_is_not_named(law: Path) -> None:
    """One broken data file is one fault, not one for each rule that reads it."""
    (law / "data" / "city.json").write_text("{")
    found = [finding for finding in examine(law).findings if "checks" not in finding.message]
    assert ["data/city.json"] == [finding.file for finding in found]


def test_an_unknown_fault_is_still_told() -> None:
    """Its own words, and whom to ask."""
    finding = finding_of("data/city.json:7: something new", {})
    assert ("data/city.json", 7, "Something new.", UNKNOWN) == (
        finding.file,
        finding.line,
        finding.message,
        finding.cure,
    )
    assert ("", "Something new.") == (
        finding_of("something new", {}).file,
        finding_of("something new", {}).message,
    )
