"""Equal facts are answered once: what the embedded engine remembers, and what it must never."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Bundle, Embedded
from tests.policy.laws import SMALL_PERMITTED, small


def _facts(**purpose: Any) -> dict[str, Any]:
    facts = copy.deepcopy(SMALL_PERMITTED)
    facts["purpose"].update(purpose)
    return facts


class _Counting(Embedded):
    """Counts how often the engine itself is asked; answers *instead* if that is given."""

    def __init__(self, bundle: Bundle, remembered: int, instead: str | None = None) -> None:
        super().__init__(bundle, remembered=remembered)
        self.asked = 0
        self.instead = instead

    def _ask(self, text: str) -> str:
        self.asked += 1
        return self.instead or super()._ask(text)


def test_equal_facts_are_asked_once() -> None:
    """The second answer is the first, word for word; other facts are asked anew."""
    engine = _Counting(small(), remembered=8)
    first = engine.evaluate(SMALL_PERMITTED)
    assert first == engine.evaluate(copy.deepcopy(SMALL_PERMITTED))
    assert 1 == engine.asked
    assert not engine.evaluate(_facts(narrative="Forbidden")).permit
    assert 2 == engine.asked


def test_by_default_nothing_is_remembered() -> None:
    """Whoever wants equal facts answered once says so."""
    engine = Embedded(small())
    engine.evaluate(SMALL_PERMITTED)
    assert 0 == len(engine._answers)


@pytest.mark.parametrize(
    "almost",
    [
        _facts(narrative="Stolen Honda Civic "),
        _facts(narrative="stolen Honda Civic"),
        _facts(category="other"),
        SMALL_PERMITTED | {"agency": {"id": "a-1", "status": "suspended"}},
    ],
)
def test_facts_that_differ_in_anything_are_other_facts(almost: Mapping[str, Any]) -> None:
    """One letter, its case or a space more: the engine is asked, and says what it says without a memory."""
    engine = _Counting(small(), remembered=8)
    engine.evaluate(SMALL_PERMITTED)
    assert Embedded(small()).evaluate(almost) == engine.evaluate(almost)
    assert 2 == engine.asked


def test_a_denial_and_a_permit_never_mix() -> None:
    """Sixteen threads, a memory too small for their facts: each gets the answer to its own, every time."""
    engine = Embedded(small(), remembered=5)

    def ask(number: int) -> bool:
        right = True
        for turn in range(200):
            forbidden = (number + turn) % 2 == 0
            facts = _facts(narrative=f"{'Forbidden' if forbidden else 'Stolen car'} {turn % 7}")
            right = right and engine.evaluate(facts).permit is not forbidden
        return right

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(16)))


def test_memory_is_bounded() -> None:
    """A thousand different requests leave no more than the last few answers."""
    engine = Embedded(small(), remembered=10)
    for number in range(1000):
        engine.evaluate(_facts(narrative=f"Stolen car {number}"))
    assert 10 == len(engine._answers)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "null",
        "{}",
        '{"permit": true}',
        '{"permit": true, "proved": [], "unmet": [], "obligations": {"fields": ["id"]}}',
        "{" * 100_000,
    ],
)
def test_a_failure_is_never_remembered(broken: str) -> None:
    """What was no whole decision is asked again, and a sound answer then counts."""
    engine = _Counting(small(), remembered=8, instead=broken or " ")
    for _ in range(2):
        with pytest.raises(PolicyUnavailable):
            engine.evaluate(SMALL_PERMITTED)
    assert (2, 0) == (engine.asked, len(engine._answers))
    engine.instead = None
    assert engine.evaluate(SMALL_PERMITTED).permit


def test_a_late_answer_is_not_remembered() -> None:
    """Over budget is no answer, not even for whoever asks next."""
    engine = Embedded(small(), budget_ms=0.0, remembered=8)
    for _ in range(2):
        with pytest.raises(PolicyUnavailable, match="too late"):
            engine.evaluate(SMALL_PERMITTED)
    assert 0 == len(engine._answers)


def test_a_closed_engine_answers_nothing_from_memory() -> None:
    """After a change of policy the old law permits nobody, however often it did before."""
    engine = Embedded(small(), remembered=8)
    engine.evaluate(SMALL_PERMITTED)
    engine.close()
    assert 0 == len(engine._answers)
    engine._answers.keep(engine._facts.text(SMALL_PERMITTED), "{}")
    with pytest.raises(PolicyUnavailable, match="closed"):
        engine.evaluate(SMALL_PERMITTED)


def test_what_a_caller_does_to_a_verdict_reaches_no_other() -> None:
    """Obligations that one request changed would be what the next one is allowed."""
    engine = Embedded(small(), remembered=8)
    first = engine.evaluate(SMALL_PERMITTED)
    obligations: Any = first.obligations
    obligations["fields"].append("everything")
    obligations.clear()
    assert Embedded(small()).evaluate(SMALL_PERMITTED) == engine.evaluate(SMALL_PERMITTED)


def test_an_engine_that_is_broken_is_told_by_ready() -> None:
    """Health is asked of the engine, not of its memory."""
    engine = _Counting(small(), remembered=8)
    engine.ready()
    engine.instead = "{}"
    with pytest.raises(PolicyUnavailable):
        engine.ready()
