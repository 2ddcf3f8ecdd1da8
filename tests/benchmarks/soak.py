"""The gate under load for a while: memory does not grow, nothing fails, and the log verifies at the end."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.benchmarks import load
from tests.benchmarks.city import gate

SLICE_S = 20.0


def measure(seconds: int, *more: str) -> dict[str, Any]:
    """Load it in slices; read memory between them. Raises RuntimeError if an answer fails or the log does."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-soak-") as directory:
        data = Path(directory) / "city"
        with gate(data, *more) as served:
            bodies = served.bodies()
            slices: list[dict[str, float]] = []
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                span = min(SLICE_S, max(2.0, end - time.monotonic()))
                found = load.run(served.base_url, bodies, served.token(), 8, span)
                memory = _resident_kib(served.process.pid) / 1024
                slices.append(
                    {
                        "requests_per_second": round(found.requests_per_second, 1),
                        "p99_ms": round(found.p99_ms, 2),
                        "resident_mib": round(memory, 1),
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
    return {"seconds": seconds, "generator": load.generator(), "slices": slices, "log": "verified"}


def _resident_kib(master: int) -> int:
    """Add up the resident memory of a gunicorn and its workers; 0 where there is no /proc."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(
                line.split(":", 1) for line in status.read_text("utf-8").splitlines() if ":" in line
            )
        except OSError:
            continue  # it ended while we looked
        if int(fields["PPid"]) == master or int(fields["Pid"]) == master:
            total += int(fields.get("VmRSS", "0 kB").split()[0])
    return total
