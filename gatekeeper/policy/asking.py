"""Ask a law many small questions about one set of facts, in a process of its own.

An evaluation of the embedded engine holds up every thread of its process and cannot be interrupted. So what
is asked only to explain a decision is asked in a child (``answering.py``), while this thread waits without
holding anything. Guarantees: what takes longer than it may, or dies, raises ``NotExplained``; no answer here
decides anything.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from gatekeeper.errors import NotExplained
from gatekeeper.policy.layout import Json
from gatekeeper.policy.rehearsal import engine_child

_ANSWERING = engine_child("answering.py")


class Refused(Exception):
    """The engine refused one question; the text is its own sentence."""


class Asking:
    """One law and one set of facts, ready to be asked about."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child

    def ask(self, question: str) -> Json:
        """Return the one value of *question*, a query in Rego, or None if it is undefined.

        Raises Refused if the engine fails on it, NotExplained if there is no answer.
        """
        answer = self._answer(question)
        if not isinstance(answer, dict) or answer.keys() not in ({"values"}, {"fault"}):
            raise NotExplained("the engine's process did not answer")
        if "fault" in answer:
            raise Refused(answer["fault"])
        values = answer["values"]
        return values[0] if values else None

    def _answer(self, question: str) -> Any:
        given, said = self._child.stdin, self._child.stdout
        try:
            given.write(json.dumps(question).encode() + b"\n")  # type: ignore[union-attr]  # both are pipes
            given.flush()  # type: ignore[union-attr]
            return json.loads(said.readline())  # type: ignore[union-attr]
        except (OSError, ValueError):
            return None


@contextmanager
def asking(
    modules: Mapping[str, str],
    beside: Mapping[str, str],
    data: Mapping[str, Json],
    facts: str,
    seconds: float,
) -> Iterator[Asking]:
    """Open a process that answers about *facts* (JSON) for at most so many *seconds*.

    *beside* are modules of questions: those that the engine does not take are left out.
    """
    told = {
        "modules": dict(modules),
        "beside": dict(beside),
        "data": json.dumps(dict(data)),
        "input": facts,
        "seconds": seconds,
    }
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and file, isolated from the environment
        _ANSWERING,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        try:
            child.stdin.write(json.dumps(told).encode() + b"\n")  # type: ignore[union-attr]  # a pipe
            child.stdin.flush()  # type: ignore[union-attr]
        except OSError:
            raise NotExplained("the engine's process did not begin") from None
        yield Asking(child)
    finally:
        child.kill()
        child.stdout.close()  # type: ignore[union-attr]
        with suppress(OSError):  # it may be gone already
            child.stdin.close()  # type: ignore[union-attr]
        child.wait()
