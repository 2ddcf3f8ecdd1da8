"""A change of agencies, clients or keys: made by one person, or proposed by one and confirmed by another.

What takes two people the city's law says (``two_people_for``; where it says nothing, reinstating alone), so
nobody at the server's shell can lower it. To suspend and to revoke takes one person, always, at once, and is
no change of these. Guarantees: nothing changes before the second person; both are members of staff who may
stop sharing, neither of the agency itself, and the first still is one when the second confirms; what is done
is what the proposal's entry says, whatever the database was made to say; a proposal is decided once, ends
after seven days, and is void as soon as what it rests on is not as it was; each step is an entry.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gatekeeper.errors import KeyErased, LedgerCorrupt, OperatorError, Superseded
from gatekeeper.exchange.interfaces import Snapshot
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row
from gatekeeper.ledger.canonical import decoded
from gatekeeper.oversight.changes import (
    BY_STAFF,
    UNLESS_SAID,
    Act,
    Change,
    Done,
    Maker,
    Plan,
    Proposal,
    Rows,
    Said,
    Store,
    sha256_of,
    unmoved,
)
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may

OPEN_FOR: Final = timedelta(days=7)
NOT_YOURS: Final = "This is your own agency. Somebody else must change its standing."
NOT_TWICE: Final = "You proposed this. Somebody else must confirm it."
MAY_NOT: Final = "Your role does not change the standing of agencies."
NO_MORE: Final = "Who proposed this may no longer change a standing. Propose it anew."
VOID: Final = "What this rests on has changed since it was proposed. Propose it anew."
NOT_SO: Final = "The log does not say what this proposal says. Propose it anew."
OVER: Final = "The proposal is decided or has expired. Propose it anew."
_PROPOSED: Final = "agency.change_proposed"
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Changing:
    """Changes, alone or by two. What changes raises OperatorError or LedgerUnavailable."""

    ledger: Ledger
    snapshot: Callable[[], Snapshot]
    store: Store
    rows: Rows
    makers: Mapping[Act, Maker]
    account: Callable[[str], Account | None]
    city: Callable[[], Mapping[str, Json]]
    """The city's settings, of the law in force."""
    now: Callable[[], datetime]

    def takes_two(self, change: Change) -> bool:
        """Say whether the law wants two people for a change. Raises OperatorError if it cannot be made."""
        return self._two(self._plan(self.snapshot(), change))

    def alone(
        self, change: Change, *, by: str = "", person: Account | None = None, reason: str | None = None
    ) -> Done:
        """Make a change that takes one person; refuse one that takes two.

        *by* is who is at the shell; *person* a member of staff, where one has proved it.
        """
        if person is not None:
            self._refuse(person, change.agencies, reason)
        elif change.act in BY_STAFF:
            raise OperatorError(MAY_NOT)
        elif reason is not None and (fault := fault_of(reason)) is not None:
            raise OperatorError(f'{fault} For example --reason "Letter of the chief of 3 November"')
        private: dict[str, Json] = {"by": by if person is None else person.id}
        if reason is not None:
            private["reason"] = tidy(reason)

        def make(snapshot: Snapshot) -> tuple[Plan, Mapping[str, Json], Mapping[str, Json], Sequence[Row]]:
            plan = self._plan(snapshot, change)
            if self._two(plan):
                raise OperatorError(
                    "the city's law wants two people for this: one proposes, another confirms"
                )
            return plan, {}, private, self.clearing(change.agency_id) if plan.final else ()

        return self._made(make)

    def propose(self, change: Change, person: Account, reason: str) -> str:
        """Propose a change; return the proposal's id."""
        self._refuse(person, change.agencies, reason)
        now = self.now()
        proposal_id, ref, until = f"proposal-{secrets.token_hex(8)}", _ref(), now + OPEN_FOR
        secret: dict[str, Json] = {
            "by": person.id,
            "reason": tidy(reason),
            "expires_at": until.isoformat(),
            "change": change.json(),
        }

        def make(snapshot: Snapshot) -> tuple[Draft, Sequence[Row]]:
            basis = sha256_of(self._plan(snapshot, change).rests_on)
            rows = self.rows.propose(
                id=proposal_id,
                agency_id=change.agency_id,
                act=change.act,
                change_sha256=change.sha256,
                basis_sha256=basis,
                proposed_by=person.id,
                proposed_at=now,
                expires_at=until,
                ref=ref,
            )
            clear: dict[str, Json] = {
                "agency": change.agency_id,
                "act": change.act,
                "proposal": proposal_id,
            }
            draft = Draft(_PROPOSED, ref, clear, {**secret, "basis": basis}, {})
            return draft, [*self._again(snapshot, change, now), *rows]

        self._commit(make)
        return proposal_id

    def confirm(self, proposal_id: str, person: Account, reason: str) -> Done:
        """Confirm what another proposed: it is done from the commit on.

        (1) The proposal is open, and its time is not over; (2) the log says the same as the proposal; (3) the
        person may, is not who proposed it, and who proposed it still may; (4) the change can be made, and (5)
        what it rests on is as it was; (6) nothing of the registry moved until the commit.
        """

        def make(snapshot: Snapshot) -> tuple[Plan, Mapping[str, Json], Mapping[str, Json], Sequence[Row]]:
            proposal, now = self._open(proposal_id), self.now()  # (1)
            said = self.said(proposal)  # (2)
            if now >= said.until:
                raise OperatorError(OVER)
            self._refuse(person, said.change.agencies, reason, proposal)  # (3)
            plan = self._plan(snapshot, said.change)  # (4)
            if sha256_of(plan.rests_on) != proposal.basis_sha256:  # (5)
                raise OperatorError(VOID)
            private: dict[str, Json] = {
                "by": person.id,
                "reason": tidy(reason),
                "proposed_by": proposal.proposed_by,
            }
            rows = [*self.rows.decide_proposal(proposal, "done", by=person.id, at=now)]
            if plan.final:
                rows += self.clearing(proposal.agency_id, but=proposal.id)
            return plan, {"proposal": proposal.id}, private, rows

        return self._made(make)  # (6)

    def withdraw(self, proposal_id: str, person: Account, reason: str) -> None:
        """Withdraw a proposal: whoever may propose may also do this, alone."""

        def make(_snapshot: Snapshot) -> tuple[Draft, Sequence[Row]]:
            proposal = self._open(proposal_id)
            self._refuse(person, (proposal.agency_id,), reason)
            clear: dict[str, Json] = {
                "agency": proposal.agency_id,
                "act": proposal.act,
                "proposal": proposal.id,
            }
            secret: dict[str, Json] = {"by": person.id, "reason": tidy(reason)}
            rows = self.rows.decide_proposal(proposal, "withdrawn", by=person.id, at=self.now())
            return Draft("agency.change_withdrawn", _ref(), clear, secret, {}), rows

        self._commit(make)

    def clearing(self, agency_id: str, *, but: str | None = None) -> tuple[Row, ...]:
        """Return the rows that withdraw what is open about an agency, for the commit that suspends it."""
        now = self.now()
        return tuple(
            row
            for one in self.store.all(agency_id)
            if one.state == "open" and one.id != but
            for row in self.rows.decide_proposal(one, "withdrawn", by=None, at=now)
        )

    def waiting(self, agency_id: str | None = None) -> tuple[Proposal, ...]:
        """Return what can be confirmed now (of this agency), the oldest first."""
        snapshot = self.snapshot()
        return tuple(one for one in self.store.all(agency_id) if self.state(one, snapshot) == "open")

    def state(self, proposal: Proposal, snapshot: Snapshot | None = None) -> str:
        """Return how a proposal stands: ``open``, ``done``, ``withdrawn``, ``expired`` or ``void``."""
        if proposal.state != "open":
            return proposal.state
        if self.now() >= proposal.expires_at:
            return "expired"
        try:
            plan = self._plan(snapshot or self.snapshot(), self.said(proposal).change)
        except OperatorError:
            return "void"
        return "open" if sha256_of(plan.rests_on) == proposal.basis_sha256 else "void"

    def said(self, proposal: Proposal) -> Said:
        """Return what the proposal's entry says. Raises OperatorError if that is not the proposal."""
        try:
            (entry,) = self.ledger.entries_of(proposal.ref)
            values = {name: each["value"] for name, each in self.ledger.opened(entry).openings.items()}
        except (KeyErased, LedgerCorrupt, ValueError):
            raise OperatorError(NOT_SO) from None
        clear = decoded(entry.entry)
        change = Change(
            proposal.act, proposal.agency_id, _object(_object(values.get("change")).get("content"))
        )
        told = (
            entry.event,
            clear.get("proposal"),
            values.get("by"),
            values.get("change"),
            values.get("basis"),
        )
        kept = (_PROPOSED, proposal.id, proposal.proposed_by, change.json(), proposal.basis_sha256)
        if told != kept or change.sha256 != proposal.change_sha256:
            raise OperatorError(NOT_SO)
        until = datetime.fromisoformat(str(values["expires_at"]))
        return Said(change, str(values["reason"]), min(until, proposal.expires_at))

    def fault_of(self, person: Account, agency_id: str, proposal: Proposal | None = None) -> str | None:
        """Say what keeps this person from proposing, or from confirming *proposal*; None if nothing does."""
        if person.status != "active" or not may(person.role, "stop_sharing"):
            return MAY_NOT
        if person.agency_id == agency_id:
            return NOT_YOURS
        if proposal is None:
            return None
        if proposal.proposed_by == person.id:
            return NOT_TWICE
        proposer = self.account(proposal.proposed_by)
        if proposer is None or self.fault_of(proposer, agency_id) is not None:
            return NO_MORE
        return None

    def _refuse(
        self, person: Account, agencies: Sequence[str], reason: str | None, proposal: Proposal | None = None
    ) -> None:
        faults = [self.fault_of(person, agency_id, proposal) for agency_id in agencies]
        if (fault := next(filter(None, [*faults, fault_of(reason or "")]), None)) is not None:
            raise OperatorError(fault)

    def _plan(self, snapshot: Snapshot, change: Change) -> Plan:
        return self.makers[change.act](snapshot, change)

    def _two(self, plan: Plan) -> bool:
        said = self.city().get("two_people_for")
        if said is None:
            return not plan.acts.isdisjoint(UNLESS_SAID)
        # A list that could not be read would be one that asks for nobody.
        return not isinstance(said, list) or not plan.acts.isdisjoint(map(str, said))

    def _open(self, proposal_id: str) -> Proposal:
        found = self.store.get(proposal_id)
        if found is None or found.state != "open" or self.now() >= found.expires_at:
            raise OperatorError(OVER)
        return found

    def _again(self, snapshot: Snapshot, change: Change, now: datetime) -> Sequence[Row]:
        """Return the rows that withdraw what is void or over of the same; refuse what waits already."""
        rows: list[Row] = []
        for one in self.store.all(change.agency_id):
            if one.state == "open" and one.change_sha256 == change.sha256:
                if self.state(one, snapshot) == "open":
                    raise OperatorError(
                        f"this is proposed already ({one.id}): another person confirms it with gatekeeper "
                        f"agency confirm {one.id}, or withdraw it first"
                    )
                rows += self.rows.decide_proposal(one, "withdrawn", by=None, at=now)
        return rows

    def _made(
        self,
        make: Callable[[Snapshot], tuple[Plan, Mapping[str, Json], Mapping[str, Json], Sequence[Row]]],
    ) -> Done:
        made: dict[str, str] = {}

        def drafted(snapshot: Snapshot) -> tuple[Draft, Sequence[Row]]:
            plan, clear, private, rows = make(snapshot)
            made.clear()
            made.update(plan.made)
            draft = Draft(
                plan.event,
                plan.ref or _ref(plan.event),
                {**plan.clear, **clear},
                {**plan.private, **private},
                plan.detail,
            )
            return draft, [*plan.rows, *rows]

        return Done(self._commit(drafted), made)

    def _commit(self, make: Callable[[Snapshot], tuple[Draft, Sequence[Row]]]) -> Appended:
        """Commit what was made of the registry as it is, or make it anew of what it became meanwhile."""
        for _ in range(_TRIES):
            snapshot = self.snapshot()
            draft, rows = make(snapshot)
            try:
                return self.ledger.append(draft, rows, unmoved(snapshot))
            except Superseded:
                continue
        raise OperatorError("others keep changing the registry; nothing was changed: try again")


def _ref(event: str = _PROPOSED) -> str:
    return f"{event.partition('.')[0]}_{secrets.token_hex(8)}"


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}
