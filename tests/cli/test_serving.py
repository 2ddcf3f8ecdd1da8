"""gunicorn as it is set up: what a caller sent reaches neither its log nor its answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.util import parse_address

from gatekeeper.cli import serving
from gatekeeper.settings import Settings

PROGRAM = """
import sys
from flask import Flask
from gatekeeper.cli import serving
from gatekeeper.settings import Settings

def build(settings):
    app = Flask("small")
    @app.get("/")
    def root():
        return "here"
    @app.get("/metrics-directory")
    def directory():
        import os
        return os.environ[serving.METRICS]
    return app

serving.prepare()
serving.Server(Settings(port=int(sys.argv[1]), workers=1, threads=4), build).run()
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Serve a small application with the gate's own gunicorn settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("serving") / "log"
    with log.open("wb") as stream:
        server = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stderr=stream, stdout=stream)
    try:
        for _ in range(100):
            try:
                say(port, b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
                break
            except OSError:
                time.sleep(0.1)
        yield port, log
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def say(port: int, text: bytes) -> bytes:
    """Send bytes and return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


@pytest.mark.parametrize(
    ("status", "request_text"),
    [
        (b"400", b"GET /DEMO123 secretword HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"400", b"GET /?plate=DEMO123 HTTP/1.1\r\nHost: x\r\nAuth orization: Bearer DEMO123\r\n\r\n"),
        (b"400", b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer DEMO123\x01\r\n\r\n"),
        (b"400", b"DEMO123\x00 / HTTP/1.1\r\n\r\n"),
        (b"414", b"GET /" + b"DEMO123" * 700 + b" HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"431", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"DEMO123" * 2000 + b"\r\n\r\n"),
        (b"501", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: DEMO123\r\n\r\n"),
    ],
)
def test_unreadable_request_is_not_repeated(
    served: tuple[int, Path], status: bytes, request_text: bytes
) -> None:
    """The handler that gunicorn brings writes the request line and the header into its log and its answer."""
    port, log = served
    answer = say(port, request_text)
    assert status == answer.split()[1]
    assert b"application/problem+json" in answer
    assert b"DEMO123" not in answer
    assert b"DEMO123" not in log.read_bytes()
    assert b"unreadable request: " in log.read_bytes()


def test_two_requests_in_one_are_refused(served: tuple[int, Path]) -> None:
    """If proxy and gate disagree on where a body ends, one agency rides on another's connection."""
    port, _ = served
    text = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert say(port, text).split()[1] in {b"400", b"501"}


@pytest.mark.parametrize(
    "header", [b"SCRIPT_NAME: /", b"SCRIPT_NAME: /metrics", b"PATH_INFO: /metrics-directory"]
)
def test_no_header_chooses_the_path(served: tuple[int, Path], header: bytes) -> None:
    """What the proxy keeps from the network by its path is not to be had by another name for it."""
    text = b"GET / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\nConnection: close\r\n\r\n"
    assert say(served[0], text).endswith(b"\r\n\r\nhere")


def test_no_control_socket_and_nothing_shared_before_the_fork() -> None:
    """A control socket could stop the service; an engine or a pool that was forked answers for two."""
    chosen = serving.options(Settings())
    assert chosen["control_socket_disable"] is True
    assert chosen["preload_app"] is False
    assert chosen["accesslog"] is None
    assert chosen["header_map"] == "drop"
    assert chosen["forwarded_allow_ips"] == "127.0.0.1"


def test_the_loopback_of_either_protocol_can_be_listened_on() -> None:
    """What the settings allow, gunicorn must understand as the same."""
    for bind in ("127.0.0.1", "::1", "localhost"):
        assert (bind, 8080) == parse_address(serving.options(Settings(bind=bind))["bind"])


def test_every_option_is_one_that_gunicorn_knows() -> None:
    """A misspelt limit would be no limit."""
    from gunicorn.config import Config  # noqa: PLC0415

    known = Config().settings
    assert not set(serving.options(Settings())) - set(known)


def test_a_service_that_cannot_begin_leaves_no_counters() -> None:
    """It is started again every two seconds, and what it left would fill the memory."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = PROGRAM.replace("serving.Server(", "print(os.environ[serving.METRICS]); serving.Server(")
        served = subprocess.run(
            [sys.executable, "-c", f"import os{program}", str(port)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert 0 != served.returncode
    made = Path(served.stdout.splitlines()[0])
    assert made.name.startswith("gatekeeper-metrics-")
    assert not made.exists()


def test_counters_that_began_alone_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of one worker must not pass for those of all."""
    monkeypatch.delenv(serving.METRICS, raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", sys)
    with pytest.raises(RuntimeError, match="before"):
        serving.prepare()
    assert os.environ["RUST_BACKTRACE"] == "0"
