"""A demo that serves tells an agency at its webhook, and goes on when its workers are killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.notices.conftest import serving
from tests.servers.gate import running_gate, small_city

pytestmark = pytest.mark.servers


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_running_gate_tells_an_agency(tmp_path: Path) -> None:
    """Once for each move, also after every worker was killed; it is counted, and the agency sees its own."""
    with (
        running_gate(tmp_path / "city", reads=small_city(tmp_path)) as gate,
        serving() as receiver,
    ):
        added = gate.command("agency", "webhook", "add", "maple-falls-pd", receiver.url, "--json")
        made = json.loads(added.stdout)

        def denied() -> str:
            answer = gate.ask(gate.body(purpose__narrative="investigation"))
            assert 403 == answer.status_code
            return str(answer.json()["query_id"])

        first = denied()
        eventually(lambda: len(receiver.got) == 1)
        assert first == json.loads(receiver.got[0].body)["data"]["query_id"]
        for worker in gate.workers():
            os.kill(worker, signal.SIGKILL)
        eventually(lambda: requests.get(f"{gate.base_url}/readyz", timeout=5).status_code == 200)
        second = denied()
        eventually(lambda: len(receiver.got) == 2)
        assert second == json.loads(receiver.got[1].body)["data"]["query_id"]
        (own,) = gate.request("GET", "/v1/agency").json()["webhooks"]
        assert (made["webhook"], "127.0.0.1", "active") == (own["id"], own["host"], own["status"])
        eventually(
            lambda: gate.request("GET", "/v1/agency").json()["webhooks"][0]["last_code"] == "delivered"
        )
        figures = requests.get(f"{gate.base_url}/metrics", timeout=10).text
        assert 'gatekeeper_notices_total{channel="webhook",end="delivered"}' in figures
        assert "gatekeeper_notices_oldest_seconds" in figures
        log = gate.log.read_text()
        for private in (made["secret"], "/hooks/gatekeeper"):
            assert private not in log + figures
