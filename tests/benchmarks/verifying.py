"""How many entries of the log are verified in a second, on one process and on two, and with what memory.

The log is made for it: half decisions, half releases, texts of the usual length. Each is verified by the
command itself, in a process of its own; its start (of an empty city) is taken off. Beside the time of the
wall stands the processor's own, because a machine that others use says little by the wall alone.

Where it goes, in microseconds of a processor for each entry, by stage: its row from the driver 1.3 (it was
3.7 on SQLite and 5.5 on PostgreSQL through SQLAlchemy), its hash 0.8, being told by one like it 1.5 (it was
about 20 to decode it, compare it with its canonical form and apply its schema), fitting it to those before
1.3 (of which its mark is half), its nodes of the tree 0.3, its part of a tile 0.1. One that is like none
before costs what it did, and 10 more to be remembered; a log of 3,000 kinds in turn costs little more than
one of two. A second process adds its start, half a second of a processor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from tests.ledger.bulk import load
from tests.servers.postgres import cluster, programs

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
    """Verify so many entries on each database, and an eighth of them to see what memory does.

    On PostgreSQL the processor's time is without the server's own.
    """
    found: dict[str, Any] = {"entries": entries, "sqlite": _on(entries, lambda _: "")}
    if programs() is not None:
        with cluster() as made:
            found["postgres"] = _on(entries, made.create)
    return found


def _on(entries: int, database: Callable[[str], str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        counts = {"empty": 0, "small": entries // 8, "large": entries}
        empty, small, large = (
            Settings(data=Path(directory, name), engine="embedded", database_url=database(name))
            for name in counts
        )
        for city, count in zip((empty, small, large), counts.values(), strict=True):
            lay_out(city)
            state = open_state(city)
            load(state.rows, count)
            state.close()
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


def _verified(city: Settings, processes: str) -> dict[str, Any]:
    began = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", _RUN, processes, str(city.data)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "GATEKEEPER_DATABASE_URL": city.database_url},
    )
    seconds = time.perf_counter() - began
    if json.loads(run.stdout)["findings"]:
        raise SystemExit(run.stdout)
    return {"seconds": seconds, **json.loads(run.stderr.splitlines()[-1])}
