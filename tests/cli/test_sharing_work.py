"""Connections are shared between the workers: callers keep theirs open, so that is how work is shared."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import pytest

PROGRAM = """
import os, sys
from flask import Flask
from gatekeeper.cli import serving
from gatekeeper.settings import Settings

def build(settings):
    app = Flask("small")
    @app.get("/")
    def which():
        return str(os.getpid())
    return app

serving.prepare()
serving.Server(Settings(port=int(sys.argv[1]), workers=2, threads=2), build).run()
"""
PATIENCE_S = 20


@pytest.fixture
def port() -> Iterator[int]:
    """Serve an application that names its worker, with two of them and the gate's own settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(free)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield free
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE_S)


def worker_of(connection: http.client.HTTPConnection) -> bytes:
    """Return which worker answers a request that was sent; the connection stays open. Raises OSError."""
    return connection.getresponse().read()


def open_until_both_answer(port: int) -> list[http.client.HTTPConnection]:
    """Return connections, one at least to each worker, once both have started."""
    held: dict[bytes, http.client.HTTPConnection] = {}
    end = time.monotonic() + PATIENCE_S
    while len(held) < 2 and time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            worker = worker_of(connection)
        except OSError:
            worker = b""
        if not worker or worker in held:
            connection.close()
            time.sleep(0.05)
        else:
            held[worker] = connection
    return list(held.values())


def test_connections_that_stay_open_are_shared_by_the_workers(port: int) -> None:
    """One worker had all of a proxy's connections, and half of the machine had nothing to do."""
    connections = open_until_both_answer(port)
    assert 2 == len(connections)
    more = [http.client.HTTPConnection("127.0.0.1", port, timeout=5) for _ in range(22)]
    for connection in more:
        connection.request("GET", "/")  # all of them, before the first answer is read
    shares = Counter(map(worker_of, more))
    for connection in connections + more:
        connection.close()
    assert 2 == len(shares)
    assert 4 <= min(shares.values()), shares
