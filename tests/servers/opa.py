"""A real OPA server for tests: started with an exported bundle, stopped by its process id."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from gatekeeper.policy import Bundle, export


def opa_program() -> str:
    """Return the path of OPA. Raises FileNotFoundError."""
    found = os.environ.get("GATEKEEPER_TEST_OPA") or shutil.which("opa") or str(Path.home() / "go/bin/opa")
    if not Path(found).exists():
        raise FileNotFoundError(found)
    return found


@dataclass(frozen=True, slots=True)
class Opa:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """Return a port of the loopback address that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def opa_server(bundle: Bundle, directory: Path, *, unix: bool = False) -> Iterator[Opa]:
    """Serve *bundle* from *directory* (for its files), on a port or on a unix socket."""
    file = directory / "bundle.tar.gz"
    export(bundle, file)
    with _started(["--bundle", str(file)], directory, unix=unix) as server:
        yield server


@contextmanager
def opa_of(configuration: Mapping[str, Any], directory: Path, *, unix: bool = False) -> Iterator[Opa]:
    """Serve what a configuration says, on a port or on a unix socket; ready or not."""
    (directory / "opa.json").write_text(json.dumps(configuration), "utf-8")
    with _started(["--config-file", "opa.json"], directory, unix=unix) as server:
        yield server


@contextmanager
def _started(arguments: list[str], directory: Path, *, unix: bool) -> Iterator[Opa]:
    place = f"unix://{directory / 'opa.sock'}" if unix else f"127.0.0.1:{free_port()}"
    url = place if unix else f"http://{place}"
    log = (directory / "opa.log").open("wb")
    process = subprocess.Popen(
        [
            opa_program(),
            "run",
            "--server",
            "--disable-telemetry",
            "--addr",
            place,
            "--log-level",
            "error",
            "--set",
            "decision_logs.console=false",
            *arguments,
        ],
        stdout=log,
        stderr=log,
        cwd=directory,
    )
    try:
        _wait(place, unix, process, directory / "opa.log")
        yield Opa(url=url, process=process)
    finally:
        process.kill()
        process.wait(10)
        log.close()


def _wait(place: str, unix: bool, process: subprocess.Popen[bytes], log: Path) -> None:  # noqa: FBT001
    for _ in range(400):
        if process.poll() is not None:
            break
        try:
            if unix:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(place.removeprefix("unix://"))
                return
            if requests.get(f"http://{place}/health", timeout=1).status_code == requests.codes.ok:
                return
        except OSError:
            pass
        time.sleep(0.025)
    raise RuntimeError(f"OPA did not start: {log.read_text()[-2000:]}")
