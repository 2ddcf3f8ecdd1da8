"""``python -m tests.benchmarks KIND`` (``--help`` lists them): one JSON document as output.

Figures compare two things on one machine at one time; between machines only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks import (
    activation,
    engines,
    exchange,
    growth,
    patterns,
    queue,
    reading,
    replays,
    soak,
    spending,
    verifying,
)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    kinds = parser.add_subparsers(dest="kind", required=True)
    asked = kinds.add_parser("exchange", help="the gate beside its ungated twin")
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--seconds", type=float, default=8)
    asked.add_argument("--opa", help="decide by this OPA server")
    asked = kinds.add_parser("engines", help="one decision on each engine")
    asked.add_argument("--decisions", type=int, default=3000)
    asked = kinds.add_parser("soak", help="a while under load")
    asked.add_argument("--seconds", type=int, default=600)
    asked.add_argument("--opa", help="decide by this OPA server")
    kinds.add_parser("screen", help="reading a usual request, and 100 KB of anything")
    kinds.add_parser("reasons", help="labelled reasons that are decided otherwise than they should be")
    asked = kinds.add_parser("queue", help="the queue of reviews under many clerks, on PostgreSQL")
    asked.add_argument("--reviews", type=int, default=1_000_000)
    asked.add_argument("--clerks", type=int, default=50)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--think", type=float, default=3, help="seconds for which a clerk reads a page")
    asked = kinds.add_parser("activation", help="a law comes into force, and is rolled back, under load")
    asked.add_argument("--queries", type=int, default=50_000)
    asked.add_argument("--engine", choices=("embedded", "opa"), default="embedded")
    asked = kinds.add_parser("patterns", help="what facts over time add to a query on a long log")
    asked.add_argument("--queries", type=int, default=100_000)
    asked.add_argument("--database", choices=("sqlite", "postgres"), action="append")
    asked = kinds.add_parser("replay", help="another law on past queries")
    asked.add_argument("--decisions", type=int, default=100_000)
    asked.add_argument("--most", type=int, default=300_000)
    verifying.add_to(kinds)
    growth.add_to(kinds)
    spending.add_to(kinds)
    return parser.parse_args()


def _more(options: argparse.Namespace) -> list[str]:
    return ["--opa", options.opa] if options.opa else []


MEASURES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "exchange": lambda said: exchange.measure(said.rounds, said.seconds, *_more(said)),
    "engines": lambda said: engines.measure(said.decisions),
    "soak": lambda said: soak.measure(said.seconds, *_more(said)),
    "screen": lambda _: reading.measure(),
    "reasons": lambda _: reading.judge(),
    "queue": lambda said: queue.measure(said.reviews, said.clerks, said.seconds, said.think),
    "activation": lambda said: activation.measure(said.queries, said.engine),
    "patterns": lambda said: patterns.measure(said.queries, tuple(said.database or patterns.KINDS)),
    "replay": lambda said: replays.measure(said.decisions, said.most),
    "verify": lambda said: verifying.measure(said.entries),
    "growth": lambda said: growth.measure(said.sizes, said.databases, said.seconds, said.out),
    "spending": lambda said: spending.measure(said.rounds, said.appends),
}


def main() -> None:
    """Run one benchmark."""
    # Ended from outside, it stops its servers and removes its gigabytes all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = _options()
    found = MEASURES[options.kind](options)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    json.dump({"benchmark": options.kind, "machine": machine, **found}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
