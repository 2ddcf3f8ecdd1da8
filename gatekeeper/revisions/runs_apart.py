"""Run every test and case of a law in a process of its own, so that none can hold up or end the check.

Guarantees: each has a result; one that takes more of the processor than its time, or ends the process, has
failed and says so, and those after it are run all the same. The child is ``child``.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, Final

from gatekeeper.policy.examination import examine_files
from gatekeeper.policy.layout import Files
from gatekeeper.revisions.apart import ENVIRONMENT, bounded, command
from gatekeeper.revisions.runs import Result, waiting_in

_EACH_SECONDS: Final = 5.0
"""Of the processor, for one test or case, and for finding out why it fails."""
_SILENT_SECONDS: Final = 120.0
_MOST_ENDED: Final = 5
_UNBEGUN: Final = Result(
    "rego", (), "the tests", "", 0, passed=False, expected="tests that run", came="the engine ended before"
)


def run_apart(files: Files, heard: Callable[[int], None] = lambda _: None) -> list[Result]:
    """Run every test and case of *files*, which can be loaded; *heard* is told how many have been run."""
    results: list[Result] = []
    for _ in range(_MOST_ENDED):
        begun = _UNBEGUN
        for kind, one in _said(files, len(results)):
            if kind == "done":
                return results
            if kind == "begins":
                begun = one
                continue
            results.append(one)
            begun = _UNBEGUN
            heard(len(results))
        # It ended before it was done: what it was at has failed, and the others still are to be run.
        results.append(begun)
        if begun is _UNBEGUN:
            break
    return results


def _said(files: Files, skip: int) -> Iterator[tuple[str, Result]]:
    """Yield what a child says: begins (with the result if it never ends), result, and done."""
    with tempfile.TemporaryFile() as question:
        question.write(json.dumps({"files": dict(files), "skip": skip}).encode())
        question.seek(0)
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module, without our environment
            command("runs_apart", "child"),
            stdin=question,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    try:
        for line in child.stdout:
            if not line.endswith(b"\n"):
                return  # it ended in the middle of a word
            said: dict[str, Any] = json.loads(line)
            said["result"]["about"] = tuple(said["result"]["about"])
            yield said["kind"], Result(**said["result"])
    finally:
        child.stdout.close()
        child.kill()
        child.wait()


def child() -> None:
    """Run what is asked for on standard input, and say each result in a line."""
    bounded()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    asked = json.load(sys.stdin)
    examined = examine_files(asked["files"])
    if examined.bundle is None:
        return
    never = f"nothing: it did not end within {_EACH_SECONDS:.0f} seconds, or ended the engine"
    for number, one in enumerate(waiting_in(examined, examined.bundle)):
        if number < asked["skip"]:
            continue
        place = (one.kind, one.about, one.name, one.file, one.line)
        _say("begins", Result(*place, passed=False, expected="an answer", came=never))
        signal.setitimer(signal.ITIMER_PROF, _EACH_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, _SILENT_SECONDS)
        result = one.run()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _say("result", result)
    _say("done", _UNBEGUN)


def _say(kind: str, result: Result) -> None:
    sys.stdout.write(json.dumps({"kind": kind, "result": asdict(result)}) + "\n")
    sys.stdout.flush()
