"""A suspended agency is reinstated by two people: one proposes, another confirms within seven days.

How many it takes is in the city's law (``reinstatement_people``; where that says nothing, two), so nobody at
the server's shell can lower it alone. Suspending and closing take one person, always, at once. Guarantees:
nothing changes before the second person; both are members of staff who may stop sharing, neither of the
agency itself, and the first still is one when the second confirms; a proposal is decided once, and one of an
earlier suspension lifts no later one (to suspend withdraws it in the same commit); each step is an entry.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row
from gatekeeper.oversight.agencies import StandingRows, draft_about
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may

OPEN_FOR: Final = timedelta(days=7)
PEOPLE: Final = 2
NOT_YOURS: Final = "This is your own agency. Somebody else must change its standing."
NOT_TWICE: Final = "You proposed this. Somebody else must confirm it."
MAY_NOT: Final = "Your role does not change the standing of agencies."
NO_MORE: Final = "Who proposed this may no longer change a standing. Propose it anew."


class Proposal(Protocol):
    """A proposal, as it is stored."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def agency_id(self) -> str:
        """Whom it is about."""

    @property
    def state(self) -> str:
        """``open``, ``done`` or ``withdrawn``."""

    @property
    def proposed_by(self) -> str:
        """The account that proposed it."""

    @property
    def proposed_at(self) -> datetime:
        """When."""

    @property
    def expires_at(self) -> datetime:
        """Until when it can be confirmed."""

    @property
    def ref(self) -> str:
        """Its entry in the log, whose sealed words say why."""


class Store(Protocol):
    """Reads proposals. Raises StoreUnavailable."""

    def all(self, agency_id: str | None = None, /) -> Sequence[Proposal]:
        """Return every proposal (about the agency), the oldest first."""


class Rows(Protocol):
    """Makes the rows, for the log to commit with their entries."""

    def propose(self, **values: object) -> Sequence[Row]:
        """Return the row of a new proposal."""

    def decide_proposal(self, proposal: Any, state: str, /, *, by: str | None, at: datetime) -> Sequence[Row]:
        """Return the row that decides an open one."""


@dataclass(frozen=True, slots=True)
class Reinstating:
    """Proposals to reinstate. Each change raises OperatorError, Superseded or LedgerUnavailable."""

    ledger: Ledger
    store: Store
    rows: Rows
    standing: StandingRows
    account: Callable[[str], Account | None]
    city: Callable[[], Mapping[str, Json]]
    """The city's settings, of the law in force."""
    now: Callable[[], datetime]

    def people(self) -> int:
        """Return how many people it takes, by the law in force."""
        return 1 if self.city().get("reinstatement_people", PEOPLE) == 1 else PEOPLE

    def waiting(self, agency_id: str) -> Proposal | None:
        """Return what can be confirmed of this agency now, the latest, or None."""
        now = self.now()
        found = [one for one in self._open(agency_id) if now < one.expires_at]
        return found[-1] if found else None

    def fault_of(self, agency: Agency, person: Account, proposal: Proposal | None = None) -> str | None:
        """Say what keeps this person from proposing, or from confirming *proposal*; None if nothing does."""
        if person.status != "active" or not may(person.role, "stop_sharing"):
            return MAY_NOT
        if person.agency_id == agency.id:
            return NOT_YOURS
        if proposal is None:
            return None
        if proposal.proposed_by == person.id:
            return NOT_TWICE
        proposer = self.account(proposal.proposed_by)
        if proposer is None or self.fault_of(agency, proposer) is not None:
            return NO_MORE
        return None

    def propose(self, agency: Agency, person: Account, reason: str) -> str | None:
        """Propose to reinstate; return the proposal's id, or None where one person is enough: it is done."""
        self._refuse(agency, person, reason, None)
        if self.people() == 1:
            self._reinstate(agency, person, reason, proposed_by=None)
            return None
        if (waiting := self.waiting(agency.id)) is not None:
            raise OperatorError(
                f"this is proposed already ({waiting.id}): another person confirms it with gatekeeper agency "
                f"confirm {agency.id}, or withdraw it first"
            )
        now = self.now()
        proposal_id, ref = f"proposal-{secrets.token_hex(8)}", f"agency_{secrets.token_hex(8)}"
        expires_at = now + OPEN_FOR
        rows = (
            # Changes nothing, and is refused unless the agency is still suspended at the commit.
            *self.standing.set_agency_status(agency, agency.status),
            *self.rows.propose(
                id=proposal_id,
                agency_id=agency.id,
                act="reinstate",
                proposed_by=person.id,
                proposed_at=now,
                expires_at=expires_at,
                ref=ref,
            ),
        )
        draft = Draft(
            event="agency.reinstatement_proposed",
            ref=ref,
            clear={"agency": agency.id, "proposal": proposal_id},
            secret={"by": person.id, "reason": tidy(reason), "expires_at": expires_at.isoformat()},
            detail={},
        )
        self.ledger.append(draft, rows)
        return proposal_id

    def confirm(self, agency: Agency, proposal: Proposal, person: Account, reason: str) -> Appended:
        """Confirm what another proposed: from the commit on the agency's requests are judged again."""
        if proposal.state != "open" or self.now() >= proposal.expires_at:
            raise OperatorError("the proposal is decided or has expired: propose it anew")
        self._refuse(agency, person, reason, proposal)
        return self._reinstate(agency, person, reason, proposed_by=proposal.proposed_by)

    def withdraw(self, agency: Agency, proposal: Proposal, person: Account, reason: str) -> None:
        """Withdraw a proposal: whoever may propose may also do this, alone."""
        self._refuse(agency, person, reason, None)
        draft = Draft(
            event="agency.reinstatement_withdrawn",
            ref=f"agency_{secrets.token_hex(8)}",
            clear={"agency": agency.id, "proposal": proposal.id},
            secret={"by": person.id, "reason": tidy(reason)},
            detail={},
        )
        rows = self.rows.decide_proposal(proposal, "withdrawn", by=person.id, at=self.now())
        self.ledger.append(draft, rows)

    def clearing(self, agency_id: str) -> tuple[Row, ...]:
        """Return the rows that withdraw what is open, for the commit of a suspension or a closing."""
        now = self.now()
        return tuple(
            row
            for one in self._open(agency_id)
            for row in self.rows.decide_proposal(one, "withdrawn", by=None, at=now)
        )

    def _open(self, agency_id: str) -> list[Proposal]:
        return [one for one in self.store.all(agency_id) if one.state == "open"]

    def _refuse(self, agency: Agency, person: Account, reason: str, proposal: Proposal | None) -> None:
        if agency.status != "suspended":
            raise OperatorError(f"the agency is {agency.status}; nothing was changed")
        if (fault := self.fault_of(agency, person, proposal) or fault_of(reason)) is not None:
            raise OperatorError(fault)

    def _reinstate(
        self, agency: Agency, person: Account, reason: str, *, proposed_by: str | None
    ) -> Appended:
        now = self.now()
        rows = [*self.standing.set_agency_status(agency, "active")]
        for one in self._open(agency.id):
            rows += self.rows.decide_proposal(one, "done", by=person.id, at=now)
        private: dict[str, Json] = {"reason": tidy(reason), "by": person.id}
        if proposed_by is not None:
            private["proposed_by"] = proposed_by
        draft = draft_about("agency.reinstated", agency, private, status="active")
        return self.ledger.append(draft, rows)
