"""Have a draft examined in a process of its own, while somebody types and while queries are answered.

Guarantees: nothing of a draft is parsed or evaluated in this process; one draft at a time is examined for
each worker, at the lowest priority, and whoever comes meanwhile is told so instead of waiting on a thread
that could answer a query; a process that crashes, hangs or says anything else than an answer is a finding,
never the absence of one; the same question has the same answer, and is not asked twice.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from gatekeeper.errors import OperatorError
from gatekeeper.policy.drafts import Draft, refuse
from gatekeeper.policy.findings import Finding
from gatekeeper.policy.layout import Files
from gatekeeper.remembered import Remembered
from gatekeeper.revisions.apart import ENVIRONMENT, command
from gatekeeper.revisions.runs import Result

Ask = Literal["findings", "tests", "whole"]
"""What is wrong; also this provision's tests; also every test and case, each failure of which is wrong."""

_SECONDS: Final = 90
_PATIENCE: Final = 15.0
_REMEMBERED: Final = 32
_DIED: Final = Finding(
    "",
    None,
    "The engine ended while it examined the policies: a rule or a test refers to itself, or takes too long.",
    "Undo the last change to a rule, a test or a check.",
)


class Busy(OperatorError):
    """Another draft is being examined: nothing was looked at."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: of ``tests``, what became of each; ``ran`` is how many were run.

    ``revision`` is what the law would be called, None if it cannot be loaded.
    """

    findings: tuple[Finding, ...]
    results: tuple[Result, ...] = ()
    ran: int = 0
    revision: str | None = None


class Examiner:
    """Asks the process; holds the last answers."""

    def __init__(self) -> None:
        self._turn = threading.BoundedSemaphore(1)
        self._answers: Remembered[str] = Remembered(_REMEMBERED)

    def examine(self, files: Files, ask: Ask, about: str | None = None, *, wait: bool = True) -> Examined:
        """Examine *files*; *about* is the provision whose tests are run. Raises Busy."""
        said = self._said({"ask": ask, "about": about, "files": dict(files)}, wait=wait)
        if said is None:
            return Examined((_DIED,))
        return Examined(
            tuple(Finding(**one) for one in said["findings"]),
            tuple(Result(**{**one, "about": tuple(one["about"])}) for one in said["results"]),
            said["ran"],
            said["revision"],
        )

    def begin(self, draft: Draft, files: Files) -> dict[str, str]:
        """Return the files that begin a provision. Raises Busy, OperatorError."""
        refuse(draft)
        question = {
            "ask": "begin",
            "code": draft.code,
            "pack": draft.listed.pack,
            "title": draft.title,
            "citation": draft.citation,
            "rules": [*draft.rules],
            "review": draft.review,
            "adopted": draft.adopted.isoformat(),
            "files": dict(files),
        }
        said = self._said(question, wait=True)
        if said is None:
            raise OperatorError(_DIED.message)
        if "refused" in said:
            raise OperatorError(str(said["refused"]))
        begun: dict[str, str] = said["begun"]
        return begun

    def _said(self, question: Mapping[str, Any], *, wait: bool) -> Any:
        """Return the answer; None if there was none."""
        asked = json.dumps(question, sort_keys=True)
        if (answer := self._answers.get(asked)) is None:
            if not self._turn.acquire(timeout=_PATIENCE if wait else 0):
                raise Busy("Another draft is being examined just now. Nothing is lost: ask again.")
            try:
                answer = _answer(asked)
            finally:
                self._turn.release()
            if answer is not None:
                self._answers.keep(asked, answer)
        return None if answer is None else json.loads(answer)


def _answer(question: str) -> str | None:
    """Ask a process of its own; None if it did not answer."""
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and module, without our environment
            command("examiner_process", "main"),
            input=question,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_SECONDS,
            check=False,
            env=ENVIRONMENT,
        )
        json.loads(child.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        return None
    return child.stdout if child.returncode == 0 else None
