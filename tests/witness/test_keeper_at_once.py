"""Threads, processes, sudden death and a full disk: a witness signs one history of a log all the same."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.errors import GatekeeperError
from gatekeeper.ledger import SigningKey
from gatekeeper.ledger.merkle import EMPTY_ROOT
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import SubmissionRefused
from tests.witness.made import ORIGIN, History, log_key, new_keeper, refused

ROOT = Path(__file__).parents[2]
FORKED_AT = 3


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


def test_of_many_threads_none_gets_a_second_root(tmp_path: Path) -> None:
    """Both histories are asked for at once, at one size: one of them is signed, the other never."""
    history = History(log_key())
    fork = History(history.key, FORKED_AT)
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
