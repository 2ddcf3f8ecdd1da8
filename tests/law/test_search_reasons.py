"""Reasons that people really typed, and fresh ones: none that the law forbids may pass."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.law.flawless import Desk

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data"
FRESH = json.loads(Path(__file__).with_name("reasons.json").read_text(encoding="utf-8"))
# Lawful reasons that wait for staff all the same; the most we allow is three.
HELD_ALL_THE_SAME: list[str] = []


def _rows(name: str) -> list[dict[str, str]]:
    path = PUBLISHED / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_no_reason_that_needs_a_person_or_is_forbidden_is_permitted(desk: Desk) -> None:
    """Of the labelled reasons, only lawful ones pass."""
    rows = _rows("search_reasons.csv")
    assert [] == [r["text"] for r in rows if r["label"] != "legitimate" and desk.permits(r["text"])]


def test_hardly_any_lawful_reason_is_held(desk: Desk) -> None:
    """A screen that holds everything protects nobody for long: people switch it off."""
    rows = [r["text"] for r in _rows("search_reasons.csv") if r["label"] == "legitimate"]
    held = [text for text in rows if not desk.permits(text)]
    print(f"held {len(held)} of {len(rows)} lawful reasons: {held}")
    assert held == HELD_ALL_THE_SAME


def test_generic_words_of_a_real_log_are_never_permitted(desk: Desk) -> None:
    """In one published log about a third of the reasons were such words."""
    reasons = {row["reason"] for row in _rows("eugene_search_audit.csv")}
    generic = {
        r
        for r in reasons
        if r.strip(" .*+").lower().startswith(("inv", "test", "admin", "police", "daytime"))
    }
    generic |= {"", "ST2", "Warrant", "Suspicious Vehicle", "2514277", "[plate]", "[name]", "Crimes", "CFS"}
    generic -= {"Investigation Person Crime"}
    assert [] == sorted(text for text in generic & reasons if desk.permits(text))


@pytest.mark.parametrize("text", FRESH["refused"])
def test_a_fresh_evasion_is_not_permitted(desk: Desk, text: str) -> None:
    """Evasions, misspellings and Spanish, written for this test."""
    assert desk.decide(text)["outcome"] == "deny"


@pytest.mark.parametrize("text", FRESH["permitted"])
def test_a_fresh_lawful_reason_is_permitted(desk: Desk, text: str) -> None:
    """Lawful reasons, many with a word in them that looks forbidden."""
    assert desk.decide(text)["provisions"] == []
