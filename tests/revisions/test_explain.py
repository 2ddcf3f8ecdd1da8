"""Why a decision came out as it did: what the explanation says is what the engine says."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.errors import NotExplained, PolicyUnavailable
from gatekeeper.exchange.lines import decide_document
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Embedded, shipped_policies
from gatekeeper.policy.layout import Json
from gatekeeper.policy.mutations import JUNK, places, replaced, without
from gatekeeper.revisions.explain import Explainer
from gatekeeper.revisions.trace import Alternative, Explained, Traced
from tests.policy.laws import STATES, law

CASES = sorted((shipped_policies() / "cases").rglob("*.json"))
LAWS = ("shipped", "visitor", "small", "south", *STATES)
VALUES = st.one_of(
    st.sampled_from([value for value in JUNK if value != "x" * 10_000]),
    st.sampled_from(["WI", "suspended", "place", "90Z", "09A", "criminal_warrant", "federal", "private"]),
    st.booleans(),
    st.integers(-1, 400),
)


@cache
def _explainer(name: str) -> Explainer:
    return Explainer(law(name)[0])


def _agrees(explained: Explained, unmet: tuple[str, ...]) -> None:
    """Check that what is not met is what the verdict names, and each rule what its statements say."""
    assert list(unmet) == [code for code, traced in explained.provisions if not traced.held]
    for traced in (*(traced for _, traced in explained.provisions), *explained.owed):
        for rule in traced.all():
            assert rule.held is rule.by_statements, rule.rule


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_of_the_law_is_explained_as_it_is_decided(path: Path) -> None:
    """The provisions that are not met are those that the engine names, in the order of the law."""
    explainer = _explainer("shipped")
    engine, lexicon = Embedded(explainer.bundle), Lexicon.of(explainer.bundle)
    decision = decide_document(json.loads(path.read_text()), engine, lexicon)
    _agrees(explainer.explain(decision.facts), tuple(provision.code for provision in decision.unmet))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(LAWS), st.lists(st.tuples(st.integers(0, 10**6), VALUES | st.just(...)), max_size=4))
def test_facts_spoilt_anyhow_are_explained_as_they_are_decided(
    name: str, changes: list[tuple[int, Any]]
) -> None:
    """In every law, of a city with packs too: facts missing, mistyped or merely different."""
    bundle, facts = law(name)
    for number, value in changes:
        every = list(places(facts))
        place = every[number % len(every)] if every else ()
        if place:
            facts = without(facts, place) if value is ... else replaced(facts, place, value)
    try:
        verdict = Embedded(bundle).evaluate(facts)
    except PolicyUnavailable:
        return  # facts that do not fit are not decided, and what is not decided is not explained
    _agrees(_explainer(name).explain(facts), verdict.unmet)


# --- One rule of every kind. ------------------------------------------------------------------------------

PATH = "sharing/standing/standing.rego"


def _traced(rule: str, facts: Mapping[str, Json]) -> Traced:
    """Return how a provision that says *rule* stands."""
    bundle = law("small")[0]
    code, provision = next(iter(bundle.catalogue.items()))
    package = next(
        line for line in bundle.modules[provision.path].splitlines() if line.startswith("package ")
    )
    text = f"{package}\n\nimport data.facts.agency\n\n{rule}\n"
    explainer = Explainer(replace(bundle, modules={**bundle.modules, provision.path: text}))
    return dict(explainer.explain(facts).provisions)[code]


def _held(alternative: Alternative) -> list[bool | None]:
    return [statement.held for statement in alternative.statements]


def test_what_is_behind_a_statement_that_did_not_hold_was_never_reached() -> None:
    """It holds no value either: nobody looked."""
    found = _traced(
        "satisfied if {\n\tinput.a == 1\n\tinput.b == 2\n\tinput.c == 3\n}", {"a": 1, "b": 0, "c": 3}
    )
    statements = found.alternatives[0].statements
    assert [True, False, None] == _held(found.alternatives[0])
    assert (0,) == statements[1].parts[0].values
    assert ("input", "b") == statements[1].parts[0].path
    assert () == statements[2].parts[0].values
    assert not found.held


def test_every_alternative_is_shown() -> None:
    """A rule that is written twice holds if either does; the reader sees which failed."""
    found = _traced("satisfied if input.a == 1\n\nsatisfied if input.b == 2", {"a": 0, "b": 2})
    assert [[False], [True]] == [*map(_held, found.alternatives)]
    assert found.held


def test_what_is_missing_has_no_value() -> None:
    """And what denies it holds, as in Rego."""
    found = _traced("satisfied if {\n\tnot input.gone\n\tinput.gone != 1\n}", {})
    assert [True, False] == _held(found.alternatives[0])
    first, second = found.alternatives[0].statements
    assert first.negated
    assert "truth" == first.shape
    assert () == second.parts[0].values


def test_an_else_is_reached_only_if_what_is_before_it_failed() -> None:
    """Of three branches the second holds: the third is not looked at."""
    rule = "satisfied if {\n\tinput.a == 1\n} else if {\n\tinput.a == 2\n} else if {\n\tinput.a > 0\n}"
    found = _traced(rule, {"a": 2})
    assert [True, True, False] == [each.reached for each in found.alternatives]
    assert [[False], [True], [None]] == [*map(_held, found.alternatives)]


def test_some_is_told_with_all_that_it_tried() -> None:
    """The statement behind it holds if it does for any of them."""
    rule = "satisfied if {\n\tsome one in input.all\n\tone > 2\n}"
    found = _traced(rule, {"all": [1, 3, 2]}).alternatives[0].statements
    assert [True, True] == [statement.held for statement in found]
    assert (1, 3, 2) == found[1].parts[0].values
    assert ("one",) == found[0].binds
    none = _traced(rule, {"all": []}).alternatives[0]
    assert [False, None] == _held(none)


def test_every_is_told_with_the_first_that_failed() -> None:
    """Its own statements are asked of that element alone."""
    rule = "satisfied if {\n\tevery key, one in input.all {\n\t\tis_number(one)\n\t\tone < 3\n\t}\n}"
    found = _traced(rule, {"all": {"a": 1, "b": 5, "c": 7}}).alternatives[0].statements[0]
    assert found.held is False
    assert ["b", 5] == found.element
    assert [True, False] == [statement.held for statement in found.within]
    assert (5,) == found.within[1].parts[0].values
    assert () == _traced(rule, {"all": {"a": 1}}).alternatives[0].statements[0].within


def test_a_rule_that_is_called_is_told_in_the_words_of_its_caller() -> None:
    """``who.kind`` is ``input.agency.kind``; of several calls the one that counted is shown."""
    rule = (
        "satisfied if {\n\tsome one in input.all\n\tgood(one)\n\tmine(input.agency)\n}\n\n"
        'good(x) if x == 2\n\nmine(who) if who.kind == "local"'
    )
    found = _traced(rule, {"all": [1, 2], "agency": {"kind": "state"}}).alternatives[0].statements
    good, mine = found[1].rules[0], found[2].rules[0]
    assert good.held
    assert (2,) == good.arguments[0].values
    part = mine.alternatives[0].statements[0].parts[0]
    assert ("input.agency.kind", ("input", "agency", "kind"), ("state",)) == (
        part.text,
        part.path,
        part.values,
    )


def test_a_rule_that_no_rule_makes_true_has_no_alternatives() -> None:
    """It is what its default says."""
    found = _traced("default satisfied := false", {})
    assert ((), (False,), False) == (found.alternatives, found.values, found.held)


def test_texts_of_any_kind_stay_whole() -> None:
    """Quotes, marks, two spaces and other alphabets reach the rule that is called as they are."""
    said = 'a "b" \\ `c`  \n\t é \u2028 {} ]'
    rule = "satisfied if {\n\tsame(input.a, input.b)\n}\n\nsame(x, y) if x == y"
    found = _traced(rule, {"a": said, "b": said})
    assert found.alternatives[0].statements[0].rules[0].held
    assert (said,) == found.alternatives[0].statements[0].parts[0].values


def test_a_statement_on_which_the_engine_fails_is_not_guessed() -> None:
    """It is said to be unknown, with the engine's own sentence."""
    found = _traced("satisfied if {\n\ttime.parse_rfc3339_ns(input.a) > 0\n}", {"a": "never"})
    statement = found.alternatives[0].statements[0]
    assert statement.held is None
    assert "" != statement.fault
    assert found.by_statements is None


def test_a_statement_that_cannot_stand_first_leaves_the_verdict() -> None:
    """Rego may be written in any order; what cannot be asked in this one is not told, the whole still is."""
    found = _traced("satisfied if {\n\tone > 2\n\tone = input.a\n}", {"a": 3})
    assert found.held
    assert "" != found.alternatives[0].statements[0].fault
    assert found.by_statements is None


def test_an_explanation_ends_when_its_time_is_over() -> None:
    """Also in the middle of an evaluation that nothing else can interrupt."""
    each = "numbers.range(1, 3000)"
    endless = f"satisfied if {{\n\tsome a in {each}\n\tsome b in {each}\n\ta * b == 0\n}}"
    began = time.monotonic()
    bundle = law("small")[0]
    provision = next(iter(bundle.catalogue.values()))
    package = bundle.modules[provision.path].partition("\npackage ")[2].partition("\n")[0]
    explainer = Explainer(
        replace(bundle, modules={**bundle.modules, provision.path: f"package {package}\n\n{endless}\n"})
    )
    with pytest.raises(NotExplained):
        explainer.explain({}, seconds=0.5)
    assert time.monotonic() - began < 5
