"""Another key for the same log: whoever knows either can check, and the old one ends where it was ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path

import metamorphic_log
import pytest

from gatekeeper.errors import OperatorError, SettingsRefused
from gatekeeper.ledger import SigningKey, VerifierKey, open_checkpoint, rotation, verify
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.receipts import check_receipt
from tests.ledger.made import ORIGIN, Log, decided, open_log


def file_of(log: Log) -> Path:
    """Return where the log's key is."""
    return log.directory / "log.pem"


def alone(key: VerifierKey) -> VerifierKey:
    """Return what somebody knows who was given this key and no other."""
    return VerifierKey.parse(str(key))


def accepts(key: VerifierKey, text: str) -> bool:
    """Say whether a key verifies a checkpoint."""
    try:
        open_checkpoint(text, key)
    except CheckpointRefused:
        return False
    return True


def test_first_both_sign_then_the_new_one_alone(log: Log) -> None:
    """A process that runs follows at once; each key alone verifies as long as it should."""
    old = alone(log.key.verifier)
    before = log.ledger.append(decided())
    assert accepts(old, before.checkpoint)  # signed when it is first asked for
    new = rotation.begin(file_of(log), ORIGIN)
    assert new == rotation.begin(file_of(log), ORIGIN)  # again: the same
    both = log.ledger.append(decided())
    assert [True, False] == [accepts(old, before.checkpoint), accepts(new, before.checkpoint)]
    assert [True, True] == [accepts(old, both.checkpoint), accepts(new, both.checkpoint)]
    for key in (old, new):  # and so for a verifier that is not ours
        assert 2 == metamorphic_log.checkpoint_verify(both.checkpoint, [str(key)]).size
    upto = log.rows.head().size
    assert new == rotation.retire(file_of(log), ORIGIN, upto)
    after = log.ledger.append(decided())
    assert [False, True] == [accepts(old, after.checkpoint), accepts(new, after.checkpoint)]
    # Who runs the log knows all of them: everything that was ever signed verifies.
    assert alone(log.key.verifier) == new
    for text in (before.checkpoint, both.checkpoint, after.checkpoint):
        assert accepts(log.key.verifier, text)
    for appended in (before, both, after):
        check_receipt(appended.receipt().as_json(), log.key.verifier)


def test_a_retired_key_proves_nothing_of_a_larger_log(log: Log) -> None:
    """Whoever finds it later: a second history that is longer is refused, by its place and by itself."""
    stolen = SigningKey.load(file_of(log), ORIGIN)
    stolen._file = None  # a copy elsewhere follows nobody
    log.ledger.append(decided())
    rotation.begin(file_of(log), ORIGIN)
    rotation.retire(file_of(log), ORIGIN, 1)
    assert accepts(log.key.verifier, stolen.sign(1, bytes(32)))  # kept checkpoints show it
    assert not accepts(log.key.verifier, stolen.sign(2, bytes(32)))
    again = open_log(log.directory)
    assert not accepts(again.key.verifier, stolen.sign(1000, bytes(32)))
    again.rows.close()


def test_the_log_is_sound_through_every_step_and_restart(log: Log) -> None:
    """Start-up's check, the whole verification, and what was kept, before, between and after."""
    for step in ("none", "begin", "retire", "begin", "retire"):
        if step == "begin":
            rotation.begin(file_of(log), ORIGIN)
        elif step == "retire":
            rotation.retire(file_of(log), ORIGIN, log.rows.head().size)
        for _ in range(3):
            log.ledger.append(decided())
        log.ledger._kept.keep_last()
        again = open_log(log.directory)
        again.ledger.check_tail()
        kept = [log.file.read_text()]
        assert [] == verify(again.rows, again.key.verifier, checkpoints=again.rows.checkpoints(), kept=kept)
        again.rows.close()
    assert 2 == len([most for _, most in log.key.verifier.also if most is not None])


def test_there_is_nothing_to_retire_without_a_new_key(log: Log) -> None:
    """The log would be left without one."""
    with pytest.raises(OperatorError, match="no new key"):
        rotation.retire(file_of(log), ORIGIN, 0)
    log.ledger.append(decided())


