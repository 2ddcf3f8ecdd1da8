"""What the limits add to a query: a durable decision with its spend beside one without, A B A B."""

from __future__ import annotations

import threading
import time
from datetime import date
from statistics import median
from typing import Any

from gatekeeper.exchange.fingerprints import officer_print
from gatekeeper.ledger import Clock, DayKeys, Ledger
from gatekeeper.ledger.rows import Row
from gatekeeper.ledger.spending import Limit, Spend
from tests.benchmarks.growth import KINDS, database
from tests.ledger.made import decided
from tests.servers.postgres import programs
from tests.store.mortal import opened

GOAL_MS = 0.3
OFFICERS = 40
THREADS = (1, 8, 32)


def add_to(kinds: Any) -> None:
    """Add the arguments of this benchmark."""
    asked = kinds.add_parser("spending", help="what limits add to a decision")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--appends", type=int, default=2000, help="of each number of threads and round")


def measure(rounds: int, appends: int) -> dict[str, Any]:
    """Measure the milliseconds of one append on each database that is here, by the number of threads."""
    found: dict[str, Any] = {"goal_added_ms": GOAL_MS}
    for kind in KINDS:
        if kind == "postgres" and programs() is None:
            continue
        with database(kind, 0) as (url, place):
            ledger = opened(url, place)[2]
            keys = DayKeys(place / "days")
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
