"""A running gate: ``gatekeeper demo`` as shipped, gunicorn and real sockets on a free loopback port."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import count, cycle
from pathlib import Path
from typing import Any

import requests

from gatekeeper.records.sample import build
from tests.servers.credentials import by_secret
from tests.servers.opa import free_port

START_SECONDS = 60
# Longer than anything the gate itself waits for, also when its workers were asleep for a while.
IDLE_SECONDS = 8
PATIENCE_SECONDS = 60
WEEK_MS = 7 * 86_400_000
SEEN_TIMES = (6, 40)
"""More than a small page holds, fewer than a large one."""


@dataclass
class RunningGate:
    """A demo that serves, and clients of it that use nothing but HTTP."""

    base_url: str
    data: Path
    process: subprocess.Popen[bytes]
    document: dict[str, Any]
    log: Path
    env: Mapping[str, str]
    _tokens: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    _local: threading.local = field(default_factory=threading.local)
    _plates: Iterator[str] = field(init=False)
    _officers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        """Line up the plates that are asked about."""
        self._plates = cycle(often_seen(self.data / "reads.db", self.document["samples"]["plates"]))

    @property
    def session(self) -> requests.Session:
        """Return this thread's session; one that was idle nearly as long as the server waits begins anew.

        The server may close a connection in the very moment in which it is used again.
        """
        now = time.monotonic()
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        elif now - self._local.used > IDLE_SECONDS:
            self._local.session.close()  # it makes new connections when it is used
        self._local.used = now
        session: requests.Session = self._local.session
        return session

    def agency(self, agency_id: str = "maple-falls-pd", profile: str = "basic") -> dict[str, Any]:
        """Return an agency's credentials."""
        return next(a for a in self.document["agencies"] if (a["id"], a["profile"]) == (agency_id, profile))

    def person(self, role: str, number: int = 0) -> dict[str, Any]:
        """Return a member of the demo's staff."""
        found: dict[str, Any] = [one for one in self.document["staff"] if one["role"] == role][number]
        return found

    def token(self, agency_id: str = "maple-falls-pd", scope: str = "reads:query ledger:read") -> str:
        """Return an access token with at least half its life before it, so that no test outlives it."""
        renewed, token = self._tokens.get((agency_id, scope), (0.0, ""))
        if time.monotonic() >= renewed:
            own = self.agency(agency_id)
            granted = by_secret(self.base_url, own["client_id"], own["client_secret"], scope)
            token = granted["access_token"]
            self._tokens[agency_id, scope] = (time.monotonic() + granted["expires_in"] / 2, token)
        return token

    def request(
        self, method: str, path: str, agency_id: str = "maple-falls-pd", **options: Any
    ) -> requests.Response:
        """Send a request with the agency's token."""
        headers = {"Authorization": f"Bearer {self.token(agency_id)}"} | options.pop("headers", {})
        given = self.session.request(
            method, self.base_url + path, headers=headers, timeout=PATIENCE_SECONDS, **options
        )
        if given.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self.session.close()  # the server may close a connection whose body it did not want
        return given

    def ask(
        self, body: Mapping[str, Any], agency_id: str = "maple-falls-pd", **options: Any
    ) -> requests.Response:
        """Send a query."""
        return self.request("POST", "/v1/queries", agency_id, json=body, **options)

    def body(self, **changes: Any) -> dict[str, Any]:
        """Return a flawless request for the next plate, changed by dotted names (``purpose__offense=…``).

        Each is about another plate, by another officer: what one test was refused, the next does not ask
        again in other words, and together they are no sweep.
        """
        own = {"requester__badge": f"4411{next(self._officers):05}"}
        return flawless(next(self._plates), **(own | changes))

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run an operator's command on this city."""
        command = [sys.executable, "-m", "gatekeeper", *arguments, "--data", str(self.data)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=environment(**self.env), check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def entries(self) -> list[dict[str, Any]]:
        """Read every entry of the log from the state, as an auditor with the database would."""
        from gatekeeper import settings  # noqa: PLC0415  only some tests read the state
        from gatekeeper.state import open_state  # noqa: PLC0415

        state = open_state(
            settings.load(data=self.data, database_url=self.env.get("GATEKEEPER_DATABASE_URL"))
        )
        try:
            return [json.loads(entry.entry) for entry in state.rows.entries(0, 1_000_000)]
        finally:
            state.database.close()

    def workers(self) -> list[int]:
        """Return the process ids of gunicorn's workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a fresh shell: none of our settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GATEKEEPER_", "PROMETHEUS_"))}
    return clean | more


def small_city(directory: Path, reads: int = 20_000) -> Path:
    """Build a small sample city once, to be copied."""
    path = directory / "reads.db"
    build(path, seed=7, reads=reads, until=datetime.now(UTC))
    return path


def often_seen(reads: Path, but: Collection[str]) -> list[str]:
    """Return the plates of a sample city that its cameras read some times in its last week."""
    with closing(sqlite3.connect(f"file:{reads}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "SELECT plate FROM sightings WHERE captured_at > (SELECT max(captured_at) - ? FROM sightings)"
            " GROUP BY plate HAVING count(*) BETWEEN ? AND ? ORDER BY plate",
            (WEEK_MS, *SEEN_TIMES),
        )
        return [plate for (plate,) in found if plate not in but]


@contextmanager
def running_gate(
    data: Path,
    *arguments: str,
    reads: Path | None = None,
    env: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[RunningGate]:
    """Serve a demo in ``data`` until the block ends; stopped by its process id."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if reads is not None and not (data / "reads.db").exists():
        shutil.copy(reads, data / "reads.db")
    port = port or free_port()
    log = data / "demo.log"
    command = [
        sys.executable,
        "-m",
        "gatekeeper",
        "demo",
        "--data",
        str(data),
        "--port",
        str(port),
        *arguments,
    ]
    with log.open("ab") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment(**(env or {})))
    try:
        yield RunningGate(
            f"http://127.0.0.1:{port}", data, process, _ready(data, process, log), log, dict(env or {})
        )
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _ready(data: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            document: dict[str, Any] = json.loads((data / "credentials.json").read_text())
        except (OSError, ValueError):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return document
    raise AssertionError(f"the demo did not start: {log.read_text()}")


def flawless(plate: str, **changes: Any) -> dict[str, Any]:
    """Return a flawless request for a plate, changed by dotted names (``purpose__offense=…``)."""
    now = datetime.now(UTC).replace(microsecond=0)
    request: dict[str, Any] = {
        "query": {
            "kind": "plate",
            "plate": plate,
            "from": (now - timedelta(days=7)).isoformat(),
            "to": now.isoformat(),
            "limit": 50,
        },
        "purpose": {
            "category": "stolen_vehicle",
            "offense": "240",
            "narrative": "Stolen Example sedan, taken from Sample Avenue overnight",
            "case_number": "25-10494",
        },
        "requester": {"name": "Pat Example", "badge": "4411", "unit": "Auto theft"},
        "on_behalf_of": None,
        "legal_process": None,
        "attestation": {"text_version": "2026-01", "accepted": True},
    }
    return changed(request, changes)


def changed(document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with values set by dotted names (``purpose__offense``)."""
    for name, value in changes.items():
        *path, last = name.split("__")
        place = document
        for step in path:
            place = place[step]
        place[last] = value
    return document
