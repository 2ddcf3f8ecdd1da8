"""Every test and case of a law, run: for ``gatekeeper policy test``, for the editor, and for a check.

A test is evaluated in this process and cannot be interrupted; one that recurses ends it. ``run_apart`` runs
them in a process of their own, each within its own time, and goes on with the next where one ended it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Bundle, Embedded
from gatekeeper.policy.cases import Case
from gatekeeper.policy.duties import owed
from gatekeeper.policy.examination import Examination
from gatekeeper.policy.rego_tests import RegoTest, RegoTests
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A test or case that is still to be run."""

    kind: str
    about: tuple[str, ...]
    name: str
    file: str
    line: int
    run: Callable[[], Result]


def results_of(examined: Examination, bundle: Bundle, only: str | None) -> list[Result]:
    """Run every Rego test and case, or those about one provision."""
    return [one.run() for one in waiting_in(examined, bundle) if only is None or only in one.about]


def waiting_in(examined: Examination, bundle: Bundle) -> Iterator[Waiting]:
    """Yield every Rego test, then every case, in an order that does not change."""
    sources = examined.sources
    suite = RegoTests({**sources.modules, **sources.checks, **sources.tests}, sources.data)
    for test in suite.tests:
        about = (test.package.removesuffix("_test").rsplit(".", 1)[-1],)
        run = partial(_rego, suite, test, about)
        yield Waiting("rego", about, test.name, test.path, test.line, run)
    engine, lexicon = Embedded(bundle), Lexicon.of(bundle)
    for case in examined.cases:
        run = partial(_case, case, engine, lexicon)
        yield Waiting("case", case.provisions, case.name, case.path, case.line, run)
    engine.close()


def _rego(suite: RegoTests, test: RegoTest, about: tuple[str, ...]) -> Result:
    outcome = suite.run(test)
    came = (outcome.passed, outcome.expected, outcome.came)
    return Result("rego", about, test.name, test.path, outcome.line, *came)


def _case(case: Case, engine: Embedded, lexicon: Lexicon) -> Result:
    came, expected = _decided(case, engine, lexicon), case.expected()
    said = json.dumps(expected), json.dumps(came, default=str)
    return Result("case", case.provisions, case.name, case.path, case.line, came == expected, *said)


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
