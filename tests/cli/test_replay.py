"""The replay of a published log, against a small real server that stands for the gate."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gatekeeper.cli.audit_csv import day_of, open_audit_log
from gatekeeper.cli.replay import Summary, replay
from gatekeeper.errors import OperatorError

SAMPLES = {
    "plates": ["DEMO123"],
    "cameras": ["cam-01"],
    "from": "2026-11-15T20:00:00Z",
    "to": "2026-11-22T20:00:00Z",
}
POLICY = {"revision": "2026-01+abc", "digest": "sha256:0"}
VAGUE = {
    "code": "stated_reason",
    "title": "A stated reason",
    "citation": "City policy",
    "remedy": "Name the crime.",
}
EUGENE = Path(__file__).parents[3] / "shared" / "data" / "eugene_search_audit.csv"


@dataclass
class Gate:
    """What the server was sent, and what it is to do wrong next."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    tokens: int = 0
    failures: list[int] = field(default_factory=list)
    always: int | None = None
    secret: str = "s3cret"


def handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    """Return a handler that denies what is vague and permits the rest, after the failures it was given."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                if self.path == "/oauth/token":
                    good = base64.b64encode(f"me:{gate.secret}".encode()).decode()
                    gate.tokens += 1
                    if self.headers["Authorization"] != f"Basic {good}":
                        return self.say(401, {"error": "invalid_client"})
                    return self.say(200, {"access_token": f"t{gate.tokens}", "expires_in": 600})
                failure = gate.always or (gate.failures.pop(0) if gate.failures else None)
                if failure:
                    return self.say(failure, {"title": "no"})
                if self.headers["Authorization"] != f"Bearer t{gate.tokens}":
                    return self.say(401, {"title": "no"})
                query = json.loads(body)
                gate.bodies.append(query)
                gate.keys.append(self.headers["Idempotency-Key"])
            if query["purpose"]["narrative"].lower().startswith("invest"):
                decision = {"outcome": "deny", "provisions": [VAGUE], "policy": POLICY}
                return self.say(403, {"decision": decision})
            return self.say(200, {"decision": {"outcome": "permit", "policy": POLICY}, "records": []})

        def say(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status in (429, 503):
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Serve the small gate on the loopback."""
    found = Gate()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def run(gate: Gate, log: Path, html: Path | None = None, **client: str) -> tuple[Summary, str]:
    """Replay a log and return the summary and what was printed."""
    out = StringIO()
    console = Console(file=out, width=120)
    client = {"client_id": "me", "client_secret": "s3cret", **client}
    summary = replay(log, base_url=gate.url, client=client, samples=SAMPLES, html_path=html, console=console)
    return summary, out.getvalue()


def log_of(tmp_path: Path, *reasons: str) -> Path:
    """Write a log with these reasons."""
    path = tmp_path / "log.csv"
    rows = [f'{n},7,2025-06-{18 + n % 9} 00:02:04.789,94,"{reason}"' for n, reason in enumerate(reasons)]
    header = "id,userId,searchDate,cameraCount,reason"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_each_row_is_one_request_that_differs_in_its_narrative_only(gate: Gate, tmp_path: Path) -> None:
    """Rows reach the gate once each, with reasons as typed; the template is printed before anything else."""
    reasons = [f"theft {n}" for n in range(20)] + ["investigation", "Investigation+", "  spaces  ", ""]
    summary, printed = run(gate, log_of(tmp_path, *reasons))
    assert sorted(reasons) == sorted(body["purpose"]["narrative"] for body in gate.bodies)
    own = {(body["query"]["plate"], body["requester"]["badge"]) for body in gate.bodies}
    assert 24 == len(own) == len({plate for plate, _ in own})  # no row's refusal is another's
    for body in gate.bodies:
        body["purpose"]["narrative"] = ""
        body["query"]["plate"] = summary.template["query"]["plate"]
        body["requester"]["badge"] = summary.template["requester"]["badge"]
    assert [summary.template] * 24 == gate.bodies
    assert 24 == len(set(gate.keys))
    assert (24, 22, 2, {}) == (summary.rows, summary.permitted, summary.denied, dict(summary.undecided))
    assert printed.index('"case_number"') < printed.index("permitted")
    assert "dates are outside" in printed


def test_the_figures_name_provision_citation_and_remedy(gate: Gate, tmp_path: Path) -> None:
    """Denials are counted by provision with its citation, and the summary is plain JSON."""
    summary, printed = run(gate, log_of(tmp_path, "investigation", "invest", "theft"))
    (only,) = summary.provisions
    assert ("stated_reason", "City policy", 2) == (only.code, only.citation, only.count)
    assert (("Name the crime.", 2),) == summary.remedies
    assert ("2025-06-18", "2025-06-20") == (summary.first_day, summary.last_day)
    assert "City policy" in printed
    assert 2 == json.loads(json.dumps(summary.as_dict()))["denied"]


def test_the_page_escapes_what_officers_typed_and_runs_nothing(gate: Gate, tmp_path: Path) -> None:
    """A reason with markup is text in the page; the page has no script and its figures are the summary's."""
    html = tmp_path / "out" / "page.html"
    run(gate, log_of(tmp_path, "<script>alert(1)</script>", "[bold]theft[/]", "invest <b>"), html)
    page = html.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert "66.7%" in page
    assert [html] == list(html.parent.iterdir())


