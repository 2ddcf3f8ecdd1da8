"""One webhook: what is sent, how it is signed, and what a hostile receiver gains (nothing)."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import OperatorError, StoreUnavailable
from gatekeeper.notices import Outcome, Webhooks, webhook
from gatekeeper.notices.endpoints import MOST
from gatekeeper.notices.outcomes import DELIVERED, failing
from gatekeeper.parts import trust
from tests.notices.conftest import (
    AGENCY,
    Authority,
    Got,
    Receiver,
    Told,
    free_port,
    respond,
    serving,
    with_reach,
)

CLIENTS = Path(__file__).parent.parent / "clients"


def way(told: Told) -> Webhooks:
    """Return the way to webhooks."""
    made = told.ways["webhook"]
    assert isinstance(made, Webhooks)
    return made


def tried(told: Told, url: str) -> Outcome:
    """Register an address and try it once."""
    webhook_id, _ = told.endpoints.add(AGENCY, url, by="test")
    return way(told).test(webhook_id, "msg_test", told.now())


def node(secret: str, got: Got, **changes: Any) -> dict[str, Any]:
    """Verify by the reference library."""
    asked = {"secret": secret, "headers": got.headers, "body": got.body.decode()} | changes
    done = subprocess.run(
        ["node", str(CLIENTS / "webhook.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_notice_names_the_query_and_nothing_else(told: Told, receiver: Receiver) -> None:
    """The agency asks for the rest with its token: an intercepted notice tells nobody anything."""
    told.endpoints.add(AGENCY, receiver.url, by="test")
    query_id = told.denied()
    told.turns()
    (got,) = receiver.got
    sent = json.loads(got.body)
    assert {"type", "timestamp", "data"} == sent.keys()
    assert "review.queued" == sent["type"]
    url = f"http://127.0.0.1:8080/v1/queries/{query_id}"
    assert {"query_id": query_id, "state": "queued", "url": url} == sent["data"]
    assert "/hooks/gatekeeper?key=a%20b" == got.path
    assert "application/json" == got.headers["content-type"]
    assert got.headers["host"] in receiver.url
    assert not {"authorization", "cookie", "referer"} & got.headers.keys()


@pytest.mark.needs("node")
def test_the_reference_library_verifies_what_is_sent(told: Told, receiver: Receiver) -> None:
    """And refuses it with another secret, another body, another time, another id."""
    _, secret = told.endpoints.add(AGENCY, receiver.url, by="test")
    told.denied()
    told.turns()
    (got,) = receiver.got
    assert {"verified": json.loads(got.body)} == node(secret, got)
    _, other = told.endpoints.add(AGENCY, receiver.url, by="test")
    assert "refused" in node(other, got)
    assert "refused" in node(secret, got, body=got.body.decode().replace("queued", "permitted"))
    late = str(int(got.headers["webhook-timestamp"]) + 1)
    assert "refused" in node(secret, got, headers=got.headers | {"webhook-timestamp": late})
    assert "refused" in node(secret, got, headers=got.headers | {"webhook-id": "msg_other"})


@pytest.mark.needs("node")
def test_after_a_rotation_both_secrets_sign_for_a_day(told: Told, receiver: Receiver) -> None:
    """So that the receiver may change over; then the former one is worth nothing."""
    webhook_id, first = told.endpoints.add(AGENCY, receiver.url, by="test")
    second = told.endpoints.rotate(webhook_id, by="test")
    assert DELIVERED == way(told).test(webhook_id, "msg_1", told.now())
    assert 2 == len(receiver.got[0].headers["webhook-signature"].split(" "))
    for secret in (first, second):
        assert "verified" in node(secret, receiver.got[0])
    third = told.endpoints.rotate(webhook_id, by="test")
    assert DELIVERED == way(told).test(webhook_id, "msg_2", told.now())
    assert "refused" in node(first, receiver.got[1])
    told.late = timedelta(days=1, seconds=1)
    later = replace(told.endpoints, now=told.now)
    opened = later.open(later.active(webhook_id))
    assert (third,) == opened.secrets


def test_secret_and_address_are_sealed_and_said_once(told: Told, receiver: Receiver) -> None:
    """Neither is in the database, the log, or anything that is printed later."""
    webhook_id, secret = told.endpoints.add(AGENCY, receiver.url, by="test")
    state = told.city.state
    with state.database.read() as connection:
        rows = str(connection.exec_driver_sql("SELECT * FROM webhooks").all())
    entries = b"".join(entry.entry for entry in state.rows.entries(0, 10_000))
    hook = told.endpoints.active(webhook_id)
    texts = [rows, entries.decode(), repr(hook), repr(told.endpoints.open(hook)), str(told.all())]
    for private in (secret, secret.removeprefix("whsec_"), "/hooks/gatekeeper", "a%20b"):
        assert not [text for text in texts if private in text]
    assert 43 <= len(secret.removeprefix("whsec_").rstrip("="))
    (entry,) = [e for e in told.city.events() if e["event"] == "agency.webhook_added"]
    assert (AGENCY, webhook_id) == (entry["agency"], entry["webhook"])


def test_without_its_key_nothing_is_sent_and_nothing_is_lost(told: Told, receiver: Receiver) -> None:
    """A box that was moved to another webhook, or altered, opens neither."""
    webhook_id, _ = told.endpoints.add(AGENCY, receiver.url, by="test")
    key_file = told.city.state.settings.key_directory / "notices.key"
    kept = key_file.read_bytes()
    assert 0o600 == key_file.stat().st_mode & 0o777
    key_file.unlink()
    told.denied()
    told.turns()
    assert ["waiting", "store_unavailable"] == [told.all()[0].state, told.all()[0].last_code]
    assert [] == receiver.got
    key_file.write_bytes(kept)
    told.late = timedelta(hours=5)
    told.turns()
    assert 1 == len(receiver.got)
    other, _ = told.endpoints.add(AGENCY, receiver.url, by="test")
    moved = told.city.state.notices_key()
    with pytest.raises(StoreUnavailable):
        moved.open(other, told.endpoints.active(webhook_id).box)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_followed_nowhere(told: Told, receiver: Receiver, status: int) -> None:
    """Not to the metadata service, and not to a server that would be allowed."""
    with serving() as other:
        for place in ("http://169.254.169.254/latest/meta-data/", other.url):
            receiver.answer = lambda h, place=place: respond(h, status, Location=place)  # type: ignore[misc]
            assert failing(f"status_{status}") == tried(told, receiver.url)
        assert [] == other.got


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    told: Told, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to the address that was checked; nobody looks the name up again."""
    port = int(receiver.url.split(":")[2].partition("/")[0])
    asked: list[str] = []

    def look_up(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) < 3 else ["169.254.169.254"]

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a name was looked up behind the check")

    with_reach(told, look_up=look_up)
    webhook_id, _ = told.endpoints.add(AGENCY, f"http://localhost:{port}/", by="test")
    numeric = socket.getaddrinfo

    def only_numbers(host: str, *rest: Any, **more: Any) -> Any:
        return numeric(host, *rest, **more) if host == "127.0.0.1" else never()

    monkeypatch.setattr(socket, "getaddrinfo", only_numbers)
    assert DELIVERED == way(told).test(webhook_id, "msg_1", told.now())
    assert ["localhost"] * 2 == asked
    assert f"localhost:{port}" == receiver.got[0].headers["host"]
    assert failing("address_refused") == way(told).test(webhook_id, "msg_2", told.now())
    assert 1 == len(receiver.got)


