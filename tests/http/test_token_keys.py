"""The keys of tokens change under a running gate, by its operator's own commands, and nobody notices."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from gatekeeper.cli import token_key
from tests.cli.shell import City
from tests.policy.test_hardware_key import token, uri
from tests.servers.gate import RunningGate, running_gate

__all__ = ["token"]

pytestmark = pytest.mark.servers

WHY = ("--reason", "The yearly change")
CALLERS = 4


@dataclass
class Load:
    """What callers got, each of whom takes a token now and then, and uses it and an older one."""

    gate: RunningGate
    answers: Counter[int] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def token(self, session: requests.Session) -> str:
        """Return a new token."""
        own = self.gate.agency()
        given = session.post(
            f"{self.gate.base_url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(own["client_id"], own["client_secret"]),
            timeout=20,
        )
        self._count(given)
        return str(given.json().get("access_token"))

    def run(self) -> None:
        """Ask until it is over, with a token of the beginning and with a new one."""
        with requests.Session() as session:
            tokens = [self.token(session)] * 2
            while not self._over.is_set():
                tokens[1] = self.token(session)
                for token in tokens:
                    for path in ("/v1/agency", "/v1/provisions"):
                        headers = {"Authorization": f"Bearer {token}"}
                        self._count(session.get(self.gate.base_url + path, headers=headers, timeout=20))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Ask for the length of a block."""
        callers = [threading.Thread(target=self.run) for _ in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield
        finally:
            self._over.set()
            for caller in callers:
                caller.join(60)

    def _count(self, answer: requests.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code != 200:
            self.failed.append(answer.text)


def test_rotation_under_load_fails_no_request(
    tmp_path: Path, city_of_reads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rotations, one of them at once: four callers, two workers, not one answer but 200."""
    # No test waits for five minutes; a worker has all the same the second in which it reads the keys again.
    monkeypatch.setattr(token_key, "CACHED_S", token_key.FOLLOWED_S)
    env = {"GATEKEEPER_WORKERS": "2", "GATEKEEPER_TOKEN_FAILURES": "0"}
    with running_gate(tmp_path / "city", reads=city_of_reads, env=env) as gate:
        city, load = City(gate.data), Load(gate)
        first = kids(gate)
        with load.going_on():
            time.sleep(0.5)
            second = city.run("token-key", "prepare", *WHY).splitlines()[0]
            assert "wait" in city.refused("token-key", "activate", *WHY)
            time.sleep(token_key.FOLLOWED_S + 0.2)
            assert {*first, second} == kids(gate)
            city.run("token-key", "activate", *WHY)
            time.sleep(1.5)
            city.run("token-key", "retire", *WHY)
            time.sleep(1.5)
        assert [] == load.failed[:3]
        assert {200} == load.answers.keys()
        assert 100 < load.answers[200]
        print(f"{load.answers[200]} requests during two rotations, 0 failed")
        assert 3 == len(kids(gate))

        # What the first key signed is refused by every worker within a second of its end.
        old = gate.token()
        for kid in {row["key id"] for row in city.rows("token-key", "list") if row["state"] == "retired"}:
            assert "--stolen" in city.refused("token-key", "drop", kid, *WHY)
        city.run("token-key", "retire", *WHY)
        for row in city.rows("token-key", "list"):
            if row["state"] == "retired":
                city.run("token-key", "drop", row["key id"], "--stolen", *WHY)
        time.sleep(1.2)
        for _ in range(8):
            answer = requests.get(
                f"{gate.base_url}/v1/agency", headers={"Authorization": f"Bearer {old}"}, timeout=20
            )
            assert 401 == answer.status_code
        assert "consistent" in city.run("ledger", "verify")


def kids(gate: RunningGate) -> set[str]:
    """Return the keys that anybody can read."""
    answer = requests.get(f"{gate.base_url}/oauth/jwks", timeout=20)
    assert "max-age=300" in answer.headers["Cache-Control"]
    return {key["kid"] for key in answer.json()["keys"]}


@pytest.mark.needs("softhsm")
def test_a_gate_whose_key_is_in_hardware(token: Path, tmp_path: Path, city_of_reads: Path) -> None:
    """Each worker opens it, after a start and after a change while it runs; absent: 503, and back."""
    env = {"GATEKEEPER_WORKERS": "2", "SOFTHSM2_CONF": str(token / "conf"), "GATEKEEPER_TOKEN_FAILURES": "0"}
    with running_gate(tmp_path / "city", reads=city_of_reads, env=env) as gate:
        city, load = City(gate.data), Load(gate)
        city.run("token-key", "prepare", "--pkcs11", uri(token), *WHY)
        with load.going_on():
            city.run("token-key", "retire", *WHY)
            time.sleep(2)
        assert {200} == load.answers.keys(), load.failed[:1]
    with running_gate(tmp_path / "city", reads=city_of_reads, env=env) as gate:
        load = Load(gate)
        with load.going_on():
            time.sleep(2)
        assert {200} == load.answers.keys(), load.failed[:1]
        (token / "pin").rename(token / "gone")
        own = gate.agency()
        for status in (503, 200):
            for _ in range(6):
                given = requests.post(
                    f"{gate.base_url}/oauth/token",
                    data={"grant_type": "client_credentials"},
                    auth=(own["client_id"], own["client_secret"]),
                    timeout=20,
                )
                assert status == given.status_code
            if status == 503:
                (token / "gone").rename(token / "pin")
