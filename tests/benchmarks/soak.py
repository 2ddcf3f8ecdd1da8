"""The gate under load for a while: memory does not grow, nothing fails, and the log verifies at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import sending
from tests.benchmarks.beside import asked_beside
from tests.benchmarks.city import gate
from tests.benchmarks.processes import resident_mib

SLICE_S = 20.0


def measure(seconds: int, *more: str) -> dict[str, Any]:
    """Load it in slices; read memory between them. Raises RuntimeError if an answer fails or the log does."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-soak-") as directory:
        data = Path(directory) / "city"
        with gate(data, *more) as served:
            every_case = served.loads()[1]
            slices: list[dict[str, float]] = []
            queries = 0
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                span = min(SLICE_S, max(2.0, end - time.monotonic()))
                with asked_beside(served, every_case):
                    found = sending.run(served.base_url, every_case, served.token(), 8, span)
                queries += found.requests
                slices.append(
                    {
                        "requests_per_second": round(found.requests_per_second, 1),
                        "p99_ms": round(found.p99_ms, 2),
                        "resident_mib": round(resident_mib(served.process.pid), 1),
                    }
                )
        verified = subprocess.run(
            [sys.executable, "-m", "gatekeeper", "ledger", "verify", "--data", str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
        if verified.returncode:
            raise RuntimeError(
                f"the log does not verify:\n{verified.stdout[-1000:]}{verified.stderr[-1000:]}"
            )
    return {
        "seconds": seconds,
        "queries": queries,
        "generator": sending.generator(),
        "slices": slices,
        "log": "verified",
    }
