"""``gatekeeper demo``: the credentials are what programs wait for; a second run is the same city."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import requests

from gatekeeper.policy import load, shipped_policies
from tests.cli.shell import spawned
from tests.servers.gate import RunningGate, running_gate, small_city
from tests.servers.opa import free_port, opa_server

pytestmark = pytest.mark.servers

LOG = """searchDate,reason
2025-05-01T10:00:00Z,"Stolen Honda Civic, taken from Ridge Ave overnight"
2025-05-02T10:00:00Z,investigation
2025-05-03T10:00:00Z,ICE detainer
2025-05-04T10:00:00Z,<script>alert(1)</script>
"""


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small store of sample reads."""
    return small_city(tmp_path_factory.mktemp("reads"))


def permitted(gate: RunningGate) -> dict[str, Any]:
    """Ask a lawful question; return the answer."""
    given = gate.ask(gate.body())
    assert 200 == given.status_code, given.text
    answer: dict[str, Any] = given.json()
    assert answer["records"]
    return answer


def assert_documented(document: dict[str, Any], gate: RunningGate) -> None:
    """Compare credentials.json with the shape that programs are promised."""
    assert {"base_url", "issuer", "ledger", "agencies", "staff", "samples"} == document.keys()
    assert gate.base_url == document["base_url"] == document["issuer"]
    assert {"origin", "vkey"} == document["ledger"].keys()
    assert {"plates", "cameras", "from", "to"} == document["samples"].keys()
    assert document["samples"]["plates"]
    assert document["samples"]["cameras"]
    always = {"id", "name", "kind", "state", "status", "profile", "client_id"}
    signed = {"private_key_pem", "kid", "alg"}
    by_profile = {"basic": {"client_secret"}, "private_key": signed, "fapi": signed}
    for agency in document["agencies"]:
        assert always | by_profile[agency["profile"]] == agency.keys(), agency["id"]


def test_its_credentials_are_private_documented_and_there_when_it_is_ready(
    tmp_path: Path, reads: Path
) -> None:
    """Whoever waits for the file can ask at once, for every agency that the samples need."""
    with running_gate(tmp_path / "city", reads=reads) as gate:
        assert 200 == requests.get(f"{gate.base_url}/readyz", timeout=5).status_code
        file = tmp_path / "city" / "credentials.json"
        assert 0o600 == stat.S_IMODE(file.stat().st_mode)
        assert_documented(json.loads(file.read_text()), gate)
        found = {(agency["kind"], agency["state"], agency["status"]) for agency in gate.document["agencies"]}
        assert ("local", "IL", "suspended") in found
        assert ("fusion_center", "IL", "active") in found
        assert ("federal", None, "active") in found
        assert any(kind == "local" and state not in {"IL", None} for kind, state, _ in found)
        assert {"basic", "private_key", "fapi"} == {agency["profile"] for agency in gate.document["agencies"]}
        permitted(gate)


def test_a_second_run_is_the_same_city_on_another_port(tmp_path: Path, reads: Path) -> None:
    """The same keys, secrets and log; tokens of the new address; nothing registered twice."""
    with running_gate(tmp_path / "city", reads=reads) as first:
        before = permitted(first)
        agencies = first.command("agency", "list", "--json").stdout
    assert not (tmp_path / "city" / "credentials.json").exists(), "it would be taken for the next run's"
    with running_gate(tmp_path / "city", reads=reads) as second:
        assert first.base_url != second.base_url
        assert first.document["agencies"] == second.document["agencies"]
        assert first.document["ledger"] == second.document["ledger"]
        assert_documented(second.document, second)
        assert permitted(second)["receipt"]["index"] > before["receipt"]["index"]
        assert agencies == second.command("agency", "list", "--json").stdout
        assert "consistent" in second.command("ledger", "verify").stdout


def test_a_second_demo_on_a_taken_port_leaves_the_first_alone(tmp_path: Path, reads: Path) -> None:
    """It says which option to give, and the first one's credentials stay."""
    with running_gate(tmp_path / "city", reads=reads) as gate:
        port = gate.base_url.rpartition(":")[2]
        refused = gate.command("demo", "--port", port, check=False)
        assert 1 == refused.returncode
        assert "--port" in refused.stderr
        assert gate.document == json.loads((tmp_path / "city" / "credentials.json").read_text())
        permitted(gate)


