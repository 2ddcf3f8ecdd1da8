"""What the gate costs: its throughput and latency beside the ungated twin's, alternating A B A B."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.city import gate, twin

LEVELS = (1, 8, 32)


def measure(rounds: int, seconds: float, *more: str) -> dict[str, Any]:
    """Measure both at each number of connections. Raises RuntimeError if anything but 200 is answered."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-bench-") as directory:
        data = Path(directory) / "city"
        with gate(data, *more) as served, twin(data) as ungated:
            bodies = served.bodies()
            # Engines, pools and page caches warm up on both sides before anything counts.
            load.run(served.base_url, bodies, served.token(), 8, 2)
            load.run(ungated, bodies, None, 8, 2)
            return {
                "generator": load.generator(),
                "rounds": rounds,
                "seconds": seconds,
                "levels": [_level(served, ungated, bodies, n, rounds, seconds) for n in LEVELS],
            }


def _level(
    served: Any, ungated: str, bodies: list[bytes], connections: int, rounds: int, seconds: float
) -> dict[str, Any]:
    gated, bare = [], []
    for _ in range(rounds):
        gated.append(load.run(served.base_url, bodies, served.token(), connections, seconds))
        bare.append(load.run(ungated, bodies, None, connections, seconds))
    a, b = _medians(gated), _medians(bare)
    return {
        "connections": connections,
        "gate": a,
        "ungated": b,
        "throughput_ratio": round(a["requests_per_second"] / b["requests_per_second"], 3),
        "p50_added_ms": round(a["p50_ms"] - b["p50_ms"], 2),
        "p99_added_ms": round(a["p99_ms"] - b["p99_ms"], 2),
    }


def _medians(found: list[load.Measured]) -> dict[str, float]:
    return {
        "requests_per_second": round(median(m.requests_per_second for m in found), 1),
        "p50_ms": round(median(m.p50_ms for m in found), 2),
        "p99_ms": round(median(m.p99_ms for m in found), 2),
    }
