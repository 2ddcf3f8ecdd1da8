"""Against a witness that we did not write: litewitness (filippo.io/torchwood); ``make test-all`` builds it.

It takes its key from an ssh-agent, and its logs from its own database, which its ``witnessctl`` would fill.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gatekeeper.ledger import open_checkpoint
from gatekeeper.ledger.cosignatures import Cosignature, CosignerKey, Quorum, cosignatures
from gatekeeper.ledger.merkle import EMPTY_ROOT
from gatekeeper.witness.client import Failure, Witness, ask
from gatekeeper.witness.policy import Policy
from gatekeeper.witness.protocol import SIZE_TYPE, Submission
from gatekeeper.witness.rounds import Round
from tests.servers.opa import free_port
from tests.witness.made import ORIGIN, History, b64, log_key, new_keeper, served

pytestmark = pytest.mark.needs("litewitness")
NAME = "lite.example.org/witness"


@dataclass(frozen=True)
class Lite:
    """A running litewitness."""

    witness: Witness
    database: Path

    def watch(self, history: History) -> None:
        """Do what ``witnessctl add-log`` and ``add-key`` do."""
        with closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            row = (history.key.origin, 0, b64(EMPTY_ROOT))
            database.execute("INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, ?, ?)", row)
            database.execute("INSERT INTO key (origin, key) VALUES (?, ?)", (*row[:1], history.key.vkey))

    def post(self, body: bytes) -> requests.Response:
        """Submit by hand."""
        return requests.post(f"{self.witness.url}/add-checkpoint", data=body, timeout=10)


@contextmanager
def ended(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until the block ends; stopped by its process id."""
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def lite() -> Iterator[Lite]:
    """Run litewitness with a key in an agent of its own, in a directory whose name is short."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lw") as name, ExitStack() as stack:
        place = Path(name)
        socket, file, database = place / "agent", place / "key", place / "litewitness.db"
        file.touch(mode=0o600)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        (place / "key.pub").write_bytes(public)
        stack.enter_context(ended(["ssh-agent", "-D", "-a", str(socket)], place / "agent.log"))
        until(socket.exists)
        environment = {"SSH_AUTH_SOCK": str(socket)}
        subprocess.run(["ssh-add", str(file)], env=environment, check=True, capture_output=True, timeout=10)
        said = subprocess.run(["ssh-keygen", "-lf", str(place / "key.pub")], check=True, capture_output=True)
        program = shutil.which("litewitness")
        assert program
        command = [
            program, "-name", NAME, "-db", str(database), "-ssh-agent", str(socket),
            "-key", said.stdout.decode().split()[1], "-listen", f"127.0.0.1:{port}",
        ]  # fmt: skip
        log = place / "log"
        process = stack.enter_context(ended(command, log))
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            try:
                return requests.get(url, timeout=5).ok
            except requests.ConnectionError:
                return False

        until(answers)
        made = CosignerKey(NAME, raw)
        assert str(made) in log.read_text()  # the vkey that it prints is the one that we make of its key
        yield Lite(Witness("lite", CosignerKey.parse(str(made)), url), database)


def until(done: object) -> None:
    """Wait until something is so, ten seconds at most."""
    assert callable(done)
    for _ in range(200):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


@pytest.fixture
def history(lite: Lite) -> History:
    """Return a log that litewitness watches."""
    made = History(log_key(f"{ORIGIN}/{time.monotonic_ns()}"))
    lite.watch(made)
    return made


def asked(lite: Lite, history: History, size: int, known: int = 0) -> Cosignature | Failure:
    """Ask it with our client."""
    return ask(
        lite.witness, history.checkpoint(size), size, known, lambda old: history.proof(old, size), seconds=10
    )


def test_it_cosigns_our_log_as_it_grows_and_we_verify_it(lite: Lite, history: History) -> None:
    """From nothing, from where it stands, and from a size that it tells us."""
    for known, size in ((0, 1), (1, 1), (1, 6), (0, 9), (3, 300)):
        answer = asked(lite, history, size, known)
        assert isinstance(answer, Cosignature), answer
        assert abs(answer.at - time.time()) < 60
        assert () == cosignatures(history.checkpoint(size + 1), [answer.key], answer.line)


def test_it_refuses_our_fork_and_our_rollback(lite: Lite, history: History) -> None:
    """And our client says so: another tree of the size, another beginning, a smaller tree."""
    assert isinstance(asked(lite, history, 7), Cosignature)
    fork = History(history.key, 3)
    for size, words in ((7, "422"), (12, "422"), (5, "larger tree")):
        answer = asked(lite, fork, size, 7)
        assert isinstance(answer, Failure)
        assert ("refused", True) == (answer.kind, words in answer.reason), answer
    assert isinstance(asked(lite, history, 8), Cosignature)


def test_it_refuses_a_log_or_a_key_that_it_does_not_know(lite: Lite, history: History) -> None:
    """By 403 both; ours by 404 and 403, as the protocol has it now."""
    for stranger in (History(log_key(history.key.origin)), History(log_key("else.example.org"))):
        answer = asked(lite, stranger, 3)
        assert isinstance(answer, Failure)
        assert ("refused", True) == (answer.kind, "403" in answer.reason), answer


def test_with_the_wrong_key_for_it_nothing_is_believed(lite: Lite, history: History) -> None:
    """Its cosignature is good, but not by whom the policy names."""
    other = CosignerKey(NAME, Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    answer = ask(Witness("w", other, lite.witness.url), history.checkpoint(2), 2, 0, lambda _: (), seconds=10)
    assert isinstance(answer, Failure)
    assert "wrong_key" == answer.kind


def test_the_two_witnesses_answer_alike(lite: Lite, history: History, tmp_path: Path) -> None:
    """The same requests to litewitness and to ours: the same status, and the same size where it is told."""
    fork = History(history.key, 3)
    requested = [
        history.submission(0, 4),
        history.submission(0, 4),
        history.submission(4, 4),
        history.submission(4, 9),
        history.submission(4, 9),
        history.submission(9, 4, ()),
        fork.submission(9, 12),
        history.submission(9, 12, history.proof(9, 12)[:-1]),
        History(log_key(history.key.origin)).submission(9, 12),
        Submission(9, history.proof(9, 12), history.checkpoint(12)).encode(),
        b"old x\n\n" + history.checkpoint(12).encode(),
        b"hello",
    ]
    with served(new_keeper(tmp_path / "w", history.key)) as ours:
        for number, body in enumerate(requested):
            theirs = lite.post(body)
            own = requests.post(f"{ours.url}/add-checkpoint", data=body, timeout=10)
            assert theirs.status_code == own.status_code, number
            if SIZE_TYPE in (theirs.headers["Content-Type"], own.headers["Content-Type"]):
                assert (theirs.text, theirs.headers["Content-Type"]) == (
                    own.text,
                    own.headers["Content-Type"],
                )


def test_a_round_of_both_gives_one_checkpoint(lite: Lite, history: History, tmp_path: Path) -> None:
    """Theirs and ours below the log's own signature; the quorum of both is met."""
    with served(new_keeper(tmp_path / "w", history.key)) as ours:
        policy = Policy((lite.witness, ours), Quorum(2, (lite.witness.key, ours.key)))
        one = Round(history.key, policy, seconds=10)
        for size in (3, 8):
            outcome = one.ask(history.checkpoint(size), history.node)
            assert ({}, True) == (outcome.missing, outcome.met)
            assert size == open_checkpoint(outcome.checkpoint, history.key.verifier).size
            assert policy.met_by(outcome.checkpoint, history.key.verifier)
    # What carries both cosignatures is still a checkpoint that litewitness reads.
    own = Submission(8, (), outcome.checkpoint).encode()
    assert 200 == lite.post(own).status_code
