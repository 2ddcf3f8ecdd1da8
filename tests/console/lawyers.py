"""A city whose law people change: what legal and counsel do, and what a check and a replay came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from werkzeug.test import TestResponse

from gatekeeper.app import application
from gatekeeper.parts import laws_in_force
from gatekeeper.policy import Bundle, Files, files_of, load_files, shipped_policies
from gatekeeper.policy.findings import Finding
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.revisions.lifecycle import Lifecycle
from gatekeeper.revisions.replay.report import (
    CLASSES,
    Asked,
    Decisions,
    Example,
    Group,
    Law,
    Missing,
    ProvisionChange,
    ReplayReport,
    Said,
)
from gatekeeper.revisions.report import STEPS, CheckReport, Step, Uncovered
from tests.console.conftest import Browser, Staffed
from tests.exchange.city import City

WHY = "The council asked for it, and its counsel has read it."
PATH = "/console/policies/revisions"
RULE = "sharing/stated_reason/stated_reason.rego"
FILES = files_of(shipped_policies())[0]


@cache
def law(*edits: tuple[str, str, str]) -> Bundle:
    """Return the shipped law with texts replaced: path, what stands there, what is to."""
    return load_files(edited(*edits))


def edited(*edits: tuple[str, str, str]) -> Files:
    """Return the shipped files with texts replaced."""
    files = dict(FILES)
    for path, old, new in edits:
        assert old in files[path], (path, old)
        files[path] = files[path].replace(old, new, 1)
    return files


def reworded(title: str = "A reason that says something") -> Bundle:
    """Return the law with another title of one provision."""
    found = next(line for line in FILES[RULE].splitlines() if line.startswith("# title:"))
    return law((RULE, found, f'# title: "{title}"'))


@dataclass
class Lawyers(Staffed):
    """A city whose law is the one that its registry names, and those who may change it."""

    @property
    def lifecycle(self) -> Lifecycle:
        """Return what changes the law."""
        return self.city.state.lifecycle()

    def proposed(self, by: Browser, bundle: Bundle | None = None, at: datetime | None = None) -> Revision:
        """Let somebody propose a text."""
        return self.lifecycle.propose(
            bundle or reworded(), author=by.made.account, reason=WHY, origin="editor", effective_at=at
        )

    def checked(self, revision: Revision, report: CheckReport | None = None) -> Revision:
        """Record what its checks came to."""
        found = report or check_of(revision)
        self.lifecycle.checked(revision.id, found.verdict(), passed=found.passed, by="operator:test")
        return self.now(revision)

    def replayed(self, revision: Revision, report: ReplayReport | None = None) -> Revision:
        """Record whom it would have hit."""
        found = report or replay_of(revision)
        self.lifecycle.replayed(revision.id, found.document(), by="operator:test")
        return self.now(revision)

    def ready(self, by: Browser, bundle: Bundle | None = None, at: datetime | None = None) -> Revision:
        """Let somebody propose a text; it is checked and replayed."""
        return self.replayed(self.checked(self.proposed(by, bundle, at)))

    def now(self, revision: Revision) -> Revision:
        """Return a revision as it stands."""
        found = self.lifecycle.store.get(revision.id)
        assert found is not None
        return found

    def active(self) -> Revision:
        """Return the law in force."""
        found = self.lifecycle.store.active()
        assert found is not None
        return found

    def approves(self, browser: Browser, revision: Revision, *, look: str = "", **typed: str) -> TestResponse:
        """Open the page of the approval, fill it in, and send it."""
        shown = browser.client.get(f"{PATH}/{revision.id}/approve{look}")
        form = {**hidden(shown), "reason": WHY} | typed
        return browser.client.post(f"{PATH}/{revision.id}/approve", data=form)

    def enacted(self, revision: Revision) -> Revision:
        """Let two people approve a revision at once."""
        for role in ("legal", "counsel"):
            person = self.signed_in(role, name=f"Quick {role.title()}{revision.id[-4:]}")
            assert 303 == self.approves(person, revision).status_code
        return self.now(revision)

    def told(self, revision: Revision) -> list[str]:
        """Return the events of the log about a revision."""
        return [entry.event for entry in self.city.state.ledger.entries_of(revision.id)]


def governed(city: City) -> Lawyers:
    """Return a city whose law changes when its registry says so."""
    lively = city.with_gate(laws=laws_in_force(city.state))
    return Lawyers(lively, application(lively.state, lively.gate, lively.tokens, lambda _: None))


def hidden(answer: TestResponse) -> dict[str, str]:
    """Return the hidden fields of the page's main form, the last one that has a reason."""
    import re  # noqa: PLC0415

    form = next(part for part in re.findall(r"<form.*?</form>", answer.text, re.DOTALL) if "reason" in part)
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def check_of(revision: Revision, *findings: Finding, **changes: Any) -> CheckReport:
    """Return the report of a check: passed, or refused for these findings."""
    steps = tuple(Step(name, "passed", count=7) for name in STEPS)
    if findings:
        steps = (Step("load", "refused", findings), *steps[1:])
    programs: Mapping[str, str | None] = {"embedded": "1", "opa": "1", "regal": "1"}
    report = CheckReport(revision.revision, revision.digest, revision.tree, programs, steps, uncovered=())
    return replace(report, **changes)


def uncovered(line: int) -> tuple[Uncovered, ...]:
    """Return a line of a rule that no test runs."""
    return (Uncovered(RULE, line, FILES[RULE].splitlines()[line - 1]),)


def replay_of(revision: Revision, **changes: Any) -> ReplayReport:
    """Return the report of a replay over a few decisions."""
    classes = dict.fromkeys(CLASSES, 0) | {"same": 40, "newly_denied": 2}
    report = ReplayReport(
        candidate=Law(revision.revision, revision.digest),
        baseline=Law("before+000000000000", "sha256:00"),
        asked=Asked("log", None, None, None, "", 42, "00"),
        decisions=Decisions(42, 3),
        classes=classes,
        outcomes={"before": {"permit": 42}, "after": {"permit": 40, "deny": 2}},
        drift={},
        rescreened=0,
        rulings_set_aside=0,
        taken_as_alone=0,
        provisions=(ProvisionChange("stated_reason", "A reason", "EV-7", True, "both", 5, 7, 2, 0, 2, 0),),
        agencies=(Group("sample-il-pd", 42, 3, classes),),
        categories=(Group("stolen_vehicle", 42, 3, classes),),
        months=(Group("2026-11", 42, 3, classes),),
        missing=(Missing("2026-08-01", 3),),
        examples={"newly_denied": (example("q_none"),)},
    )
    return replace(report, **changes)


def example(query_id: str, index: int = 7) -> Example:
    """Return a decision that changed."""
    return Example(
        query_id=query_id,
        index=index,
        hour="2026-11-20T10Z",
        agency="sample-il-pd",
        category="stolen_vehicle",
        before=Said("permit", (), "none"),
        after=Said("deny", ("stated_reason",), "staff"),
        obligations=(),
    )
