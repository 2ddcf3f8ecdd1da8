"""Each denial in the cases, by the gate's own steps: every provision not met, in order, with its cure."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
import regorus

from gatekeeper.exchange import respond
from gatekeeper.exchange.decide import Denial
from gatekeeper.exchange.lines import decide_document
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.ledger import Receipt
from gatekeeper.policy import Bundle, Embedded, files_of, load, shipped_policies
from gatekeeper.policy.cases import read_cases
from gatekeeper.policy.statutes import read_statutes

QUOTED = ("title", "citation", "message", "remedy")


@pytest.fixture(scope="module")
def law() -> Bundle:
    """Return the law that is shipped."""
    return load(shipped_policies())


@pytest.fixture(scope="module")
def denials(law: Bundle) -> dict[str, Denial]:
    """Return the gate's decision on each case that is denied, by the case's name."""
    engine, lexicon = Embedded(law), Lexicon.of(law)
    cases, faults = read_cases(files_of(shipped_policies())[0], law.written)
    assert [] == faults
    found: dict[str, Denial] = {}
    for case in cases:
        decision = decide_document(json.loads(case.request), engine, lexicon)
        if isinstance(decision, Denial):
            found[case.name] = decision
    assert {case.name for case in cases if case.outcome == "deny"} == found.keys()
    return found


def _answered(denial: Denial) -> list[dict[str, Any]]:
    receipt = cast("Receipt", SimpleNamespace(as_json=dict))  # what the log says of it is not looked at here
    body = json.loads(respond.denied("query", denial, receipt, "none").body)
    quoted: list[dict[str, Any]] = body["decision"]["provisions"]
    return quoted


def test_each_denial_names_every_provision_that_is_not_met(law: Bundle, denials: dict[str, Denial]) -> None:
    """Each is asked by itself, past the decision: none is left out, and none is named that is met."""
    engine = regorus.Engine()
    for path, text in law.modules.items():
        engine.add_policy(path, text)
    engine.add_data_json(json.dumps(dict(law.data)))
    for name, denial in denials.items():
        engine.set_input_json(json.dumps(denial.facts))
        unmet = {
            code
            for code, provision in law.catalogue.items()
            if engine.eval_rule_as_json(_satisfied(provision.path)) != "true"
        }
        assert unmet, name
        assert sorted(unmet) == sorted(one["code"] for one in _answered(denial)), name


def _satisfied(path: str) -> str:
    return f"data.{path.rpartition('/')[0].replace('/', '.')}.satisfied"


def test_each_denial_is_in_the_order_of_the_law(law: Bundle, denials: dict[str, Denial]) -> None:
    """The answer lists what is not met as the bundle does."""
    for name, denial in denials.items():
        codes = [one["code"] for one in _answered(denial)]
        assert [code for code in law.provisions if code in codes] == codes, name


def test_the_law_is_in_the_order_of_the_statutes(law: Bundle) -> None:
    """By the paragraph that a provision names first; those of one paragraph stand together."""
    paragraphs = [
        p.code for statute in read_statutes(files_of(shipped_policies())[0]) for p in statute.paragraphs
    ]
    first = {code: paragraphs.index(one.rules[0]) for code, one in law.catalogue.items() if one.pack is None}
    assert sorted(first, key=lambda code: first[code]) == [code for code in law.provisions if code in first]


def test_each_provision_of_a_denial_says_what_cures_it(denials: dict[str, Denial]) -> None:
    """Title, citation, message and remedy, in words."""
    for name, denial in denials.items():
        for one in _answered(denial):
            assert all(isinstance(one[key], str) and one[key].strip() for key in QUOTED), (name, one["code"])
            assert one["rules"], (name, one["code"])
