"""One connection to an address that was checked, and its end when the time is up.

Guarantees: the connection is made to one of the very addresses that were checked, never to a name; whatever
the other side does (no answer, a trickle of bytes), it is cut when the whole time is up.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from gatekeeper.notices.addresses import Target

MOST_ADDRESSES: Final = 3


def connected(addresses: Sequence[str], port: int, timeout_s: float) -> socket.socket:
    """Return a connection to one of these very addresses. Raises OSError."""
    for address in addresses[: MOST_ADDRESSES - 1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=timeout_s)
    return socket.create_connection((addresses[:MOST_ADDRESSES][-1], port), timeout=timeout_s)


def spoken(target: Target, opened: socket.socket, trust: ssl.SSLContext) -> http.client.HTTPConnection:
    """Return HTTP over a connection, by TLS where the address says https. Raises OSError."""
    if target.scheme != "https":
        plain = http.client.HTTPConnection(target.host, target.port)
        plain.sock = opened
        return plain
    connection = http.client.HTTPSConnection(target.host, target.port, context=trust)
    # The certificate is held against the name, whatever address it was reached at.
    connection.sock = trust.wrap_socket(opened, server_hostname=target.host)
    return connection


@contextmanager
def cut_off(opened: socket.socket, whole_s: float) -> Iterator[None]:
    """End the connection when the time of the whole try is up, wherever it stands. Raises TimeoutError."""
    # A second handle: what TLS does to the first one must not take it from the timer.
    with opened.dup() as watched:
        late = threading.Event()
        timer = threading.Timer(whole_s, _cut, [watched, late])
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException):
            if not late.is_set():
                raise
        finally:
            timer.cancel()
        # What was cut off in the middle of its headers was read as an answer that is whole.
        if late.is_set():
            raise TimeoutError("the time of the whole try is up")


def _cut(watched: socket.socket, late: threading.Event) -> None:
    late.set()  # before anybody can see the end
    with suppress(OSError):
        watched.shutdown(socket.SHUT_RDWR)


def fault_of(error: OSError | http.client.HTTPException) -> str:
    """Return a word of ours for what went wrong, with nothing in it of the other side's making."""
    match error:
        case ssl.SSLCertVerificationError():
            return "certificate_refused"
        case TimeoutError():
            return "timed_out"
        case ssl.SSLError():
            return "tls_failed"
        case http.client.HTTPException():
            return "no_http_answer"
    return "no_connection"
