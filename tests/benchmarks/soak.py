"""The gate under mixed load for a while: no memory grows, nothing fails, and the log verifies at the end.

Queries as fast as they are answered, and beside them all else that is asked of a gate (``beside``). One kind
of answer is no failure: where the machine is too busy to send a release within its lease, it is not sent
(promise 3). Each of those must stand in the log as refused for just that.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.benchmarks import sending
from tests.benchmarks.beside import asked_beside
from tests.benchmarks.city import gate
from tests.benchmarks.processes import resident_mib

SLICE_S: Final = 20.0
MOST_LATE: Final = 0.05
"""The share of all answers that may not be sent in time."""
MOST_GROWTH: Final = 1.1
"""Of the memory in the last quarter to that in the third one. Before, caches fill: each connection to SQLite
keeps up to 2 MB of pages of a log that grows."""
_JUDGED: Final = 12
"""In fewer slices than these the memory only warms up."""


def measure(seconds: int, *more: str) -> dict[str, Any]:
    """Load it in slices; read memory between them.

    Raises RuntimeError if an answer fails, the memory grows, or the log does not verify.
    """
    with tempfile.TemporaryDirectory(prefix="gatekeeper-soak-") as directory:
        data = Path(directory) / "city"
        with gate(data, *more) as served:
            every_case = served.loads()[1]
            slices: list[dict[str, float]] = []
            queries = late = 0
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                span = min(SLICE_S, max(2.0, end - time.monotonic()))
                with asked_beside(served, every_case):
                    found = sending.run(served.base_url, every_case, served.shown(), 8, span, 1)
                queries += found.requests
                late += found.refused
                slices.append(
                    {
                        "requests_per_second": round(found.requests_per_second, 1),
                        "p99_ms": round(found.p99_ms, 2),
                        "resident_mib": round(resident_mib(served.process.pid), 1),
                    }
                )
        accounted_for(data, late)
        if late > MOST_LATE * queries:
            raise RuntimeError(f"{late} of {queries} answers were not sent in time: is this machine busy?")
        _verified(data)
    return {
        "seconds": seconds,
        "queries": queries,
        "not_sent_in_time": late,
        "generator": sending.generator(),
        "memory_grew": grown([one["resident_mib"] for one in slices]),
        "slices": slices,
        "log": "verified",
    }


def accounted_for(data: Path, late: int) -> None:
    """Compare the answers that were not 200 with what the log says of refused queries.

    Raises RuntimeError unless each of them was late, and the log knows of it.
    """
    with closing(sqlite3.connect(data / "state.db")) as database:
        found = database.execute("SELECT entry FROM ledger_entries WHERE event = 'query.refused'").fetchall()
    reasons = Counter(str(json.loads(entry).get("reason")) for (entry,) in found)
    if set(reasons) - {"lease_expired"} or late > reasons["lease_expired"]:
        raise RuntimeError(f"{late} answers were not 200, and the log says of refused ones: {dict(reasons)}")


def grown(resident: Sequence[float]) -> float | None:
    """Return by how much memory grew from the third quarter to the last; None for too short a time.

    Raises RuntimeError if that is too much.
    """
    if len(resident) < _JUDGED:
        return None
    quarter = len(resident) // 4
    before, after = median(resident[2 * quarter : 3 * quarter]), median(resident[-quarter:])
    if after > before * MOST_GROWTH:
        raise RuntimeError(f"the gate's memory grew from {before:.0f} to {after:.0f} MiB: {resident}")
    return round(after / before, 3)


def _verified(data: Path) -> None:
    verified = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "ledger", "verify", "--data", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    if verified.returncode:
        raise RuntimeError(f"the log does not verify:\n{verified.stdout[-1000:]}{verified.stderr[-1000:]}")
