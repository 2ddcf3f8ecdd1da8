"""The log's key in a PKCS#11 token (SoftHSM stands in for the hardware): signs as a file does, or not."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import metamorphic_log
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatekeeper import hardware
from gatekeeper.errors import LedgerUnavailable, OperatorError, SettingsRefused
from gatekeeper.ledger import SigningKey, open_checkpoint, rotation, verify
from gatekeeper.ledger.checkpoint import CheckpointRefused, VerifierKey, next_of
from gatekeeper.ledger.hardware_key import HardwareKey
from gatekeeper.ledger.receipts import check_receipt
from gatekeeper.private_keys import encrypt
from tests.ledger.made import ORIGIN, Log, decided, open_log, stop_set
from tests.servers.hsm import Token, token_of

pytestmark = pytest.mark.needs("softhsm")


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """A token with two pairs."""
    with token_of(tmp_path_factory.mktemp("hsm")) as made:
        yield made


@pytest.fixture
def hard(log: Log, token: Token) -> Log:
    """A log whose key is in the token alone."""
    file = log.directory / "log.pem"
    log.ledger.append(decided())
    rotation.begin(file, ORIGIN, pkcs11=token.uri())
    log.ledger.append(decided())
    rotation.retire(file, ORIGIN, log.rows.head().size)
    return log


def test_from_a_file_to_hardware_and_back(log: Log, token: Token) -> None:
    """First both sign, then the token alone, then a file again; whoever knows one key can check its part."""
    file, keys, texts = log.directory / "log.pem", [log.key.verifier], []
    for where in (token.uri(), token.uri("log-2"), ""):
        keys.append(rotation.begin(file, ORIGIN, pkcs11=where))
        both = log.ledger.append(decided())
        for key in keys[-2:]:
            assert metamorphic_log.checkpoint_verify(both.checkpoint, [_alone(key)]).size == both.tree_size
        rotation.retire(file, ORIGIN, log.rows.head().size)
        after = log.ledger.append(decided())
        texts.append(after.checkpoint)
        assert metamorphic_log.checkpoint_verify(after.checkpoint, [_alone(keys[-1])]).size == after.tree_size
        with pytest.raises(CheckpointRefused):
            open_checkpoint(after.checkpoint, VerifierKey.parse(_alone(keys[-2])))
        check_receipt(after.receipt().as_json(), log.key.verifier)
    for text in texts:
        open_checkpoint(text, log.key.verifier)
    assert [] == verify(log.rows, log.key.verifier)
    open_log(log.directory).rows.close()


def _alone(key: VerifierKey) -> str:
    return str(key)


def test_the_private_half_is_nowhere_here(hard: Log, token: Token) -> None:
    """The file has the URI and the public half; nothing of it is put under a passphrase."""
    file = hard.directory / "log.pem"
    uri, public = file.read_text().splitlines()
    assert token.uri() == uri
    assert 44 == len(public)
    assert "837465" not in file.read_text()
    assert 0o600 == file.stat().st_mode & 0o777
    assert not encrypt(file, "correct horse battery staple")


def test_a_token_that_does_not_answer_signs_nothing_and_says_what_to_do(hard: Log, token: Token) -> None:
    """What answers a caller is not committed; a stop is; as soon as it is back, all goes on."""
    hard.ledger.append(decided())
    token.away()
    try:
        again = open_log(hard.directory)  # a start asks for nothing
        size = again.rows.head().size
        with pytest.raises(
            LedgerUnavailable, match=r"no checkpoint can be signed: .*the PIN of the log's key"
        ):
            again.ledger.append(decided())
        assert size == again.rows.head().size
        with pytest.raises(LedgerUnavailable, match="no checkpoint can be signed"):
            again.ledger.checkpoint()
        stopped = again.ledger.append(stop_set("stop_0123456789abcdef"))
        assert size + 1 == again.rows.head().size
        with pytest.raises(LedgerUnavailable, match="no checkpoint can be signed"):
            stopped.receipt()
        assert again.ledger.checkpoint_fault is not None
        with pytest.raises(LedgerUnavailable):
            again.key.state(b"what this machine remembers")
    finally:
        token.back()
    good = again.ledger.append(decided())
    check_receipt(good.receipt().as_json(), again.key.verifier)
    check_receipt(stopped.receipt().as_json(), again.key.verifier)
    again.ledger.check_tail()
    again.rows.close()


def test_one_that_signed_a_moment_ago_is_not_asked_again(
    hard: Log, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a second, and at once after it failed; a receipt is signed anyway, or there is none."""
    asked: list[bytes] = []
    real = HardwareKey.sign

    def sign(self: HardwareKey, data: bytes) -> bytes:
        asked.append(data)
        return real(self, data)

    monkeypatch.setattr(HardwareKey, "sign", sign)
    key = SigningKey.load(hard.directory / "log.pem", ORIGIN)
    for _ in range(3):
        key.ready()
    assert 1 == len(asked)
    token.away()
    try:
        key.ready()  # within the second
        with pytest.raises(LedgerUnavailable):
            key.sign(1, bytes(32))
        for _ in range(2):
            with pytest.raises(LedgerUnavailable):
                key.ready()
    finally:
        token.back()
    key.ready()
    file = SigningKey("log.example/x", Ed25519PrivateKey.generate())
    file.ready()  # always


