"""The gate as partner agencies reach it, with OAuth clients and verifiers that other people wrote."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import metamorphic_log
import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey
from oauthlib.oauth2 import BackendApplicationClient  # type: ignore[import-untyped]  # it ships none
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.http.go import asked_by_go
from tests.servers.gate import RunningGate
from tests.servers.go import built
from tests.servers.node import asked_by_node

pytestmark = pytest.mark.servers

CLIENTS = Path(__file__).parent.parent / "clients"
VERIFIER = Path(__file__).parent.parent / "verifiers" / "tlog"


def node_query(gate: RunningGate, directory: Path, body: dict[str, Any]) -> dict[str, Any]:
    """Ask by npm's openid-client with private_key_jwt; return ``{status, body}``."""
    agency = gate.agency(profile="private_key")
    key = directory / "key.pem"
    key.write_text(agency["private_key_pem"])
    return asked_by_node(
        "query", gate.base_url, agency["client_id"], key, f"--kid={agency['kid']}", body=body
    )


def oauthlib_session(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> OAuth2Session:
    """Return a session of requests-oauthlib that holds a token by client_secret_basic."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # plain http: this is loopback
    agency = gate.agency()
    session = OAuth2Session(client=BackendApplicationClient(agency["client_id"], scope="reads:query"))
    secret = HTTPBasicAuth(agency["client_id"], agency["client_secret"])
    session.fetch_token(f"{gate.base_url}/oauth/token", auth=secret)
    return session


def authlib_session(gate: RunningGate) -> AuthlibSession:
    """Return a session of Authlib's client that holds a token by private_key_jwt."""
    agency = gate.agency(profile="private_key")
    session = AuthlibSession(
        agency["client_id"],
        ECKey.import_key(agency["private_key_pem"]),
        scope="reads:query",
        token_endpoint_auth_method="private_key_jwt",
    )
    # The audience is the issuer, and an hour, as the library has it, is too long: FAPI 2.0.
    method = PrivateKeyJWT(
        gate.document["issuer"],
        claims={"exp": int(time.time()) + 60},
        headers={"kid": agency["kid"]},
        alg="ES256",
    )
    session.register_client_auth_method(method)
    session.fetch_token(f"{gate.base_url}/oauth/token", grant_type="client_credentials")
    return session


def assert_logged(receipt: dict[str, Any], gate: RunningGate, event: str) -> None:
    """Check signature and inclusion with metamorphic-log, from what a client got and the log's key alone."""
    vkey = gate.document["ledger"]["vkey"]
    head = metamorphic_log.checkpoint_verify(receipt["checkpoint"], [vkey])
    assert (gate.document["ledger"]["origin"], receipt["tree_size"]) == (head.origin, head.size)
    entry = receipt["entry"].encode()
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    assert leaf == base64.b64decode(receipt["leaf_hash"])
    proof = [base64.b64decode(step) for step in receipt["inclusion_proof"]]
    metamorphic_log.checkpoint_verify_inclusion(receipt["checkpoint"], [vkey], receipt["index"], leaf, proof)
    assert event == json.loads(entry)["event"]


def assert_cited(denial: dict[str, Any], code: str) -> None:
    """See that a denial names the provision with its citation and what would cure it."""
    named = {provision["code"]: provision for provision in denial["decision"]["provisions"]}
    for field in ("title", "citation", "message", "remedy"):
        assert named[code][field], (code, field)
    assert "records" not in denial


@pytest.mark.needs("node")
def test_openid_client_gets_records_and_a_receipt_that_verifies(gate: RunningGate, tmp_path: Path) -> None:
    """private_key_jwt, discovered by RFC 8414, without a line of ours in the client."""
    answer = node_query(gate, tmp_path, gate.body())
    assert 200 == answer["status"], answer
    assert answer["body"]["records"]
    assert_logged(answer["body"]["receipt"], gate, "query.released")


@pytest.mark.needs("node")
def test_openid_client_is_denied_with_the_citation(gate: RunningGate, tmp_path: Path) -> None:
    """The denial is in the log too, with a receipt."""
    answer = node_query(gate, tmp_path, gate.body(purpose__category="civil_immigration"))
    assert 403 == answer["status"], answer
    assert_cited(answer["body"], "civil_immigration")
    assert_logged(answer["body"]["receipt"], gate, "query.decided")


def test_requests_oauthlib_gets_records_and_a_receipt_that_verifies(
    gate: RunningGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """client_secret_basic, as a small agency's script would."""
    with oauthlib_session(gate, monkeypatch) as session:
        answer = session.post(f"{gate.base_url}/v1/queries", json=gate.body(), timeout=15)
    assert 200 == answer.status_code, answer.text
    assert answer.json()["records"]
    assert_logged(answer.json()["receipt"], gate, "query.released")


def test_requests_oauthlib_is_denied_with_the_citation(
    gate: RunningGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An appointment at a clinic is nobody's crime."""
    body = gate.body(purpose__narrative="Travelled out of state for an abortion")
    with oauthlib_session(gate, monkeypatch) as session:
        answer = session.post(f"{gate.base_url}/v1/queries", json=body, timeout=15)
    assert 403 == answer.status_code, answer.text
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert_cited(answer.json(), "health_care")
    assert_logged(answer.json()["receipt"], gate, "query.decided")


def test_authlibs_client_gets_records_and_a_receipt_that_verifies(gate: RunningGate) -> None:
    """private_key_jwt, as the library signs it; what we use of it is its server's side."""
    with authlib_session(gate) as session:
        answer = session.post(f"{gate.base_url}/v1/queries", json=gate.body(), timeout=15)
    assert 200 == answer.status_code, answer.text
    assert answer.json()["records"]
    assert_logged(answer.json()["receipt"], gate, "query.released")


@pytest.mark.needs("go")
def test_gos_oauth2_gets_records_and_a_receipt_that_verifies(gate: RunningGate, go_oauth2: str) -> None:
    """golang.org/x/oauth2/clientcredentials with a secret, in a header."""
    agency = gate.agency()
    command = [go_oauth2, gate.base_url, agency["client_id"], "-secret", agency["client_secret"]]
    status, answer = asked_by_go(command, gate.body())
    assert (200, True) == (status, bool(answer["records"])), answer
    assert_logged(answer["receipt"], gate, "query.released")
    command[-1] = agency["client_secret"][:-1] + "?"
    done = subprocess.run(command, input="{}", capture_output=True, text=True, timeout=60, check=False)
    assert (1, True) == (done.returncode, "invalid_client" in done.stderr), done.stderr


@pytest.mark.needs("go")
def test_gos_own_libraries_verify_a_receipt_and_refuse_another_entry(
    gate: RunningGate, tmp_path: Path
) -> None:
    """golang.org/x/mod/sumdb checks the tlog-proof; with one byte of the entry changed it does not."""
    program = built(VERIFIER, tmp_path / "tlog")
    receipt = gate.ask(gate.body()).json()["receipt"]
    (tmp_path / "entry").write_bytes(receipt["entry"].encode())
    (tmp_path / "other").write_bytes(receipt["entry"].replace("released", "decided_").encode())
    (tmp_path / "proof").write_text(receipt["tlog_proof"])
    vkey = gate.document["ledger"]["vkey"]
    for name, expected in (("entry", 0), ("other", 1)):
        given = ["receipt", vkey, str(tmp_path / name), str(tmp_path / "proof")]
        done = subprocess.run([program, *given], check=False, timeout=30)
        assert expected == done.returncode, name
