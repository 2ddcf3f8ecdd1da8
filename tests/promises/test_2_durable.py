"""Promise 2: the decision is durable before a read is fetched, the release before a read leaves."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from gatekeeper.app import application
from gatekeeper.exchange import respond
from gatekeeper.exchange.redact import Release
from tests.exchange.city import City, body
from tests.promises.made import once
from tests.servers.gate import RunningGate, running_gate


def _on_disk(city: City) -> list[dict[str, Any]]:
    """Read the log as another process would: only what was committed can be seen."""
    file = city.state.settings.data / "state.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as other:
        rows = other.execute("SELECT entry FROM ledger_entries ORDER BY entry_index").fetchall()
    return [json.loads(entry) for (entry,) in rows]


def test_the_decision_is_on_disk_before_a_read_is_fetched(city: City) -> None:
    """At the moment the store is asked, another process sees the permit in the log, and no release."""
    seen: list[dict[str, Any]] = []
    once(city.reads, lambda: seen.extend(_on_disk(city)))
    answered = city.ask(body())
    own = [entry for entry in seen if entry["ref"] == answered.query_id]
    assert [("query.decided", "permit")] == [(entry["event"], entry["outcome"]) for entry in own]


def test_the_release_is_on_disk_before_its_body_is_made(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte of an answer exists before another process sees the release."""
    seen: list[dict[str, Any]] = []
    made = respond.permitted

    def watched(query_id: str, permit: Any, release: Release, *rest: Any) -> respond.Answer:
        seen.extend(entry for entry in _on_disk(city) if entry["ref"] == query_id)
        return made(query_id, permit, release, *rest)

    monkeypatch.setattr(respond, "permitted", watched)
    assert 200 == city.ask(body()).status
    assert ["query.decided", "query.released"] == [entry["event"] for entry in seen]
    assert "10-99" == seen[1]["count_band"]


def test_what_is_committed_is_synced(city: City) -> None:
    """A commit that only reached the page cache would be lost with the machine."""
    with city.state.database.write() as connection:
        assert 2 == connection.exec_driver_sql("PRAGMA synchronous").scalar_one()  # FULL
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()


# --- kill -9. ---------------------------------------------------------------------------------------------


@dataclass
class _Load:
    """Clients that ask without pause and keep every answer that they received whole."""

    gate: RunningGate
    answers: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    broken: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        denied = {"purpose__category": "civil_immigration", "query__plate": "DENY1"}
        asks = [self.gate.body(), self.gate.body(**denied)]
        number = 0
        while not self.ended.is_set():
            number += 1
            try:
                given = self.gate.ask(asks[number % len(asks)])
                self.answers.append((given.status_code, given.json()))
            except requests.RequestException:
                self.broken += 1
                time.sleep(0.05)


@pytest.fixture
def victim(tmp_path: Path, city_of_reads: Path) -> Iterator[RunningGate]:
    """Return a gate of its own, to be killed."""
    with running_gate(tmp_path / "city", reads=city_of_reads, env={"GATEKEEPER_WORKERS": "2"}) as gate:
        yield gate


@pytest.mark.servers
def test_kill_9_loses_nothing_that_was_answered(victim: RunningGate) -> None:
    """Every answer that a client holds is in the log, the log is consistent, and the service comes back."""
    load = _Load(victim)
    victim.token()
    clients = [threading.Thread(target=load.run) for _ in range(8)]
    for client in clients:
        client.start()
    for _ in range(2):
        time.sleep(1.2)
        killed = victim.workers()
        assert killed
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        _serves_again(victim, killed)
    time.sleep(0.5)
    load.ended.set()
    for client in clients:
        client.join(20)

    entries = victim.entries()
    events: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for index, entry in enumerate(entries):
        events.setdefault(entry["ref"], []).append((index, entry))
    counted = {200: 0, 403: 0}
    for status, document in load.answers:
        if status not in counted:
            assert 503 == status
            assert "records" not in document
            continue
        counted[status] += 1
        receipt, own = document["receipt"], events[document["query_id"]]
        assert json.loads(receipt["entry"]) == entries[receipt["index"]]
        expected = ["query.decided", "query.released"] if status == 200 else ["query.decided"]
        assert expected == [entry["event"] for _, entry in own]
        assert ("permit" if status == 200 else "deny") == own[0][1]["outcome"]
        assert own[-1][0] == receipt["index"]
    assert counted[200] > 20
    assert counted[403] > 20
    assert load.broken, "the workers were not killed in the middle of anything"
    assert "consistent" in victim.command("ledger", "verify").stdout


def _serves_again(gate: RunningGate, killed: list[int]) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        if not set(killed) & set(gate.workers()):
            try:
                if requests.get(f"{gate.base_url}/readyz", timeout=2).ok:
                    return
            except requests.RequestException:
                pass
        time.sleep(0.05)
    raise AssertionError("no worker came back")


def test_a_gate_that_cannot_seal_says_so(city: City) -> None:
    """Without today's key nothing can be logged, so nothing is released: /readyz takes it out of service."""
    client = application(city.state, city.gate, city.tokens, lambda _: None).test_client()
    assert 200 == client.get("/readyz").status_code
    next((city.state.settings.key_directory / "days").glob("*.key")).write_bytes(b"half")
    given = client.get("/readyz")
    assert (503, "failed") == (given.status_code, given.get_json()["checks"]["ledger"])
