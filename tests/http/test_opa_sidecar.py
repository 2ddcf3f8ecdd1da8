"""A city as deploy/ has it: OPA on a socket takes the law from the very gate that asks it for decisions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import requests

from gatekeeper.policy.archive import unpacked
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.opa_configuration import PATH
from tests.cli.shell import spawned
from tests.servers import gate as servers
from tests.servers.gate import running_gate
from tests.servers.opa import free_port, opa_of

pytestmark = pytest.mark.needs("opa")


def test_opa_as_a_sidecar(tmp_path: Path, city_of_reads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither waits for the other to start; then OPA decides by the signed law in force."""
    data, port = tmp_path / "city", free_port()
    assert 0 == spawned("init", "--data", str(data)).returncode
    shutil.copy(city_of_reads, data / "reads.db")
    token = data / "keys" / "bundle.token"
    told = spawned(
        *("policy", "key", "opa", "--data", str(data), "--url", f"http://127.0.0.1:{port}"),
        *("--token-path", str(token), str(tmp_path / "told.json")),
    )
    assert 0 == told.returncode, told.stderr
    monkeypatch.setattr(servers, "free_port", lambda: port)
    with (
        opa_of(json.loads((tmp_path / "told.json").read_text()), tmp_path, unix=True) as opa,
        running_gate(data, "--opa", opa.url) as gate,
    ):
        assert 200 == requests.get(f"{gate.base_url}/readyz", timeout=10).status_code
        answer = gate.ask(gate.body())
        assert 200 == answer.status_code, answer.text
        headers = {"Authorization": f"Bearer {token.read_text().strip()}"}
        fetched = requests.get(f"{gate.base_url}{PATH}", headers=headers, timeout=10)
        assert 200 == fetched.status_code
        signed = PolicyKeys(data / "keys").verifier().verify(unpacked(fetched.content))
        assert {"revision": signed.revision, "digest": signed.digest} == answer.json()["decision"]["policy"]
        again = requests.get(
            f"{gate.base_url}{PATH}", headers=headers | {"If-None-Match": fetched.headers["ETag"]}, timeout=10
        )
        assert 304 == again.status_code  # whichever worker answers: all of them have the same bytes
        assert 401 == gate.request("GET", PATH).status_code  # an agency's token is not the bundle's
