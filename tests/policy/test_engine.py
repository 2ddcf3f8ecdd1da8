"""The one reader of an engine's answer, and what may be asked at all."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Verdict, verdict_of
from gatekeeper.policy.engine import Facts, encode, known_answer
from gatekeeper.policy.mutations import places, replaced, without
from tests.policy.laws import SMALL_PERMITTED, dumps, small

WRONG: tuple[Any, ...] = (None, "", 0, 1, [], {}, False, "true", ["standing"])
PERMIT: dict[str, Any] = {
    "permit": True,
    "proved": ["purpose", "standing"],
    "unmet": [],
    "obligations": {"fields": ["id"]},
}
DENIAL: dict[str, Any] = {"permit": False, "proved": ["purpose"], "unmet": ["standing"], "obligations": {}}


def test_permit() -> None:
    """The exact shape, with everything proved, is a permit that names its law."""
    expected = Verdict(
        permit=True,
        proved=frozenset({"standing", "purpose"}),
        unmet=(),
        obligations={"fields": ["id"]},
        revision=small().revision,
        digest=small().digest,
    )
    assert expected == verdict_of(PERMIT, small())


def test_denial_in_manifest_order() -> None:
    """Unmet provisions are told in the order of the manifest, whatever the engine's order."""
    document = {**DENIAL, "proved": [], "unmet": ["purpose", "standing"]}
    assert verdict_of(document, small()).unmet == ("standing", "purpose")


NO_DECISION: dict[str, Any] = {
    "nothing": None,
    "undefined on regorus": "<undefined>",
    "a bare true": True,
    "a list": [PERMIT],
    "empty": {},
    "no permit": {k: v for k, v in PERMIT.items() if k != "permit"},
    "no proved": {k: v for k, v in PERMIT.items() if k != "proved"},
    "no unmet": {k: v for k, v in PERMIT.items() if k != "unmet"},
    "no obligations": {k: v for k, v in PERMIT.items() if k != "obligations"},
    "one more key": {**PERMIT, "extra": 1},
    "permit 1": {**PERMIT, "permit": 1},
    "permit in words": {**PERMIT, "permit": "true"},
    "permit null": {**PERMIT, "permit": None},
    "proved short of the manifest": {**PERMIT, "proved": ["standing"]},
    "proved short, unmet says so": {**PERMIT, "proved": ["standing"], "unmet": ["purpose"]},
    "proved beyond the manifest": {**PERMIT, "proved": ["purpose", "standing", "extra"]},
    "another provision in its place": {**PERMIT, "proved": ["purpose", "extra"]},
    "proved twice": {**PERMIT, "proved": ["purpose", "standing", "standing"]},
    "proved nothing": {**PERMIT, "proved": []},
    "proved an object": {**PERMIT, "proved": {"purpose": True, "standing": True}},
    "proved numbers": {**PERMIT, "proved": [1, 2]},
    "proved null": {**PERMIT, "proved": None},
    "permit with something unmet": {**PERMIT, "unmet": ["standing"]},
    "unmet unknown": {**PERMIT, "unmet": ["extra"]},
    "permit without obligations": {**PERMIT, "obligations": {}},
    "permit with a list of obligations": {**PERMIT, "obligations": ["fields"]},
    "obligations null": {**PERMIT, "obligations": None},
    "denial without a reason": {**PERMIT, "permit": False},
    "denial with too few reasons": {**DENIAL, "proved": [], "unmet": ["standing"]},
    "denial with obligations null": {**DENIAL, "obligations": None},
    "denial that proves what it leaves unmet": {**DENIAL, "proved": ["purpose", "standing"]},
}


@pytest.mark.parametrize("name", NO_DECISION)
def test_no_decision(name: str) -> None:
    """Anything but the exact shape is no answer: the query is refused and nothing is released."""
    with pytest.raises(PolicyUnavailable):
        verdict_of(NO_DECISION[name], small())


def test_every_damage_to_a_permit_is_no_permit() -> None:
    """No single deletion or replacement inside a permit leaves a permit, but within the obligations."""
    for place in places(PERMIT):
        if place[0] == "obligations" and len(place) > 1:
            continue
        damaged = [without(PERMIT, place)]
        damaged += [replaced(PERMIT, place, wrong) for wrong in WRONG]
        for document in damaged:
            if dumps(document) != dumps(PERMIT):
                with pytest.raises(PolicyUnavailable):
                    verdict_of(document, small())


class _Always(dict[str, Any]):
    """A mapping that claims to be equal to anything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


def test_exact_types_only() -> None:
    """A subclass could lie about itself; only what a JSON parser makes is read."""
    with pytest.raises(PolicyUnavailable):
        verdict_of(_Always(PERMIT), small())


def test_known_answer_refuses_what_nothing_satisfies() -> None:
    """An engine that finds a provision satisfied by no facts is not ready."""
    with pytest.raises(PolicyUnavailable):
        known_answer(verdict_of(DENIAL, small()), small())
    with pytest.raises(PolicyUnavailable):
        known_answer(verdict_of(PERMIT, small()), small())


def _nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


UNSAYABLE: dict[str, Any] = {
    "not an object": [],
    "a number beyond 2^53": {"n": 2**53 + 1},
    "a number beyond 2^63": {"n": 2**63},
    "a large negative number": {"n": -(2**64)},
    "a number of thousands of digits": {"n": 10**5000},
    "not a number": {"n": float("nan")},
    "infinity": {"n": float("inf")},
    "a set": {"n": {1}},
    "bytes": {"n": b"a"},
    "a name that is no text": {1: 2},
    "a lone surrogate": {"n": "\ud800"},
    "a lone surrogate as a name": {"\udfff": 1},
    "nested too deeply": _nested(200),
    "nested beyond the interpreter": _nested(50_000),
    "too large": {"n": "x" * 600_000},
}


@pytest.mark.parametrize("name", UNSAYABLE)
def test_unsayable_facts(name: str) -> None:
    """What the engines would read differently, or not at all, is asked of neither."""
    with pytest.raises(PolicyUnavailable):
        encode(UNSAYABLE[name])


def test_sayable_facts() -> None:
    """NUL, quotes, line separators and every other character are kept."""
    text = 'a\0b"\\\n\u2028é\U0001f697'
    assert (
        encode({"n": text, "m": [2**53, -0.5, None, True]})
        == '{"n":"a\\u0000b\\"\\\\\\n\u2028é\U0001f697","m":[9007199254740992,-0.5,null,true]}'
    )


def test_missing_fact_is_a_failure_of_ours() -> None:
    """Facts that do not fit the input's schema are not judged: a 503, told without the values."""
    facts = Facts(small())
    facts.text(SMALL_PERMITTED)
    for place in places(SMALL_PERMITTED):
        with pytest.raises(PolicyUnavailable, match="the facts do not fit"):
            facts.text(without(SMALL_PERMITTED, place))
    wrong = copy.deepcopy(SMALL_PERMITTED)
    wrong["agency"]["id"] = {"secret-word": 1}
    with pytest.raises(PolicyUnavailable) as refusal:
        facts.text(wrong)
    assert "secret-word" not in str(refusal.value)
    assert "properties/agency/properties/id/type" in str(refusal.value)
