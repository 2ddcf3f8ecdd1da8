"""One line of log, one id and the safe headers for every request.

Guarantees (promise 8): a line holds method, route template, status, duration, ids and codes of ours; never a
path as it was typed, a query string, a header, a body, a word, a plate or a token.
"""

from __future__ import annotations

import logging
import secrets
import sys
import time
import traceback
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import ClientDisconnected

from gatekeeper.web.metrics import DECISIONS, FAULTS, REQUESTS, SECONDS, UNMET

_log = structlog.get_logger()


def configure_logging(level: str) -> None:
    """Write JSON lines to standard output."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )


def install(app: Flask) -> None:
    """Give every request its id, its line of log and its headers."""

    @app.before_request
    def begin() -> None:
        # Never the caller's own id: it would be a way to write into our log.
        g.request_id = secrets.token_hex(8)
        g.began = time.perf_counter()
        request.environ["wsgi.input"] = _Body(request.environ["wsgi.input"])

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Cache-Control", "no-store")
        _record(response)
        return response


class _Body:
    """The request's body; each server has its own error for a chunk that cannot be read, here it is a 400."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        """Read up to *size* bytes. Raises ClientDisconnected, a bad request, if the body is broken."""
        try:
            data: bytes = self._stream.read(size)
        except Exception:  # noqa: BLE001 - foreign exceptions stop here
            raise ClientDisconnected from None
        return data


def record_unsent(request_id: str, query_id: str) -> None:
    """Record an answer that was ready, and stands as such in the lines above, but was not sent in time."""
    FAULTS.labels("lease_expired").inc()
    _log.warning("not_sent", request_id=request_id, query_id=query_id, fault="lease_expired", status=503)


def _record(response: Response) -> None:
    route = request.url_rule.rule if request.url_rule is not None else "none"
    seconds = time.perf_counter() - g.began
    REQUESTS.labels(route, str(response.status_code)).inc()
    SECONDS.labels(route).observe(seconds)
    line: dict[str, object] = {
        "request_id": g.request_id,
        "method": request.method if request.method in _METHODS else "other",
        "route": route,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
    }
    outcome, fault = g.get("outcome"), g.get("fault")
    if outcome is not None:
        line |= {"query_id": g.query_id, "outcome": outcome, "provisions": list(g.provisions)}
        DECISIONS.labels(outcome).inc()
        for code in g.provisions:
            UNMET.labels(code).inc()
    if fault is not None:
        line["fault"] = fault
        FAULTS.labels(fault.partition(":")[0]).inc()
    trace = g.get("trace")
    if trace is not None:
        # Where it failed, without what it said: an exception's text may quote the request.
        frames = traceback.extract_tb(trace.__traceback__)[-6:]
        line["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        _log.error("request", **line)
    else:
        _log.info("request", **line)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
