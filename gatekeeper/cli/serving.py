"""How gunicorn serves the gate: the one place for its settings (``deploy/gunicorn.conf.py`` imports them).

Guarantees: the application is built after the fork, in each worker (engines and pools do not survive one); no
control socket; headers with odd names are dropped and forwarded ones believed only from the proxy; what a
caller sent is repeated neither in a log line nor in an answer, not even when it could not be read as HTTP.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http import errors as http
from gunicorn.workers.gthread import ThreadWorker

from gatekeeper.errors import GatekeeperError
from gatekeeper.settings import Settings, load
from gatekeeper.web.ending import ending_of

if TYPE_CHECKING:
    from flask import Flask

METRICS = "PROMETHEUS_MULTIPROC_DIR"
_COURTESY_S = 0.0002  # for each connection held: longer than another worker takes to wake
_LONGEST_COURTESY_S = 0.002
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (a file system in memory, not a shared place for files of ours)


def prepare() -> None:
    """Set up the process for workers that count together; call it before the application is imported.

    Raises RuntimeError if it is too late: counters that began alone cannot be joined.
    """
    os.environ["RUST_BACKTRACE"] = "0"  # with it each error in the embedded engine costs 100 ms and 57 MB
    if METRICS in os.environ:
        return
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prepare() must run before the application is imported")
    os.environ[METRICS] = tempfile.mkdtemp(prefix="gatekeeper-metrics-", dir=_memory())


def options(settings: Settings) -> dict[str, Any]:
    """Return gunicorn's settings."""
    return {
        "bind": f"[{settings.bind}]:{settings.port}"
        if ":" in settings.bind
        else f"{settings.bind}:{settings.port}",
        "workers": settings.workers or os.cpu_count() or 1,
        # Threads keep a worker answering while one of them waits for OPA, PostgreSQL or a vendor.
        "worker_class": "gatekeeper.cli.serving.Worker",
        "threads": settings.threads,
        "preload_app": False,
        "timeout": 30,  # also ends a worker that the embedded engine holds: it cannot be interrupted
        "graceful_timeout": 20,
        "keepalive": 15,
        "max_requests": 0,  # recycled workers leave counter files behind
        "worker_tmp_dir": _memory(),  # the heartbeat must not wait for a disk
        "control_socket_disable": True,
        "limit_request_line": 4094,
        "limit_request_fields": 64,
        "limit_request_field_size": 8190,
        "header_map": "drop",
        "forwarder_headers": "",  # SCRIPT_NAME and PATH_INFO would let a caller choose the path
        "forwarded_allow_ips": settings.trusted_proxy,
        "proxy_allow_ips": settings.trusted_proxy,
        "accesslog": None,  # one line a request is written by the application, without paths or queries
        "errorlog": "-",
        # At debug gunicorn writes the address of each request, and with it whatever a caller typed there.
        "loglevel": "info" if settings.log_level.lower() == "debug" else settings.log_level,
        "logger_class": "gatekeeper.cli.serving.Reticent",
        "proc_name": "gatekeeper",
        "child_exit": forget_worker,
        "on_exit": clear_metrics,
    }


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn, started from Python. ``run()`` returns when the service ends.

    ``hooks`` are further gunicorn settings, such as ``when_ready``.
    """

    def __init__(self, settings: Settings, build: Callable[[Settings], Flask], **hooks: Any) -> None:
        self._settings = settings
        self._build = build
        self._hooks = hooks
        super().__init__()

    def load_config(self) -> None:
        """Take the settings from here; no file and no GUNICORN_CMD_ARGS can change them."""
        for name, value in (options(self._settings) | self._hooks).items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Serve until told to end. gunicorn's ``on_exit`` is not called where it could not begin."""
        master = os.getpid()
        try:
            super().run()
        finally:
            if os.getpid() == master:  # a worker ends through here too
                clear_metrics(self)

    def load(self) -> Flask:
        """Build the application; gunicorn calls it in each worker."""
        return self._build(self._settings)


