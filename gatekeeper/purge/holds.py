"""Legal holds: a query whose private detail a court needs is kept beyond its time, until the hold is lifted.

Guarantees: a hold is an entry of the log with who placed it and why, under commitments; it is in force from
its commit on, and no key is destroyed after it that it needs (``erase`` looks under the same lock); what is
already erased cannot be held, and is said to be gone. Only legal and counsel may (``review.roles``).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gatekeeper.errors import KeyErased, OperatorError, Superseded
from gatekeeper.ledger import Appended, Clock, Draft, Ledger
from gatekeeper.ledger.rows import Transaction
from gatekeeper.purge.interfaces import Hold, HoldRecord, HoldRows
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import ACTS, may

PLACED: Final = "purge.held"
_LIFTED: Final = "purge.unheld"
_JUDGED: Final = frozenset({"query.decided", "query.previewed"})


@dataclass(frozen=True, slots=True)
class Told:
    """A hold in force with what the log tells of it: by whom, and why."""

    id: str
    query_id: str
    placed_at: datetime
    by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Holds:
    """The city's legal holds."""

    ledger: Ledger
    clock: Clock
    record: HoldRecord
    rows: HoldRows

    def place(self, query_id: str, person: Account, reason: str) -> tuple[str, Appended]:
        """Hold what is private of a query; return the hold's id.

        Raises OperatorError if the person may not, the reason says nothing, there is no such query or nothing
        of it is left; LedgerUnavailable.
        """
        said = _checked(person, reason)
        if not any(entry.event in _JUDGED for entry in self.ledger.entries_of(query_id)):
            raise OperatorError(f"the log has no query {query_id}: give the id that its receipt names")

        def something_is_left(_: Transaction) -> None:
            # Under the log's lock: no key of it is destroyed between this and the commit.
            if not self._something_is_left(query_id):
                raise OperatorError(f"nothing private of {query_id} is left to hold: it has been erased")

        hold_id = f"hold_{secrets.token_hex(12)}"
        draft = Draft(
            event=PLACED,
            ref=hold_id,
            clear={},
            secret={"by": person.id, "reason": said, "subject": query_id},
            detail={"by": person.name, "role": person.role},
        )
        rows = self.rows.place(hold_id, query_id, self.clock.now())
        return hold_id, self.ledger.append(draft, rows, something_is_left)

    def lift(self, hold_id: str, person: Account, reason: str) -> Appended:
        """Lift a hold: what it kept is erased by the next erasure, unless something else keeps it.

        Raises OperatorError, LedgerUnavailable.
        """
        said = _checked(person, reason)
        found = self.record.find(hold_id)
        if found is None or found.lifted_at is not None:
            raise OperatorError(f"there is no hold {hold_id} in force: gatekeeper hold list shows those")
        draft = Draft(
            event=_LIFTED,
            ref=hold_id,
            clear={},
            secret={"by": person.id, "reason": said, "subject": found.query_id},
            detail={"by": person.name, "role": person.role},
        )
        try:
            return self.ledger.append(draft, self.rows.lift(hold_id, self.clock.now()))
        except Superseded:
            raise OperatorError(f"{hold_id} was lifted by somebody else this moment") from None

    def in_force(self, person: Account) -> list[Told]:
        """Return the holds in force, the oldest first, with who placed each and why. Raises OperatorError."""
        _refuse(person)
        return [self._told(hold) for hold in self.record.in_force()]

    def _told(self, hold: Hold) -> Told:
        by = reason = None
        placed = [entry for entry in self.ledger.entries_of(hold.id) if entry.event == PLACED]
        if placed:
            try:
                openings = self.ledger.opened(placed[0]).openings
            except KeyErased:
                openings = {}
            by, reason = (openings.get(name, {}).get("value") for name in ("by", "reason"))
        return Told(
            hold.id,
            hold.query_id,
            hold.placed_at,
            None if by is None else str(by),
            None if reason is None else str(reason),
        )

    def _something_is_left(self, query_id: str) -> bool:
        for entry in self.ledger.entries_of(query_id):
            try:
                self.ledger.opened(entry)
            except KeyErased:
                continue
            return True
        return False


def _checked(person: Account, reason: str) -> str:
    _refuse(person)
    if (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "Subpoena of 3 November, case 26-CF-0100"')
    return tidy(reason)


def _refuse(person: Account) -> None:
    if person.status != "active" or not may(person.role, "hold_detail"):
        raise OperatorError(f"{person.username} is {person.role}, who may not {ACTS['hold_detail']}")
