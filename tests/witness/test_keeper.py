"""A witness signs one history of a log: no fork, no rollback, no second root of a size, whatever happens."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from gatekeeper.errors import StoreUnavailable
from gatekeeper.ledger.cosignatures import cosignatures
from gatekeeper.ledger.merkle import EMPTY_ROOT
from gatekeeper.witness.directory import MOST_KEYS, KeyRefused, NoWitness, WitnessDirectory
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import Submission
from tests.witness.made import ORIGIN, History, b64, cosigner, log_key, new_keeper, refused

ROOT = Path(__file__).parents[2]
FORKED_AT = 3


@pytest.fixture
def history() -> History:
    """Return a made-up log."""
    return History(log_key())


@pytest.fixture
def fork(history: History) -> History:
    """Return the log's second history."""
    return History(history.key, FORKED_AT)


@pytest.fixture
def keeper(tmp_path: Path, history: History) -> Keeper:
    """Return a witness of the log that has cosigned nothing."""
    return new_keeper(tmp_path / "w", history.key)


def test_a_log_that_grows_is_cosigned(keeper: Keeper, history: History) -> None:
    """From nothing, by any steps, and again at the same size; each cosignature holds."""
    for old, new in ((0, 1), (1, 1), (1, 4), (4, 7), (7, 8), (8, 300)):
        line = keeper.add_checkpoint(history.submission(old, new))
        (held,) = cosignatures(history.checkpoint(new), [keeper.key], line)
        assert abs(time.time() - held.at) < 60
        (log,) = keeper.logs()
        assert (new, history.root(new)) == (log.last.size, log.last.root)


def test_an_empty_log_is_cosigned_only_as_empty(keeper: Keeper, history: History) -> None:
    """Its root is the hash of nothing; then it may grow."""
    assert (409, None) == refused(keeper, Submission(0, (), history.key.sign(0, bytes(32))).encode())
    keeper.add_checkpoint(Submission(0, (), history.key.sign(0, EMPTY_ROOT)).encode())
    keeper.add_checkpoint(history.submission(0, 2))


def test_a_fork_is_refused_and_kept_as_proof(keeper: Keeper, history: History, fork: History) -> None:
    """Two roots of one size, both signed: 409; the first such pair is kept, readable by anybody."""
    keeper.add_checkpoint(history.submission(0, 5))
    assert not keeper.logs()[0].forked
    assert (409, None) == refused(keeper, fork.submission(5, 5))
    assert (409, None) == refused(keeper, History(history.key, 1).submission(5, 5))
    assert keeper.logs()[0].forked
    (proof,) = (keeper._directory._logs).glob("*/fork")
    assert f"{history.checkpoint(5)}\n{fork.checkpoint(5)}" == proof.read_text()
    keeper.add_checkpoint(history.submission(5, 6))


@pytest.mark.parametrize("new", [4, 5, 6, 8, 64])
def test_a_fork_that_went_on_is_refused(keeper: Keeper, history: History, fork: History, new: int) -> None:
    """Its proof leads from another tree: 422, with whichever proof."""
    keeper.add_checkpoint(history.submission(0, 4))
    for proof in (fork.proof(4, new), history.proof(4, new), ()):
        assert (409 if new == 4 else 422) == refused(keeper, fork.submission(4, new, proof))[0]


def test_a_rollback_is_refused(keeper: Keeper, history: History) -> None:
    """A smaller tree is not signed again: 409 with what is known, or 400 where it says so itself."""
    keeper.add_checkpoint(history.submission(0, 3))
    keeper.add_checkpoint(history.submission(3, 6))
    for old, new in ((0, 3), (3, 6), (0, 6), (3, 3), (0, 0), (5, 5), (7, 9)):
        assert (409, 6) == refused(keeper, history.submission(old, new))
    assert (400, None) == refused(keeper, history.submission(6, 3))


def test_a_proof_that_does_not_lead_there_is_refused(keeper: Keeper, history: History) -> None:
    """Cut, lengthened, in another order, for another size, or one where none may be: 422; 64 lines: 400."""
    assert 422 == refused(keeper, history.submission(0, 5, [bytes(32)]))[0]
    keeper.add_checkpoint(history.submission(0, 5))
    right = history.proof(5, 11)
    for proof in (
        right[:-1],
        right[1:],
        (*right, bytes(32)),
        right[::-1],
        history.proof(4, 11),
        history.proof(5, 12),
        (bytes(32),) * 63,
    ):
        assert 422 == refused(keeper, history.submission(5, 11, proof))[0]
    assert 422 == refused(keeper, history.submission(5, 5, [bytes(32)]))[0]
    many = b"old 5\n" + b"A" * 43 + b"=\n" + (b"A" * 43 + b"=\n") * 63 + b"\n"
    assert 400 == refused(keeper, many + history.checkpoint(11).encode())[0]


