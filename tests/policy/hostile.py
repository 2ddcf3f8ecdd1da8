"""A server on the loopback that reads a request and then behaves as a test tells it to: as no OPA should."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.policy.laws import small

Behaviour = Callable[[socket.socket], None]


def answer(document: Any, status: str = "200 OK", headers: str = "") -> bytes:
    """Return a whole HTTP answer."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def permit(revision: str | None = None) -> dict[str, Any]:
    """Return what OPA would say if it permitted, from the revision given."""
    held = {"revision": small().revision if revision is None else revision}
    return {
        "provenance": {"version": "1", "bundles": {"b": held}},
        "result": {
            "permit": True,
            "proved": ["purpose", "standing"],
            "unmet": [],
            "obligations": {"fields": ["id"]},
        },
    }


def _read_request(sock: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        part = sock.recv(65536)
        if not part:
            return received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def says(data: bytes) -> Behaviour:
    """Answer with these bytes."""
    return lambda sock: sock.sendall(data)


def drips(data: bytes) -> Behaviour:
    """Answer a byte at a time, slower than any deadline."""

    def drip(sock: socket.socket) -> None:
        for byte in data:
            sock.sendall(bytes([byte]))
            time.sleep(0.05)

    return drip


def resets(sock: socket.socket) -> None:
    """Break the connection off."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def silent(sock: socket.socket) -> None:
    """Say nothing until the client gives up."""
    sock.recv(1)  # until the client gives up


@contextmanager
def serving(
    behaviour: Behaviour, seen: list[bytes] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """A server that reads a request and then behaves; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)
    done = threading.Event()

    def serve_one(plain: socket.socket) -> None:
        plain.settimeout(5)
        try:
            sock = tls.wrap_socket(plain, server_side=True) if tls else plain
        except OSError:
            plain.close()
            return
        with sock:
            try:
                while request := _read_request(sock):
                    if seen is not None:
                        seen.append(request)
                    behaviour(sock)
                    if behaviour is resets:
                        return
            except OSError:
                return

    def serve() -> None:
        while not done.is_set():
            try:
                sock, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=serve_one, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()
