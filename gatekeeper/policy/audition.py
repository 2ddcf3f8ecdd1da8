"""Ask the embedded engine one rule after another, in a process of its own, each within its own time.

For what must not be asked in this process: rules that nobody has read yet, on facts that nobody would send.
Guarantees: every question has an answer, a fault or "too slow", within seconds; a child that died is replaced
for the next question; the child ends with the ``with``. The child is ``stage``.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from gatekeeper.policy.layout import Json
from gatekeeper.policy.rehearsal import STAGE

_PATIENCE: Final = 20.0  # of the clock, for a second of the processor: the machine may be busy


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a question: an answer and its time in ms, or why there is none."""

    answer: Json = None
    ms: float = 0.0
    fault: str = ""
    slow: bool = False
    died: bool = False


class Audition:
    """The rules of *modules* with *data*, which must have been parsed before (``rehearsal``)."""

    def __init__(self, modules: Mapping[str, str], data: Mapping[str, Json]) -> None:
        play = {"modules": dict(modules), "data": dict(data), "asks": True}
        self._play = json.dumps(play).encode() + b"\n"
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def ask(self, rule: str, text: str, *, seconds: float) -> Said:
        """Return what *rule* is on the facts *text* (JSON), within *seconds* of the processor."""
        question = json.dumps({"rule": rule, "input": text, "each_s": seconds}).encode() + b"\n"
        line = self._sent(question, seconds)
        if line is None:
            code = self._end()
            slow = code in (-signal.SIGPROF, -signal.SIGKILL)
            return Said(slow=slow, died=not slow)
        said: dict[str, Any] = json.loads(line)
        return Said(said.get("answer"), said.get("ms", 0.0), said.get("fault", ""))

    def _sent(self, question: bytes, seconds: float) -> bytes | None:
        """Send a question and return the line that answers it; None if there is none in time."""
        child = self._child or self._begun()
        if child is None or child.stdin is None or child.stdout is None:
            return None
        try:
            child.stdin.write(question)
            child.stdin.flush()
        except BrokenPipeError:
            return None
        ready, _, _ = select.select([child.stdout], [], [], 1 + seconds * _PATIENCE)
        line = child.stdout.readline() if ready else b""
        return line if line.endswith(b"\n") else None

    def _begun(self) -> subprocess.Popen[bytes] | None:
        child = subprocess.Popen(  # noqa: S603 - our own
            STAGE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._child = child
        return child if self._sent(self._play, 1.0) is not None else None

    def _end(self) -> int | None:
        """End the child, which may have ended by itself; return how it did."""
        child, self._child = self._child, None
        if child is None:
            return None
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # what it had not read is nobody's any more
        try:
            return child.wait(0.5)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()
