"""One witness is asked: whatever answers, a cosignature that holds or a reason, in time."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.errors import LedgerCorrupt, SettingsRefused
from gatekeeper.ledger.cosignatures import Cosignature, Cosigner
from gatekeeper.witness.client import MOST_BYTES, Answer, Failure, Witness, address, ask
from gatekeeper.witness.protocol import SIZE_TYPE, parse
from tests.witness.made import (
    History,
    answering,
    cosigner,
    http_answer,
    log_key,
    new_keeper,
    read_request,
    served,
)

HISTORY = History(log_key())
BY = cosigner()
TEXT = HISTORY.checkpoint(5)
Behaviour = Callable[[socket.socket], None]


def asked(url: str, known: int = 0, seconds: float = 5, key: Cosigner = BY, size: int = 5) -> Answer:
    """Ask for a cosignature of the made-up log, at the time at which the lines below were made."""
    witness, proof = Witness("w", key.verifier, url), lambda old: HISTORY.proof(old, size)
    return ask(witness, HISTORY.checkpoint(size), size, known, proof, seconds=seconds, now=lambda: NOW)


def saying(*answers: bytes) -> Behaviour:
    """Answer each request with the next of these, the last for ever."""
    left = list(answers)

    def behave(connection: socket.socket) -> None:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    return behave


def test_a_witness_is_asked_from_where_it_stands(tmp_path: Path) -> None:
    """From a size that we remember, from one that it tells, and again at the same size."""
    keeper = new_keeper(tmp_path / "w", HISTORY.key)
    with served(keeper) as witness:
        for known, size in ((0, 3), (3, 5), (0, 7), (5, 7), (99, 7), (2, 300)):
            answer = ask(
                witness,
                HISTORY.checkpoint(size),
                size,
                known,
                lambda old, size=size: HISTORY.proof(old, size),  # type: ignore[misc]
                seconds=5,
            )
            assert isinstance(answer, Cosignature), answer
            assert keeper.key == answer.key
        assert 300 == keeper.logs()[0].last.size


def test_a_larger_tree_than_ours_is_said(tmp_path: Path) -> None:
    """This log was rolled back, or another process is ahead: the size is told, nothing is signed."""
    keeper = new_keeper(tmp_path / "w", HISTORY.key)
    keeper.add_checkpoint(HISTORY.submission(0, 9))
    with served(keeper) as witness:
        failure = ask(witness, TEXT, 5, 9, lambda old: HISTORY.proof(old, 5), seconds=5)
    assert isinstance(failure, Failure)
    assert ("refused", 9) == (failure.kind, failure.size)
    assert "larger tree" in failure.reason


@pytest.mark.parametrize("forked_at", [0, 4])
def test_a_fork_is_refused_in_words(tmp_path: Path, forked_at: int) -> None:
    """At the same size and after it."""
    keeper = new_keeper(tmp_path / "w", HISTORY.key)
    fork = History(HISTORY.key, forked_at)
    keeper.add_checkpoint(fork.submission(0, 5))
    with served(keeper) as witness:
        for size in (5, 8):
            failure = ask(
                witness,
                HISTORY.checkpoint(size),
                size,
                0,
                lambda old, size=size: HISTORY.proof(old, size),  # type: ignore[misc]
                seconds=5,
            )
            assert isinstance(failure, Failure)
            assert ("refused", "another tree" if size == 5 else "not the beginning") == (
                failure.kind,
                next(words for words in ("another tree", "not the beginning") if words in failure.reason),
            )


def test_a_witness_that_does_not_know_us_says_so(tmp_path: Path) -> None:
    """404 for the log, 403 for its key, 404 at another path."""
    with served(new_keeper(tmp_path / "w")) as witness:
        assert "does not watch this log" in getattr(asked(witness.url), "reason", "")
        assert "404" in getattr(asked(witness.url + "/elsewhere"), "reason", "")
    with served(new_keeper(tmp_path / "v", log_key())) as witness:
        assert "does not know this log, or the key" in getattr(asked(witness.url), "reason", "")


NOW = int(time.time())
LINE = BY.cosign(TEXT, NOW)
GOOD = http_answer(200, LINE)


def test_other_lines_of_an_answer_are_dropped() -> None:
    """Other witnesses' cosignatures, words, one of another checkpoint: only what holds is taken."""
    other = cosigner("other.example")
    said = (
        "hello\n" + other.cosign(TEXT, NOW) + BY.cosign(HISTORY.checkpoint(4), NOW) + LINE + TEXT + "\n\n\x00"
    )
    with answering(saying(http_answer(200, said))) as url:
        answer = asked(url)
    assert isinstance(answer, Cosignature)
    assert (BY.verifier, LINE) == (answer.key, answer.line + "\n")


