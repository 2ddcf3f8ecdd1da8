"""Who looks after a denied request: taken, given to a colleague who may rule on it, or given back.

Guarantees: only somebody who may rule assigns, and only to somebody who may rule; neither belongs to the
agency that asked; each assignment is an entry in the log, committed with the change; of two people who assign
a review at once one wins, and the other raises Superseded. Whoever is assigned may do nothing that their
colleagues may not: it says who is expected to act.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from gatekeeper.errors import OperatorError, Superseded, UnknownQuery
from gatekeeper.exchange import Gate
from gatekeeper.exchange.interfaces import ReviewRow
from gatekeeper.ledger import Draft, Row
from gatekeeper.review.accounts import Account
from gatekeeper.review.queue import WAITING
from gatekeeper.review.roles import may


class AssignRows(Protocol):
    """Makes the rows by which somebody (None: nobody) looks after a review that was read."""

    def __call__(self, review: Any, assignee: str | None, /) -> Sequence[Row]:
        """Return the rows."""


def could_rule(accounts: Iterable[Account], agency_id: str | None = None) -> tuple[Account, ...]:
    """Return who may be given a review of that agency (of any, without one), by name."""
    found = [
        account
        for account in accounts
        if account.status == "active"
        and may(account.role, "rule_as_staff")
        and (agency_id is None or account.agency_id != agency_id)
    ]
    return tuple(sorted(found, key=lambda account: (account.name, account.id)))


def assign(
    gate: Gate, rows: AssignRows, query_id: str, *, by: Account, to: Account | None, seen: str | None
) -> None:
    """Let *to* look after a review that *seen* looked after when the person last saw it.

    Raises OperatorError with what stands in the way, Superseded if somebody else did meanwhile, UnknownQuery,
    LedgerUnavailable.
    """
    review = gate.queries.review(query_id)
    if review is None:
        raise UnknownQuery(query_id)
    if (fault := _fault(review, by, to)) is not None:
        raise OperatorError(fault)
    if review.assignee != seen:
        raise Superseded("somebody else assigned it meanwhile")
    assignee = None if to is None else to.id
    if assignee == seen:
        return
    draft = Draft(
        event="review.assigned",
        ref=query_id,
        clear={"agency": review.agency_id},
        secret={"by": by.id, "assignee": assignee},
        detail={"by": by.name, "assignee": None if to is None else to.name},
    )
    gate.ledger.append(draft, rows(review, assignee))


def _fault(review: ReviewRow, by: Account, to: Account | None) -> str | None:
    if not may(by.role, "rule_as_staff"):
        return "Your role only reads. Ask somebody of the records staff or counsel."
    # Who chooses the judge of their own request is half a judge of it.
    if by.agency_id is not None and by.agency_id == review.agency_id:
        return "Your own agency asked this. Somebody else must act on it."
    if review.state not in WAITING:
        return "Nobody has to act on this request any more."
    if to is not None and to not in could_rule([to]):
        return "That person may not rule on requests. Choose somebody of the list."
    if to is not None and to not in could_rule([to], review.agency_id):
        return "That person belongs to the agency that asked. Choose somebody else."
    return None
