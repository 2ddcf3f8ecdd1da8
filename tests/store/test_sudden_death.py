"""``kill -9`` at random points, again and again on one log, on both databases.

GATEKEEPER_TEST_KILLS says how many rounds (20; ``make soak`` runs 200), GATEKEEPER_TEST_SEED repeats a run
whose seed a failure has printed.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import secrets
import signal
import time
from pathlib import Path

import pytest

from gatekeeper.ledger import verify
from gatekeeper.ledger.rows import slot
from tests.store.mortal import READY, opened, write

ROUNDS = int(os.environ.get("GATEKEEPER_TEST_KILLS", "20"))
SEED = int(os.environ.get("GATEKEEPER_TEST_SEED", secrets.randbelow(2**32)))


def test_kill_9_loses_nothing_that_was_acknowledged(
    request: pytest.FixtureRequest, url: str, tmp_path: Path
) -> None:
    """Each round: no entry lost, none half there, no gap; the next process starts without anybody's help.

    Every fourth is killed while it starts. Every fifth time PostgreSQL itself dies too and recovers.
    """
    print(f"GATEKEEPER_TEST_SEED={SEED} GATEKEEPER_TEST_KILLS={ROUNDS}")
    chance, fresh = random.Random(SEED), multiprocessing.get_context("forkserver")  # noqa: S311  a test's dice
    fresh.set_forkserver_preload([write.__module__])
    acknowledged = size = 0
    for number in range(ROUNDS):
        told = tmp_path / f"told-{number}"
        process = fresh.Process(target=write, args=(url, tmp_path, told))
        process.start()
        if number % 4 != 3:
            _until_ready(told, process)
        time.sleep(chance.uniform(0, 0.2))
        assert process.is_alive(), f"round {number}: it did not start, or ended by itself"
        process.kill()
        process.join()
        assert -signal.SIGKILL == process.exitcode
        if number % 5 == 4 and url.startswith("postgres"):
            request.getfixturevalue("postgres").restart()
        lines = told.read_text().splitlines()[1:] if told.exists() else []
        size = _nothing_lost(url, tmp_path, lines, size)
        acknowledged += len(lines)
    database, rows, ledger, key = opened(url, tmp_path)
    kept = [(tmp_path / "checkpoint").read_text()]
    assert [] == verify(rows, key.vkey, checkpoints=rows.checkpoints(), kept=kept)
    assert size >= acknowledged > ROUNDS
    ledger.close()
    database.close()


def _until_ready(told: Path, process: multiprocessing.process.BaseProcess) -> None:
    deadline = time.monotonic() + 20
    while not told.exists() or READY not in told.read_text():
        assert process.is_alive(), "it did not start"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _nothing_lost(url: str, directory: Path, lines: list[str], before: int) -> int:
    """Open the log as the next process does, look at what is new, and return its size."""
    database, rows, _, _ = opened(url, directory)
    size = rows.head().size
    new = {entry.index: entry for entry in rows.entries(before, size + 1)}
    assert list(range(before, size)) == list(new), "an index is missing, or one too many"
    for line in lines:
        index, ref = line.split()
        assert ref == new[int(index)].ref, f"entry {index} was acknowledged and is another"
    for entry in new.values():
        assert rows.box(entry.ref, slot(entry.event, entry.index)), f"entry {entry.index} is half there"
    database.close()
    return size