def test_only_a_log_that_is_watched_by_its_own_key_is_cosigned(keeper: Keeper, history: History) -> None:
    """404 for a log that nobody named, 403 for another key, 400 for what is no checkpoint."""
    other = History(log_key("else.example.org"))
    stranger = History(log_key())
    assert (404, None) == refused(keeper, other.submission(0, 1))
    assert (403, None) == refused(keeper, stranger.submission(0, 1))
    text = history.checkpoint(1)
    for changed, status in (
        (text.replace("\n1\n", "\n2\n"), 403),
        (text.replace("\n1\n", "\n01\n"), 400),
        (text.replace("\n\n", "\nextension\n\n"), 400),
        (text + "no signature\n", 400),
        (text.partition("—")[0], 400),
        (text.replace(ORIGIN, "../../etc/passwd"), 404),
        (text.replace(ORIGIN, ""), 404),
        ("\n" + text, 404),
        ("x" * 10_000, 404),
    ):
        body = Submission(0, (), changed).encode()
        assert (status, None) == refused(keeper, body), changed


def test_what_is_kept_is_what_was_verified(keeper: Keeper, history: History) -> None:
    """Other people's signatures may stand below a checkpoint; they are neither believed nor kept."""
    text = history.checkpoint(1)
    beside = text + cosigner("other.example").cosign(text, 9) + log_key().sign(1, bytes(32)).split("\n\n")[1]
    keeper.add_checkpoint(Submission(0, (), beside).encode())
    assert text == keeper.logs()[0].text


def test_a_root_in_two_spellings_is_not_signed_twice(keeper: Keeper, history: History) -> None:
    """Base64 has spare bits; the log itself could sign both texts."""
    text = history.checkpoint(1)
    root = text.split("\n")[2]
    other = root[:-2] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(root[-2]) ^ 1
    ] + "="  # fmt: skip
    body = f"{ORIGIN}\n1\n{other}\n"
    signature = b64(history.key.verifier.id + history.key._in_use.keys[0].sign(body.encode()))
    spelt = f"{body}\n— {ORIGIN} {signature}\n"
    assert (400, None) == refused(keeper, Submission(0, (), spelt).encode())


def test_a_second_key_is_a_decision_of_the_operator(tmp_path: Path, history: History) -> None:
    """Refused unless it is said; then either key signs the one history, and neither forks it."""
    keeper = new_keeper(tmp_path / "w", history.key)
    files = WitnessDirectory(tmp_path / "w")
    rotated = History(log_key())
    with pytest.raises(KeyRefused, match="--also"):
        files.watch(rotated.key.verifier)
    assert not files.watch(history.key.verifier)
    keeper.add_checkpoint(history.submission(0, 2))
    assert (403, None) == refused(keeper, rotated.submission(2, 5))
    assert files.watch(rotated.key.verifier, also=True)
    keeper.add_checkpoint(rotated.submission(2, 5))
    keeper.add_checkpoint(history.submission(5, 7))
    assert (409, None) == refused(keeper, History(rotated.key, FORKED_AT).submission(7, 7))
    for _ in range(MOST_KEYS - 2):
        files.watch(log_key().verifier, also=True)
    with pytest.raises(KeyRefused, match="already"):
        files.watch(log_key().verifier, also=True)


def test_logs_do_not_mix(tmp_path: Path, history: History) -> None:
    """Each has its own size; a log that is added while the witness runs is cosigned at once."""
    keeper = new_keeper(tmp_path / "w", history.key)
    keeper.add_checkpoint(history.submission(0, 9))
    other = History(log_key("else.example.org"))
    WitnessDirectory(tmp_path / "w").watch(other.key.verifier)
    keeper.add_checkpoint(other.submission(0, 2))
    assert [(other.key.origin, 2), (ORIGIN, 9)] == [(log.origin, log.last.size) for log in keeper.logs()]


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"\xff", "cut", "unsigned", "else"])
def test_a_witness_that_lost_what_it_saw_does_not_begin_anew(
    tmp_path: Path, history: History, content: bytes | str | None
) -> None:
    """A state that is missing, cut short, or not signed by its log: nothing is cosigned, and it says so."""
    keeper = new_keeper(tmp_path / "w", history.key)
    keeper.add_checkpoint(history.submission(0, 4))
    (last,) = (tmp_path / "w" / "logs").glob("*/last")
    made = {
        "cut": last.read_bytes()[:-9],
        "unsigned": history.checkpoint(1).partition("—")[0].encode(),
        "else": History(log_key("else.example.org")).checkpoint(4).encode(),
    }
    if content is None:
        last.unlink()
    else:
        last.write_bytes(made[content] if isinstance(content, str) else content)
    for old in (0, 4):
        with pytest.raises(StoreUnavailable, match="must not go on"):
            keeper.add_checkpoint(history.submission(old, 5))
    with pytest.raises(StoreUnavailable):
        keeper.logs()
    with pytest.raises(StoreUnavailable):
        WitnessDirectory(tmp_path / "w").watch(history.key.verifier)


