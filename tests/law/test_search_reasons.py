"""Reasons that people really typed, and fresh ones: none that the law forbids may pass."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from tests.benchmarks.reading import LISTS, mistakes
from tests.law.flawless import Desk

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data"
FRESH = json.loads(Path(__file__).with_name("reasons.json").read_text(encoding="utf-8"))
# What fits any search, however it is spelled: "investigation" stands there in 16 ways.
_GENERIC = (
    *("inv", "ines", "ives", "crim", "police", "test", "camera test", "admin", "training", "daytime search"),
    *(
        "suspicious",
        "suspect vehicle",
        "warr",
        "cfs",
        "atl",
        "st2",
        "more like this",
        "drag",
        "pattern of life",
    ),
    *("[plate]", "[name]", "25", "expired license"),
)
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


@pytest.mark.parametrize("half", ["tuned", "held_back"])
def test_of_our_own_lists_nothing_forbidden_is_permitted_and_hardly_anything_lawful_held(
    desk: Desk, half: str
) -> None:
    """Both halves: the one the lexicon was tuned on, and the one nobody looked at while tuning."""
    found = mistakes(LISTS / f"{half}.csv", desk)
    print(f"{half}: {json.dumps(found, ensure_ascii=False, indent=1)}")
    assert [] == found["forbidden_permitted"]
    assert found["legitimate"] > 400
    assert found["legitimate_permitted_percent"] >= 95, found["legitimate_held"]


def test_a_real_log_replayed_has_no_generic_reason_permitted(desk: Desk) -> None:
    """About a third of one published log were such words: each is denied for saying nothing."""
    counted = Counter(row["reason"] for row in _rows("eugene_search_audit.csv"))
    generic = {reason for reason in counted if reason.lower().startswith(_GENERIC)}
    generic -= {"Investigation Person Crime"}
    outcome: Counter[str] = Counter()
    for reason, times in counted.items():
        unmet = desk.decide(reason)["provisions"]
        assert isinstance(unmet, list)
        if reason in generic:
            assert ["stated_reason"] == unmet, reason
        outcome.update(dict.fromkeys(unmet or ["permitted"], times))
    print(f"{counted.total()} searches by provision: {dict(outcome)}")
    assert counted.total() == outcome["permitted"] + outcome["stated_reason"]
    assert sum(counted[reason] for reason in generic) > counted.total() / 3


@pytest.mark.parametrize("text", FRESH["refused"])
def test_a_fresh_evasion_is_not_permitted(desk: Desk, text: str) -> None:
    """Evasions, misspellings and Spanish, written for this test."""
    assert desk.decide(text)["outcome"] == "deny"


@pytest.mark.parametrize("text", FRESH["permitted"])
def test_a_fresh_lawful_reason_is_permitted(desk: Desk, text: str) -> None:
    """Lawful reasons, many with a word in them that looks forbidden."""
    assert desk.decide(text)["provisions"] == []
