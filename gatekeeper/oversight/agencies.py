"""An agency's standing: suspended by one person at once, reinstated as ``changing`` has it.

Guarantees: nothing is changed without a reason of substance and an entry in the log that commits to it and
to who changed it; what was changed meanwhile is not overwritten; a closed agency stays closed. From the
commit on the next request is judged by the new standing; a release that was decided before is decided again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gatekeeper.errors import KeyErased, OperatorError
from gatekeeper.exchange.interfaces import Agency, Snapshot
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row, StoredEntry
from gatekeeper.oversight.changes import Change, Plan, agency_as_read
from gatekeeper.review.reasons import fault_of, tidy


class StandingRows(Protocol):
    """Makes the rows of a change of standing, for the log to commit with its entry."""

    def set_agency_status(self, agency: Any, status: str, /) -> Sequence[Row]:
        """Return the row that changes an agency that is still as it was read."""


def suspend(
    ledger: Ledger, rows: StandingRows, agency: Agency, *, reason: str, by: str, also: Sequence[Row]
) -> Appended:
    """Suspend the agency; *also* withdraws what is proposed about it (``Changing.clearing``).

    Raises OperatorError if it is not active, or the reason says nothing; Superseded if somebody else changed
    it since it was read; LedgerUnavailable: then nothing was changed.
    """
    if agency.status != "active":
        raise OperatorError(f"the agency is {agency.status}; nothing was changed")
    if (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "Letter of the chief of 3 November"')
    private: dict[str, Json] = {"reason": tidy(reason), "by": by}
    clear = told_of(agency, status="suspended")
    draft = Draft("agency.suspended", f"agency_{secrets.token_hex(8)}", clear, private, {})
    return ledger.append(draft, [*rows.set_agency_status(agency, "suspended"), *also])


@dataclass(frozen=True, slots=True)
class Reinstating:
    """Plans that a suspended agency is active again."""

    rows: StandingRows

    def __call__(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan it. Raises OperatorError if the agency is not suspended."""
        agency = snapshot.agency(change.agency_id)
        if agency is None or agency.status != "suspended":
            status = "not registered" if agency is None else agency.status
            raise OperatorError(f"the agency is {status}; nothing was changed")
        return Plan(
            event="agency.reinstated",
            clear=told_of(agency, status="active"),
            private={},
            rows=tuple(self.rows.set_agency_status(agency, "active")),
            rests_on={"agency": agency_as_read(agency)},
            acts=frozenset({"reinstate_agency"}),
        )


def standing(snapshot: Snapshot, agency_id: str) -> Agency:
    """Return an agency that is not closed. Raises OperatorError."""
    agency = snapshot.agency(agency_id)
    if agency is None or agency.id != agency_id:
        raise OperatorError("no such agency: gatekeeper agency list shows those registered")
    if agency.status == "closed":
        raise OperatorError("the agency is closed; nothing was changed")
    return agency


def told_of(agency: Agency, *, status: str | None = None) -> dict[str, Json]:
    """Return what an entry tells of an agency in clear, which has this standing from then on."""
    return {
        "agency": agency.id,
        "kind": agency.kind,
        "state": agency.state,
        "status": status or agency.status,
    }


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry about an agency tells to the city's own staff; None for what was erased or never said."""

    index: int
    event: str
    at: str | None
    by: str | None
    reason: str | None


def told(ledger: Ledger, entry: StoredEntry) -> Told:
    """Return who changed an agency, when and why. Raises LedgerUnavailable, LedgerCorrupt."""
    try:
        openings = ledger.detail_of(entry.index).openings
    except KeyErased:
        return Told(entry.index, entry.event, None, None, None)
    said = {name: opened.get("value") for name, opened in openings.items()}
    return Told(entry.index, entry.event, *(_text(said.get(name)) for name in ("at", "by", "reason")))


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
