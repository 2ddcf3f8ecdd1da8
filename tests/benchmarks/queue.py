"""The queue under many clerks: a real gate on PostgreSQL, full of reviews, and what each page takes."""

from __future__ import annotations

import os
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatekeeper.parts import load_bundle
from gatekeeper.settings import load
from gatekeeper.store.database import Database
from gatekeeper.store.staff import Staff
from tests.benchmarks.clerks import Clerk, Times, at_work
from tests.benchmarks.many_reviews import STAFF, fill
from tests.benchmarks.processes import processor_s
from tests.servers.gate import RunningGate, running_gate, small_city
from tests.servers.postgres import cluster

SERVER = ("shared_buffers=1GB", "max_connections=200", "max_wal_size=8GB", "random_page_cost=1.1")
"""What whoever runs PostgreSQL for a city would set."""

FILTERS = (
    {"assigned": "me"},
    {"assigned": "nobody"},
    {"assigned": "somebody"},
    {"due": "overdue"},
    {"purpose": "missing_or_endangered_person"},
    {"state": "escalated"},
    {"level": "counsel", "order": "moved"},
    {"provision": "stated_reason"},
    {"provision": "stated_reason", "agency": "bench-agency-1"},
    {"agency": "bench-agency-1", "order": "oldest"},
    {"agency": "bench-agency-7", "assigned": "nobody"},
    {"state": "done"},
    {"state": "upheld", "order": "newest", "provision": "case_number"},
    {"state": "done", "purpose": "missing_or_endangered_person", "order": "oldest"},
    {"asked_from": "2026-11-20", "order": "newest"},
    {"asked_to": "2026-11-10", "due": "overdue", "agency": "bench-agency-9"},
)
"""What clerks look at: common and rare, along an index and across it."""

REAL = 20
WARM_S = 10.0


def measure(reviews: int, clerks: int, seconds: float, think_s: float) -> dict[str, Any]:
    """Measure one clerk who never rests, and then that many who read what they open."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-queue-") as directory, cluster() as server:
        server.stop()
        server.start(*[part for setting in SERVER for part in ("-c", setting)])
        url, data = server.create("city"), Path(directory) / "city"
        env = {"GATEKEEPER_DATABASE_URL": url}
        with running_gate(data, reads=small_city(Path(directory)), env=env) as gate:
            catalogue = load_bundle(load()).catalogue
            codes = [code for code, provision in catalogue.items() if provision.review != "none"]
            known = fill(url, reviews, codes, gate.agency()["client_id"])
            opened = [_denied(gate) for _ in range(REAL)]
            cookies = _sign_in(url, min(clerks, STAFF))
            made = [
                Clerk(gate.base_url, cookie, number, FILTERS, opened, known, Times())
                for number, cookie in enumerate(cookies)
            ]
            at_work(made[:2], WARM_S, 0.0)
            return {
                "reviews": reviews,
                "one_clerk": _level(gate, server.pid, made[:1], seconds, 0.0),
                f"{len(made)}_clerks": _level(gate, server.pid, made, seconds, think_s),
            }


def _level(
    gate: RunningGate, database: int, clerks: list[Clerk], seconds: float, think_s: float
) -> dict[str, Any]:
    times, load = Times(), os.getloadavg()[0]
    before = [processor_s(each) for each in (gate.process.pid, database)]
    for clerk in clerks:
        clerk.times = times
    at_work(clerks, seconds, think_s)
    pages = sum(len(taken) for taken in times.taken.values())
    spent = [processor_s(each) for each in (gate.process.pid, database)]
    gate_ms, database_ms = (round(1000 * (b - a) / pages, 1) for a, b in zip(before, spent, strict=True))
    every = Times(taken={"all": [each for taken in times.taken.values() for each in taken]})
    return {
        "think_s": think_s,
        "pages_per_second": round(pages / seconds, 1),
        "processor_ms_per_page": {"gate": gate_ms, "database": database_ms},
        # What else the machine did: waiting for a processor is part of every figure below.
        "load_before": round(load, 1),
        "all": every.figures()["all"],
        "by_kind": times.figures(),
    }


def _denied(gate: RunningGate) -> str:
    """Ask what staff must look at, through the gate; its private detail is there to be shown."""
    answer = gate.ask(gate.body(purpose__narrative="investigation"))
    return str(answer.json()["query_id"])


def _sign_in(url: str, clerks: int) -> list[str]:
    """Begin a session for each clerk: how long sign-in takes is no part of this."""
    database = Database.open(url)
    people = Staff(database, lambda: datetime.now(UTC))
    cookies = [secrets.token_urlsafe(32) for _ in range(clerks)]
    for number, cookie in enumerate(cookies, start=1):
        people.begin_session(cookie, f"bench-staff-{number}")
    database.close()
    return cookies
