"""The log by itself: durable appends, and what proofs, tiles, copies and verification cost as it grows.

Appends are those of the running service: group commit, a sealed private detail each, synchronous commits, by
threads of two worker processes as gunicorn has them. Larger logs are loaded past the log's own procedure,
from one real entry with another query's id each, and are then read by the real code alone.
"""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from gatekeeper.errors import GatekeeperError
from gatekeeper.ledger import Publication, Published, verify
from gatekeeper.ledger.export import export
from gatekeeper.ledger.merkle import inclusion_proof
from gatekeeper.ledger.tiles import WIDTH, Roots, TileReader, path
from gatekeeper.store.database import Database
from tests.benchmarks.chart import bars
from tests.benchmarks.floor import bare_commits
from tests.benchmarks.long_log import load
from tests.ledger.made import decided
from tests.ledger.test_published import Day, Kept
from tests.servers.postgres import cluster, programs
from tests.store.mortal import opened

WRITERS = (1, 8, 32)
GOAL_PER_SECOND, GOAL_P99_MS, GOAL_PROOF_MS = 4000, 50, 5
LARGEST = 10_000_000
"""The size that the goal for a proof speaks of."""


def measure(seconds: float, *, large: bool) -> dict[str, Any]:
    """Measure appends on each database, then reading at each size."""
    found: dict[str, Any] = {
        "goals": {
            "appends_per_second_at_32": GOAL_PER_SECOND,
            "append_p99_ms": GOAL_P99_MS,
            f"proof_ms_at_{LARGEST}": GOAL_PROOF_MS,
        }
    }
    with tempfile.TemporaryDirectory(prefix="gatekeeper-ledger-") as directory:
        place = Path(directory)
        found["bare_durable_commits_per_second"] = round(bare_commits(place / "bare.db", seconds))
        found["appends"] = {}
        for kind, url in databases(place):
            found["appends"][kind] = _appends(url, place / kind, seconds)
        sizes = (10_000, 100_000, 1_000_000) if large else (10_000, 100_000)
        found["sizes"] = {str(size): _reading(place / str(size), size) for size in sizes}
    grown = {name: {size: one[name] for size, one in found["sizes"].items()} for name in _SHOWN}
    found["growth"] = {name: _growth(list(values.values())) for name, values in grown.items()}
    proofs = [one["proof_p50_ms"] for one in found["sizes"].values()]
    found[f"proof_ms_at_{LARGEST}_if_it_grows_on"] = _extended(sizes, proofs)
    found["chart"] = [line for name, values in grown.items() for line in bars(name, values)]
    return found


_SHOWN = (
    "proof_p50_ms",
    "receipt_p50_ms",
    "first_proof_ms",
    "tile_p50_ms",
    "export_seconds",
    "verify_seconds",
)


def databases(place: Path) -> Iterator[tuple[str, str]]:
    """Yield the kind and the URL of a migrated database of each kind that is here."""
    (place / "sqlite").mkdir()
    url = f"sqlite:///{place / 'sqlite' / 'state.db'}"
    _migrate(url)
    yield "sqlite", url
    if programs() is not None:
        (place / "postgres").mkdir()
        with cluster() as made:
            url = made.create("ledger")
            _migrate(url)
            yield "postgres", url


def _migrate(url: str) -> None:
    with closing(Database.open(url)) as database:
        database.migrate()


# --- Appends. ---------------------------------------------------------------------------------------------


def _appends(url: str, directory: Path, seconds: float) -> dict[str, Any]:
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
    alone, most = found["1"]["per_second"], found["32"]["per_second"]
    found["of_32_to_1"] = round(most / alone, 2)
    found["goal_met"] = most >= GOAL_PER_SECOND and found["32"]["p99_ms"] <= GOAL_P99_MS
    return found


