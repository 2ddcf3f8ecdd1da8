"""What a soak must not let pass: growing memory, an answer that failed, one that nobody can account for."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.benchmarks import sending
from tests.benchmarks.beside import asked_beside
from tests.benchmarks.city import Served
from tests.benchmarks.loads import Load, query
from tests.benchmarks.soak import accounted_for, grown

LOAD = Load("made up", (json.dumps(query("DEMO1", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")).encode(),))


class _Broken(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer nothing but 503."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def broken() -> Iterator[str]:
    """Yield the address of a gate that answers everything with 503."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Broken) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "resident",
    [
        [800.0 + 20 * n for n in range(30)],  # steadily
        [800.0] * 22 + [900.0] * 8,  # late
        [500.0] * 29 + [500.0, 5000.0, 5000.0, 5000.0, 5000.0, 5000.0],  # at the end
    ],
)
def test_memory_that_grows_fails_the_soak(resident: list[float]) -> None:
    """Whether little by little or late."""
    with pytest.raises(RuntimeError, match="memory grew"):
        grown(resident)


def test_memory_that_only_warms_up_does_not() -> None:
    """Caches fill in the first half; a short soak is not judged."""
    assert grown([100.0, 300.0, 500.0, 600.0, 700.0] + [800.0] * 7) == 1
    assert grown([800.0, 900.0, 1000.0]) is None


def test_an_answer_that_failed_ends_it(broken: str) -> None:
    """In the load, unless the caller takes some; and in what is asked beside it."""
    with pytest.raises(RuntimeError, match="were not 200"):
        sending.run(broken, LOAD, None, 1, 1)
    found = sending.run(broken, LOAD, None, 1, 1, 1)
    assert found.requests == found.refused > 0
    agency = {"id": "maple-falls-pd", "profile": "basic", "client_id": "demo", "client_secret": "demo"}
    served = Served(broken, Path(), {"agencies": [agency]}, None)  # type: ignore[arg-type]  # none is needed
    with pytest.raises(RuntimeError, match="beside the load: 503"), asked_beside(served, LOAD):
        pass


@pytest.mark.parametrize(
    ("late", "logged", "fits"),
    [
        (0, [], True),
        (2, ["lease_expired", "lease_expired"], True),
        (1, ["lease_expired", "lease_expired"], True),  # the load ended before it came
        (1, [], False),
        (0, ["records_unavailable"], False),
        (1, ["lease_expired", "internal"], False),
    ],
)
def test_an_answer_that_was_not_200_is_in_the_log_as_late(
    tmp_path: Path, late: int, logged: list[str], *, fits: bool
) -> None:
    """Whatever else was refused is a failure."""
    with closing(sqlite3.connect(tmp_path / "state.db")) as database:
        database.execute("CREATE TABLE ledger_entries (event TEXT, entry BLOB)")
        rows = [("query.refused", json.dumps({"reason": reason}).encode()) for reason in logged]
        database.executemany("INSERT INTO ledger_entries VALUES (?, ?)", rows)
        database.commit()
    if fits:
        accounted_for(tmp_path, late)
    else:
        with pytest.raises(RuntimeError, match="not 200"):
            accounted_for(tmp_path, late)
