"""The OPA server as an engine: whatever is not one whole, timely, current decision is no answer."""

from __future__ import annotations

import copy
import itertools
import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gatekeeper.errors import PolicyUnavailable, SettingsRefused
from gatekeeper.policy.opa import OpaServer
from tests.policy.hostile import Behaviour, answer, drips, permit, resets, says, serving, silent
from tests.policy.laws import SMALL_PERMITTED, small


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
    with serving(says(answer(permit())), seen) as url:
        assert True is _asked(url)[0]
    assert seen[0].startswith(
        b"POST /v1/data/main/decision?strict-builtin-errors=true&provenance=true HTTP/1.1"
    )
    assert json.loads(seen[0].partition(b"\r\n\r\n")[2]) == {"input": SMALL_PERMITTED}


UNAVAILABLE: dict[str, Behaviour] = {
    "undefined": says(answer({"provenance": permit()["provenance"]})),
    "an empty object": says(answer({})),
    "no provenance": says(answer({"result": permit()["result"]})),
    "another revision": says(answer(permit("small-1+000000000000"))),
    "no revision": says(answer(permit(""))),
    "provenance of no bundle": says(answer({**permit(), "provenance": {"bundles": {}}})),
    "provenance of another shape": says(answer({**permit(), "provenance": {"bundles": ["b"]}})),
    "a legacy revision only": says(answer({**permit(), "provenance": {"revision": "small-1"}})),
    "two bundles": says(
        answer(
            {
                **permit(),
                "provenance": {"bundles": {"a": {"revision": small().revision}, "b": {"revision": "x"}}},
            }
        )
    ),
    "a bare true": says(answer({**permit(), "result": True})),
    "a list": says(answer([permit()])),
    "error 500": says(answer(permit(), "500 Internal Server Error")),
    "error 404": says(answer(permit(), "404 Not Found")),
    "another 2xx": says(answer(permit(), "206 Partial Content")),
    "a redirect that looks like a permit": says(
        answer(permit(), "302 Found", "Location: http://127.0.0.1:1/\r\n")
    ),
    "html": says(answer(b"<html>permit</html>", headers="Content-Type: text/html\r\n")),
    "truncated json": says(answer(json.dumps(permit()).encode()[:-5])),
    "deep json": says(answer(b"[" * 100_000)),
    "not http": says(b"permit\r\n\r\n"),
    "a compressed body": says(answer(permit(), headers="Content-Encoding: gzip\r\n")),
    "a huge body": says(answer(json.dumps({**permit(), "x": "y" * 2_000_000}).encode())),
    "a body shorter than promised": says(answer(permit())[:-10]),
    "reset": resets,
    "silence": silent,
    "a slow drip": drips(answer(permit())),
    "headers that drip": drips(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200),
}


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_no_answer(name: str) -> None:
    """What is not one whole, timely, current decision is no answer, and the wait for it is bounded."""
    with serving(UNAVAILABLE[name]) as url:
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
    with serving(says(answer(permit())), seen) as proxy, serving(says(answer(permit()))) as url:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        assert True is _asked(url)[0]
    assert seen == []


def test_token_is_sent() -> None:
    """An OPA with authorization is asked with its token."""
    seen: list[bytes] = []
    with serving(says(answer(permit())), seen) as url:
        OpaServer(small(), url, token="made-up").evaluate(SMALL_PERMITTED)
    assert b"Authorization: Bearer made-up" in seen[0]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "opa")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "opa.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