def test_a_log_under_another_ones_name_is_noticed(tmp_path: Path, history: History) -> None:
    """A directory that was copied would be a second state of one log."""
    keeper = new_keeper(tmp_path / "w", history.key)
    (place,) = (tmp_path / "w" / "logs").iterdir()
    shutil.copytree(place, place.with_name("0" * 64))
    shutil.rmtree(place)
    with pytest.raises(StoreUnavailable, match="another"):
        keeper.logs()


@pytest.mark.parametrize("place", ["lock", "last"])
def test_what_cannot_be_kept_is_not_cosigned(tmp_path: Path, history: History, place: str) -> None:
    """The lock or the file cannot be made: no cosignature, and the state is as it was."""
    keeper = new_keeper(tmp_path / "w", history.key)
    keeper.add_checkpoint(history.submission(0, 2))
    (log,) = (tmp_path / "w" / "logs").iterdir()
    unfinished = log / f".last.{os.getpid()}.{threading.get_ident()}"
    blocked = tmp_path / "w" / "lock" if place == "lock" else unfinished
    blocked.unlink(missing_ok=True)
    blocked.mkdir()
    for new in (2, 5):
        with pytest.raises(StoreUnavailable):
            keeper.add_checkpoint(history.submission(2, new))
    blocked.rmdir()
    assert 2 == keeper.logs()[0].last.size
    keeper.add_checkpoint(history.submission(2, 5))


def test_what_a_kill_left_half_written_is_not_read(tmp_path: Path, history: History) -> None:
    """The unfinished file is another one; the next writing replaces it."""
    keeper = new_keeper(tmp_path / "w", history.key)
    keeper.add_checkpoint(history.submission(0, 2))
    (log,) = (tmp_path / "w" / "logs").iterdir()
    (log / ".last").write_text(history.checkpoint(7)[:40])
    shutil.copytree(log, log.with_name(".unfinished"))
    assert 2 == keeper.logs()[0].last.size
    keeper.add_checkpoint(history.submission(2, 3))
    assert 3 == keeper.logs()[0].last.size


class TestKeys:
    """The witness's own key."""

    def test_it_is_a_private_file_that_is_never_replaced(self, tmp_path: Path) -> None:
        """Mode 0600; open to others, missing, of another kind, or without its name: refused."""
        place = tmp_path / "w"
        keeper = new_keeper(place)
        file = place / "witness.pem"
        assert (0o600, 0o700) == (file.stat().st_mode & 0o777, place.stat().st_mode & 0o777)
        with pytest.raises(KeyRefused, match="not empty"):
            WitnessDirectory.create(place, "other.example")
        assert keeper.key == Keeper(place).key
        file.chmod(0o640)
        with pytest.raises(KeyRefused, match="chmod 600"):
            Keeper(place)
        file.chmod(0o600)
        pem = file.read_bytes()
        for content in (b"", pem[:60], b"\xff"):
            file.write_bytes(content)
            with pytest.raises(KeyRefused, match="not what"):
                Keeper(place)
        file.write_bytes(pem)
        for name in ("two words", ""):
            (place / "witness.name").write_text(name)
            with pytest.raises(KeyRefused, match="name"):
                Keeper(place)
        (place / "witness.name").unlink()
        with pytest.raises(KeyRefused, match="cannot be read"):
            Keeper(place)
        file.unlink()
        with pytest.raises(NoWitness, match="gatekeeper witness init"):
            Keeper(place)

    def test_a_making_that_was_cut_short_can_be_done_again(self, tmp_path: Path) -> None:
        """The key comes last; other people's files are left alone."""
        place = tmp_path / "w"
        (place / "logs").mkdir(parents=True)
        (place / "witness.name").write_text("half.example")
        assert "whole.example" == new_keeper(place, name="whole.example").key.name
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "letter.txt").touch()
        with pytest.raises(KeyRefused, match="not empty"):
            WitnessDirectory.create(tmp_path / "full", "whole.example")
        with pytest.raises(KeyRefused, match="name"):
            WitnessDirectory.create(tmp_path / "new", "two words")
        assert not (tmp_path / "new").exists()