@pytest.mark.parametrize("damage", ["empty", "another kind", "open to others"])
def test_a_new_key_that_cannot_be_read_does_not_stop_the_log(log: Log, damage: str) -> None:
    """It goes on with what is in use; a start with it is refused in words."""
    following = file_of(log).with_suffix(".next.pem")
    following.write_text("" if damage == "empty" else file_of(log).read_text())
    following.chmod(0o644 if damage == "open to others" else 0o600)
    if damage == "another kind":
        following.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert accepts(log.key.verifier, log.ledger.append(decided()).checkpoint)
    with pytest.raises(SettingsRefused, match=r"log\.next\.pem"):
        SigningKey.load(file_of(log), ORIGIN)


@pytest.mark.parametrize("text", ["x", "gate+x 5\n", "\xff", "{vkey} -\n"])
def test_a_list_of_former_keys_that_cannot_be_read_is_refused(log: Log, text: str) -> None:
    """Old checkpoints could not be told from forged ones."""
    (log.directory / "log.former").write_text(text.format(vkey=log.key.vkey), encoding="latin-1")
    with pytest.raises(SettingsRefused):
        SigningKey.load(file_of(log), ORIGIN)


@pytest.mark.parametrize(("step", "at"), [*product(["begin", "retire"], ["link", "replace 0", "replace 1"])])
def test_a_rotation_that_dies_can_be_done_again(tmp_path: Path, step: str, at: str) -> None:
    """Killed before any change of a file: what is signed verifies, and the step comes to its end."""
    log = open_log(tmp_path)
    log.ledger.append(decided())
    if step == "retire":
        rotation.begin(file_of(log), ORIGIN)
    what, _, number = at.partition(" ")
    script = (
        "import os, pathlib, signal, sys\n"
        "from gatekeeper.ledger import rotation\n"
        "seen = []\n"
        "def die(real, name):\n"
        "    def instead(*given):\n"
        "        seen.append(name)\n"
        f"        if name == {what!r} and seen.count(name) == {int(number or 0) + 1}:\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
        "        return real(*given)\n"
        "    return instead\n"
        "os.link = die(os.link, 'link')\n"
        "pathlib.Path.replace = die(pathlib.Path.replace, 'replace')\n"
        f"file = pathlib.Path({str(file_of(log))!r})\n"
        f"rotation.begin(file, {ORIGIN!r}) if {step!r} == 'begin' else rotation.retire(file, {ORIGIN!r}, 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode in {0, -signal.SIGKILL}
    again = open_log(tmp_path)
    again.ledger.check_tail()
    assert accepts(again.key.verifier, again.ledger.append(decided()).checkpoint)
    new = rotation.begin(file_of(log), ORIGIN) if step == "begin" else None
    if step == "retire" and rotation.following(file_of(log), ORIGIN) is not None:
        new = rotation.retire(file_of(log), ORIGIN, 1)
    text = log.ledger.append(decided()).checkpoint
    assert accepts(log.key.verifier, text)
    assert new is None or accepts(new, text)
    again.rows.close()
    log.rows.close()


def _sign(directory: str, ends: object) -> None:
    key = SigningKey.load(Path(directory) / "log.pem", ORIGIN)
    while not ends.is_set():  # type: ignore[attr-defined]
        text = key.sign(9, bytes(32))
        open_checkpoint(text, key.verifier)  # never one that its own keys refuse
    os._exit(0)


def test_processes_that_sign_meanwhile_are_never_without_a_key(log: Log) -> None:
    """Ten rotations under two signers: each of their checkpoints verifies by the keys of its moment."""
    context = multiprocessing.get_context("spawn")
    ends = context.Event()
    signers = [context.Process(target=_sign, args=(str(log.directory), ends)) for _ in range(2)]
    for signer in signers:
        signer.start()
    for _ in range(10):
        rotation.begin(file_of(log), ORIGIN)
        rotation.retire(file_of(log), ORIGIN, 9)
    ends.set()
    for signer in signers:
        signer.join(30)
    assert [0, 0] == [signer.exitcode for signer in signers]
