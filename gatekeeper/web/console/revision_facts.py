"""What pages say of one revision: where it stands, whose turn it is, what was found of it, who did what.

Guarantees: what is shown as checked and replayed are the reports whose digests the seal covers; who did what
and why is as the log has it, and said to be erased where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

from babel.lists import format_list

from gatekeeper.errors import KeyErased
from gatekeeper.ledger import Ledger, StoredEntry
from gatekeeper.review.roles import may
from gatekeeper.revisions.approval import is_rollback
from gatekeeper.revisions.interfaces import OPEN, Approval, Job, Kind, Result, Revision
from gatekeeper.revisions.line_changes import Line
from gatekeeper.revisions.report import STEPS as CHECKS
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.languages import language, later, say

KINDS: Final[tuple[Kind, ...]] = ("check", "replay")
STATES: Final = ("draft", "checked", "replayed", "approved", "scheduled", "active")
"""The way of a revision, step by step."""

How = Literal["done", "next", "ahead", "stopped"]

CLASS_WORDS: Final[Mapping[str, str]] = {
    "same": later("Unchanged"),
    "newly_denied": later("Newly denied"),
    "newly_permitted": later("Newly permitted"),
    "reasons_changed": later("Reasons changed"),
    "obligations_changed": later("Obligations changed"),
    "undecided": later("Could not be decided"),
}
"""How pages name the classes of ``replay.report``, which are those of live queries too."""
STANDINGS: Final[Mapping[str, str]] = {
    "added": later("new"),
    "removed": later("removed"),
    "hidden": later("not public any more"),
    "shown": later("public from now on"),
}
HOWS: Final[Mapping[str, str]] = {
    "added": later("added"),
    "removed": later("removed"),
    "changed": later("changed"),
    "order": later("in another order"),
    "reads": later("its own text is the same"),
}

ANYBODY: Final = later("By legal or counsel.")
OTHERS: Final = "others"
TURNS: Final[Mapping[str, tuple[str, str]]] = {
    "overtaken": (later("Another law came into force since it was begun. Propose it anew."), ANYBODY),
    "draft": (later("Begin its checks."), ANYBODY),
    "checking": (later("Its checks are running."), ""),
    "checked": (later("Replay it on past queries."), ANYBODY),
    "replaying": (later("It is being replayed on past queries."), ""),
    "replayed": (later("A first person approves it."), OTHERS),
    "second": (later("A second person approves it; then it is signed and has its moment."), OTHERS),
    "approved": (later("Both approved it. It has its moment once no other waits for one."), ANYBODY),
    "scheduled": (later("It comes into force at its moment."), later("Legal or counsel may call it off.")),
    "active": (later("Nothing. It is in force."), ""),
    "superseded": (later("Nothing. Two people can bring it back."), ANYBODY),
    "rejected": (later("Nothing. It was turned down or called off."), ""),
    "refused": (later("Mend what the checks refuse, and propose it anew."), ANYBODY),
}
"""What comes next, and who can do it."""


class Step(NamedTuple):
    """One step of the way: behind it, the next, ahead of it, or where it ended."""

    state: str
    how: How


class Checked(NamedTuple):
    """The report of the checks, as a page shows it."""

    passed: bool
    at: datetime
    digest: str
    steps: Sequence[Mapping[str, Any]]
    failed: Sequence[Mapping[str, Any]]
    uncovered: Sequence[Mapping[str, Any]] | None

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """Everything that is refused, step by step."""
        return [finding for step in self.steps for finding in step["findings"]]


class Block(NamedTuple):
    """Lines of a change that belong together: kept, or replaced by one another, or left out."""

    same: Sequence[Line] = ()
    removed: Sequence[Line] = ()
    added: Sequence[Line] = ()
    gap: bool = False


class Act(NamedTuple):
    """What somebody did about a revision, as the log tells it; nothing but the event once erased."""

    entry: int
    event: str
    at: datetime | None
    by: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """One revision, with what was found of it and what people did about it."""

    revision: Revision
    check: Result | None
    replay: Result | None
    approvals: Sequence[Approval]
    jobs: Mapping[Kind, Job | None]
    acts: Sequence[Act]
    names: Mapping[str, str]
    active: Revision | None
    approvers: Sequence[str]
    """Whose approvals count, as it stands now."""

    @property
    def author(self) -> str:
        """Name who proposed it."""
        return self.names[self.revision.author]

    @property
    def people(self) -> list[str]:
        """Name those whose approvals count, in their order."""
        return [self.names[person] for person in self.approvers]

    @property
    def overtaken(self) -> bool:
        """Whether the law moved on since it was begun: it cannot come into force any more."""
        base, active = self.revision.base, self.active
        return self.revision.state in OPEN and active is not None and base != active.id

    @property
    def rollback(self) -> bool:
        """Whether it repeats one that was in force."""
        return is_rollback(self.revision)

    def running(self, kind: Kind) -> bool:
        """Say whether a check or replay of it runs."""
        job = self.jobs[kind]
        return job is not None and job.state == "running"

    def steps(self) -> list[Step]:
        """Return the way of a revision, and where on it this one is."""
        place = STATES.index(self._reached())
        ahead: How = "stopped" if self.revision.state == "rejected" else "next"
        hows: list[How] = [*["done"] * (place + 1), ahead, *["ahead"] * len(STATES)]  # type: ignore[list-item]
        return [Step(state, how) for state, how in zip(STATES, hows, strict=False)]

    def next(self) -> tuple[str, str]:
        """Say what comes next, and who can do it."""
        what, who = TURNS[self._turn()]
        return say(what), self._others() if who == OTHERS else say(who) if who else ""

    def _turn(self) -> str:
        """Name what comes next: by the state, unless something else stands in the way or is under way."""
        state = self.revision.state
        for turn, holds in (
            ("overtaken", self.overtaken),
            ("checking", state == "draft" and self.running("check")),
            ("replaying", state == "checked" and self.running("replay")),
            ("second", state == "replayed" and bool(self.approvers)),
            ("refused", state == "rejected" and self.check is not None and not self.check.passed),
        ):
            if holds:
                return turn
        return state

    def _others(self) -> str:
        """Say who can approve it, by who cannot."""
        people = dict.fromkeys(() if self.rollback else (self.revision.author,))
        people |= dict.fromkeys(self.approvers)
        barred = format_list([self.names[person] for person in people], "or", locale=language())
        return say("By legal or counsel, but not by %(barred)s.", barred=barred)

    def _reached(self) -> str:
        """Return the last step that it came to; of one that was rejected, by what is left of each."""
        state = self.revision.state
        if state in ("active", "superseded"):
            return "active"
        if state != "rejected":
            return state
        if self.revision.signature is not None:
            return "scheduled"
        if self.approvals:
            return "approved"
        if self.replay is not None:
            return "replayed"
        return "checked" if self.check is not None and self.check.passed else "draft"

    def left(self, approval: Approval) -> bool:
        """Say whether an approval does not count because of who gave it."""
        return self.stale(approval) and not may(approval.role_now or "", "approve_policies")

    def stale(self, approval: Approval) -> bool:
        """Say whether an approval was given for what has changed since."""
        return self.revision.state in OPEN and approval.account_id not in self.approvers


def facts_of(desk: Desk, revision: Revision) -> Facts:
    """Gather what there is about a revision. Raises StoreUnavailable, LedgerUnavailable."""
    law = desk.law
    acts, approvals = _acts(desk, revision), law.revisions.approvals(revision.id)
    jobs = {kind: law.jobs.latest(revision.id, kind) for kind in KINDS}
    people = [revision.author, *(each.account_id for each in approvals)]
    people += [person for act in acts for person in act.by]
    people += [job.by for job in jobs.values() if job is not None]
    return Facts(
        revision=revision,
        check=law.revisions.result(revision.id, "check"),
        replay=law.revisions.result(revision.id, "replay"),
        approvals=approvals,
        jobs=jobs,
        acts=acts,
        names=names(desk, people),
        active=law.revisions.active(),
        approvers=law.lifecycle.approvers(revision),
    )


def names(desk: Desk, people: Iterable[str]) -> dict[str, str]:
    """Name people: those of the staff by their accounts, an operator as the machine knows them."""
    found = {}
    for person in people:
        account = desk.staff.get(person)
        found[person] = person.removeprefix("operator:") if account is None else account.name
    return found


def checked(result: Result | None) -> Checked | None:
    """Return the report of the checks."""
    if result is None:
        return None
    verdict = result.document
    steps = [{**step, "said": say(CHECKS.get(step["name"], ""))} for step in verdict["steps"]]
    return Checked(result.passed, result.at, result.digest, steps, verdict["failed"], verdict["uncovered"])


def blocks(lines: Sequence[Line]) -> Iterator[Block]:
    """Yield the lines of a change in blocks, so that what replaces what stands beside it."""
    for kept, found in groupby(lines, key=lambda line: line.kind if line.kind in ("same", "gap") else ""):
        run = tuple(found)
        if kept == "gap":
            yield Block(gap=True)
        elif kept == "same":
            yield Block(same=run)
        else:
            removed = tuple(line for line in run if line.kind == "removed")
            yield Block(removed=removed, added=tuple(line for line in run if line.kind == "added"))


def _acts(desk: Desk, revision: Revision) -> list[Act]:
    return [_act(desk.gate.ledger, entry) for entry in desk.gate.ledger.entries_of(revision.id)]


def _act(ledger: Ledger, entry: StoredEntry) -> Act:
    try:
        openings = ledger.detail_of(entry.index).openings
    except KeyErased:
        return Act(entry.index, entry.event, None, (), None)
    said = {name: opened.get("value") for name, opened in openings.items()}
    at, by, reason = said.get("at"), said.get("by"), said.get("reason")
    people = by if isinstance(by, list) else [] if by is None else [by]
    return Act(
        entry.index,
        entry.event,
        datetime.fromisoformat(at) if isinstance(at, str) else None,
        tuple(map(str, people)),
        reason if isinstance(reason, str) else None,
    )