def application() -> Flask:
    """Build the application from the environment, for ``gunicorn -c deploy/gunicorn.conf.py``."""
    from gatekeeper.app import create_app  # noqa: PLC0415  (after prepare())

    return create_app(load())


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """Takes its share of the connections; answers what cannot be read as HTTP without repeating it."""

    def accept(self, listener: object) -> None:
        """Take a connection that is waiting, but leave it a moment to a worker that has fewer.

        Callers keep their connections open, so how they are shared is how the work is shared: without this
        the first worker to wake takes all that wait, and the other cores have nothing to do.
        """
        time.sleep(min(self.nr_conns * _COURTESY_S, _LONGEST_COURTESY_S))
        super().accept(listener)

    def handle_exit(self, sig: object, frame: object) -> None:
        """Begin to end, and let go those who wait for a change of the law: they may ask elsewhere."""
        app = getattr(self, "wsgi", None)  # there is none until it has been built
        if hasattr(app, "extensions"):
            ending_of(app).set()
        super().handle_exit(sig, frame)

    def handle_error(self, req: object, client: Any, addr: object, exc: BaseException) -> None:
        """Log the kind of fault alone: gunicorn's own line quotes the request line and the header."""
        del req, addr
        kind = next((c for c in type(exc).__mro__ if c in _UNREADABLE), None)
        status, code, title = _FAILED if kind is None else _UNREADABLE[kind]
        if kind is None:
            self.log.exception("request failed")  # noqa: LOG004  (gunicorn calls this from its handlers)
        else:
            self.log.warning("unreadable request: %s", type(exc).__name__)
        body = json.dumps(
            {
                "type": f"/docs#problem-{code}",
                "title": title,
                "status": status,
                "detail": "Nothing was released.",
                "request_id": "none",
            }
        )
        head = f"HTTP/1.1 {status} {title}\r\nConnection: close\r\nContent-Type: application/problem+json\r\n"
        head += f"Cache-Control: no-store\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            client.sendall((head + body).encode("ascii"))
        except OSError:
            self.log.debug("the caller is gone")


class Reticent(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's log without a caller's words: an exception is told by its type and where it arose."""

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Write the place, not the text: it may quote a request. Our own errors never do."""
        del args, kwargs
        _, error, trace = sys.exc_info()
        frames = " < ".join(f"{f.filename}:{f.lineno}" for f in reversed(traceback.extract_tb(trace)[-6:]))
        said = f": {error}" if isinstance(error, GatekeeperError) else ""
        # Templates are gunicorn's own sentences; their arguments are the request's address.
        self.error("%s: %s%s at %s", msg.replace("%s", "…"), type(error).__name__, said, frames)


def forget_worker(server: object, worker: Any) -> None:
    """Drop the gauges of a worker that has ended (gunicorn's ``child_exit``)."""
    del server
    from prometheus_client import multiprocess  # noqa: PLC0415  (after prepare())

    if METRICS in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it ships none


def clear_metrics(server: object) -> None:
    """Remove the counters' directory (gunicorn's ``on_exit``), if we made it."""
    del server
    directory = Path(os.environ.get(METRICS, ""))
    if directory.name.startswith("gatekeeper-metrics-"):
        shutil.rmtree(directory, ignore_errors=True)


def _memory() -> str | None:
    return str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK | os.X_OK) else None


_FAILED = (500, "internal", "Internal Server Error")
_BAD = (400, "bad_request", "Bad Request")
_UNREADABLE: dict[type[BaseException], tuple[int, str, str]] = {
    http.LimitRequestLine: (414, "uri_too_long", "URI Too Long"),
    http.LimitRequestHeaders: (431, "header_too_large", "Request Header Fields Too Large"),
    http.UnsupportedTransferCoding: (501, "bad_request", "Not Implemented"),
    http.ExpectationFailed: (417, "bad_request", "Expectation Failed"),
    http.ForbiddenProxyRequest: (403, "bad_request", "Forbidden"),
    http.ParseException: _BAD,
    http.ConfigurationProblem: _FAILED,
    # What the application wanted to send, not what the caller did.
    http.InvalidResponseHeader: _FAILED,
    http.InvalidResponseHeaderName: _FAILED,
}
