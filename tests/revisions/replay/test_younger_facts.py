"""Facts that there were not always: what a law of before, and a record of before, is given of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.exchange.decide import known_to
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.policy import Bundle
from gatekeeper.revisions.replay.facts import Facts
from gatekeeper.revisions.replay.past import Case, Decided
from tests.policy.laws import SHIPPED_PERMITTED, shipped

YOUNGER = ("patterns", "officer")
ALL = [(), ("patterns",), ("officer",), YOUNGER]


def _before(*unknown: str) -> Bundle:
    """Return the law as it was made before these were facts."""
    law = shipped()
    schema: Any = json.loads(json.dumps(law.schemas["input"]))
    for name in unknown:
        del schema["properties"][name]
        schema["required"].remove(name)
    return replace(law, schemas={**law.schemas, "input": schema})


def _recorded(law: Bundle, *missing: str, **changes: Any) -> Decided:
    facts = {name: fact for name, fact in SHIPPED_PERMITTED.items() if name not in missing} | changes
    case = Case(1, "", "2026-11-22T20Z", "sample-il-pd", "stolen_vehicle")
    return Decided(case, facts, {}, "permit", frozenset(), "none", law.digest)


@pytest.mark.parametrize("unknown", ALL)
def test_a_law_of_before_is_told_of_none_of_them(unknown: Sequence[str]) -> None:
    """Of each by itself: knowing one says nothing of the other."""
    given = known_to(_before(*unknown), dict(SHIPPED_PERMITTED))
    assert SHIPPED_PERMITTED.keys() - {*unknown} == given.keys()


@pytest.mark.parametrize("known", [(), ("patterns",)])
def test_a_law_without_officers_denies_a_suspended_one_all_the_same(known: Sequence[str]) -> None:
    """With an error, since nothing in it can deny; whether it knows patterns makes no difference."""
    suspended = {**SHIPPED_PERMITTED, "officer": replace(NAMED, suspended=True).facts()}
    law = _before(*({*YOUNGER} - {*known}))
    with pytest.raises(PolicyUnavailable, match="suspended officers"):
        known_to(law, suspended)
    with pytest.raises(PolicyUnavailable, match="suspended officers"):
        Facts(law, {law.digest: law}, {}).of(_recorded(law, officer=suspended["officer"]))
    assert suspended == known_to(shipped(), suspended)


def test_a_law_without_a_schema_is_told_of_none_and_lets_no_suspended_one_ask() -> None:
    """Nothing says that it could judge them."""
    bare = replace(shipped(), schemas={})
    assert SHIPPED_PERMITTED.keys() - {*YOUNGER} == known_to(bare, dict(SHIPPED_PERMITTED)).keys()
    with pytest.raises(PolicyUnavailable):
        known_to(bare, {"officer": replace(NAMED, suspended=True).facts()})


@pytest.mark.parametrize("missing", ALL)
@pytest.mark.parametrize("unknown", ALL)
def test_what_a_record_lacks_is_taken_as_nothing_found(
    unknown: Sequence[str], missing: Sequence[str]
) -> None:
    """Each law is given just what it knows, and a record that lacked patterns is said to."""
    law = _before(*unknown)
    given = Facts(law, {law.digest: law}, {}).of(_recorded(law, *missing))
    known = {*YOUNGER} - {*unknown}
    assert SHIPPED_PERMITTED.keys() - {*unknown} == given.facts.keys()
    lacked = {"patterns": ALONE.facts({}), "officer": NAMED.facts()}
    for name in known:
        assert (lacked[name] if name in missing else SHIPPED_PERMITTED[name]) == given.facts[name]
    assert ("patterns" in missing and "patterns" in known) == given.taken_as_alone


@pytest.mark.parametrize("missing", ALL)
@pytest.mark.parametrize("unknown", ALL)
def test_two_laws_share_an_answer_only_where_both_are_given_the_record_as_it_is(
    unknown: Sequence[str], missing: Sequence[str]
) -> None:
    """Else one of them would be judged by facts that it was never given."""
    older, newer = _before(*unknown), shipped()
    past = _recorded(newer, *missing)
    before, now = (Facts(law, {newer.digest: newer}, {}) for law in (older, newer))
    assert now.reads_as(before, past) == (not unknown and not missing)


def _before_sessions() -> Bundle:
    """Return the law as it was made before sessions were told apart."""
    law = shipped()
    schema: Any = json.loads(json.dumps(law.schemas["input"]))
    part = schema["properties"]["officer"]
    del part["properties"]["sessions_at_once"]
    part["required"].remove("sessions_at_once")
    return replace(law, schemas={**law.schemas, "input": schema})


@pytest.mark.parametrize("told_apart", [True, False])
@pytest.mark.parametrize("law", [shipped(), _before_sessions()], ids=["knows", "of before"])
def test_a_part_of_a_fact_may_be_younger_than_the_fact(law: Bundle, *, told_apart: bool) -> None:
    """A law of before sessions goes on with the officer it knows; a record of before them is of one."""
    whole = replace(NAMED, proved=True, hours_today=7).facts()
    recorded = {name: fact for name, fact in whole.items() if told_apart or name != "sessions_at_once"}
    past = _recorded(law, officer=recorded)
    facts, knows_it = Facts(law, {law.digest: law}, {}), _knows(law)
    given = facts.of(past).facts["officer"]
    assert (whole if knows_it else {n: f for n, f in whole.items() if n != "sessions_at_once"}) == given
    newest = shipped()
    as_it_is = Facts(newest, {law.digest: law}, {}).reads_as(facts, past)
    assert (knows_it and told_apart) == as_it_is


def _knows(law: Bundle) -> bool:
    schema: Any = law.schemas["input"]
    return "sessions_at_once" in schema["properties"]["officer"]["properties"]