def test_an_address_inside_is_refused_when_it_is_added_and_when_it_is_used(
    told: Told, receiver: Receiver
) -> None:
    """A setting that became stricter counts for what was registered before it."""
    webhook_id, _ = told.endpoints.add(AGENCY, receiver.url, by="test")
    strict = with_reach(told, loopback=False)
    assert failing("address_refused") == way(told).test(webhook_id, "msg_1", told.now())
    for url in ("https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://169.254.169.254/"):
        with pytest.raises(OperatorError, match="GATEKEEPER_WEBHOOK_NETWORKS"):
            strict.add(AGENCY, url, by="test")
    with pytest.raises(OperatorError, match="https alone"):
        strict.add(AGENCY, receiver.url, by="test")
    nowhere = with_reach(told, look_up=lambda _host, _port: [])
    with pytest.raises(OperatorError, match="no address"):
        nowhere.add(AGENCY, "https://hooks.invalid/", by="test")
    assert [] == receiver.got


@contextmanager
def hostile(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen on loopback and talk as this does to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                try:
                    talk(connection)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


def trickle(connection: socket.socket) -> None:
    """Send a byte of a header, again and again."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        time.sleep(0.05)
        connection.sendall(b"a")


def silent(connection: socket.socket) -> None:
    """Take everything, say nothing."""
    while connection.recv(65_536):
        pass
    time.sleep(5)


def endless(connection: socket.socket) -> None:
    """Send a body that has no end."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"a" * 65_536 + b"\r\n")


def huge(connection: socket.socket) -> None:
    """Send a header that has no end."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Huge: ")
    while True:
        connection.sendall(b"a" * 65_536)


def many(connection: socket.socket) -> None:
    """Send headers without end."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Many: a\r\n" * 100)


