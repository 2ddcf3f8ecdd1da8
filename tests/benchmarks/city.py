"""A demo city that is served for a benchmark: started on a free port, stopped by its process id."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.benchmarks.loads import Load, every_case, one_case, plates_of
from tests.servers.credentials import Shown, by_secret

PATIENCE_S = 180


@dataclass(frozen=True, slots=True)
class Served:
    """A running gate and what is known of it."""

    base_url: str
    data: Path
    credentials: dict[str, Any]
    process: subprocess.Popen[bytes]

    def agency(self, profile: str) -> dict[str, Any]:
        """Return the credentials of a client of this profile, of the agency that may ask."""
        found: dict[str, Any] = next(
            one
            for one in self.credentials["agencies"]
            if (one["id"], one["profile"]) == ("maple-falls-pd", profile)
        )
        return found

    def shown(self, scope: str = "reads:query") -> Shown:
        """Get an access token by the client's secret."""
        own = self.agency("basic")
        granted = by_secret(self.base_url, own["client_id"], own["client_secret"], scope)
        return Shown(f"Bearer {granted['access_token']}")

    def loads(self) -> tuple[Load, Load]:
        """Make both loads, for plates that were seen."""
        samples = self.credentials["samples"]
        plates = plates_of(self.data / "reads.db")
        window = (samples["from"], samples["to"])
        return one_case(plates, *window), every_case(plates, *window)


def free_port() -> int:
    """Find a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gate(data: Path, *more: str) -> Iterator[Served]:
    """Serve the demo. Raises RuntimeError with the end of its log if it does not start."""
    port = free_port()
    command = [sys.executable, "-m", "gatekeeper", "demo", "--data", str(data), "--port", str(port), *more]
    with running(command, data.with_suffix(".log")) as process:
        credentials = data / "credentials.json"
        wait(credentials.exists, process, data.with_suffix(".log"))
        base_url = f"http://127.0.0.1:{port}"
        yield Served(base_url, data, json.loads(credentials.read_text("utf-8")), process)


@contextmanager
def twin(data: Path) -> Iterator[tuple[str, int]]:
    """Serve the ungated twin over the same store; give its address and its process id."""
    base_url = f"http://127.0.0.1:{free_port()}"
    log = data.with_suffix(".twin.log")
    command = [sys.executable, "-m", "tests.benchmarks.twin", str(data), base_url.rsplit(":", 1)[1]]
    with running(command, log) as process:

        def answers() -> bool:
            try:
                return requests.get(f"{base_url}/healthz", timeout=1).ok
            except requests.RequestException:
                return False

        wait(answers, process, log)
        yield base_url, process.pid


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server and end it by its process id, whatever happens."""
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(ready: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it is ready. Raises RuntimeError if it ends or takes too long."""
    end = time.monotonic() + PATIENCE_S
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"it did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(0.2)
