"""What is on record beside one request: what else was asked, and how requests like it were ruled on.

Guarantees: other requests are found by fingerprints of the days that are not erased yet, so a plate is
compared and never shown; each look is a seek into an index; a ruling is quoted with its reason only while its
day is not erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper.exchange.history import Others, others
from gatekeeper.policy import Provision
from gatekeeper.review.case import Case
from gatekeeper.review.queue import DONE
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


def beside(desk: Desk, case: Case) -> tuple[Others, Others]:
    """Return what else this officer asked, and who else asked about this target."""
    gate = desk.gate
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
    return by_officer, of_target


def precedents(desk: Desk, case: Case, provisions: Sequence[Provision]) -> dict[str, list[Precedent]]:
    """Return the latest rulings on each provision that a person may rule on, by its code."""
    return {p.code: [*_of(desk, case, p.code)] for p in provisions if p.review != "none"}


def _of(desk: Desk, case: Case, code: str) -> Iterator[Precedent]:
    cards = desk.reviews.page(DONE, by="queued_at", most=MOST + 1, provision=code)
    for card in [card for card in cards if card.query_id != case.query_id][:MOST]:
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
