"""What the limits add to a query: a durable decision with its spend beside one without, A B A B."""

from __future__ import annotations

import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from gatekeeper.exchange.fingerprints import officer_print
from gatekeeper.ledger import Clock, DayKeys, Ledger
from gatekeeper.ledger.rows import Row
from gatekeeper.ledger.spending import Limit, Spend
from tests.benchmarks.ledger import databases
from tests.ledger.made import decided
from tests.store.mortal import opened

GOAL_MS = 0.3
OFFICERS = 40
THREADS = (1, 8, 32)


def measure(rounds: int = 5, appends: int = 2000) -> dict[str, Any]:
    """Measure the milliseconds of one append on each database, by the number of threads."""
    found: dict[str, Any] = {"goal_added_ms": GOAL_MS}
    with tempfile.TemporaryDirectory(prefix="gatekeeper-spending-") as directory:
        place = Path(directory)
        for kind, url in databases(place):
            ledger = opened(url, place / kind)[2]
            keys = DayKeys(place / kind / "days")
            found[kind] = {str(n): _beside(ledger, keys, n, rounds, appends) for n in THREADS}
            ledger.close()
    return found


def _beside(ledger: Ledger, keys: DayKeys, threads: int, rounds: int, appends: int) -> dict[str, float]:
    with_none, with_spend = [], []
    for _ in range(rounds):
        with_none.append(_run(ledger, None, threads, appends))
        with_spend.append(_run(ledger, keys, threads, appends))
    before, after = median(with_none), median(with_spend)
    return {"ms": round(before, 3), "with_spend_ms": round(after, 3), "added_ms": round(after - before, 3)}


def _run(ledger: Ledger, keys: DayKeys | None, threads: int, appends: int) -> float:
    """Return the milliseconds of all threads together for one append."""
    each = appends // threads

    def work(number: int) -> None:
        for turn in range(each):
            rows: list[Row] = [] if keys is None else [_spend(keys, f"{(number + turn) % OFFICERS}")]
            ledger.append(decided(), rows)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 1000 * (time.perf_counter() - began) / (each * threads)


_CLOCK = Clock()
_LIMITS = (Limit("agency", 10**6, 10**6), Limit("plate", 10**6, 10**6))


def _spend(keys: DayKeys, badge: str) -> Spend:
    today = _CLOCK.now().date()

    def print_of(day: date) -> bytes | None:
        return officer_print(keys, day, agency_id="agency-elsewhere", badge=badge) if day == today else None

    officer = Limit("officer", 10**6, 10**6)
    return Spend("agency-elsewhere", _LIMITS, officer, print_of, False, _CLOCK.now_ms, lambda _left: None)
