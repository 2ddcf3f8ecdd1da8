"""What the gate costs: beside the ungated twin, and by the profiles of its clients, alternating A B A B."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import floor, sending
from tests.benchmarks.city import Served, gate, twin
from tests.benchmarks.loads import Load
from tests.benchmarks.processes import processor_s
from tests.servers.credentials import Shown, bound

LEVELS = (1, 8, 32)
MOST_PER_SECOND = 2500
"""Proofs that are signed for a second of a run: more than the gate can answer."""
FLOOR_LEVEL = 8
"""The connections at which the floor is compared: the machine is busy, and nobody queues for long."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two servers that are compared."""

    base_url: str
    process: int
    shown: Callable[[float], Shown | None]
    """Returns what clients show in a run of so many seconds."""

    def run(self, load: Load, connections: int, seconds: float) -> dict[str, float]:
        """Send for that long. Raises RuntimeError if anything but 200 is answered."""
        shown, before = self.shown(seconds), processor_s(self.process)
        found = sending.run(self.base_url, load, shown, connections, seconds)
        spent = processor_s(self.process) - before
        return {
            "requests_per_second": found.requests_per_second,
            "p50_ms": found.p50_ms,
            "p99_ms": found.p99_ms,
            "processor_ms": 1000 * spent / found.requests,
        }


def measure(rounds: int, seconds: float, *more: str) -> dict[str, Any]:
    """Measure both under each load at each number of connections."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-bench-") as directory:
        data = Path(directory) / "city"
        with gate(data, *more) as served, twin(data) as (address, process):
            gated = _Side(served.base_url, served.process.pid, lambda _: served.shown())
            ungated = _Side(address, process, lambda _: None)
            loads = served.loads()
            # Engines, pools and page caches warm up on both sides before anything counts.
            for side in (gated, ungated):
                side.run(loads[0], 8, 2)
            levels = [
                _level(gated, ungated, load, n, rounds, seconds) for load in loads for n in LEVELS
            ]  # fmt: skip
            every_case = next(
                found
                for found in levels
                if (found["load"], found["connections"]) == (loads[1].name, FLOOR_LEVEL)
            )
            return {
                "generator": sending.generator(),
                "rounds": rounds,
                "seconds": seconds,
                "levels": levels,
                "profiles": _profiles(served, gated, loads[1], rounds, seconds),
                "floor": floor.measure(
                    loads[1], Path(directory), every_case["ungated"]["requests_per_second"]
                ),
            }


def _profiles(
    served: Served, basic: _Side, load: Load, rounds: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Put clients with a secret beside clients of the profile ``fapi``: a token bound by DPoP, ES256."""

    def shown(seconds: float) -> Shown:
        return bound(served.base_url, served.agency("fapi"), round(MOST_PER_SECOND * seconds))

    fapi = _Side(served.base_url, served.process.pid, shown)
    found = {}
    for connections in LEVELS:
        a, b = _beside(basic, fapi, load, connections, rounds, seconds)
        found[str(connections)] = {
            "basic": a,
            "fapi": b,
            "throughput_ratio": round(b["requests_per_second"] / a["requests_per_second"], 3),
            "processor_added_ms": round(b["processor_ms"] - a["processor_ms"], 3),
            "p50_added_ms": round(b["p50_ms"] - a["p50_ms"], 2),
        }
    return found


def _level(
    gated: _Side, ungated: _Side, load: Load, connections: int, rounds: int, seconds: float
) -> dict[str, Any]:
    a, b = _beside(gated, ungated, load, connections, rounds, seconds)
    return {
        "load": load.name,
        "connections": connections,
        "gate": a,
        "ungated": b,
        "throughput_ratio": round(a["requests_per_second"] / b["requests_per_second"], 3),
        "p50_added_ms": round(a["p50_ms"] - b["p50_ms"], 2),
        "p99_added_ms": round(a["p99_ms"] - b["p99_ms"], 2),
    }


def _beside(
    one: _Side, other: _Side, load: Load, connections: int, rounds: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Run both in turn; return the medians of each."""
    runs = [
        (one.run(load, connections, seconds), other.run(load, connections, seconds)) for _ in range(rounds)
    ]  # fmt: skip
    return _medians([pair[0] for pair in runs]), _medians([pair[1] for pair in runs])


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    digits = {"requests_per_second": 1, "processor_ms": 3}
    return {name: round(median(run[name] for run in found), digits.get(name, 2)) for name in found[0]}
