"""An agency's host, over TLS on loopback, that publishes keys, or whatever a test wants it to do."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc.jwk import ECKey

from tests.servers.nginx import Pair

Answer = Callable[[BaseHTTPRequestHandler], None]


def publishing(*keys: Any) -> Answer:
    """Answer with a set of these keys, public halves alone."""
    return saying(json.dumps({"keys": [key if isinstance(key, dict) else public(key) for key in keys]}))


def public(key: Any) -> dict[str, Any]:
    """Return the public half of a key."""
    jwk: dict[str, Any] = key.as_dict(private=False)
    return jwk


def new_key(kid: str) -> ECKey:
    """Return a key of this name."""
    return ECKey.generate_key("P-256", parameters={"kid": kid})


def saying(text: str | bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with a text."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        sent = text.encode() if isinstance(text, str) else text
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(sent)))
        handler.end_headers()
        handler.wfile.write(sent)

    return answer


def raw(sent: bytes) -> Answer:
    """Answer with bytes, whatever they are."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(sent)

    return answer


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then, for as long as anybody listens."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(600):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def silent(_: BaseHTTPRequestHandler) -> None:
    """Say nothing."""
    time.sleep(8)


@dataclass
class KeyHost:
    """The host; ``answer`` may be changed while it serves."""

    port: int
    answer: Answer
    asked: list[str] = field(default_factory=list)

    @property
    def uri(self) -> str:
        """Where the keys are."""
        return f"https://127.0.0.1:{self.port}/jwks.json"


@contextmanager
def key_host(pair: Pair, answer: Answer | None = None, keys: Sequence[Any] = ()) -> Iterator[KeyHost]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host.asked.append(self.path)
            with suppress(OSError):
                host.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that are cut off
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    host = KeyHost(server.server_port, answer or publishing(*keys))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