def test_commands_and_the_client_work_beside_a_running_demo(tmp_path: Path, reads: Path) -> None:
    """A proxy in the environment does not stand between them; a stop and a suspension hold at once."""
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    with running_gate(tmp_path / "city", reads=reads, env=nowhere) as gate:
        assert "permitted by" in gate.command("query").stdout
        assert "permitted by" in gate.command("query", "--camera", "cam-01").stdout
        denied = gate.command("query", "--agency", "quarry-hill-so-in", "--json", check=False)
        assert 3 == denied.returncode
        assert "out_of_state_declaration" in denied.stdout
        assert "credentials.json" in gate.command("query", "--agency", "nobody", check=False).stderr
        (tmp_path / "bad").write_text("{")
        assert "--request" in gate.command("query", "--request", str(tmp_path / "bad"), check=False).stderr
        stopped = gate.command("stop", "--camera", "cam-o1", "--reason", "Council resolution", check=False)
        assert "NOTHING WAS STOPPED" in stopped.stderr
        gate.command("stop", "--all", "--reason", "Council resolution of today")
        assert 3 == gate.command("query", check=False).returncode


def test_a_log_is_replayed_through_the_running_demo(tmp_path: Path, reads: Path) -> None:
    """Each row is a request of its own in the log; the page holds the same figures and runs nothing."""
    (tmp_path / "log.csv").write_text(LOG)
    with running_gate(tmp_path / "city", reads=reads) as gate:
        port = gate.base_url.rpartition(":")[2]
        page = tmp_path / "page.html"
        replay = ["demo", "--port", port, "--replay", str(tmp_path / "log.csv"), "--html", str(page)]
        said = gate.command(*replay).stdout
        decided = [entry for entry in gate.entries() if entry["event"] == "query.decided"]
    assert '"narrative": ""' in said, "the template is printed first"
    assert "4 searches" in said
    assert 4 == len(decided)
    assert ["permit"] == [entry["outcome"] for entry in decided if not entry["provisions"]]
    assert "<script>" not in page.read_text()
    assert "&lt;script&gt;" in page.read_text()


def test_a_replay_starts_a_demo_and_ends_it(tmp_path: Path, reads: Path) -> None:
    """Also in a directory that is not there yet; nothing listens afterwards."""
    (tmp_path / "log.csv").write_text(LOG)
    data, port = tmp_path / "new" / "city", free_port()
    data.mkdir(mode=0o700, parents=True)
    shutil.copy(reads, data / "reads.db")
    place = ["--data", str(data), "--port", str(port)]
    done = spawned("demo", *place, "--replay", str(tmp_path / "log.csv"), cwd=tmp_path)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "4 searches" in done.stdout
    assert (data / "replay-log.html").exists()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2)


@pytest.mark.needs("opa")
def test_opa_decides_where_it_is_asked_to(tmp_path: Path, reads: Path) -> None:
    """With --opa the same city; with the server gone every query is refused and nothing released."""
    with (
        opa_server(load(shipped_policies()), tmp_path, unix=True) as opa,
        running_gate(tmp_path / "city", "--opa", opa.url, reads=reads) as gate,
    ):
        permitted(gate)
        opa.process.kill()
        opa.process.wait(10)
        refused = gate.ask(gate.body())
        assert 503 == refused.status_code
        assert "records" not in refused.json()


def test_an_opa_that_is_not_there_starts_nothing(tmp_path: Path, reads: Path) -> None:
    """No credentials appear, and the command ends with a failure."""
    data = tmp_path / "city"
    data.mkdir(mode=0o700)
    shutil.copy(reads, data / "reads.db")
    place = ["--data", str(data), "--port", str(free_port()), "--opa", "http://127.0.0.1:1"]
    done = spawned("demo", *place)
    assert 0 != done.returncode
    assert not (data / "credentials.json").exists()