def early(connection: socket.socket) -> None:
    """Ask for patience without end."""
    connection.recv(65_536)
    while True:
        time.sleep(0.001)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def nonsense(connection: socket.socket) -> None:
    """Speak something else."""
    connection.recv(65_536)
    connection.sendall(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (trickle, "timed_out"),
        (silent, "timed_out"),
        (early, "timed_out"),
        (endless, "delivered"),
        (huge, "no_http_answer"),
        (many, "no_http_answer"),
        (nonsense, "no_http_answer"),
        (lambda _connection: None, "no_connection"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_receiver_that_will_not_end_is_left(
    told: Told, monkeypatch: pytest.MonkeyPatch, talk: Callable[[socket.socket], None], code: str
) -> None:
    """In the time that was set, and without its body ever being read."""
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(webhook, "WHOLE_S", 0.8)
    with hostile(talk) as url:
        began = time.monotonic()
        found = tried(told, url)
        assert time.monotonic() - began < 5
    if code == "no_connection":
        assert found.code in {"no_connection", "no_http_answer"}  # a reset, or an end
    else:
        assert code == found.code


def test_nobody_there_is_a_failure_like_any_other(told: Told) -> None:
    """Refused at once."""
    assert failing("no_connection") == tried(told, f"http://127.0.0.1:{free_port()}/")


def test_410_ends_the_webhook_and_what_waits_for_it(told: Told, receiver: Receiver) -> None:
    """As the convention has it: whoever was told so stops. The log holds who did it."""
    receiver.answer = lambda handler: respond(handler, 410)
    webhook_id, _ = told.endpoints.add(AGENCY, receiver.url, by="test")
    told.denied()
    told.denied()
    told.turns()
    assert 1 == len(receiver.got)
    assert {"dropped"} == {d.state for d in told.all()}
    with pytest.raises(OperatorError):
        told.endpoints.active(webhook_id)
    (entry,) = [e for e in told.city.state.rows.entries(0, 10_000) if e.event == "agency.webhook_disabled"]
    opened = told.city.state.ledger.detail_of(entry.index).openings
    assert "gatekeeper" == opened["by"]["value"]


def test_tls_is_checked_against_the_name(told: Told, authority: Authority) -> None:
    """A certificate of nobody that we trust, or of somebody else, ends the try before a word is said."""
    with serving(authority.server) as receiver:
        assert failing("certificate_refused") == tried(told, receiver.url)
        told.ways["webhook"] = replace(way(told), trust=_trusting(told, authority))
        assert DELIVERED == tried(told, receiver.url)
        port = receiver.url.split(":")[2].partition("/")[0]
        with_reach(told, look_up=lambda _host, _port: ["127.0.0.1"], ports=frozenset({int(port)}))
        assert DELIVERED == tried(told, f"https://hooks.example:{port}/")
        assert f"hooks.example:{port}" == receiver.got[-1].headers["host"]
        assert failing("certificate_refused") == tried(told, f"https://other.example:{port}/")
        before = len(receiver.got)
    with hostile(nonsense) as url:
        assert tried(told, url.replace("http:", "https:")).code in {"tls_failed", "no_connection"}
    assert before == len(receiver.got) == 2


def _trusting(told: Told, authority: Authority) -> ssl.SSLContext:
    return trust(replace(told.city.state.settings, ca_file=str(authority.ca_file)))


def test_an_agency_has_only_so_many_webhooks(told: Told, receiver: Receiver) -> None:
    """One notice is not to become a thousand requests."""
    made = [told.endpoints.add(AGENCY, receiver.url, by="test")[0] for _ in range(MOST)]
    with pytest.raises(OperatorError, match="disable one first"):
        told.endpoints.add(AGENCY, receiver.url, by="test")
    told.endpoints.disable(made[0], by="test", reason="replaced by another")
    told.endpoints.add(AGENCY, receiver.url, by="test")
    with pytest.raises(OperatorError, match="no such active webhook"):
        told.endpoints.rotate(made[0], by="test")


def test_no_secret_and_no_address_is_in_what_is_logged(
    told: Told, receiver: Receiver, application_log: StringIO
) -> None:
    """Not when it works, not when it fails, not when a library breaks."""

    def broken(_: BaseHTTPRequestHandler) -> None:
        raise RuntimeError(receiver.url)

    def broken_dns(host: str, _: int) -> Sequence[str]:
        raise LookupError(host)

    _, secret = told.endpoints.add(AGENCY, receiver.url, by="test")
    receiver.answer = broken
    told.denied()
    told.turns()
    with_reach(told, look_up=broken_dns)
    told.late = timedelta(hours=5)
    told.turns()
    assert "internal" == told.all()[0].last_code
    logged = [json.loads(line) for line in application_log.getvalue().splitlines()]
    assert ["LookupError"] == [line["kind"] for line in logged if line["event"] == "notice_failed"]
    assert secret not in str(logged)
    assert "/hooks/gatekeeper" not in str(logged)
