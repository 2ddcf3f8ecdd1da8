"""One bucket and many processes: exactly as many grants as it holds, also under ``kill -9``."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from gatekeeper.ledger import verify
from gatekeeper.ledger.spending import TOKEN
from gatekeeper.store import Database, Queries
from tests.store.mortal import opened
from tests.store.spender import AGENCY, MOST

ROOT = Path(__file__).parents[2]


def started(url: str, directory: Path, threads: int, times: int) -> subprocess.Popen[str]:
    """Start a process that spends."""
    command = [sys.executable, "-m", "tests.store.spender", url, str(directory), str(threads), str(times)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def said(processes: list[subprocess.Popen[str]]) -> Counter[str]:
    """Wait for the processes; count what they said."""
    return Counter(line for process in processes for line in process.communicate()[0].splitlines())


def test_8_processes_of_50_threads_are_granted_exactly_what_there_is(url: str, tmp_path: Path) -> None:
    """800 ask for 500: each grant is an entry, each entry a token, and nobody is left without an answer."""
    database, rows, ledger, key = opened(url, tmp_path)
    processes = [started(url, tmp_path, 50, 2) for _ in range(8)]
    found = said(processes)
    assert [0] * 8 == [process.returncode for process in processes]
    assert 8 * 50 * 2 == sum(found.values())
    # Whoever was not heard for five seconds may be in the log without having been told so.
    size = rows.head().size
    assert found["granted"] <= size == _used(database) <= MOST
    assert found["unheard"] or MOST == found["granted"] == size
    assert [] == verify(rows, key.vkey, checkpoints=rows.checkpoints(), kept=())
    ledger.close()
    database.close()


def test_kill_9_never_grants_one_more(url: str, tmp_path: Path) -> None:
    """Processes die at random moments until the bucket is empty: grants are never more than its tokens."""
    database, rows, ledger, _ = opened(url, tmp_path)
    chance, granted = random.Random(7), 0  # noqa: S311  a test's dice
    for number in range(12):
        processes = [started(url, tmp_path, 10, 1000 if number < 10 else 30) for _ in range(2)]
        if number < 10:
            deadline = time.monotonic() + 20
            before = rows.head().size
            while rows.head().size == before < MOST and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.05))
            for process in processes:
                process.send_signal(signal.SIGKILL)
        granted += said(processes)["granted"]
        assert granted <= rows.head().size == _used(database) <= MOST
    assert MOST == rows.head().size
    ledger.close()
    database.close()


def _used(database: Database) -> int:
    spent = Queries(database).spent(AGENCY)
    return -(-spent["agency"].units // TOKEN) if spent else 0
