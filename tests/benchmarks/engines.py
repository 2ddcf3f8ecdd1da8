"""How long one decision takes on each engine, with the shipped policies and the facts of real requests."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gatekeeper import settings
from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.parts import load_bundle
from gatekeeper.policy import Bundle, Embedded, Engine, Verdict
from gatekeeper.policy.opa import OpaServer
from tests.benchmarks.loads import query
from tests.servers.opa import opa_server

NARRATIVES = (
    "Stolen sedan, taken from Sample Avenue overnight",
    "Armed robbery of a shop, the driver left in a blue sedan",
    "Investigation",
    "Hit and run with injury on Sample Avenue, dark pickup",
    "Removal of catalytic converter, white van seen",
    "I.C.E. target",
)


class _Recording:
    """Keeps the facts that it is asked with."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.bundle = engine.bundle
        self.facts: list[Mapping[str, Any]] = []

    def evaluate(self, facts: Mapping[str, Any]) -> Verdict:
        """Keep them, and ask."""
        self.facts.append(facts)
        return self._engine.evaluate(facts)

    def ready(self) -> None:
        """Pass it on."""
        self._engine.ready()

    def close(self) -> None:
        """Pass it on."""
        self._engine.close()


def measure(decisions: int) -> dict[str, Any]:
    """Time that many decisions on the embedded engine, and on OPA where it is."""
    bundle = load_bundle(settings.load())
    facts = facts_of(bundle, _lines())
    embedded = Embedded(bundle)
    found: dict[str, Any] = {
        "provisions": len(bundle.provisions),
        "revision": bundle.revision,
        "embedded": _timed(embedded, facts, decisions),
    }
    embedded.close()
    if shutil.which("opa") is None:
        return found | {"opa": "not on this machine"}
    with tempfile.TemporaryDirectory() as directory, opa_server(bundle, Path(directory), unix=True) as server:
        opa = OpaServer(bundle, server.url, timeout=5)
        found["opa_over_socket"] = _timed(opa, facts, decisions)
        opa.close()
    return found


def line(body: Mapping[str, Any], at: datetime, *, affirmed: bool = True) -> dict[str, Any]:
    """Return a line for ``decide``: a local agency of the same state asks *body* at that moment."""
    signed = {"kind": "affirmation", "text_version": "2026-01", "signer": "Sam Sample", "title": "Chief"}
    signed |= {"signed_on": f"{at:%Y}-01-01", "expires_on": f"{at.year + 1}-01-01"}
    agency = {"id": "sample-pd", "kind": "local", "state": "IL", "status": "active"}
    return {
        "agency": agency | {"affirmations": [signed] if affirmed else []},
        "request": body,
        "at": at.isoformat(),
    }


def facts_of(bundle: Bundle, lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the facts that the gate's own steps gather for each line. Raises RuntimeError for a bad one."""
    recording, lexicon = _Recording(Embedded(bundle)), Lexicon.of(bundle)
    for each in lines:
        answer = decide_line(json.dumps(each).encode("utf-8"), recording, lexicon)
        if "error" in answer:
            raise RuntimeError(answer["error"])
    recording.close()
    return recording.facts


def _lines() -> Iterable[Mapping[str, Any]]:
    now = datetime(2026, 11, 22, 20, tzinfo=UTC)
    for number in range(200):
        start = now - timedelta(days=1 + number % 20)
        body = query(f"DEMO{number:03}", start.isoformat(), now.isoformat())
        body["purpose"]["narrative"] = NARRATIVES[number % len(NARRATIVES)]
        yield line(body, now, affirmed=number % 5 > 0)


def _timed(engine: Engine, facts: list[Mapping[str, Any]], decisions: int) -> dict[str, float]:
    for each in facts[:50]:
        engine.evaluate(each)
    times = []
    for number in range(decisions):
        began = time.perf_counter()
        engine.evaluate(facts[number % len(facts)])
        times.append(time.perf_counter() - began)
    times.sort()
    return {
        "decisions": decisions,
        "mean_us": round(sum(times) / len(times) * 1e6, 1),
        "p50_us": round(times[len(times) // 2] * 1e6, 1),
        "p99_us": round(times[int(len(times) * 0.99)] * 1e6, 1),
    }
