"""``gatekeeper policy check``: every fault at once, where it is, in plain words, with its cure."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import typed

RULE = "sharing/affirmation/affirmation.rego"
TEST = "sharing/affirmation/affirmation_test.rego"
CASE = "cases/denied/all-reasons-at-once.json"


def _edit(law: Path, path: str, old: str, new: str) -> None:
    """Replace text in a file, once."""
    text = (law / path).read_text(encoding="utf-8")
    assert old in text, (path, old)
    (law / path).write_text(text.replace(old, new, 1), encoding="utf-8")


def _found(law: Path) -> list[dict[str, object]]:
    result = typed("policy", "check", str(law), "--json")
    assert 1 == result.exit_code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_shipped_policies_are_whole() -> None:
    """One line a provision, in the order of the law."""
    result = typed("policy", "check", "--json")
    assert 0 == result.exit_code, result.output
    codes = [json.loads(row)["code"] for row in result.stdout.splitlines()]
    assert list(load(shipped_policies()).written) == codes
    assert "no faults" in result.stderr


def test_a_setting_that_breaks_its_schema_has_its_place(law: Path) -> None:
    """The file, the setting, what stands there and what must."""
    _edit(law, "data/city.json", '"affirmation_max_age_days": 730', '"affirmation_max_age_days": "soon"')
    (fault,) = _found(law)
    assert "data/city.json" == fault["file"]
    assert all(part in str(fault["message"]) for part in ("affirmation_max_age_days", "soon", "integer"))
    assert fault["cure"]


def test_every_fault_at_once_and_none_that_only_follows(law: Path) -> None:
    """One broken data file is one fault, not one for each rule that reads it."""
    _edit(law, "data/city.json", '"state": "IL",', '"state": "IL"')
    _edit(law, RULE, "affirms(input.agency)", "affirms(input.agency")
    _edit(law, "sharing/attestation/attestation.rego", "#   review: none", "#   review: maybe")
    _edit(
        law,
        "sharing/city_purpose/city_purpose_test.rego",
        "test_satisfied_by_the_flawless_request if",
        "x if if",
    )
    (law / "cases" / "denied" / "new.json").write_text("{")
    places = {str(fault["file"]) for fault in _found(law)}
    assert {
        "data/city.json",
        RULE,
        "sharing/attestation/attestation.rego",
        "sharing/city_purpose/city_purpose_test.rego",
        "cases/denied/new.json",
    } == places


def test_a_person_reads_three_lines_a_fault(law: Path) -> None:
    """Place, sentence, cure; nothing is a page of data."""
    shutil.rmtree(law / "sharing" / "affirmation")
    city = json.loads((law / "data" / "city.json").read_text())
    city |= {"affirmation_max_age_days": "soon", "nonsense": ["long"] * 5_000}
    (law / "data" / "city.json").write_text(json.dumps(city))
    result = typed("policy", "check", str(law))
    assert (1, "") == (result.exit_code, result.stdout)
    head, *blocks = result.stderr.strip().split("\n\n")
    assert str(law) in head
    assert all(3 == len(block.splitlines()) for block in blocks), blocks
    assert all(len(line) < 400 for block in blocks for line in block.splitlines())
    assert any("affirmation_max_age_days" in block and "soon" in block for block in blocks)
    assert any("nonsense" in block for block in blocks)


def test_a_directory_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    """A typo is not a law without provisions."""
    result = typed("policy", "check", str(tmp_path / "nowhere"))
    assert 2 == result.exit_code
    assert "does not exist" in result.stderr
