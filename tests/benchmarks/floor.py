"""What the mandated parts alone cost, measured in the run that they explain.

One decision of the embedded engine, one marshmallow load of a body, and the two durable commits of a query
(decided before a read is fetched, released before one leaves) are not ours to leave out. With the twin's own
cost they bound the ratio from above: even a gate whose every other line took no time could not do better on
this machine. Commits are counted one for each entry, as on an idle gate; under load several share one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from gatekeeper import settings
from gatekeeper.exchange.bodies import QuerySchema
from gatekeeper.parts import load_bundle
from gatekeeper.policy import Embedded
from tests.benchmarks.engines import facts_of, line
from tests.benchmarks.loads import Load

TIMES = 400


def measure(load: Load, directory: Path, twin_per_second: float) -> dict[str, Any]:
    """Time the parts on bodies of *load*, in milliseconds of processor; commit in *directory*."""
    bodies = [load.body(number) for number in range(TIMES)]
    schema, documents = QuerySchema(), [json.loads(body) for body in bodies]
    bundle = load_bundle(settings.load())
    engine = Embedded(bundle)
    now = datetime.now(UTC)
    facts = facts_of(bundle, [line(document, now) for document in documents])
    with closing(_store(directory / "floor.db")) as store:
        parts = {
            "engine_decision": _processor_ms(lambda n: engine.evaluate(facts[n])),
            "marshmallow_load": _processor_ms(lambda n: schema.load(documents[n])),
            "two_durable_commits": 2 * _processor_ms(lambda n: _commit(store, n)),
        }
    engine.close()
    # The twin keeps every core busy at this load: this is their time for one request, generator included.
    twin = 1000 * (os.cpu_count() or 1) / twin_per_second
    return {
        "processor_ms": {name: round(ms, 3) for name, ms in parts.items()},
        "twin_ms": round(twin, 3),
        "throughput_ratio_if_all_else_were_free": round(twin / (twin + sum(parts.values())), 3),
    }


def bare_commits(file: Path, seconds: float) -> float:
    """Return the durable commits of one row that one thread can do in a second here, without any gate."""
    with closing(_store(file)) as store:
        began, number = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            _commit(store, number)
            number += 1
        return number / (time.monotonic() - began)


def _processor_ms(work: Callable[[int], object]) -> float:
    times = []
    for number in range(TIMES):
        began = time.thread_time()
        work(number)
        times.append(time.thread_time() - began)
    return median(times) * 1000


def _store(file: Path) -> sqlite3.Connection:
    store = sqlite3.connect(file, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE entries (n INTEGER PRIMARY KEY, entry BLOB NOT NULL)")
    return store


def _commit(store: sqlite3.Connection, number: int) -> None:
    store.execute("BEGIN IMMEDIATE")
    store.execute("INSERT INTO entries (n, entry) VALUES (?, ?)", (number, bytes(1024)))
    store.execute("COMMIT")
