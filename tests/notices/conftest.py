"""A city whose agency is told, a receiver that answers as a test wants, and a mail server of the city's."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.cli import affirmation, agency, client
from gatekeeper.ledger import Row
from gatekeeper.notices import Deliverer, Endpoints, Webhooks
from gatekeeper.notices.delivery import Way
from gatekeeper.parts import endpoints
from gatekeeper.store import reviews
from gatekeeper.store.notice_reading import NoticeReading
from gatekeeper.store.notices import Outbox
from gatekeeper.store.values import Delivery
from tests.exchange.city import NOW, City, body
from tests.exchange.conftest import bundle, city

__all__ = ["bundle", "city"]

AGENCY = "sample-il-pd"
OTHER = "sample-il-sheriff"


@dataclass
class Got:
    """One request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """An agency's own server: keeps what it gets, and answers as ``answer`` says."""

    url: str
    got: list[Got] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: respond(handler, 204)


def respond(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    """Answer with a status."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback, over plain http."""
    with serving() as made:
        yield made


class serving:  # noqa: N801  used as a function is
    """A receiver for the length of a block; with a context, over TLS."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        receiver = Receiver("")

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(Got(self.path, {k.lower(): v for k, v in self.headers.items()}, sent))
                receiver.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that are cut off
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        receiver.url = f"{scheme}://127.0.0.1:{self._server.server_port}/hooks/gatekeeper?key=a%20b"
        self.receiver = receiver

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self.receiver

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Authority:
    """A certificate authority of the city's own, and a server's certificate by it."""

    ca_file: Path
    server: ssl.SSLContext
    chain: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority whose server is ``hooks.example`` and 127.0.0.1."""
    directory = tmp_path_factory.mktemp("authority")
    now = datetime.now(dt.UTC)
    key, leaf_key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sample authority")])

    def certificate(subject: x509.Name, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    root = certificate(name, key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    names = x509.SubjectAlternativeName(
        [x509.DNSName("hooks.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    leaf = certificate(subject, leaf_key.public_key()).add_extension(names, critical=False)
    ca_file, chain = directory / "ca.pem", directory / "server.pem"
    ca_file.write_bytes(root.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private = leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(private + leaf.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Authority(ca_file, context, chain)


@dataclass
class Told:
    """A city that tells its agencies, turn by turn."""

    city: City
    endpoints: Endpoints
    ways: dict[str, Way]
    late: timedelta = timedelta()

    @property
    def reading(self) -> NoticeReading:
        """Return the deliveries, as staff read them."""
        return NoticeReading(self.city.state.database)

    @property
    def outbox(self) -> Outbox:
        """Return the outbox."""
        return Outbox(self.city.state.database)

    def now(self) -> datetime:
        """Return the time, as late as the test wants it."""
        return self.city.state.clock.now() + self.late

    def deliverer(self, **parts: Any) -> Deliverer:
        """Return a deliverer, as each worker has one; its thread is not started."""
        made: dict[str, Any] = {
            "outbox": self.outbox,
            "agency": self.city.state.registry.agency,
            "endpoints": self.endpoints,
            "ways": self.ways,
            "now": self.now,
        }
        return Deliverer(**{**made, **parts})

    def turns(self, deliverer: Deliverer | None = None) -> None:
        """Let a deliverer do all that is due, and wait for what it began."""
        working = deliverer or self.deliverer()
        while working.turn():
            with working._changed:
                assert working._changed.wait_for(lambda: working._free > 0, timeout=30)
        with working._changed:
            assert working._changed.wait_for(lambda: working._free == 8, timeout=30)
        if working.turn():
            self.turns(working)

    def denied(self, agency_id: str = AGENCY) -> str:
        """Ask something that staff may rule on; return its query id."""
        asked = body(purpose__narrative="investigation")
        answer = self.city.ask(asked, agency_id)
        assert 403 == answer.status
        found = json.loads(answer.body)
        assert "queued" == found["review"]["state"]
        return str(found["query_id"])

    def move(self, query_id: str, event: str, to: str) -> None:
        """Move a review on, as staff do."""
        review = self.city.gate.queries.review(query_id)
        at = self.city.state.clock.now()
        rows: Sequence[Row] = reviews.move(
            review,  # type: ignore[arg-type]  # the store's own row, seen through a protocol
            to,
            event=event,
            ref=query_id,
            at=at,
            actor="staff-1",
        )
        with self.city.state.rows.transaction() as transaction:
            transaction.write(rows)
            _entry(transaction, query_id)

    def all(self) -> tuple[Delivery, ...]:
        """Return every delivery, the latest first."""
        return self.reading.page(["waiting", "delivered", "given_up", "dropped"], most=10_000)


def _entry(transaction: Any, ref: str) -> None:
    from tests.store.making import append  # noqa: PLC0415  what an entry holds is not this test's subject

    append(transaction, ref=ref)


@pytest.fixture
def told(city: City) -> Told:
    """A city, on loopback, that tells its two agencies by webhook."""
    agency.register(city.state, OTHER, name="Sample Sheriff", kind="local", state_code="IL")
    affirmation.record(
        city.state,
        OTHER,
        kind="affirmation",
        text_version="2026-01",
        signer="Sam Sample",
        title="Sheriff (sample)",
        signed_on=(NOW - timedelta(days=30)).date(),
    )
    city.clients[OTHER] = client.register(city.state, OTHER).client.id
    made = endpoints(city.state)
    way = Webhooks(made, city.state.settings.issuer, ssl.create_default_context())
    return Told(city, made, {"webhook": way})


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def with_reach(told: Told, **changes: Any) -> Endpoints:
    """Let webhooks reach something else."""
    changed = replace(told.endpoints, reach=replace(told.endpoints.reach, **changes))
    told.endpoints = changed
    way = told.ways["webhook"]
    assert isinstance(way, Webhooks)
    told.ways["webhook"] = replace(way, endpoints=changed)
    return changed
