"""A made-up log, its forks, and small servers that behave as a test says."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from werkzeug.serving import WSGIRequestHandler, make_server

from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.cosignatures import Cosigner
from gatekeeper.ledger.merkle import consistency_proof, frontier_at, leaf_hash, perfect_root, root
from gatekeeper.witness.client import Witness
from gatekeeper.witness.directory import WitnessDirectory
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import Submission, SubmissionRefused
from gatekeeper.witness.server import create_app

ORIGIN = "gate.example.org/ledger"
NAME = "witness.example.org"
_NUMBERS = count()


def _key() -> Ed25519PrivateKey:
    """Return one that no other call returns; the same ones in every process that collects these tests."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"made up {next(_NUMBERS)}".encode()).digest())


def log_key(origin: str = ORIGIN) -> SigningKey:
    """Return a log's key that is in no file."""
    return SigningKey(origin, _key())


def cosigner(name: str = NAME) -> Cosigner:
    """Return a witness's key that is in no file."""
    return Cosigner(name, _key())


@dataclass(frozen=True)
class History:
    """A log of any size; of two with one key, the leaves differ from ``forked_at`` on."""

    key: SigningKey
    forked_at: int | None = None

    def node(self, level: int, number: int) -> bytes:
        """Read the tree (see ``merkle``)."""
        return perfect_root([self._leaf(i) for i in range(number << level, (number + 1) << level)])

    def _leaf(self, index: int) -> bytes:
        forked = self.forked_at is not None and index >= self.forked_at
        return leaf_hash(f"{'other' if forked else 'entry'} {index}".encode())

    def root(self, size: int) -> bytes:
        """Return the root at a size."""
        return root(frontier_at(size, self.node))

    def checkpoint(self, size: int) -> str:
        """Return the signed checkpoint at a size."""
        return self.key.sign(size, self.root(size))

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof between two sizes; none for a size that shrinks."""
        return consistency_proof(old, new, self.node) if old <= new else ()

    def submission(self, old: int, new: int, proof: Sequence[bytes] | None = None) -> bytes:
        """Return the request body that asks for a cosignature."""
        steps = self.proof(old, new) if proof is None else proof
        return Submission(old, tuple(steps), self.checkpoint(new)).encode()


def new_keeper(directory: Path, *keys: SigningKey, name: str = NAME) -> Keeper:
    """Return a new witness that watches these logs."""
    made = WitnessDirectory.create(directory, name)
    for key in keys:
        made.watch(key.verifier)
    return Keeper(directory)


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  (werkzeug's name)
        """Say nothing."""


@contextmanager
def served(keeper: Keeper) -> Iterator[Witness]:
    """Serve a witness on a loopback port."""
    server = make_server("127.0.0.1", 0, create_app(keeper), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Witness(keeper.key.name, keeper.key, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def answering(
    behave: Callable[[socket.socket], None], *, reads: bool = True, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve on a loopback port: each connection's request is read, then ``behave`` has the socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_ones: list[socket.socket] = []

    def one(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
            with spoken:
                if reads:
                    read_request(spoken)
                behave(spoken)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_ones.append(connection)
                threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in open_ones:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> bytes:
    """Return one request, headers and body."""
    text = b""
    while b"\r\n\r\n" not in text:
        chunk = connection.recv(4096)
        if not chunk:
            return text
        text += chunk
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(4096)
    return body


def http_answer(status: int, body: bytes | str, kind: str = "text/plain", *headers: str) -> bytes:
    """Return an HTTP answer as bytes."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {kind}", f"Content-Length: {len(content)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


def b64(raw: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(raw).decode()


def refused(keeper: Keeper, body: bytes) -> tuple[int, int | None]:
    """Return the status of a refusal, and the size that it tells; the witness is where it was."""
    before = keeper.logs()
    with pytest.raises(SubmissionRefused) as raised:
        keeper.add_checkpoint(body)
    assert [log.text for log in before] == [log.text for log in keeper.logs()]
    return raised.value.status, raised.value.size
