"""Durable appends to a log as the running service makes them, by one writer and by many.

Group commit, a sealed private detail each, synchronous commits, by threads of two worker processes as
gunicorn has them.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from tests.ledger.made import decided
from tests.store.mortal import opened

WRITERS = (1, 8, 32)
GOAL_PER_SECOND, GOAL_P99_MS = 4000, 50
"""Of 32 writers."""


def appends(url: str, directory: Path, seconds: float) -> dict[str, Any]:
    """Append to a log for so long with each number of writers; milliseconds are those that one waited."""
    opened(url, directory)[0].close()  # the key is made before two processes want one
    found: dict[str, Any] = {}
    for writers in WRITERS:
        times = _written(url, directory, writers, seconds)
        found[str(writers)] = {
            "per_second": round(len(times) / seconds),
            "p50_ms": round(times[len(times) // 2] * 1000, 2),
            "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 2),
            "largest_ms": round(times[-1] * 1000, 2),
        }
    most = found[str(WRITERS[-1])]
    found["of_32_to_1"] = round(most["per_second"] / found["1"]["per_second"], 2)
    found["goal_met"] = most["per_second"] >= GOAL_PER_SECOND and most["p99_ms"] <= GOAL_P99_MS
    return found


def _written(url: str, directory: Path, writers: int, seconds: float) -> list[float]:
    """Return how long each append took, shortest first. Raises RuntimeError if one of them failed."""
    context = multiprocessing.get_context("forkserver")
    processes = min(2, writers)
    begin = context.Barrier(processes)
    started: list[tuple[ForkServerProcess, Connection]] = []
    for _ in range(processes):
        heard, said = context.Pipe(duplex=False)
        process = context.Process(
            target=_worker, args=(url, directory, writers // processes, seconds, begin, said)
        )
        process.start()
        said.close()  # so that a worker's end is heard
        started.append((process, heard))
    times: list[float] = []
    failed = False
    for process, heard in started:
        try:
            times += heard.recv()
        except EOFError:
            failed = True
        process.join()
    if failed or not times:
        raise RuntimeError("a worker failed: what it says stands above")
    return sorted(times)


def _worker(
    url: str, directory: Path, threads: int, seconds: float, begin: Barrier, said: Connection
) -> None:
    database, _, ledger, _ = opened(url, directory)

    def work(span: float) -> list[float]:
        times, until = [], time.monotonic() + span
        while (began := time.monotonic()) < until:
            ledger.append(decided())
            times.append(time.monotonic() - began)
        return times

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [0.3] * threads))
        begin.wait(60)
        told = [one for times in pool.map(work, [seconds] * threads) for one in times]
    ledger.close()
    if ledger.checkpoint_fault:
        raise RuntimeError(ledger.checkpoint_fault)
    said.send(told)
    database.close()
