"""The OPA server as an engine: the real one, and a socket that behaves as no OPA should."""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import PolicyUnavailable, SettingsRefused
from gatekeeper.policy import Embedded, OpaServer
from tests.policy.laws import SMALL_PERMITTED, small
from tests.servers.opa import Opa, opa_server

Behaviour = Callable[[socket.socket], None]


def _answer(document: Any, status: str = "200 OK", headers: str = "") -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def _permit(revision: str | None = None) -> dict[str, Any]:
    held = {"revision": small().revision if revision is None else revision}
    return {
        "provenance": {"version": "1", "bundles": {"b": held}},
        "result": {
            "permit": True,
            "proved": ["purpose", "standing"],
            "unmet": [],
            "obligations": {"fields": ["id"]},
        },
    }


def _read_request(sock: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        part = sock.recv(65536)
        if not part:
            return received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def _says(data: bytes) -> Behaviour:
    return lambda sock: sock.sendall(data)


def _drips(data: bytes) -> Behaviour:
    def drip(sock: socket.socket) -> None:
        for byte in data:
            sock.sendall(bytes([byte]))
            time.sleep(0.05)

    return drip


def _resets(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def _silent(sock: socket.socket) -> None:
    sock.recv(1)  # until the client gives up


@contextmanager
def _fake(behaviour: Behaviour, seen: list[bytes] | None = None) -> Iterator[str]:
    """A server that reads a request and then behaves; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.02)
    done = threading.Event()

    def serve_one(sock: socket.socket) -> None:
        with sock:
            sock.settimeout(5)
            try:
                while request := _read_request(sock):
                    if seen is not None:
                        seen.append(request)
                    behaviour(sock)
                    if behaviour is _resets:
                        return
            except OSError:
                return

    def serve() -> None:
        while not done.is_set():
            try:
                sock, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=serve_one, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()


def _asked(url: str, timeout: float = 0.25) -> tuple[bool | None, float]:
    """Return whether it permitted (None: unavailable) and how long that took."""
    engine = OpaServer(small(), url, timeout=timeout)
    start = time.monotonic()
    try:
        return engine.evaluate(SMALL_PERMITTED).permit, time.monotonic() - start
    except PolicyUnavailable:
        return None, time.monotonic() - start
    finally:
        engine.close()


def test_the_fake_can_permit() -> None:
    """The tests below would prove nothing if the fake could not be believed at all."""
    seen: list[bytes] = []
    with _fake(_says(_answer(_permit())), seen) as url:
        assert True is _asked(url)[0]
    assert seen[0].startswith(
        b"POST /v1/data/main/decision?strict-builtin-errors=true&provenance=true HTTP/1.1"
    )
    assert json.loads(seen[0].partition(b"\r\n\r\n")[2]) == {"input": SMALL_PERMITTED}


UNAVAILABLE: dict[str, Behaviour] = {
    "undefined": _says(_answer({"provenance": _permit()["provenance"]})),
    "an empty object": _says(_answer({})),
    "no provenance": _says(_answer({"result": _permit()["result"]})),
    "another revision": _says(_answer(_permit("small-1+000000000000"))),
    "no revision": _says(_answer(_permit(""))),
    "provenance of no bundle": _says(_answer({**_permit(), "provenance": {"bundles": {}}})),
    "provenance of another shape": _says(_answer({**_permit(), "provenance": {"bundles": ["b"]}})),
    "a legacy revision only": _says(_answer({**_permit(), "provenance": {"revision": "small-1"}})),
    "two bundles": _says(
        _answer(
            {
                **_permit(),
                "provenance": {"bundles": {"a": {"revision": small().revision}, "b": {"revision": "x"}}},
            }
        )
    ),
    "a bare true": _says(_answer({**_permit(), "result": True})),
    "a list": _says(_answer([_permit()])),
    "error 500": _says(_answer(_permit(), "500 Internal Server Error")),
    "error 404": _says(_answer(_permit(), "404 Not Found")),
    "another 2xx": _says(_answer(_permit(), "206 Partial Content")),
    "a redirect that looks like a permit": _says(
        _answer(_permit(), "302 Found", "Location: http://127.0.0.1:1/\r\n")
    ),
    "html": _says(_answer(b"<html>permit</html>", headers="Content-Type: text/html\r\n")),
    "truncated json": _says(_answer(json.dumps(_permit()).encode()[:-5])),
    "deep json": _says(_answer(b"[" * 100_000)),
    "not http": _says(b"permit\r\n\r\n"),
    "a compressed body": _says(_answer(_permit(), headers="Content-Encoding: gzip\r\n")),
    "a huge body": _says(_answer(json.dumps({**_permit(), "x": "y" * 2_000_000}).encode())),
    "a body shorter than promised": _says(_answer(_permit())[:-10]),
    "reset": _resets,
    "silence": _silent,
    "a slow drip": _drips(_answer(_permit())),
    "headers that drip": _drips(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200),
}


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_no_answer(name: str) -> None:
    """What is not one whole, timely, current decision is no answer, and the wait for it is bounded."""
    with _fake(UNAVAILABLE[name]) as url:
        permitted, took = _asked(url)
    assert permitted is None
    assert took < 0.6


def test_gone() -> None:
    """Nobody listens: refused at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert None is _asked(f"http://127.0.0.1:{port}")[0]


def test_no_such_socket(tmp_path: Path) -> None:
    """The same for a unix socket that is not there."""
    assert None is _asked(f"unix://{tmp_path}/none.sock")[0]


def test_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY would send every query, plates and all, to somebody else."""
    seen: list[bytes] = []
    with _fake(_says(_answer(_permit())), seen) as proxy, _fake(_says(_answer(_permit()))) as url:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert True is _asked(url)[0]
    assert seen == []


def test_token_is_sent() -> None:
    """An OPA with authorization is asked with its token."""
    seen: list[bytes] = []
    with _fake(_says(_answer(_permit())), seen) as url:
        OpaServer(small(), url, token="made-up").evaluate(SMALL_PERMITTED)
    assert b"Authorization: Bearer made-up" in seen[0]


def test_connection_closed_while_idle_is_tried_again() -> None:
    """OPA restarted between two queries: the second is answered over a new connection."""
    answered = 0

    def once(sock: socket.socket) -> None:
        nonlocal answered
        answered += 1
        sock.sendall(_answer(_permit()))
        sock.shutdown(socket.SHUT_RDWR)

    with _fake(once) as url:
        engine = OpaServer(small(), url)
        for _ in range(5):
            assert engine.evaluate(SMALL_PERMITTED).permit
        engine.close()
    assert answered >= 5  # one may have been read, but not answered, by a connection that was being closed


def test_not_ready() -> None:
    """Unhealthy, or healthy with a law that nothing satisfies wrongly: not ready."""
    for behaviour in (_says(_answer({}, "500 Internal Server Error")), _says(_answer(_permit())), _silent):
        with _fake(behaviour) as url, pytest.raises(PolicyUnavailable):
            OpaServer(small(), url, timeout=0.3).ready()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8181",
        "ftp://a",
        "http://",
        "http://a:b",
        "http://a:0",
        "http://a/path",
        "http://u:p@a:1",
        "unix://relative/x",
        "unix:relative",
        "unix://",
        "http://a?x=1",
        "http://a#x",
    ],
)
def test_address_refused(url: str) -> None:
    """An address that is not exactly one server is refused at the start, with its cure."""
    with pytest.raises(SettingsRefused, match="GATEKEEPER_OPA_URL"):
        OpaServer(small(), url)


def test_unsayable_facts_are_not_sent() -> None:
    """Facts that the engines would read differently never leave the process."""
    seen: list[bytes] = []
    facts = copy.deepcopy(SMALL_PERMITTED)
    facts["purpose"]["score"] = 2**60
    with _fake(_says(_answer(_permit())), seen) as url, pytest.raises(PolicyUnavailable):
        OpaServer(small(), url).evaluate(facts)
    assert seen == []


@pytest.fixture(params=["port", "socket"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opa]:
    """A real OPA with the small law."""
    with opa_server(small(), tmp_path, unix=request.param == "socket") as server:
        yield server


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_agrees(real: Opa) -> None:
    """The real OPA is ready, and gives the embedded engine's verdicts, from many threads at once."""
    engine, other = OpaServer(small(), real.url, timeout=5), Embedded(small())
    engine.ready()

    def same(number: int) -> bool:
        facts = copy.deepcopy(SMALL_PERMITTED)
        facts["agency"]["status"] = "active" if number % 2 else "closed"
        facts["purpose"]["narrative"] = f'{"Forbidden " if number % 3 else ""}{number}\0"\\é'
        return engine.evaluate(facts) == other.evaluate(facts)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(same, range(200))) == [True] * 200
    engine.close()
    other.close()


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_with_another_law(real: Opa) -> None:
    """A server that still holds yesterday's law is not believed, whatever it says."""
    newer = replace(small(), revision="small-1+ffffffffffff")
    engine = OpaServer(newer, real.url)
    for ask in (engine.ready, lambda: engine.evaluate(SMALL_PERMITTED)):
        with pytest.raises(PolicyUnavailable, match="another revision"):
            ask()


def _freeze(pid: int) -> None:
    """Stop a process, and wait until each of its threads has stopped."""
    os.kill(pid, signal.SIGSTOP)
    for _ in range(200):
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
        if set(states) == {"T"}:
            return
        time.sleep(0.01)
    raise TimeoutError(f"process {pid} did not stop")


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_frozen_then_stopped(real: Opa) -> None:
    """A frozen server is given up at the deadline, a revived one believed again, a stopped one not."""
    engine = OpaServer(small(), real.url, timeout=1.0)
    assert engine.evaluate(SMALL_PERMITTED).permit
    _freeze(real.process.pid)
    try:
        start = time.monotonic()
        with pytest.raises(PolicyUnavailable):
            engine.evaluate(SMALL_PERMITTED)
        assert 0.5 < time.monotonic() - start < 2
        with pytest.raises(PolicyUnavailable):
            engine.ready()
    finally:
        os.kill(real.process.pid, signal.SIGCONT)
    assert engine.evaluate(SMALL_PERMITTED).permit
    real.process.terminate()
    real.process.wait(10)
    with pytest.raises(PolicyUnavailable):
        engine.evaluate(SMALL_PERMITTED)
    engine.close()


@pytest.mark.needs("opa")
@pytest.mark.servers
def test_real_opa_without_a_rule(tmp_path: Path) -> None:
    """OPA answers 200 and an empty object for a rule that is missing: no answer, hence no permit."""
    modules = {path: text for path, text in small().modules.items() if path != "main/main.rego"}
    with (
        opa_server(replace(small(), modules=modules), tmp_path) as server,
        pytest.raises(PolicyUnavailable, match="undefined"),
    ):
        OpaServer(small(), server.url).evaluate(SMALL_PERMITTED)
