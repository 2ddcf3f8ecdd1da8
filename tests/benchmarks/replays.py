"""How many past decisions are replayed in a second, on one process and on two, and what limits it.

The past is made for it, with the shares of purposes, reasons, windows and agencies of
``tests.revisions.replay.past``.
Times are of the wall; beside them the processor's own, because a machine that others use says little by
the wall alone.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gatekeeper.cli.policy_replay_process import Opener, names_of
from gatekeeper.policy import load_files, shipped_policies
from gatekeeper.policy.layout import files_of
from gatekeeper.revisions.replay.past import read
from gatekeeper.revisions.replay.pool import Alone, Pool
from gatekeeper.revisions.replay.work import Work
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from gatekeeper.store.past import PastDecisions
from tests.policy.laws import shipped
from tests.revisions.replay.past import fill
from tests.revisions.replay.replaying import laws_of, replay

_LOG = 17_135_439
"""Searches in a real city's published log, of 32 months."""


def measure(decisions: int, most: int) -> dict[str, Any]:
    """Replay so many with one process and with two, and as many as *most* to see what memory does."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        small, large = Path(directory, "small"), Path(directory, "large")
        for city, count in ((small, decisions), (large, most)):
            _made(city, count)
        found["one_process"] = _alone(small, 1, decisions)
        found["two_processes"] = _alone(small, 2, decisions)
        found["more"] = _alone(large, 2, most)
        found["parts"] = _parts(small, decisions)
    rate = found["more"]["per_second"]
    found["hours_for_17_million"] = round(_LOG / rate / 3600, 2)
    grown = found["more"]["largest_process_mb"] - found["two_processes"]["largest_process_mb"]
    found["memory_grown_mb"] = round(grown, 1)
    return found


def _made(city: Path, decisions: int) -> None:
    settings = Settings(data=city, engine="embedded", client_profiles="fapi basic")
    lay_out(settings)
    state = open_state(settings)
    fill(state, shipped(), decisions, rows=False)
    state.close()


def _alone(city: Path, processes: int, decisions: int) -> dict[str, float]:
    """Replay in a process of its own, so that its memory, and that of its processes, is its own."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.replays", str(city), str(processes)],
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, float] = json.loads(run.stdout)
    return {
        "decisions": decisions,
        "per_second": round(decisions / told["seconds"]),
        "per_second_of_processor": round(decisions / told["processor_seconds"]),
        **{name: round(value, 1) for name, value in told.items()},
    }


def _parts(city: Path, decisions: int) -> dict[str, float]:
    """Say how much of one process's work is done where, and how many facts were equal."""
    state = open_state(Settings(data=city, engine="embedded", client_profiles="fapi basic"))
    laws, size = laws_of(_candidate()), state.rows.head().size
    work, record, spent = Work(laws, names_of(state), "bench"), PastDecisions(state.database), [0.0] * 4
    for start in range(0, size, 2000):
        began = time.thread_time()
        found = list(record.between(start, min(start + 2000, size)))
        fetched = time.thread_time()
        opened = [one for each in found if (one := read(each, state.ledger)) is not None]
        unsealed = time.thread_time()
        prepared = work.gathered(opened)
        treated = time.thread_time()
        work.counted(prepared, work.decide(prepared, everything=True))
        ends = (fetched - began, unsealed - fetched, treated - unsealed, time.thread_time() - treated)
        spent = [one + more for one, more in zip(spent, ends, strict=True)]
    state.database.close()
    names = ("read_us", "open_us", "make_alike_us", "decide_and_count_us")
    return {
        **{name: round(one / decisions * 1e6, 1) for name, one in zip(names, spent, strict=True)},
        "decided_by_an_engine": work.evaluated,
        "equal_share": round(1 - work.evaluated / 2 / decisions, 4),
    }


def _candidate() -> Any:
    files, _ = files_of(shipped_policies())
    city = json.loads(files["data/city.json"])
    city["most_days_searched"] = 20
    return load_files({**files, "data/city.json": json.dumps(city)})


def main() -> None:
    """Replay one city, and say how long it took and how large the largest process was."""
    city, processes = Path(sys.argv[1]), int(sys.argv[2])
    laws = laws_of(_candidate())
    state = open_state(Settings(data=city, engine="embedded", client_profiles="fapi basic"))
    opener = Opener.of(state, laws, "sample-seed")
    state.database.close()
    began = time.perf_counter()
    replay(city, laws, workers=Pool(opener, processes) if processes > 1 else Alone(opener))
    seconds = time.perf_counter() - began
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {
        "seconds": seconds,
        "processor_seconds": sum(one.ru_utime + one.ru_stime for one in spent),
        "largest_process_mb": max(one.ru_maxrss for one in spent) / 1024,
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