def test_a_token_with_another_key_of_that_name_signs_nothing(log: Log, token: Token) -> None:
    """Whoever exchanged the pair makes no checkpoint that somebody holds to be the log's."""
    token.make("swapped")
    rotation.begin(log.directory / "log.pem", ORIGIN, pkcs11=token.uri("swapped"))
    log.ledger.append(decided())
    token.make("swapped")
    log.key._answered = -9.0
    with pytest.raises(LedgerUnavailable, match="another key than the log's"):
        log.ledger.append(decided())


@pytest.mark.parametrize(
    ("key", "holder", "words"),
    [
        ("none", "", "NoSuchKey"),
        ("log-1", "nobody", "NoSuchToken"),
        ("other", "", "not one of Ed25519"),
    ],
)
def test_what_is_no_key_of_a_log_is_refused_at_the_first_step(
    log: Log, token: Token, key: str, holder: str, words: str
) -> None:
    """Nothing signs with it, and nothing waits."""
    with pytest.raises(SettingsRefused, match=words):
        rotation.begin(log.directory / "log.pem", ORIGIN, pkcs11=token.uri(key, holder))
    assert not next_of(log.directory / "log.pem").exists()


@pytest.mark.parametrize(
    "change",
    ["&pin-value=1234", "#x", "&module-path=/x", " ", "\n", "é"],
)
def test_a_uri_that_says_more_is_refused(log: Log, token: Token, change: str) -> None:
    """A PIN in it above all; none is repeated."""
    with pytest.raises(SettingsRefused) as refused:
        rotation.begin(log.directory / "log.pem", ORIGIN, pkcs11=token.uri() + change)
    assert "1234" not in str(refused.value)
    assert not next_of(log.directory / "log.pem").exists()


def test_a_key_is_one_of_the_log_once(log: Log, token: Token) -> None:
    """Neither the one in use nor a former one follows itself; and one waits at a time."""
    file = log.directory / "log.pem"
    rotation.begin(file, ORIGIN, pkcs11=token.uri())
    assert rotation.begin(file, ORIGIN, pkcs11=token.uri()).public  # done again: the same
    with pytest.raises(OperatorError, match="another key waits"):
        rotation.begin(file, ORIGIN, pkcs11=token.uri("log-2"))
    rotation.retire(file, ORIGIN, 1)
    with pytest.raises(OperatorError, match="a key of this log already"):
        rotation.begin(file, ORIGIN, pkcs11=token.uri())
    rotation.begin(file, ORIGIN)
    rotation.retire(file, ORIGIN, 2)
    with pytest.raises(OperatorError, match="a key of this log already"):
        rotation.begin(file, ORIGIN, pkcs11=token.uri())


FILES = {
    "without a public half": b"URI\n",
    "with half of one": b"URI\nAAAA\n",
    "with more": b"URI\nPUBLIC\nmore\n",
    "with what is not base64": b"URI\n" + b"*" * 44 + b"\n",
    "of bytes": b"URI\n\xff\xfe\n",
    "of another scheme": b"pkcs11:\nPUBLIC\n",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_file_that_is_not_what_was_written_is_refused(
    hard: Log, token: Token, content: bytes, tmp_path: Path
) -> None:
    """With what to do, and no traceback."""
    public = (hard.directory / "log.pem").read_bytes().splitlines()[1]
    file = tmp_path / "log.pem"
    file.touch(mode=0o600)
    file.write_bytes(content.replace(b"URI", token.uri().encode()).replace(b"PUBLIC", public))
    with pytest.raises(SettingsRefused):
        SigningKey.load(file, ORIGIN)


def test_workers_that_were_forked_each_begin_by_themselves(hard: Log, token: Token) -> None:
    """From a parent that used the token, several at once: each checkpoint is good."""
    hard.key.sign(1, bytes(32))
    ends = [_forked(hard) for _ in range(4)]
    for child, end in ends:
        with os.fdopen(end) as told:
            text = told.read()
        assert 0 == os.waitpid(child, 0)[1]
        assert 7 == open_checkpoint(text, hard.key.verifier).size
    hard.key.sign(2, bytes(32))  # and the parent's own goes on
    assert token.conf


def _forked(log: Log) -> tuple[int, int]:
    """Sign in a child; return it, and where its checkpoint comes."""
    theirs, ours = os.pipe()
    child = os.fork()
    if child:
        os.close(ours)
        return child, theirs
    try:
        for _ in range(20):
            text = log.key.sign(7, bytes(32))
        os.write(ours, text.encode())
        os._exit(0)
    finally:
        os._exit(1)


def test_behind_one_that_hangs_nobody_waits_for_ever(
    hard: Log, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither behind another thread of this process nor behind another process: an error, soon."""
    monkeypatch.setattr(hardware, "_LONGEST_WAIT_S", 0.2)
    with hardware._in_turn(), pytest.raises(LedgerUnavailable, match=r"TimeoutError.: check"):
        hard.key.sign(1, bytes(32))
    with (token.directory / "pin").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LedgerUnavailable, match=r"BlockingIOError.: check"):
            hard.key.sign(1, bytes(32))
    hard.key.sign(1, bytes(32))
