"""A running gate whose log's key is in hardware: each worker signs; without the token nothing leaves."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

import pytest
import requests

from gatekeeper.ledger import VerifierKey
from gatekeeper.ledger.receipts import check_receipt
from tests.cli.shell import City
from tests.servers.gate import running_gate
from tests.servers.hsm import token_of

pytestmark = [pytest.mark.servers, pytest.mark.needs("softhsm")]

WHY = ("--reason", "The log's key moves into hardware")


def test_every_worker_signs_by_the_token(tmp_path: Path, city_of_reads: Path) -> None:
    """Changed over while it runs; after a start several workers at once; absent: 503, and back by itself."""
    (tmp_path / "hsm").mkdir()
    with token_of(tmp_path / "hsm") as token:
        env = {"GATEKEEPER_WORKERS": "2", "SOFTHSM2_CONF": token.conf}
        with running_gate(tmp_path / "city", reads=city_of_reads, env=env) as gate:
            city = City(gate.data)
            new = city.run("ledger", "new-key", "--pkcs11", token.uri(), *WHY).split("\n")[0]
            city.run("ledger", "new-key", "--retire-old", *WHY)
            answer = gate.ask(gate.body())
            assert 200 == answer.status_code, answer.text
            check_receipt(answer.json()["receipt"], VerifierKey.parse(new))
        with running_gate(tmp_path / "city", reads=city_of_reads, env=env) as gate:
            answers: list[requests.Response] = []
            threads = [
                threading.Thread(target=lambda: answers.append(gate.ask(gate.body()))) for _ in range(24)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert {200: 24} == Counter(answer.status_code for answer in answers)
            for answer in answers:
                check_receipt(answer.json()["receipt"], VerifierKey.parse(new))
            token.away()
            for _ in range(6):
                answer = gate.ask(gate.body())
                assert (503, None) == (answer.status_code, answer.json().get("records"))
                assert "pin" not in json.dumps(answer.json())
            token.back()
            for _ in range(6):
                assert 200 == gate.ask(gate.body()).status_code
            assert "consistent" in City(gate.data).run("ledger", "verify")
