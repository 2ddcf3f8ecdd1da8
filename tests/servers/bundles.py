"""A bundle server for tests: the gate's own endpoint on its own gunicorn, over a law that a test sets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from gatekeeper.policy.opa_configuration import PATH
from tests.servers.opa import free_port

TOKEN = "made-up-token-of-more-than-32-characters"
PROGRAM = """
import pathlib, sys
from gatekeeper.cli import serving
from gatekeeper.settings import Settings

class Law:
    content = b""
    def active(self):
        found = pathlib.Path(sys.argv[2]).read_bytes()
        if found != self.content:
            self.content = found
        return "", "", self.content

def build(settings):
    from flask import Flask
    from gatekeeper.web import problems, requests
    from gatekeeper.web.bundle_access import BundleAccess
    from gatekeeper.web.proxy import Proxy
    from gatekeeper.web.bundles import bundles_blueprint
    requests.configure_logging("info")
    app = Flask("small")
    requests.install(app)
    problems.install(app)
    access = BundleAccess.load(sys.argv[3], pathlib.Path("none"), sys.argv[4], Proxy(settings.trusted_proxy))
    app.register_blueprint(bundles_blueprint(Law(), access, settings.threads))
    return app

serving.prepare()
serving.Server(Settings(port=int(sys.argv[1]), workers=2, threads=6), build).run()
"""


@dataclass(frozen=True, slots=True)
class Bundles:
    """A running bundle server."""

    url: str
    file: Path
    process: subprocess.Popen[bytes]
    log: Path

    def serve(self, content: bytes) -> None:
        """Serve these bytes from now on."""
        unfinished = self.file.with_suffix(".new")
        unfinished.write_bytes(content)
        unfinished.replace(self.file)

    def asked(self) -> int:
        """Return how often it was asked."""
        return self.log.read_text().count(f'"route": "{PATH}"')


@contextmanager
def bundle_server(directory: Path, content: bytes, certificates: str = "") -> Iterator[Bundles]:
    """Serve a bundle on the loopback until the block ends; *certificates* are fingerprints that let in."""
    port, log, file = free_port(), directory / "bundles.log", directory / "served.tar.gz"
    file.write_bytes(content)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(port), str(file), TOKEN, certificates],
            stdout=sink,
            stderr=sink,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, log)
        yield Bundles(url, file, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(400):
        if process.poll() is not None:
            break
        try:
            if requests.get(f"{url}{PATH}", timeout=5).status_code == requests.codes.unauthorized:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the bundle server did not start: {log.read_text()[-2000:]}")
