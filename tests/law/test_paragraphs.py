"""Every paragraph of the law has a provision that names it and a case that shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.policy import load, shipped_policies
from tests.law.flawless import Desk

CASES = sorted(path.stem for path in (shipped_policies() / "cases").glob("*/*.json"))
PERMITTED = sorted((shipped_policies() / "cases" / "permitted").glob("*.json"))
PARAGRAPHS = [
    *(f"IL-{number}" for number in range(1, 7)),
    *(f"TR-{number}" for number in range(1, 11)),
    *(f"EV-{number}" for number in range(1, 8)),
]
# What no request can show is kept by code, and shown by its tests: that reads are confidential (IL-5).
KEPT_BY_CODE = {"IL-5": Path("tests/promises/test_8_silence.py")}
# What really went wrong in other cities, by its number; what a request or a history can show of it.
WENT_WRONG = (1, 2, 3, 4, 5, 6, 10, 11)
# Sixteen ways in which one city's log wrote the same empty word.
INVESTIGATION = (
    "investigation", "Investigation", "INVESTIGATION", "investigation.", "investigations", "invest",
    "inv", "INV.", "investigate", "investigating", "investigative", "invesigation", "investgation",
    "investigtion", "investiagtion", "follow up investigation",
)  # fmt: skip


@pytest.mark.parametrize("paragraph", PARAGRAPHS)
def test_a_paragraph_has_its_provision_and_its_case(paragraph: str) -> None:
    """Or a test that keeps it where no request could show it."""
    if paragraph in KEPT_BY_CODE:
        assert (Path(__file__).parents[2] / KEPT_BY_CODE[paragraph]).exists()
        return
    assert [p.code for p in load(shipped_policies()).catalogue.values() if paragraph in p.rules]
    assert [case for case in CASES if case.startswith(f"{paragraph.lower()}-")]


def test_each_provision_that_may_be_ruled_on_has_a_case_that_a_ruling_permits() -> None:
    """One that nobody's ruling reached would be queued for staff in vain."""
    ruled = [
        json.loads(path.read_text(encoding="utf-8")).get("facts", {}).get("ruling") for path in PERMITTED
    ]
    reviewed = {code for code, p in load(shipped_policies()).catalogue.items() if p.review != "none"}
    assert reviewed == {code for ruling in ruled if ruling for code in ruling}


@pytest.mark.parametrize("number", WENT_WRONG)
def test_what_went_wrong_elsewhere_has_a_case(number: int) -> None:
    """Named for its number."""
    assert [case for case in CASES if case.startswith(f"wrong-{number}-")]


@pytest.mark.parametrize("written", INVESTIGATION)
def test_no_spelling_of_investigation_is_a_reason(desk: Desk, written: str) -> None:
    """What really went wrong, 11: denied, and staff are told that the words are missing."""
    assert ["stated_reason"] == desk.decide(written)["provisions"]
