"""Promise 8: no token, plate, image link, word or name in a log, a metric, an error or a public route."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers.gate import RunningGate, running_gate

pytestmark = pytest.mark.servers

PLATE = "ZQXVJ739"
WORD = "Quillfeather"
NAME = "Zebulon Markerson"
BADGE = "BDG77413"
CASE = "77-4139921"
SECRETS = (PLATE, WORD, "Zebulon", "Markerson", BADGE, CASE)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, city_of_reads: Path) -> Iterator[RunningGate]:
    """Return a gate of its own, at the most talkative level."""
    data = tmp_path_factory.mktemp("silent") / "city"
    with running_gate(data, reads=city_of_reads, env={"GATEKEEPER_LOG_LEVEL": "debug"}) as running:
        yield running


def _marked(gate: RunningGate, **changes: Any) -> dict[str, Any]:
    return gate.body(
        **{
            "query__plate": PLATE,
            "purpose__narrative": f"Stolen Example sedan of {WORD}, taken from Sample Avenue",
            "purpose__case_number": CASE,
            "requester__name": NAME,
            "requester__badge": BADGE,
        }
        | changes
    )


def _refused_bodies(gate: RunningGate) -> list[bytes]:
    """Return bodies that are no queries, each with all that is secret in it."""
    whole, everything = json.dumps(_marked(gate)).encode(), " ".join(SECRETS)
    documents: list[Any] = [
        {PLATE: 1, WORD: {NAME: [CASE]}},
        _marked(gate) | {PLATE: None},
        _marked(gate, query={"kind": PLATE}),
        _marked(gate, query={"kind": "plate", PLATE: WORD}),
        _marked(gate, purpose__category=WORD),
        _marked(gate, purpose__offense=PLATE),
        _marked(gate, requester={NAME: NAME}),
        _marked(gate, query__limit=PLATE),
        _marked(gate, attestation__accepted=NAME),
        _marked(gate, query__from=PLATE),
        _marked(gate, query__plate=f"{PLATE}\x00"),
        _marked(gate, query__plate=PLATE * 40),
        _marked(gate, purpose__narrative=f"{WORD}\x07"),
        _marked(gate, query={"kind": "place", "cameras": [PLATE, PLATE], "from": 1, "to": 2}),
        everything,
        [everything],
    ]
    return [
        *(json.dumps(document).encode() for document in documents),
        whole[:-1],
        whole + PLATE.encode(),
        b"\xff" + whole,
        b'{"' + PLATE.encode() + b'": 1, "' + PLATE.encode() + b'": 2}',
        whole + b" " * 300_000,
    ]


def _attacks(gate: RunningGate) -> Iterator[requests.Response]:
    """Send what is secret in every place that a request has."""
    token = gate.token()
    sent = " ".join(SECRETS)
    for body, kind in itertools.product(_refused_bodies(gate), ("application/json", "text/plain")):
        # Each on a connection of its own: a server may close one whose body it did not want to read.
        headers = {"Content-Type": kind, "Connection": "close"}
        yield gate.request("POST", "/v1/queries", data=body, headers=headers)
    for changes in (
        {"purpose__category": "civil_immigration"},
        {"purpose__narrative": f"ICE detainer on {WORD}"},
        {"attestation__text_version": f"{PLATE} {WORD}"},
        {"on_behalf_of": {"agency": f"{PLATE} {WORD}", "component": WORD, "person": NAME}},
        {"query__from": "2020-01-01T00:00:00Z"},
    ):
        yield gate.ask(_marked(gate, **changes))
        yield gate.ask(_marked(gate, **changes), params={"dry_run": "true"})
    for method, path in itertools.product(
        ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "QUERY"),
        (
            f"/v1/queries/{PLATE}",
            f"/v1/queries/{PLATE}/records?cursor={PLATE}",
            f"/v1/queries?dry_run={PLATE}",
            f"/v1/queries?{PLATE}={WORD}&access_token={token}",
            f"/v1/ledger/entries/{PLATE}/proof",
            f"/{PLATE}/{WORD}",
            f"/docs?{PLATE}={NAME}",
            f"/readyz?{PLATE}",
            f"/metrics?{PLATE}",
        ),
    ):
        yield gate.request(method, path, json=_marked(gate))
    for name in ("Idempotency-Key", "X-Request-Id", "Cookie", "Accept", "User-Agent", "Referer", PLATE):
        yield gate.request("POST", "/v1/queries", data=b"{}", headers={name: sent, "Content-Type": PLATE})
    for value in (f"Bearer {PLATE}", f"Basic {PLATE}", sent, f"Bearer {token}{PLATE}", f"{PLATE} {token}"):
        headers = {"Authorization": value, "Content-Type": "application/json"}
        yield requests.post(f"{gate.base_url}/v1/queries", data=b"{}", headers=headers, timeout=10)
    own = gate.agency()
    for form in (
        {"grant_type": PLATE},
        {"grant_type": "client_credentials", "scope": PLATE},
        {"grant_type": "client_credentials", PLATE: WORD},
        {"grant_type": "client_credentials", "client_id": PLATE, "client_secret": WORD},
        {"grant_type": "client_credentials", "client_assertion": f"{PLATE}.{WORD}.{CASE}"},
    ):
        auth = (own["client_id"], own["client_secret"])
        yield requests.post(f"{gate.base_url}/oauth/token", data=form, timeout=10)
        yield requests.post(f"{gate.base_url}/oauth/token", data=form, auth=auth, timeout=10)
        yield requests.post(f"{gate.base_url}/oauth/token", data=form, auth=(PLATE, WORD), timeout=10)
        yield requests.post(f"{gate.base_url}/oauth/introspect", data={"token": PLATE}, auth=auth, timeout=10)
        yield requests.post(f"{gate.base_url}/oauth/revoke", data={"token": PLATE}, auth=auth, timeout=10)


def _unreadable(gate: RunningGate) -> Iterator[bytes]:
    """Send what is no HTTP, with all that is secret in it; yield what comes back."""
    where = urlsplit(gate.base_url)
    token = gate.token().encode()
    sent = " ".join(SECRETS).encode()
    head = b"Host: x\r\nAuthorization: Bearer " + token + b"\r\n"
    for text in (
        sent + b"\r\n\r\n",
        b"GET /" + sent + b" HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 5000 + sent + b" HTTP/1.1\r\n" + head + b"\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + sent + b"\r\n\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + b"X-" + sent + b": " + b"b" * 9000 + b"\r\n\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + b"Transfer-Encoding: " + sent + b"\r\n\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + b"Content-Length: " + sent + b"\r\n\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + b"Expect: " + sent + b"\r\n\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz" + sent + b"\r\n",
        b"POST /v1/queries HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\n"
        b"Content-Length: 5000\r\n\r\n" + sent,
        b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz" + sent + b"\r\n",
        b"GET /%ff%00" + sent.replace(b" ", b"%20") + b" HTTP/1.1\r\n" + head + b"\r\n",
    ):
        with socket.create_connection((str(where.hostname), where.port or 80), timeout=5) as wire:
            wire.sendall(text)
            wire.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while part := wire.recv(65536):
                    received += part
            except OSError:
                pass
            yield received


def _without_the_askers_own(response: requests.Response) -> str:
    """Return an answer without the receipt's openings: they are the asker's own words, given back to it."""
    try:
        document = response.json()
    except ValueError:
        return response.text
    if isinstance(document, dict) and isinstance(document.get("receipt"), dict):
        del document["receipt"]["openings"]
    return json.dumps(document, ensure_ascii=False)


def test_nothing_of_what_was_sent_is_said_again(gate: RunningGate) -> None:
    """Not in an error, a header, the log, a metric, a health check, the reference or the public entries."""
    said: dict[str, str] = {}
    asked = gate.body()
    permitted = gate.ask(asked)
    assert 200 == permitted.status_code
    records = permitted.json()["records"]
    assert records
    for number, response in enumerate(_attacks(gate)):
        assert 500 != response.status_code, (response.request.method, response.request.url)
        place = f"{number} {response.request.method} {response.request.path_url[:60]} {response.status_code}"
        said[place] = f"{_without_the_askers_own(response)}\n{dict(response.headers)}"
    for number, received in enumerate(_unreadable(gate)):
        assert not received.startswith(b"HTTP/1.1 500"), number
        said[f"unreadable {number}"] = received.decode("latin-1")
    for path in ("/metrics", "/readyz", "/healthz", "/docs", "/oauth/jwks", "/openapi.yaml"):
        said[path] = requests.get(gate.base_url + path, timeout=10).text
    said["entries"] = json.dumps(gate.entries())
    time.sleep(0.3)
    said["log"] = gate.log.read_text()
    assert len(said["log"].splitlines()) > 50, "the log says nothing at all"

    own = gate.agency()
    token = gate.token()
    secrets = {
        *SECRETS,
        token,
        token.split(".")[1],
        token.split(".")[2],
        own["client_secret"],
        base64.b64encode(f"{own['client_id']}:{own['client_secret']}".encode()).decode(),
    }
    leaks = [(place, secret) for place, text in said.items() for secret in secrets if secret in text]
    # In lower case too: a URL, a slug or a normalised plate is the same plate.
    leaks += [(place, secret) for place, text in said.items() for secret in SECRETS if secret.lower() in text]
    assert [] == sorted({place for place, _ in leaks})
    released = {asked["query"]["plate"], *(str(record["captured_at"]) for record in records)}
    public = [name for name in said if name in {"log", "entries"} or name.startswith("/")]
    assert [] == [(place, text) for place in public for text in released if text in said[place]]


def test_a_query_string_does_not_carry_a_token(gate: RunningGate) -> None:
    """RFC 6750 section 2.3 is not served: an address ends up in every log on its way."""
    given = requests.get(f"{gate.base_url}/v1/agency?access_token={gate.token()}", timeout=10)
    assert 401 == given.status_code
