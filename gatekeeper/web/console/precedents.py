"""What is on record beside one request: what else was asked, and how requests like it were ruled on.

Guarantees: other requests are found by fingerprints of the days that are not erased yet, so a plate is
compared and never shown; each look is a seek into an index; a ruling is quoted with its reason only while its
day is not erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gatekeeper.exchange.history import Others, others
from gatekeeper.policy import Provision
from gatekeeper.review.case import Case
from gatekeeper.review.queue import DONE, Wanted
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.timeline import moments

MOST: Final = 3
"""Of each provision: the latest say how it is ruled on."""


@dataclass(frozen=True, slots=True)
class Precedent:
    """How an earlier request that the same provision denied ended: in which state, when, by whom, and why."""

    query_id: str
    agency: str
    state: str
    at: datetime
    role: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Other:
    """Another request, by the hour in which it came; ``reviewed``: there is a page about it."""

    query_id: str
    agency: str
    hour: datetime
    category: str
    outcome: str
    dry_run: bool
    reviewed: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """Other requests of one kind, the latest of them one by one."""

    counted: Others
    latest: tuple[Other, ...]


@dataclass(frozen=True, slots=True)
class Rephrased:
    """An earlier refusal about the same target: how long before, for what, and what is not said any more."""

    query_id: str
    minutes: int
    provisions: tuple[str, ...]
    gone: tuple[str, ...]


def rephrased(case: Case) -> list[Rephrased]:
    """Return the refusals that a request is compared with, as the policy was told of them."""
    patterns: Any = case.decision.facts.get("patterns")
    if patterns is None:  # by a law that does not ask
        return []
    ids = [earlier.query_id for earlier in case.decision.situation.patterns.refused]
    return [
        Rephrased(
            query_id,
            told["minutes_ago"],
            tuple(told["provisions"]),
            (*told["classes_gone"], *told["taken_back"]),
        )
        for query_id, told in zip(ids, patterns["refused_before"], strict=True)
    ]


def beside(desk: Desk, case: Case) -> tuple[Beside, Beside]:
    """Return what else this officer asked, and who else asked about this target."""
    gate = desk.gate
    agencies = {agency.id: agency.name for agency in gate.registry.snapshot().agencies()}
    by_officer, of_target = (
        others(
            gate.queries,
            gate.keys,
            by,
            query_id=case.query_id,
            agency_id=case.review.agency_id,
            query=case.query,
        )
        for by in ("officer", "target")
    )
    return _named(by_officer, agencies), _named(of_target, agencies)


def _named(found: Others, agencies: Mapping[str, str]) -> Beside:
    latest = (
        Other(
            query_id=one.query_id,
            agency=agencies.get(one.agency_id, one.agency_id),
            hour=datetime.strptime(one.hour, "%Y-%m-%dT%HZ").replace(tzinfo=UTC),
            category=one.category,
            outcome=one.outcome,
            dry_run=one.dry_run,
            reviewed=one.outcome == "deny" and one.review != "none" and not one.dry_run,
        )
        for one in found.latest
    )
    return Beside(found, tuple(latest))


def precedents(desk: Desk, case: Case, provisions: Sequence[Provision]) -> dict[str, list[Precedent]]:
    """Return the latest rulings on each provision that a person may rule on, by its code."""
    return {p.code: [*_of(desk, case, p.code)] for p in provisions if p.review != "none"}


def _of(desk: Desk, case: Case, code: str) -> Iterator[Precedent]:
    found = desk.reviews.page(Wanted(DONE, "moved", provision=code), most=MOST + 1)
    for card in [card for card in found.cards if card.query_id != case.query_id][:MOST]:
        entries = [e for e in desk.gate.ledger.entries_of(card.query_id) if e.event == "review.ruled"]
        last = next(iter(moments(desk.gate.ledger, entries[-1:])), None)
        role = None if last is None else last.detail.get("role")
        yield Precedent(
            query_id=card.query_id,
            agency=card.agency_name,
            state=card.state,
            at=card.queued_at if last is None or last.at is None else last.at,
            role=role if isinstance(role, str) else None,
            reason=None if last is None else last.said,
        )
