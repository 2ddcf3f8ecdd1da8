"""Several processes and sudden death: every acknowledged entry is found, in its place."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from gatekeeper.ledger import verify
from tests.ledger.made import Log, decided, open_log


def _start(directory: Path, threads: int, entries: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.writer", str(directory), str(threads), str(entries)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


def _check(log: Log, acknowledged: list[str]) -> None:
    for line in acknowledged:
        index, ref = line.split()
        stored = log.rows.entry(int(index))
        assert stored is not None, f"entry {index} was acknowledged and lost"
        assert ref == stored.ref
    log.ledger.check_tail()
    assert [] == verify(log.rows, log.key.vkey, checkpoints=log.rows.checkpoints(), kept=[_kept(log)])


def _kept(log: Log) -> str:
    return log.file.read_text()


def test_two_processes_of_16_threads_leave_no_gap_and_no_swap(tmp_path: Path) -> None:
    """They share one log; each acknowledged index holds the entry it was told."""
    log = open_log(tmp_path)
    started = [_start(tmp_path, 16, 20) for _ in range(2)]
    lines = [line for process in started for line in process.communicate()[0].splitlines()]
    assert [0, 0] == [process.returncode for process in started]
    assert 640 == len(lines) == log.rows.head().size
    _check(log, lines)
    log.rows.close()


def test_kill_9_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    """Killed in the middle of its batches, a process leaves a log that starts, verifies and goes on."""
    log = open_log(tmp_path)
    process = _start(tmp_path, 16, 100_000)
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(0.4)
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0]
    lines = [line for line in (first + rest).splitlines(keepends=False) if len(line.split()) == 2]
    if not rest.endswith("\n"):
        lines.pop()  # a line cut short acknowledges nothing
    assert len(lines) > 16
    again = open_log(tmp_path)
    _check(again, lines)
    again.ledger.append(decided())
    again.ledger.close()
    again.ledger.check_tail()
    for opened in (log, again):
        opened.rows.close()
