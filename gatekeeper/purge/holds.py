"""Legal holds: a query whose private detail a court needs is kept beyond its time, until the hold is lifted.

Guarantees: a hold is an entry of the log with who placed it and why, under commitments; it is in force from
its commit on, and no key is destroyed after it that it needs (``erase`` looks under the same lock); what is
already erased cannot be held, and is said to be gone. Only legal and counsel may (``review.roles``).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError, Superseded
from gatekeeper.ledger import Appended, Clock, Draft, Json, Ledger, StoredEntry
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.rows import Transaction
from gatekeeper.purge.agreement import LIFTED, LOST, PLACED, Agreement, told_of
from gatekeeper.purge.interfaces import HoldLog, HoldRecord, HoldRows
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import ACTS, may

Standing = Literal["there", "unknown", "erased"]
_JUDGED: Final = frozenset({"query.decided", "query.previewed"})


@dataclass(frozen=True, slots=True)
class Told:
    """A hold in force with what the log tells of it: by whom, and why.

    ``lost``: only the log has it so; its query is "" where that cannot be read any more.
    """

    id: str
    query_id: str
    placed_at: datetime
    by: str | None
    reason: str | None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What the log tells of one act: the entry, by whom and why; None for what has been erased."""

    index: int
    by: str | None
    reason: str | None
    subject: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A hold that is or was, with what the log tells of it; ``lost`` and ``query_id`` as in ``Told``."""

    id: str
    query_id: str
    placed_at: datetime
    lifted_at: datetime | None
    placing: Said | None
    lifting: Said | None
    lost: bool


@dataclass(frozen=True, slots=True)
class Left:
    """How many entries about a query there are, and of how many the private side can still be opened."""

    entries: int
    readable: int


@dataclass(frozen=True, slots=True)
class Holds:
    """The city's legal holds."""

    ledger: Ledger
    clock: Clock
    record: HoldRecord
    rows: HoldRows
    log: HoldLog

    def place(
        self, query_id: str, person: Account, reason: str, *, hold_id: str | None = None
    ) -> tuple[str, Appended]:
        """Hold what is private of a query; return the hold's id.

        A ``hold_id`` that was used before is refused, so that one form places one hold however often it is
        sent. Raises OperatorError if the person may not, the reason says nothing, there is no such query or
        nothing of it is left; LedgerUnavailable, StoreUnavailable.
        """
        said = _checked(person, reason)
        match self.standing(query_id):
            case "unknown":
                raise OperatorError(f"the log has no query {query_id}: give the id that its receipt names")
            case "erased":
                raise OperatorError(_gone(query_id))

        def something_is_left(_: Transaction) -> None:
            # Under the log's lock: no key of it is destroyed between this and the commit.
            if not self.left(query_id).readable:
                raise OperatorError(_gone(query_id))

        placed = hold_id or new_hold_id()
        draft = _draft(PLACED, placed, person, said, query_id)
        rows = self.rows.place(placed, query_id, self.clock.now())
        return placed, self.ledger.append(draft, rows, something_is_left)

    def lift(self, hold_id: str, person: Account, reason: str) -> Appended:
        """Lift a hold: what it kept is erased by the next erasure, unless something else keeps it.

        So is one lifted of which only the log tells: somebody took it out of the database. Raises
        OperatorError, LedgerUnavailable.
        """
        said = _checked(person, reason)
        found, logged = self.record.find(hold_id), told_of(self.ledger.entries_of(hold_id))
        in_database = found is not None and found.lifted_at is None
        if not in_database and (logged.placed is None or logged.lifted is not None):
            raise OperatorError(f"there is no hold {hold_id} in force: gatekeeper hold list shows those")

        def not_lifted_meanwhile(_: Transaction) -> None:
            if not in_database and told_of(self.ledger.entries_of(hold_id)).lifted is not None:
                raise Superseded

        subject = found.query_id if found is not None else self._openings(logged.placed).get("subject")
        draft = _draft(LIFTED, hold_id, person, said, subject)
        rows = self.rows.lift(hold_id, self.clock.now()) if in_database else ()
        try:
            return self.ledger.append(draft, rows, not_lifted_meanwhile)
        except Superseded:
            raise OperatorError(f"{hold_id} was lifted by somebody else this moment") from None

    def in_force(self, person: Account) -> list[Told]:
        """Return the holds in force, the oldest first, with who placed each and why. Raises OperatorError."""
        _refuse(person)
        told = ((one, one.placing or Said(0, None, None, None)) for one in self.listed())
        return [Told(one.id, one.query_id, one.placed_at, p.by, p.reason, one.lost) for one, p in told]

    def listed(self, *, skip: int = 0, most: int | None = None) -> list[Held]:
        """Return the holds in force, for whoever may see them, the oldest first.

        Those that only the log has come before all others, and are not counted in *skip* and *most*. Raises
        LedgerUnavailable, LedgerCorrupt, StoreUnavailable.
        """
        differences = Agreement(self.ledger, self.log, self.record).differences()
        places = [one.index for one in differences if one.code == LOST and one.index is not None]
        lost = [stored.ref for stored in map(self.log.entry, places) if stored is not None]
        rows = [hold.id for hold in self.record.in_force() if hold.id not in lost]
        some = rows[skip : None if most is None else skip + most]
        return [one for one in map(self.find, [*lost, *some]) if one is not None]

    def find(self, hold_id: str) -> Held | None:
        """Return a hold, in force or lifted, as the database and the log have it; None if neither does.

        Raises LedgerUnavailable, StoreUnavailable.
        """
        row, logged = self.record.find(hold_id), told_of(self.ledger.entries_of(hold_id))
        if row is None and logged.placed is None:
            return None
        placing, lifting = self._said(logged.placed), self._said(logged.lifted)
        subject = None if placing is None else placing.subject
        lost = (
            logged.placed is not None
            and logged.lifted is None
            and (row is None or row.lifted_at is not None or row.query_id != subject)
        )
        query_id = (subject or "") if lost or row is None else row.query_id
        placed_at = row.placed_at if row is not None else self._at(logged.placed)
        lifted_at = None if lost else row.lifted_at if row is not None else self._at(logged.lifted)
        return Held(hold_id, query_id, placed_at, lifted_at, placing, lifting, lost)

    def standing(self, query_id: str) -> Standing:
        """Say whether there is something to hold of a query. Raises LedgerUnavailable, LedgerCorrupt."""
        if not any(entry.event in _JUDGED for entry in self.ledger.entries_of(query_id)):
            return "unknown"
        return "there" if self.left(query_id).readable else "erased"

    def left(self, query_id: str) -> Left:
        """Return how much of a query can still be opened. Raises LedgerUnavailable, LedgerCorrupt."""
        entries = self.ledger.entries_of(query_id)
        return Left(len(entries), sum(map(self._readable, entries)))

    def _at(self, stored: StoredEntry | None) -> datetime:
        """Return when an entry was written, to the hour where the time has been erased."""
        hour = "1970-01-01T00Z" if stored is None else str(decoded(stored.entry)["hour"])
        return datetime.fromisoformat(self._openings(stored).get("at", hour))

    def _said(self, stored: StoredEntry | None) -> Said | None:
        if stored is None:
            return None
        opened = self._openings(stored)
        by, reason, subject = (opened.get(name) for name in ("by", "reason", "subject"))
        return Said(stored.index, by, reason, subject)

    def _openings(self, stored: StoredEntry | None) -> Mapping[str, str]:
        """Return the values behind an entry's commitments; none of what has been erased or altered."""
        if stored is None:
            return {}
        try:
            found = self.ledger.opened(stored).openings
        except (KeyErased, LedgerCorrupt):
            return {}
        return {name: str(one["value"]) for name, one in found.items() if one.get("value") is not None}

    def _readable(self, stored: StoredEntry) -> bool:
        try:
            self.ledger.opened(stored)
        except KeyErased:
            return False
        return True


def new_hold_id() -> str:
    """Return the id of a new hold."""
    return f"hold_{secrets.token_hex(12)}"


def _draft(event: str, hold_id: str, person: Account, said: str, query_id: str | None) -> Draft:
    subject: dict[str, Json] = {} if query_id is None else {"subject": query_id}
    return Draft(
        event=event,
        ref=hold_id,
        clear={},
        secret={"by": person.id, "reason": said, **subject},
        detail={"by": person.name, "role": person.role},
    )


def _gone(query_id: str) -> str:
    return f"nothing private of {query_id} is left to hold: it has been erased"


def _checked(person: Account, reason: str) -> str:
    _refuse(person)
    if (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "Subpoena of 3 November, case 26-CF-0100"')
    return tidy(reason)


def _refuse(person: Account) -> None:
    if person.status != "active" or not may(person.role, "hold_detail"):
        raise OperatorError(f"{person.username} is {person.role}, who may not {ACTS['hold_detail']}")
