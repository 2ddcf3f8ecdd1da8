"""The process in which a draft is examined: one question on standard input, one answer on standard output.

A draft is anything that somebody typed. Its tests and checks may recurse, which ends the process that
evaluates them, or never finish; so neither happens where queries are answered. Guarantees: it runs after
whatever else the machine has to do, in bounded memory and time, knows no setting and no key, and writes
nothing. What it is asked and what it says is in ``examiner``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.errors import BundleRefused, OperatorError
from gatekeeper.policy.drafts import Draft, begun
from gatekeeper.policy.examination import examine_files
from gatekeeper.policy.findings import Finding, finding_of
from gatekeeper.policy.manifest import Listed
from gatekeeper.revisions.apart import bounded

if TYPE_CHECKING:
    from gatekeeper.revisions.runs import Result

_SECONDS: Final = 20
_NICE: Final = 10
_CURE: Final = (
    "Mend the rule if it does not do what the test asks; mend the test if it asks what the law does not say."
)


def main() -> None:
    """Answer one question."""
    bounded()
    # Of the processor's time, and handed on: a process that this one started ends as well.
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    os.nice(_NICE)
    asked = json.load(sys.stdin)
    json.dump(_begun(asked) if asked["ask"] == "begin" else _examined(asked), sys.stdout)


def _examined(asked: Any) -> dict[str, Any]:
    """Return what is wrong with the files; and, where nothing is, what became of the tests."""
    examined = examine_files(asked["files"])
    ask, findings = asked["ask"], list(examined.findings)
    results: list[Result] = []
    if examined.bundle is not None and not findings and ask in ("tests", "whole"):
        from gatekeeper.revisions.runs import results_of  # noqa: PLC0415 - half a second, which typing waits for

        try:
            results = results_of(examined, examined.bundle, asked["about"] if ask == "tests" else None)
        except BundleRefused as refused:  # words that no request could be screened by
            findings = [finding_of(fault, asked["files"]) for fault in refused.faults]
    if ask == "whole":
        findings += _failures(results)
    return {
        "findings": [asdict(finding) for finding in findings],
        "results": [asdict(result) for result in results] if ask == "tests" else [],
        "ran": len(results),
        "revision": None if examined.bundle is None else examined.bundle.revision,
    }


def _failures(results: list[Result]) -> Iterator[Finding]:
    """Yield a finding for each test and case that does not hold."""
    for result in results:
        if not result.passed:
            what = "test" if result.kind == "rego" else "case"
            said = f"The {what} {result.name} fails: expected {result.expected}; came {result.came}."
            yield Finding(result.file, result.line, said, _CURE)


def _begun(asked: Any) -> dict[str, Any]:
    """Return the files that begin a provision, or why it cannot be begun."""
    draft = Draft(
        listed=Listed(asked["code"], asked["pack"]),
        title=asked["title"],
        citation=asked["citation"],
        rules=tuple(asked["rules"]),
        review=asked["review"],
        adopted=date.fromisoformat(asked["adopted"]),
    )
    try:
        return {"begun": begun(draft, asked["files"])}
    except (OperatorError, BundleRefused) as refused:
        return {"refused": str(refused)}
