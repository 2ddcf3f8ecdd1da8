"""An agency's standing: suspended, reinstated, closed. Command and console change it by this one path.

Guarantees: nothing is changed without a reason of substance and an entry in the log that commits to it and
to who changed it; what was changed meanwhile is not overwritten; a closed agency stays closed. From the
commit on the next request is judged by the new standing; a release that was decided before is decided again.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gatekeeper.errors import KeyErased, OperatorError
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row, StoredEntry
from gatekeeper.review.reasons import fault_of, tidy

_EVENTS: Final = {"suspended": "agency.suspended", "active": "agency.reinstated", "closed": "agency.closed"}


class StandingRows(Protocol):
    """Makes the rows of a change of standing, for the log to commit with its entry."""

    def set_agency_status(self, agency: Any, status: str, /) -> Sequence[Row]:
        """Return the row that changes an agency that is still as it was read."""


def set_standing(
    ledger: Ledger,
    rows: StandingRows,
    agency: Agency,
    status: str,
    *,
    reason: str,
    by: str,
    also: Sequence[Row] = (),
) -> Appended:
    """Suspend the agency (or give it another standing); *also* are rows of what ends with it.

    To reinstate is ``oversight.reinstating``'s, to close ``oversight.closing``'s.

    Raises OperatorError if it has that standing, is closed, or the reason says nothing; Superseded if
    somebody else changed it since it was read; LedgerUnavailable: then nothing was changed.
    """
    if agency.status in {status, "closed"}:
        raise OperatorError(f"the agency is {agency.status}; nothing was changed")
    if (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "Letter of the chief of 3 November"')
    private: dict[str, Json] = {"reason": tidy(reason), "by": by}
    draft = draft_about(_EVENTS[status], agency, private, status=status)
    return ledger.append(draft, [*rows.set_agency_status(agency, status), *also])


def draft_about(
    event: str, agency: Agency, private: Mapping[str, Json], *, status: str | None = None
) -> Draft:
    """Return the entry that tells of a change to an agency, which has this standing from then on."""
    clear: dict[str, Json] = {
        "agency": agency.id,
        "kind": agency.kind,
        "state": agency.state,
        "status": status or agency.status,
    }
    return Draft(event, f"agency_{secrets.token_hex(8)}", clear, private, {})


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
