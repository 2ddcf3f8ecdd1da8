"""The same facts to both engines: the same answer, always."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Embedded, Verdict, shipped_policies, verdict_of
from gatekeeper.policy.opa import OpaServer
from gatekeeper.policy.rehearsal import worst_inputs
from tests.policy.laws import JUNK, PACKS, dumps, law, places, replaced, without
from tests.servers.opa import opa_server

TEXTS = (
    "ICE target",
    "1mmigration",
    "abortion",
    "Stolen Honda Civic, taken from Ridge Ave overnight",
    "n/a",
    "investigation",
    "ICE cream truck robbery",
    "\0",
    "é" * 50,
    "\u2028\u200b",
    "İı\u0130ß\u1e9e",
    "criminal_investigation",
    "missing_or_endangered_person",
    "civil_immigration",
    "health_care",
    "other",
    "federal",
    "fusion_center",
    "private",
    "WI",
    "lapsed",
    "suspended",
    "place",
    "90Z",
    "2026-01",
    "stated_reason",
    "case_number",
    "all",
    "subpoena",
    "administrative_warrant",
    "criminal_warrant",
)
NUMBERS = (0, -1, 1, 2, 3, 30, 100, 365, 366, 10**6, 2**53, 0.1, 1.0, 99.999)


def _mutated(facts: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return *facts* with one to four changes, most of them of the right type."""
    for _ in range(chance.randint(1, 4)):
        every = list(places(facts))
        if not every:
            break
        place = chance.choice(every)
        match chance.randrange(6):
            case 0:
                facts = without(facts, place)
            case 1:
                facts = replaced(facts, place, chance.choice(JUNK))
            case 2:
                facts = replaced(facts, place, chance.choice(NUMBERS))
            case 3:
                facts = replaced(facts, place, chance.random() < 0.5)
            case _:
                facts = replaced(facts, place, chance.choice(TEXTS))
    return facts


def _rulings(facts: dict[str, Any], provisions: tuple[str, ...]) -> list[dict[str, Any]]:
    ruled = [{**facts, "ruling": {code: level}} for code in provisions for level in ("staff", "counsel")]
    return [*ruled, {**facts, "ruling": dict.fromkeys(provisions, "staff")}]


def _answer(ask: Callable[[Any], Verdict], facts: Any) -> Verdict | None:
    try:
        return ask(facts)
    except PolicyUnavailable:
        return None


@pytest.mark.needs("opa")
@pytest.mark.servers
@pytest.mark.parametrize("name", ["small", "shipped", "south", *PACKS])
def test_both_engines_agree(name: str, tmp_path: Path) -> None:
    """Thousands of facts, permitted, spoiled and extreme: the same verdicts and the same failures."""
    bundle, facts = law(name)
    chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret
    asked: list[Any] = [facts, {}, *_rulings(facts, bundle.provisions)]
    asked += [json.loads(text) for text in worst_inputs(bundle.schemas.get("input"))]
    asked += [without(facts, place) for place in places(facts)]
    asked += [_mutated(facts, chance) for _ in range(10_000 if name == "shipped" else 600)]
    with opa_server(bundle, tmp_path, unix=True) as server:
        opa, embedded = OpaServer(bundle, server.url, timeout=10), Embedded(bundle, budget_ms=10_000)
        outcomes: dict[str, int] = {"permit": 0, "deny": 0, "none": 0}
        for one in asked:
            mine = _answer(lambda facts: embedded._read(embedded._ask(dumps(facts))), one)
            theirs = _answer(lambda facts: verdict_of(opa._ask(facts), bundle), one)
            assert mine == theirs, dumps(one)[:2000]
            outcomes["none" if mine is None else "permit" if mine.permit else "deny"] += 1
        opa.close()
    assert outcomes["permit"] > 10
    assert outcomes["deny"] > 100
    assert outcomes["none"] < len(asked) / 10, outcomes


def test_shipped_texts_are_those_of_the_law() -> None:
    """The provisions named above exist: a renamed one would quietly test nothing."""
    assert {"stated_reason", "case_number"} <= {
        path.name for path in (shipped_policies() / "sharing").iterdir()
    }
