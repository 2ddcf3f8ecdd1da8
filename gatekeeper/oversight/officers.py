"""Officers who may not ask: suspended and reinstated, by their agency and badge.

Guarantees: nothing is changed without a reason of substance and an entry in the log, which commits to badge,
reason and person and says none of them; an officer is found by a mark under a key of its own, so a suspension
outlives every day's key and tells nothing to who reads the database; badge, reason and person are sealed, and
go when the suspension ends. From the commit on the officer's next request is denied, in every worker, and a
release that was decided before is decided again.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError, StoreUnavailable
from gatekeeper.exchange.fingerprints import plain
from gatekeeper.exchange.officer import OfficerMarks
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.secrets import SecretsKey

_LONGEST: Final = 32  # as a request's own badge


class SuspensionRow(Protocol):
    """A suspension in force, as the registry has it."""

    @property
    def id(self) -> str:
        """Our name for it; its entries in the log bear the same."""

    @property
    def agency_id(self) -> str:
        """The officer's agency."""

    @property
    def mark(self) -> bytes:
        """What the officer is found by."""

    @property
    def box(self) -> bytes:
        """Badge, reason and person, sealed."""

    @property
    def since(self) -> datetime:
        """When it began."""


class Registry(Protocol):
    """The registry as it is now."""

    def snapshot(self) -> Any:
        """Return it; ``officer_suspensions`` are those in force. Raises StoreUnavailable."""


class OfficerRows(Protocol):
    """Makes the rows of a change, for the log to commit with its entry."""

    def suspend_officer(
        self, suspension_id: str, agency_id: str, *, mark: bytes, key_id: str, box: bytes, since: datetime
    ) -> Sequence[Row]:
        """Return the rows that put a suspension in force."""

    def reinstate_officer(self, suspension_id: str, at: datetime, /) -> Sequence[Row]:
        """Return the rows that end one, and remove who it was."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """A suspension in force, opened; badge, person and reason are None if their key was lost."""

    id: str
    agency: str
    badge: str | None
    since: datetime
    by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Officers:
    """Suspends and reinstates officers, and says who is suspended."""

    ledger: Ledger
    registry: Registry
    rows: OfficerRows
    marks: OfficerMarks
    box: SecretsKey
    now: Callable[[], datetime]

    def suspend(self, agency_id: str, badge: str, *, reason: str, by: str) -> Appended:
        """Suspend an officer of a registered agency.

        Raises OperatorError for what is no badge, no reason, or done already; LedgerUnavailable.
        """
        if not plain(badge) or len(badge) > _LONGEST or not badge.isprintable():
            raise OperatorError(
                f"a badge has letters or digits, and at most {_LONGEST} characters: give it as it is typed"
            )
        why = _reason(reason)
        if self._found(agency_id, badge) is not None:
            raise OperatorError("this officer is suspended already: gatekeeper officer list")
        suspension_id = f"officer_{secrets.token_hex(12)}"
        said = json.dumps({"badge": badge, "reason": why, "by": by})
        rows = self.rows.suspend_officer(
            suspension_id,
            agency_id,
            mark=self.marks.of(agency_id, badge),
            key_id=self.marks.key_id,
            box=self.box.seal(suspension_id, said),
            since=self.now(),
        )
        return self._commit("officer.suspended", suspension_id, agency_id, badge, (why, by), rows)

    def reinstate(self, agency_id: str, badge: str, *, reason: str, by: str) -> Appended:
        """Reinstate a suspended officer. Raises OperatorError, Superseded, LedgerUnavailable."""
        why, found = _reason(reason), self._found(agency_id, badge)
        if found is None:
            raise OperatorError("no officer of that agency and badge is suspended: gatekeeper officer list")
        rows = self.rows.reinstate_officer(found.id, self.now())
        return self._commit("officer.reinstated", found.id, agency_id, badge, (why, by), rows)

    def lift(self, suspension_id: str, *, reason: str, by: str) -> Appended:
        """End a suspension by its id, also one whose key was lost. Raises as ``reinstate`` does."""
        why = _reason(reason)
        suspensions: Sequence[SuspensionRow] = self.registry.snapshot().officer_suspensions
        found = next((one for one in suspensions if one.id == suspension_id), None)
        if found is None:
            raise OperatorError("no suspension in force has that id: gatekeeper officer list")
        rows = self.rows.reinstate_officer(found.id, self.now())
        return self._commit("officer.reinstated", found.id, found.agency_id, None, (why, by), rows)

    def in_force(self) -> list[Suspended]:
        """Return who is suspended, oldest first. Raises StoreUnavailable."""
        found = []
        for one in self.registry.snapshot().officer_suspensions:
            try:
                said = json.loads(self.box.open(one.id, one.box))
            except StoreUnavailable:
                said = dict.fromkeys(("badge", "by", "reason"))  # sealed under a key that was lost
            found.append(
                Suspended(one.id, one.agency_id, said["badge"], one.since, said["by"], said["reason"])
            )
        return found

    def _found(self, agency_id: str, badge: str) -> SuspensionRow | None:
        snapshot, mark = self.registry.snapshot(), self.marks.of(agency_id, badge)
        snapshot.officer_suspended(mark, self.marks.key_id)  # refuses marks of another key
        suspensions: Sequence[SuspensionRow] = snapshot.officer_suspensions
        return next((one for one in suspensions if one.mark == mark), None)

    def _commit(
        self,
        event: str,
        suspension_id: str,
        agency_id: str,
        badge: str | None,
        why_and_who: tuple[str, str],
        rows: Sequence[Row],
    ) -> Appended:
        why, by = why_and_who
        private: dict[str, Json] = {"badge": badge, "reason": why, "by": by}
        return self.ledger.append(Draft(event, suspension_id, {"agency": agency_id}, private, {}), rows)


def _reason(said: str) -> str:
    if (fault := fault_of(said)) is not None:
        raise OperatorError(f'{fault} For example --reason "Letter of the chief of 3 November"')
    return tidy(said)
