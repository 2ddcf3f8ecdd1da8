"""An agency is reminded 30, 14 and 3 days before what it signed ends, each once, by whoever is first.

A reminder is an entry in the log; in its commit stand the notice by which the agency is told, and the mark on
what was signed that this reminder was sent. Guarantees: of any number of processes one reminds, after a
restart nobody reminds again, and a clock that was put back does not make an earlier reminder come after a
later one; whoever could not be told (no contact, no way to it) is not marked as reminded, and is reminded as
soon as it can be; what is signed anew meanwhile ends the reminders of what it replaces.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, Protocol

from gatekeeper.errors import StoreUnavailable, Superseded
from gatekeeper.ledger import Draft, Ledger, Row
from gatekeeper.notices.outcomes import Affirmation, Agency, Notice
from gatekeeper.notices.told import Webhook, addresses, recipients

DAYS: Final = (3, 14, 30)
"""So many days before the end, the shortest first."""

BY: Final = "gatekeeper"
"""Who reminds, as the log commits to it."""


class Rows(Protocol):
    """Makes the rows, for the log to commit with the entry."""

    def __call__(self, signed: Any, agency_id: str, days: int, at: datetime, /) -> Sequence[Row]:
        """Return the mark (refused if another reminded, or the end moved) and the notice."""


def lasting(signed: Iterable[Affirmation]) -> dict[str, Affirmation]:
    """Return of each kind what counts longest; of two that end on one day the later."""
    found: dict[str, Affirmation] = {}
    for each in signed:
        known = found.get(each.kind)
        if known is None or _end(each) >= _end(known):
            found[each.kind] = each
    return found


def due(agency: Agency, today: date) -> Iterator[tuple[Affirmation, int]]:
    """Yield what the agency is to be reminded of today, each with the days of the reminder (of ``DAYS``).

    Of several that were missed only the last is sent. What counts for fewer days than a reminder has was
    signed within it: that reminder would come with the signature, and is left out.
    """
    if agency.status == "closed":
        return
    for signed in lasting(agency.affirmations).values():
        if signed.expires_on is None:
            continue
        left, whole = (signed.expires_on - today).days, (signed.expires_on - signed.signed_on).days
        days = next((days for days in DAYS if left <= days), None)
        if left <= 0 or days is None or days > whole:
            continue
        if signed.reminded_days is None or days < signed.reminded_days:
            yield signed, days


def ending(notice: Notice, agency: Agency) -> Affirmation:
    """Return what a reminder is about. Raises StoreUnavailable if the agency never signed it."""
    for signed in agency.affirmations:
        if signed.id == notice.affirmation_id:
            return signed
    raise StoreUnavailable("a reminder of what was never signed")


def hindrance(
    agency: Agency, webhooks: Sequence[Webhook], *, mail: bool
) -> Literal["contact", "mail"] | None:
    """Say why an agency cannot be told: it has no contact, or the city no mail server; None if it can."""
    if recipients(agency, webhooks, mail=mail):
        return None
    return "mail" if addresses(agency.contacts) else "contact"


@dataclass(frozen=True, slots=True)
class Reminding:
    """Reminds agencies; run once an hour by each process."""

    ledger: Ledger
    agencies: Callable[[], Iterable[Agency]]
    webhooks: Callable[[str], Sequence[Webhook]]
    """The webhooks of an agency."""
    rows: Rows
    mail: bool
    """Whether the city has a mail server."""
    now: Callable[[], datetime]

    def __call__(self) -> int:
        """Send what is due now; return how many.

        Raises ClockUnreliable, StoreUnavailable, LedgerUnavailable.
        """
        now, sent = self.now(), 0
        for agency in self.agencies():
            for signed, days in due(agency, now.date()):
                if hindrance(agency, self.webhooks(agency.id), mail=self.mail) is None:
                    sent += self._sent(agency, signed, days, now)
        return sent

    def _sent(self, agency: Agency, signed: Affirmation, days: int, now: datetime) -> bool:
        draft = Draft(
            event="agency.reminded",
            ref=f"agency_{secrets.token_hex(8)}",
            clear={
                "agency": agency.id,
                "kind": signed.kind,
                "expires_on": str(signed.expires_on),
                "days": days,
            },
            secret={"by": BY, "affirmation": signed.id},
            detail={},
        )
        try:
            self.ledger.append(draft, self.rows(signed, agency.id, days, now))
        except Superseded:
            return False  # another process reminded, or its end was brought forward
        return True


def _end(signed: Affirmation) -> date:
    return date.max if signed.expires_on is None else signed.expires_on
