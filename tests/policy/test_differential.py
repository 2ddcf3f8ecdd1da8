"""The same facts to both engines: the same answer, always."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy import Embedded, Verdict, verdict_of
from gatekeeper.policy.mutations import TEXTS, mutated, places, texts_of, without
from gatekeeper.policy.opa import OpaServer
from gatekeeper.policy.rehearsal import worst_inputs
from tests.policy.laws import PACKS, dumps, law
from tests.servers.opa import opa_server


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
    texts = TEXTS + texts_of(bundle.modules, bundle.data.get("city"))
    asked += [mutated(facts, chance, texts)[0] for _ in range(10_000 if name == "shipped" else 600)]
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


def test_the_texts_that_rules_compare_with_are_tried() -> None:
    """Facts that no rule ever heard of would reach none of what stands behind a comparison."""
    bundle = law("shipped")[0]
    tried = set(texts_of(bundle.modules, bundle.data["city"]))
    assert {"90Z", "criminal_warrant", "federal", "2026-01"} <= tried
