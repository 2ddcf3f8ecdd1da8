"""What happened to one request, from the log itself: each entry of it, with what was sealed beside it.

Guarantees: the log is read once a page; what was erased is said to be, and what the entry says in clear
stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gatekeeper.errors import KeyErased
from gatekeeper.ledger import Json, Ledger, StoredEntry
from gatekeeper.ledger.canonical import decoded
from gatekeeper.web.console.languages import later

WHAT: Final = {
    "query.decided": later("The policy decided"),
    "query.released": later("Records were released"),
    "query.refused": later("Nothing was answered"),
    "review.assigned": later("Assigned"),
    "review.asked": later("The agency was asked"),
    "review.answered": later("The agency answered"),
    "review.escalated": later("Handed to counsel"),
    "review.ruled": later("Ruled"),
    "review.noted": later("Noted, for the staff alone"),
    "review.withdrawn": later("Taken back"),
    "review.expired": later("Expired"),
}
"""What each event is called; one that is not here is called by its own name."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry: when (None once erased; ``hour`` stays), who and what they said, if a person did it."""

    index: int
    event: str
    hour: str
    at: datetime | None
    entry: dict[str, Any]
    detail: dict[str, Json]
    actor: str | None

    @property
    def said(self) -> str | None:
        """What a person said with it: to the agency, to the staff, or about a paper."""
        found = next((self.detail[name] for name in ("said", "seen", "message") if name in self.detail), None)
        return found if isinstance(found, str) else None

    @property
    def provisions(self) -> list[str]:
        """Name the provisions that it is about, also those that the entry itself may not name."""
        hidden = self.detail.get("hidden_provisions")
        named = [*self.entry.get("provisions", ()), *(hidden if isinstance(hidden, list) else ())]
        return [str(code) for code in named]

    @property
    def of_paper(self) -> bool:
        """Whether what was ruled on, or taken back, is a legal paper and no provision."""
        return not self.entry["provisions"] and "hidden_provisions" not in self.entry["commitments"]

    @property
    def by(self) -> str | None:
        """Name the member of staff who did it."""
        found = self.detail.get("by")
        return found if isinstance(found, str) else None


def moments(ledger: Ledger, entries: Sequence[StoredEntry]) -> list[Moment]:
    """Return every entry of a query, oldest first. Raises LedgerUnavailable, LedgerCorrupt."""
    return [_moment(ledger, stored) for stored in entries]


def people(told: Sequence[Moment]) -> dict[str, str]:
    """Return the names of the members of staff who acted, by their accounts."""
    return {moment.actor: moment.by for moment in told if moment.actor is not None and moment.by is not None}


def _moment(ledger: Ledger, stored: StoredEntry) -> Moment:
    entry: dict[str, Any] = decoded(stored.entry)
    at = actor = None
    detail: dict[str, Json] = {}
    try:
        private = ledger.opened(stored)
    except KeyErased:
        pass
    else:
        at = datetime.fromisoformat(str(private.openings["at"]["value"]))
        by = private.openings.get("by")
        actor, detail = (None if by is None else str(by["value"])), private.detail
    return Moment(stored.index, stored.event, str(entry["hour"]), at, entry, detail, actor)
