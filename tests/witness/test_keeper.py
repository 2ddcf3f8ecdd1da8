"""A witness signs one history of a log: no fork, no rollback, no second root of a size, whatever happens."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.errors import GatekeeperError, StoreUnavailable
from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.cosignatures import cosignatures
from gatekeeper.ledger.merkle import EMPTY_ROOT
from gatekeeper.witness.directory import MOST_KEYS, KeyRefused, NoWitness, WitnessDirectory
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import Submission, SubmissionRefused
from tests.witness.made import ORIGIN, History, b64, cosigner, log_key, new_keeper

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


def refused(keeper: Keeper, body: bytes) -> tuple[int, int | None]:
    """Return the status of a refusal, and the size that it tells; the witness is where it was."""
    before = keeper.logs()
    with pytest.raises(SubmissionRefused) as raised:
        keeper.add_checkpoint(body)
    assert [log.text for log in before] == [log.text for log in keeper.logs()]
    return raised.value.status, raised.value.size


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
    signature = b64(history.key.verifier.id + history.key._key.sign(body.encode()))
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
    blocked = tmp_path / "w" / "lock" if place == "lock" else log / ".last"
    blocked.unlink(missing_ok=True)
    blocked.mkdir()
    for new in (2, 5):
        with pytest.raises(StoreUnavailable):
            keeper.add_checkpoint(history.submission(2, new))
    blocked.rmdir()
    assert 2 == keeper.logs()[0].last.size
    keeper.add_checkpoint(history.submission(2, 5))


FULL = """
import resource, sys
from pathlib import Path
from gatekeeper.errors import StoreUnavailable
from gatekeeper.ledger import SigningKey
from gatekeeper.witness.keeper import Keeper
from tests.witness.made import ORIGIN, History
history = History(SigningKey.load(Path(sys.argv[2]), ORIGIN))
keeper = Keeper(Path(sys.argv[1]))
keeper.add_checkpoint(history.submission(0, 2))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
for new in (2, 5):
    try:
        keeper.add_checkpoint(history.submission(2, new))
    except StoreUnavailable:
        continue
    sys.exit("cosigned what it could not keep")
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert keeper.logs()[0].last.size == 2
keeper.add_checkpoint(history.submission(2, 5))
"""


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """No byte can be added to a file: refused; with space again it goes on from where it was."""
    key = SigningKey.create(tmp_path / "log.pem", ORIGIN)
    new_keeper(tmp_path / "w", key)
    ran = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "w"), str(tmp_path / "log.pem")],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert 0 == ran.returncode, ran.stderr
    assert [] == list((tmp_path / "w" / "logs").glob("*/.last"))


def test_of_many_threads_none_gets_a_second_root(tmp_path: Path, history: History, fork: History) -> None:
    """Both histories are asked for at once, at one size: one of them is signed, the other never."""
    keeper = new_keeper(tmp_path / "w", history.key)
    keeper.add_checkpoint(history.submission(0, FORKED_AT))

    def ask(number: int) -> tuple[int, bytes] | None:
        one = (history, fork)[number % 2]
        new = FORKED_AT + 1 + number // 2 % 2
        try:
            keeper.add_checkpoint(one.submission(FORKED_AT, new))
        except SubmissionRefused:
            return None
        return new, one.root(new)

    with ThreadPoolExecutor(16) as pool:
        signed = [done for done in pool.map(ask, range(64)) if done is not None]
    assert 1 == len(signed)
    (log,) = keeper.logs()
    assert signed == [(log.last.size, log.last.root)]


def start(directory: Path, key: Path, forked_at: int, seed: int, rounds: int) -> subprocess.Popen[str]:
    """Start a process of four threads that ask."""
    arguments = [str(directory), str(key), str(forked_at), str(seed), "4", str(rounds)]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.witness.submitter", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def signed_by(lines: list[str]) -> dict[int, str]:
    """Return root by size; two roots of one size fail."""
    roots: dict[int, str] = {}
    for line in lines:
        size, root = line.split()
        assert root == roots.setdefault(int(size), root), f"two roots of size {size}"
    return roots


def test_of_several_processes_none_gets_a_second_root(tmp_path: Path) -> None:
    """Processes of both histories over one directory: what was signed is one history, to its end."""
    key = SigningKey.create(tmp_path / "log.pem", ORIGIN)
    keeper = new_keeper(tmp_path / "w", key)
    started = [
        start(tmp_path / "w", tmp_path / "log.pem", forked_at, seed, 40)
        for seed, forked_at in enumerate((-1, 2, -1))
    ]
    lines = [line for process in started for line in process.communicate(timeout=60)[0].splitlines()]
    assert [0, 0, 0] == [process.returncode for process in started]
    roots = signed_by(lines)
    (log,) = keeper.logs()
    assert max(roots) == log.last.size
    assert roots[log.last.size] == log.last.root.hex()
    assert len(roots) > 5
    # Whichever history won at the fork, every size that was signed is of it.
    won = next(h for h in (History(key), History(key, 2)) if h.root(log.last.size) == log.last.root)
    assert roots == {size: won.root(size).hex() for size in roots}


def test_kill_9_takes_back_nothing_that_was_signed(tmp_path: Path) -> None:
    """Killed in the middle, again and again: what it had answered is what it stands by."""
    key = SigningKey.create(tmp_path / "log.pem", ORIGIN)
    keeper = new_keeper(tmp_path / "w", key)
    lines: list[str] = []
    for seed in range(3):
        process = start(tmp_path / "w", tmp_path / "log.pem", -1, seed, 100_000)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0]
        lines += [line for line in (first + rest).splitlines() if len(line.split(" ")[-1]) == 64]
        roots = signed_by(lines)
        (log,) = keeper.logs()
        assert log.last.size >= max(roots)
        history = History(key)
        assert history.root(log.last.size) == log.last.root
        assert (409, None) == refused(keeper, History(key, 0).submission(log.last.size, log.last.size))
        keeper.add_checkpoint(history.submission(log.last.size, log.last.size + 1))


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


KEY = log_key()
BRANCHES = [History(KEY), History(KEY, FORKED_AT), History(KEY, FORKED_AT + 2)]
STEPS = st.lists(
    st.tuples(st.sampled_from(range(3)), st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_sequence_signs_one_history(steps: list[tuple[int, int, int, bool]]) -> None:
    """Sizes never shrink, a size has one root, each is a beginning of the next; restarts change nothing."""
    with tempfile.TemporaryDirectory() as directory:
        keeper = new_keeper(Path(directory) / "w", KEY)
        signed = [(0, EMPTY_ROOT)]
        for branch, old, new, honest in steps:
            history = BRANCHES[branch]
            start_at = signed[-1][0] if honest else old
            try:
                keeper.add_checkpoint(history.submission(start_at, new))
            except SubmissionRefused:
                keeper = Keeper(Path(directory) / "w")
                continue
            except GatekeeperError as error:  # nothing else may be raised here
                raise AssertionError from error
            size, root = signed[-1]
            assert new >= size
            assert root == (history.root(size) if size else EMPTY_ROOT), "a history that was not begun there"
            signed.append((new, history.root(new)))
        assert signed[-1] == (keeper.logs()[0].last.size, keeper.logs()[0].last.root)
        # The history that was signed can always go on.
        size, root = signed[-1]
        own = next(history for history in BRANCHES if (history.root(size) if size else EMPTY_ROOT) == root)
        keeper.add_checkpoint(own.submission(size, size + 3))