def test_tls_is_verified(certificate: Path) -> None:
    """Over https only a server whose certificate we trust is asked, and the deadline holds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[bytes] = []
    with serving(says(answer(permit())), seen, tls=context) as url:
        with pytest.raises(PolicyUnavailable, match="SSLError"):
            OpaServer(small(), url).evaluate(SMALL_PERMITTED)
        assert seen == []
        engine = OpaServer(small(), url, ca_file=str(certificate))
        assert engine.evaluate(SMALL_PERMITTED).permit
        engine.close()
    with serving(drips(answer(permit())), tls=context) as url:
        engine = OpaServer(small(), url, ca_file=str(certificate), timeout=0.3)
        with pytest.raises(PolicyUnavailable):
            engine.evaluate(SMALL_PERMITTED)
        engine.close()


def test_connection_closed_while_idle_is_tried_again() -> None:
    """OPA restarted between two queries: the second is answered over a new connection."""
    answered = 0

    def once(sock: socket.socket) -> None:
        nonlocal answered
        answered += 1
        sock.sendall(answer(permit()))
        sock.shutdown(socket.SHUT_RDWR)

    with serving(once) as url:
        engine = OpaServer(small(), url)
        for _ in range(5):
            assert engine.evaluate(SMALL_PERMITTED).permit
        engine.close()
    assert answered >= 5  # one may have been read, but not answered, by a connection that was being closed


def _catches_up(after: int) -> tuple[Behaviour, list[float]]:
    """Answer from another revision so many times, and then from the right one; note when it was asked."""
    asked: list[float] = []

    def behave(sock: socket.socket) -> None:
        asked.append(time.monotonic())
        sock.sendall(answer(permit("small-1+000000000000" if len(asked) <= after else None)))

    return behave, asked


def test_opa_that_is_about_to_have_the_law_is_asked_again() -> None:
    """Right after an activation the first answers are yesterday's: they count for nothing, the next does."""
    behave, asked = _catches_up(after=3)
    with serving(behave) as url:
        assert True is _asked(url, timeout=2)[0]
    assert 4 == len(asked)
    assert all(later - before > 0.025 for before, later in itertools.pairwise(asked))


def test_asking_again_ends_with_the_deadline() -> None:
    """However often it is asked, no exchange is longer than the time-out, and nothing is permitted."""
    behave, asked = _catches_up(after=1000)
    with serving(behave) as url:
        permitted, took = _asked(url, timeout=0.4)
    assert permitted is None
    assert 0.3 < took < 0.5
    assert 3 < len(asked) < 16


def test_asking_again_shares_the_deadline_with_a_slow_answer() -> None:
    """The second question has what the first left, not a time-out of its own."""
    slow = drips(answer(permit()))
    asked: list[int] = []

    def behave(sock: socket.socket) -> None:
        asked.append(1)
        says(answer(permit("small-1+000000000000")))(sock) if len(asked) == 1 else slow(sock)

    with serving(behave) as url:
        permitted, took = _asked(url, timeout=0.4)
    assert permitted is None
    assert took < 0.6


def test_an_opa_that_stays_behind_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds of another revision each query is denied at once, until OPA has caught up."""
    monkeypatch.setattr("gatekeeper.policy.opa._PATIENCE_S", 0.2)
    behave, asked = _catches_up(after=20)
    with serving(behave) as url:
        engine = OpaServer(small(), url, timeout=1)
        with pytest.raises(PolicyUnavailable, match="another revision"):
            engine.evaluate(SMALL_PERMITTED)
        for _ in range(50):
            before, start = len(asked), time.monotonic()
            try:
                engine.evaluate(SMALL_PERMITTED)
            except PolicyUnavailable:
                assert 1 == len(asked) - before
                assert time.monotonic() - start < 0.1
            else:
                break
        assert engine.evaluate(SMALL_PERMITTED).permit
        assert engine._apart_since is None
        engine.close()
    assert 22 == len(asked)


def test_not_ready() -> None:
    """Unhealthy, or healthy with a law that nothing satisfies wrongly: not ready."""
    for behaviour in (says(answer({}, "500 Internal Server Error")), says(answer(permit())), silent):
        with serving(behaviour) as url, pytest.raises(PolicyUnavailable):
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
    with serving(says(answer(permit())), seen) as url, pytest.raises(PolicyUnavailable):
        OpaServer(small(), url).evaluate(facts)
    assert seen == []
