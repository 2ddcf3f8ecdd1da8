"""The last step before the socket: an answer with records is not started after its lease.

Guarantees (promise 3): the server in front of the socket gets the body as one chunk, from a generator that
checks the lease at the moment the chunk is asked for; after the lease it gets a 503 problem and no record.
Status and headers are handed on only then, so a late answer can still be turned into that problem.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import LeaseExpired
from gatekeeper.ledger.stops import Lease

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LEASE = "gatekeeper.lease"
EXPIRED = "gatekeeper.lease_expired"


class Leased:
    """WSGI middleware that sends each body whole, or not at all."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Run the application; hold what it wants to send until the server asks for it."""
        held: list[tuple[str, list[tuple[str, str]]]] = []

        def hold(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], object]:
            held[:] = [(status, headers)]
            return _no_writing

        answer = self._app(environ, hold)
        try:
            body = b"".join(answer)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return self._send(environ, start_response, held[0], body)

    def _send(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        head: tuple[str, list[tuple[str, str]]],
        body: bytes,
    ) -> Iterator[bytes]:
        lease: Lease | None = environ.get(LEASE)
        if lease is not None:
            try:
                lease.check()
            except LeaseExpired:
                environ.get(EXPIRED, _nobody)()
                head, body = _expired(head[1])
        start_response(*head)
        yield body


def _expired(headers: list[tuple[str, str]]) -> tuple[tuple[str, list[tuple[str, str]]], bytes]:
    kept = [(name, value) for name, value in headers if name in {"X-Request-Id", "Cache-Control"}]
    request_id = next((value for name, value in kept if name == "X-Request-Id"), None)
    body = json.dumps(
        {
            "type": "/docs#problem-lease_expired",
            "title": "The gatekeeper cannot answer for itself",
            "status": 503,
            "detail": "The answer was not sent in time. Nothing was released. Ask again later.",
            "request_id": request_id,
        }
    ).encode("utf-8")
    kept += [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Retry-After", "1"),
    ]
    return ("503 Service Unavailable", kept), body


def _no_writing(_: bytes) -> object:
    raise RuntimeError("an answer is one buffered chunk; nothing is written before it")


def _nobody() -> None:
    """Nobody asked to be told."""
