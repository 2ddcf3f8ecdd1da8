"""Every test and case of a law, run: for ``gatekeeper policy test``, for the editor, and for a check.

A test is evaluated in this process and cannot be interrupted; one that recurses ends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.policy.cases import Case
from gatekeeper.policy.duties import owed
from gatekeeper.policy.examination import Examination
from gatekeeper.policy.rego_tests import RegoTests
from gatekeeper.policy.rehearsal import rehearse
from gatekeeper.policy.syntax import Module, module_of


@dataclass(frozen=True, slots=True)
class Result:
    """One test or case: the provisions that it is about, where it stands, and what came instead."""

    kind: str  # rego or case
    about: tuple[str, ...]
    name: str
    file: str
    line: int
    passed: bool
    expected: str = ""
    came: str = ""


def results_of(examined: Examination, bundle: Bundle, only: str | None) -> list[Result]:
    """Run every Rego test and case, or those about one provision."""
    found = [*_rego(examined), *_cases(examined.cases, bundle)]
    return [result for result in found if only is None or only in result.about]


def _rego(examined: Examination) -> Iterator[Result]:
    sources = examined.sources
    suite = RegoTests({**sources.modules, **sources.checks, **sources.tests}, sources.data)
    for test in suite.tests:
        outcome = suite.run(test)
        about = (test.package.removesuffix("_test").rsplit(".", 1)[-1],)
        yield Result(
            "rego",
            about,
            test.name,
            test.path,
            outcome.line,
            outcome.passed,
            outcome.expected,
            outcome.came,
        )


def _cases(cases: Iterable[Case], bundle: Bundle) -> Iterator[Result]:
    engine, lexicon = Embedded(bundle), Lexicon.of(bundle)
    for case in cases:
        came = _decided(case, engine, lexicon)
        expected = case.expected()
        yield Result(
            "case",
            case.provisions,
            case.name,
            case.path,
            case.line,
            came == expected,
            json.dumps(expected),
            json.dumps(came, default=str),
        )
    engine.close()


def _decided(case: Case, engine: Embedded, lexicon: Lexicon) -> dict[str, Any]:
    said = decide_line(case.request.encode(), engine, lexicon)
    return said if "error" in said else {name: said[name] for name in case.expected()}


def owing(examined: Examination, bundle: Bundle) -> dict[str, list[str]]:
    """Return for each provision the tests that it still owes; those that owe none are left out."""
    rehearsal = rehearse(bundle.modules, {}, [])
    modules: list[Module] = [module_of(path, tree) for path, tree in rehearsal.trees.items()]
    schema = bundle.schemas.get("input")
    found = {}
    for provision in bundle.written.values():
        package = ".".join(provision.path.split("/")[:-1])
        test = examined.sources.tests.get(provision.path.replace(".rego", "_test.rego"), "")
        found[provision.code] = owed(package, test, modules, schema)
    return {code: duties for code, duties in found.items() if duties}