def test_busy_answers_are_waited_for_and_the_key_stays(gate: Gate, tmp_path: Path) -> None:
    """429 and 503 are tried again with the same idempotency key, and no row is counted twice."""
    gate.failures = [429, 503, 503, 429]
    summary, _ = run(gate, log_of(tmp_path, "theft", "invest", "robbery"))
    assert (3, 2, 1) == (summary.rows, summary.permitted, summary.denied)
    assert 3 == len(gate.bodies)


def test_a_gate_that_never_answers_permits_nothing(gate: Gate, tmp_path: Path) -> None:
    """Rows without a decision are counted apart: never as permitted, and the replay ends."""
    gate.always = 503
    summary, printed = run(gate, log_of(tmp_path, "theft", "robbery"))
    assert (0, 0, {"HTTP 503": 2}) == (summary.permitted, summary.denied, dict(summary.undecided))
    assert "HTTP 503" in printed
    gate.always = 422
    assert {"HTTP 422": 2} == dict(run(gate, log_of(tmp_path, "theft", "robbery"))[0].undecided)
    gate.always = 200
    assert {"HTTP 200": 2} == dict(run(gate, log_of(tmp_path, "theft", "robbery"))[0].undecided)


def test_a_token_that_was_revoked_on_the_way_is_renewed(gate: Gate, tmp_path: Path) -> None:
    """A 401 fetches a new token; the row is then decided."""
    gate.failures = [401]
    summary, _ = run(gate, log_of(tmp_path, "theft"))
    assert (1, 2) == (summary.permitted, gate.tokens)


def test_a_refused_client_is_told_before_the_first_row(gate: Gate, tmp_path: Path) -> None:
    """Without a token nothing is sent, and the error does not repeat the secret."""
    with pytest.raises(OperatorError, match="no token") as refused:
        run(gate, log_of(tmp_path, "theft"), client_secret="wr0ng")
    assert "wr0ng" not in str(refused.value)
    assert [] == gate.bodies


@pytest.mark.parametrize(("raw", "expected"), [
    (b'\xef\xbb\xbfreason,searched_at\r\n"a, ""b""\r\nc",2025\r\n', ['a, "b"\r\nc']),
    ("Search Time;Reason\n2025;Señor\n\n;\n".encode("cp1252"), ["Señor"]),
    ("Search Time\tReason\n2025\tüber\n".encode("utf-16"), ["über"]),
    (b"id,searchDate,reason\n1,2025\n", [""]),
    (b" SearchDate , REASON \n2025,x\n", ["x"]),
    (b"searched_at,reason\n2025,caf\x81\xe9\n", ["caf\ufffdé"]),
])  # fmt: skip
def test_odd_files_are_read(tmp_path: Path, raw: bytes, expected: list[str]) -> None:
    """Marks, line ends, quotes, separators, encodings and short rows do not change a reason."""
    path = tmp_path / "odd.csv"
    path.write_bytes(raw)
    log = open_audit_log(path)
    assert expected == [search.reason for search in log]
    assert len(expected) == log.rows


@pytest.mark.parametrize(("raw", "said"), [
    (b"", "empty"), (b"id,when,why\n1,2,3\n", "'why'"), (b"searched_at,reason\n", "no searches"),
    (b"searched_at,reason\n1," + b"x" * 200_000, "field larger"), (b"\x00\x01\x02\n", "needed"),
])  # fmt: skip
def test_what_is_no_log_is_refused_with_what_was_found(tmp_path: Path, raw: bytes, said: str) -> None:
    """The error names what the file has and what a log needs."""
    path = tmp_path / "bad.csv"
    path.write_bytes(raw)
    with pytest.raises(OperatorError, match=said):
        open_audit_log(path)


def test_a_file_that_is_not_there_is_an_operators_error(tmp_path: Path) -> None:
    """A wrong name is told plainly."""
    with pytest.raises(OperatorError, match="cannot be read"):
        open_audit_log(tmp_path / "none.csv")


@pytest.mark.parametrize(("printed", "day"), [
    ("2025-06-18 00:02:04.789", "2025-06-18"), ("2025-06-18T00:02:04Z", "2025-06-18"),
    ("6/8/2025 1:02:03 PM", "2025-06-08"),
    ("06/18/2025 13:02", "2025-06-18"), ("yesterday", None), ("", None),
])  # fmt: skip
def test_printed_times_are_understood_or_left(printed: str, day: str | None) -> None:
    """A time in an unknown form is no reason to stop."""
    found = day_of(printed)
    assert day == (found.date().isoformat() if found else None)


@pytest.mark.skipif(not EUGENE.exists(), reason="the published log is not beside this checkout")
def test_a_real_published_log_goes_through(gate: Gate, tmp_path: Path) -> None:
    """The head of a real log: every row is decided."""
    head = tmp_path / "head.csv"
    with EUGENE.open(encoding="utf-8") as file:
        head.write_text("".join(islice(file, 101)), encoding="utf-8")
    summary, _ = run(gate, head)
    assert 100 == summary.rows == summary.permitted + summary.denied
    assert summary.denied > 10