CASES: dict[str, tuple[str, bytes]] = {
    "another key of the same name": (
        "wrong_key",
        http_answer(200, cosigner().cosign(TEXT, NOW)),
    ),
    "another witness": ("wrong_key", http_answer(200, cosigner("x.example").cosign(TEXT, NOW))),
    "another checkpoint": ("wrong_key", http_answer(200, BY.cosign(HISTORY.checkpoint(4), NOW))),
    "a time long ago": ("wrong_time", http_answer(200, BY.cosign(TEXT, NOW - 700))),
    "a time to come": ("wrong_time", http_answer(200, BY.cosign(TEXT, NOW + 700))),
    "no time": ("wrong_time", http_answer(200, BY.cosign(TEXT, 0))),
    "nothing": ("nonsense", http_answer(200, b"")),
    "words": ("nonsense", http_answer(200, "<html>sign in</html>")),
    "bytes": ("nonsense", http_answer(200, bytes(range(256)))),
    "too much": ("nonsense", http_answer(200, LINE * 1000)),
    "too much before it": ("nonsense", http_answer(200, b"x" * (MOST_BYTES + 1) + b"\n" + LINE.encode())),
    "compressed": (
        "nonsense",
        http_answer(200, gzip.compress(LINE.encode()), "text/plain", "Content-Encoding: gzip"),
    ),
    "a redirect": ("nonsense", http_answer(302, b"", "text/plain", "Location: http://127.0.0.1:9/")),
    "a refusal": ("refused", http_answer(403, "unknown log")),
    "a status of its own": ("refused", http_answer(418, LINE)),
    "a success without content": ("refused", http_answer(204, b"")),
    "a failure": ("unreachable", http_answer(500, "oops")),
    "a conflict without a size": ("refused", http_answer(409, "3\n")),
    "a size that is none": ("refused", http_answer(409, "3.5\n", SIZE_TYPE)),
    "a negative size": ("refused", http_answer(409, "-3\n", SIZE_TYPE)),
    "an endless size": ("refused", http_answer(409, "9" * 5000 + "\n", SIZE_TYPE)),
    "the same size for ever": ("nonsense", http_answer(409, "3\n", SIZE_TYPE)),
    "a larger size": ("refused", http_answer(409, "6\n", SIZE_TYPE)),
    "not HTTP": ("unreachable", b"220 mail.example ESMTP\r\n"),
    "an end": ("unreachable", b""),
    "headers without end": ("unreachable", b"HTTP/1.1 200 x\r\n" + b"A: b\r\n" * 200),
    "a line without end": ("unreachable", b"HTTP/1.1 200 x\r\nA: " + b"b" * 70_000),
    "less than it said": ("unreachable", b"HTTP/1.1 200 x\r\nContent-Length: 500\r\n\r\nabc"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_answer_that_does_not_hold_is_a_reason(case: str) -> None:
    """Never an exception, and never a cosignature."""
    kind, said = CASES[case]
    with answering(saying(said)) as url:
        answer = asked(url)
    assert isinstance(answer, Failure), answer
    assert (kind, True) == (answer.kind, answer.reason.isprintable()), answer


def test_what_a_witness_says_is_shown_on_one_line() -> None:
    """Its words reach an operator's terminal and the console: short, and without what moves a cursor."""
    said = "\x1b[2J\nlog in at\r\n\u202e" + "x" * 5000
    with answering(saying(http_answer(422, said))) as url:
        answer = asked(url)
    assert isinstance(answer, Failure)
    assert answer.reason.isprintable()
    assert len(answer.reason) < 300


def test_a_redirect_is_not_followed() -> None:
    """Whoever answers at the address could otherwise send our requests anywhere."""
    reached: list[bytes] = []

    def there(connection: socket.socket) -> None:
        reached.append(b"reached")
        connection.sendall(GOOD)

    with answering(there) as target:
        for status in (301, 302, 303, 307, 308):
            moved = http_answer(status, b"", "text/plain", f"Location: {target}/add-checkpoint")
            with answering(saying(moved)) as url:
                answer = asked(url)
            assert isinstance(answer, Failure)
            assert "redirect" in answer.reason
    assert [] == reached


def drip(before: bytes) -> Behaviour:
    """Send something, and then a byte now and then, for ever."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    return behave


def silent(connection: socket.socket) -> None:
    """Say nothing."""
    connection.recv(1)


@pytest.mark.parametrize(
    "behave",
    [
        silent,
        drip(b""),
        drip(b"HTTP/1.1 200 x\r\nA: "),
        drip(b"HTTP/1.1 200 x\r\nContent-Length: 9999\r\n\r\n"),
        drip(b"HTTP/1.1 200 x\r\n\r\n" + LINE.encode()),
        drip(b"HTTP/1.1 409 x\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 9999\r\n\r\n"),
    ],
)
def test_a_witness_that_takes_its_time_is_cut_off(behave: Behaviour) -> None:
    """Silent, or a byte now and then in headers or body: late, and what came is not believed."""
    with answering(behave) as url:
        began = time.monotonic()
        answer = asked(url, seconds=0.4)
        took = time.monotonic() - began
    assert isinstance(answer, Failure)
    assert ("late", True) == (answer.kind, took < 1.5), (answer, took)


def test_a_witness_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens; no such name; TLS where there is none."""
    with answering(silent) as url:
        pass
    assert Failure("unreachable", "nobody listens at its address") == asked(url)
    with answering(saying(b"HTTP/1.1 400 x\r\n\r\n"), reads=False) as url:
        assert Failure("unreachable", "its certificate does not hold, or TLS failed") == asked(
            url.replace("http://", "https://")
        )

    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    assert Failure("unreachable", "its name has no address") == asked("https://witness.example")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sample witness")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    start = datetime.now(UTC) - timedelta(minutes=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "witness.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


def test_a_witness_is_asked_over_tls_that_is_verified(certificate: Path) -> None:
    """By an authority that we believe it is; by none it is not, and a trickle is cut off there too."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))

    def over(url: str, context: ssl.SSLContext | None, seconds: float = 5) -> Answer:
        witness = Witness("w", BY.verifier, url)
        return ask(witness, TEXT, 5, 0, lambda _: (), seconds=seconds, trust=context, now=lambda: NOW)

    with answering(saying(GOOD), tls=server) as url:
        assert isinstance(over(url, trust), Cosignature)
        for context in (None, ssl.create_default_context()):
            refused = over(url, context)
            assert Failure("unreachable", "its certificate does not hold, or TLS failed") == refused
        assert "certificate" in getattr(over(url.replace("127.0.0.1", "localhost"), trust), "reason", "")
    with answering(drip(b"HTTP/1.1 200 x\r\nA: "), tls=server) as url:
        began = time.monotonic()
        assert Failure("late", "it did not answer in time") == over(url, trust, seconds=0.4)
        assert time.monotonic() - began < 1.5


def test_an_answer_in_pieces_is_read() -> None:
    """Chunked, as some servers send; without an end it is none."""
    half = len(LINE.encode()) // 2
    parts = [LINE.encode()[:half], LINE.encode()[half:]]
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    head = b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answering(saying(head + chunks + b"0\r\n\r\n")) as url:
        assert isinstance(asked(url), Cosignature)
    with answering(saying(head + chunks)) as url:
        assert isinstance(asked(url), Failure)


def test_no_proxy_of_the_environment_stands_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would be told is public, but it could answer in the witness's place for ever."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with answering(saying(GOOD)) as url:
        assert isinstance(asked(url), Cosignature)


def test_a_log_that_cannot_prove_itself_says_so() -> None:
    """Its storage fails: our fault, told as ours, and nothing was sent."""

    def broken(_: int) -> tuple[bytes, ...]:
        raise LedgerCorrupt("entries are not all there")

    answer = ask(Witness("w", BY.verifier, "http://127.0.0.1:9"), TEXT, 5, 3, broken, seconds=1)
    assert isinstance(answer, Failure)
    assert "no_proof" == answer.kind
    assert "LedgerCorrupt" in answer.reason


def test_what_is_sent_is_what_the_protocol_asks_for() -> None:
    """One POST to add-checkpoint below the prefix; a second one from the size that was told."""
    seen: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    with answering(saying(http_answer(409, "3\n", SIZE_TYPE), GOOD)) as url:
        assert isinstance(asked(url + "/prefix"), Cosignature)
    with listener:
        port = listener.getsockname()[1]

        def once() -> None:
            connection, _ = listener.accept()
            with connection:
                seen.append(read_request(connection))
                connection.sendall(GOOD)

        thread = threading.Thread(target=once)
        thread.start()
        assert isinstance(asked(f"http://127.0.0.1:{port}", known=2), Cosignature)
        thread.join()
    submission = parse(seen[0])
    assert (2, HISTORY.proof(2, 5), TEXT) == (submission.old, submission.proof, submission.checkpoint)


@pytest.mark.parametrize(
    "url",
    [
        "https://w.example",
        "https://w.example:8443/a/b",
        "http://127.0.0.1:7380",
        "http://localhost:7380",
        "http://[::1]:7380",
    ],
)
def test_an_address_leads_over_https_or_to_this_machine(url: str) -> None:
    """Without a slash at its end, however it was given."""
    assert url == address(url) == address(url + "/")


@pytest.mark.parametrize(
    "url",
    [
        "", "w.example", "http://w.example", "http://10.0.0.1", "ftp://w.example", "https://", "https://a b",
        "https://user:pw@w.example", "https://w.example?x", "https://w.example#x", "https://w.example:0",
        "https://w.example:x", "https://[::1", "https://w\\example", "http://localhost.example",
        "http://127.0.0.1.example", "file:///etc/passwd", "https://wítness.example", "https://w.example\n",
    ],
)  # fmt: skip
def test_another_address_is_refused(url: str) -> None:
    """Plain http across a network, credentials, or what is no address."""
    with pytest.raises(SettingsRefused, match="witness"):
        address(url)
