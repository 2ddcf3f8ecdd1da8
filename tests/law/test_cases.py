"""The law as cases: whole requests, each named for its paragraph, through the gate's own steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Bundle, Embedded, load, shipped_policies

CASES = sorted((shipped_policies() / "cases").glob("*/*.json"))


@pytest.fixture(scope="module")
def law() -> Bundle:
    """Return the law that is shipped."""
    return load(shipped_policies())


@pytest.fixture(scope="module")
def engine(law: Bundle) -> Embedded:
    """Return the engine that needs nothing installed."""
    return Embedded(law)


@pytest.fixture(scope="module")
def lexicon(law: Bundle) -> Lexicon:
    """Return the words that are shipped."""
    document = law.data["lexicon"]
    assert isinstance(document, dict)
    return Lexicon.load(document)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_case_is_decided_as_the_law_says(case: Path, engine: Embedded, lexicon: Lexicon) -> None:
    """The outcome, every unmet provision in order, and who may review it."""
    line = json.loads(case.read_text(encoding="utf-8"))
    said = decide_line(json.dumps(line).encode(), engine, lexicon)
    assert line["expect"] == {name: said.get(name, said) for name in line["expect"]}


def test_cases_stand_in_the_folder_of_their_outcome() -> None:
    """A case cannot be permitted in ``denied/``."""
    folders = {"permit": "permitted", "deny": "denied"}
    for case in CASES:
        assert folders[json.loads(case.read_text(encoding="utf-8"))["expect"]["outcome"]] == case.parent.name


def test_each_provision_has_a_case_that_it_alone_denies(law: Bundle) -> None:
    """A provision that never decides anything is not known to work."""
    alone = {
        expect["provisions"][0]
        for case in CASES
        if len((expect := json.loads(case.read_text(encoding="utf-8"))["expect"])["provisions"]) == 1
    }
    # A crime of immigration is never the only reason: the words that name it say no crime of ours.
    # Proof and training are required by no city as shipped: tests/exchange/test_officer.py requires them.
    elsewhere = {"immigration_crime", "officer_proof", "officer_training"}
    assert set(law.provisions) - elsewhere <= alone