def _written(url: str, directory: Path, writers: int, seconds: float) -> list[float]:
    """Return how long each append took, shortest first."""
    context = multiprocessing.get_context("forkserver")
    processes = min(2, writers)
    begin, said = context.Barrier(processes), context.SimpleQueue()
    started = [
        context.Process(target=_worker, args=(url, directory, writers // processes, seconds, begin, said))
        for _ in range(processes)
    ]
    for process in started:
        process.start()
    times = [one for _ in started for one in said.get()]
    for process in started:
        process.join()
    if not times or any(process.exitcode for process in started):
        raise RuntimeError("a worker failed")
    return sorted(times)


def _worker(url: str, directory: Path, threads: int, seconds: float, begin: Barrier, said: Any) -> None:
    database, _, ledger, _ = opened(url, directory)
    times: list[float] = []

    def work(until: float, *, counted: bool) -> None:
        while (began := time.monotonic()) < until:
            ledger.append(decided())
            if counted:
                times.append(time.monotonic() - began)

    def all_at_once(span: float, *, counted: bool) -> None:
        until = time.monotonic() + span
        workers = [
            threading.Thread(target=work, args=(until,), kwargs={"counted": counted}) for _ in range(threads)
        ]
        for one in workers:
            one.start()
        for one in workers:
            one.join()

    all_at_once(0.3, counted=False)
    begin.wait(60)
    try:
        all_at_once(seconds, counted=True)
    except GatekeeperError:
        times.clear()
    said.put(times)
    ledger.close()
    database.close()


# --- Reading. ---------------------------------------------------------------------------------------------


def _reading(directory: Path, size: int) -> dict[str, Any]:
    directory.mkdir()
    url = f"sqlite:///{directory / 'state.db'}"
    _migrate(url)
    load(directory / "state.db", size)
    database, rows, ledger, key = opened(url, directory)
    published = Published(rows, Publication(rows, key, Kept(), Day().now, 0).latest)
    dice = random.Random(size)  # noqa: S311  a benchmark's dice
    indices = [dice.randrange(size) for _ in range(300)]
    tiles = [path(0, index // WIDTH) for index in indices if (index // WIDTH + 1) * WIDTH <= size]
    roots: Roots = {}
    found = {
        "first_proof_ms": _spent("", ledger.receipt_for, indices[:1])["_p50_ms"],
        **_spent("proof", lambda i: inclusion_proof(i, size, TileReader(rows, roots).node), indices),
        **_spent("receipt", ledger.receipt_for, indices),
        **_spent("tile", published.file, tiles),
        **_spent("bundle", published.file, [each.replace("tile/0/", "tile/entries/") for each in tiles]),
    }
    began = time.monotonic()
    export(published, rows, key.verifier, directory / "public")
    exported = time.monotonic() - began
    began = time.monotonic()
    if findings := verify(rows, key.vkey, kept=[ledger.checkpoint()]):
        raise RuntimeError(f"the log does not verify: {findings[0].message}")
    verified = time.monotonic() - began
    database.close()
    return found | {
        "export_seconds": round(exported, 2),
        "export_per_second": round(size / exported),
        "verify_seconds": round(verified, 2),
        "verify_per_second": round(size / verified),
    }


def _spent(name: str, work: Callable[[Any], object], of: Sequence[Any]) -> dict[str, float]:
    times = []
    for each in of:
        began = time.perf_counter()
        work(each)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {
        f"{name}_p50_ms": round(times[len(times) // 2], 3),
        f"{name}_p99_ms": round(times[int(len(times) * 0.99)], 3),
    }


def _growth(values: Sequence[float]) -> list[float]:
    """Return by how much each grew while the log grew tenfold: 1 is not at all, 10 as the log did."""
    return [round(after / before, 2) for before, after in pairwise(values)]


def _extended(sizes: Sequence[int], times: Sequence[float]) -> float:
    """Return the time at ``LARGEST`` if each tenfold adds as much as the last one did; no measurement."""
    tenfolds = len(str(LARGEST)) - len(str(sizes[-1]))
    return round(times[-1] + tenfolds * max(0.0, times[-1] - times[-2]), 3)
