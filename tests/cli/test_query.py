"""``gatekeeper query`` prints what a gate answers as it is, and follows nobody elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from click.testing import Result

from tests.cli.shell import typed

Given = tuple[int, dict[str, Any], dict[str, str]]
TOKEN: Given = (200, {"access_token": "made-up"}, {})
RELEASED = {
    "decision": {"policy": {"revision": "2026-01+0123456789ab"}},
    "receipt": {"index": 7},
    "records": [
        {"captured_at": "2026-11-01T00:00:00Z", "plate": "DEMO123", "camera": {"name": "Main [north] St [/]"}}
    ],
}


@contextmanager
def gate(*answers: Given) -> Iterator[tuple[str, list[bytes]]]:
    """Answer one request after the other; yield the address and the bodies that came."""
    left, bodies = list(answers), list[bytes]()

    class Gate(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, body, headers = left.pop(0)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Gate)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        server.server_close()


def ask(address: str, directory: Path) -> Result:
    """Ask for a made-up plate."""
    (directory / "secret").write_text("made-up\n")
    client = ("--client-id", "client-1", "--client-secret", str(directory / "secret"))
    return typed("query", "--base-url", address, *client, "--plate", "DEMO123")


def test_a_camera_with_brackets_in_its_name_is_printed_as_it_is(tmp_path: Path) -> None:
    """They are no markup: a part of a place that vanishes is another place."""
    with gate(TOKEN, (200, RELEASED, {})) as (address, _):
        result = ask(address, tmp_path)
    assert 0 == result.exit_code, result.output
    assert "Main [north] St [/]" in result.stdout


def test_nobody_else_is_sent_the_plate(tmp_path: Path) -> None:
    """A redirect that keeps the method would carry the body to wherever it points."""
    with gate() as (elsewhere, taken):
        moved: Given = (308, {}, {"Location": f"{elsewhere}/v1/queries"})
        with gate(TOKEN, moved) as (address, _):
            result = ask(address, tmp_path)
    assert (1, []) == (result.exit_code, taken)
