"""How many entries of the log are verified in a second, on one process and on two, and with what memory.

The log is made for it: half decisions, half releases, texts of the usual length. Each is verified by the
command itself, in a process of its own; its start (of an empty city) is taken off. Beside the time of the
wall stands the processor's own, because a machine that others use says little by the wall alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from tests.ledger.bulk import load

_RUN = """
import json, resource, sys
from gatekeeper.cli import ledger_verify_pool as pool, main
if sys.argv[1] == "1":
    pool.WORTH = 1 << 60
try:
    main(["ledger", "verify", "--json", "--data", sys.argv[2]])
finally:
    own, other = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({
        "processor_s": own.ru_utime + own.ru_stime + other.ru_utime + other.ru_stime,
        "peak_mb": max(own.ru_maxrss, other.ru_maxrss) // 1024,
    }), file=sys.stderr)
"""


def add_to(kinds: Any) -> None:
    """Add the arguments of this benchmark."""
    asked = kinds.add_parser("verify", help="the verification of a long log")
    asked.add_argument("--entries", type=int, default=100_000)


def measure(entries: int) -> dict[str, Any]:
    """Verify so many entries, and an eighth of them to see what memory does."""
    found: dict[str, Any] = {"entries": entries}
    with tempfile.TemporaryDirectory() as directory:
        empty, small, large = (Path(directory, name) for name in ("empty", "small", "large"))
        for city, count in ((empty, 0), (small, entries // 8), (large, entries)):
            _made(city, count)
        for name, processes in (("one_process", "1"), ("two_processes", "2")):
            start, whole = _verified(empty, processes), _verified(large, processes)
            seconds = whole["seconds"] - start["seconds"]
            found[name] = {
                "per_second": round(entries / seconds),
                "processor_us_each": round((whole["processor_s"] - start["processor_s"]) / entries * 1e6, 1),
                "peak_mb": whole["peak_mb"],
                "peak_mb_of_an_eighth": _verified(small, processes)["peak_mb"],
            }
    return found


def _made(city: Path, count: int) -> None:
    settings = Settings(data=city, engine="embedded", client_profiles="fapi basic")
    lay_out(settings)
    state = open_state(settings)
    load(state.rows, count)
    state.close()


def _verified(city: Path, processes: str) -> dict[str, Any]:
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", _RUN, processes, str(city)], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    if json.loads(run.stdout)["findings"]:
        raise SystemExit(run.stdout)
    return {"seconds": seconds, **json.loads(run.stderr.splitlines()[-1])}
