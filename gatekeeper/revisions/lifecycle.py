"""The life of one text of the law: proposed, checked, tried, approved by two, scheduled, in force, over.

Guarantees: each step is one entry in the log, committed with its rows, from the state that was read: of two
people who act at once, one is told; who acts is a person who may, and says why; what stands in the way is
said all at once. What comes into force, and when, is ``succession``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from gatekeeper.errors import LedgerUnavailable, NotDone, OperatorError, Superseded
from gatekeeper.ledger import Draft, Json
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.rows import Transaction
from gatekeeper.policy import Bundle, tree_digest
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may
from gatekeeper.revisions.approval import NEEDED, counted, faults_of, is_rollback, seal_of
from gatekeeper.revisions.interfaces import OPEN, ROLLBACK, Kind, Result, Revision, State
from gatekeeper.revisions.succession import Succession, clear_of, policy_of

LATEST: Final = timedelta(days=366)
"""How far ahead a revision may be scheduled."""


@dataclass(frozen=True, slots=True)
class Lifecycle(Succession):
    """What people do about a revision.

    Each method raises OperatorError with all that stands in the way, Superseded if somebody else was first,
    or an Unavailable: nothing was done then.
    """

    # --- Proposed. ----------------------------------------------------------------------------------------

    def propose(
        self,
        bundle: Bundle,
        *,
        author: Account,
        reason: str,
        origin: str,
        effective_at: datetime | None = None,
        base: str | None = None,
    ) -> Revision:
        """Propose a text to be the law; *effective_at* is from when, None at once when two approved it.

        A text that was written over the revision *base* is proposed only while that one is in force.
        """
        now, active = self.clock.now(), self._active()
        if base not in (None, active.id):
            raise Superseded
        faults = _faults_of_act(author, reason, role="Your role does not propose policies.")
        faults += _faults_of_moment(effective_at, now)
        tree = tree_digest(bundle.files)
        if tree == active.tree:
            faults.append("This is the policy in force, word for word.")
        if any(r.tree == tree and r.base == active.id and r.state in OPEN for r in self.store.all()):
            faults.append("This very text is proposed already.")
        _refuse(faults)
        revision = self._new(
            bundle, base=active.id, origin=origin, author=author.id, at=now, reason=tidy(reason)
        )
        revision = replace(revision, effective_at=effective_at)
        clear = {**clear_of(revision), "previous": policy_of(active), "tree": revision.tree}
        rows = self.store.proposed(revision, self._packed(revision, bundle.files))
        self.ledger.append(_draft("policy.proposed", revision, clear, author, reason), rows)
        return revision

    # --- Checked, and tried on the past. ------------------------------------------------------------------

    def checked(self, revision_id: str, report: Mapping[str, Any], *, passed: bool, by: str) -> Result:
        """Record what the checks of a revision came to; one that they refuse is rejected."""
        revision = self._open(revision_id, "draft", "checked", "replayed")
        return self._found(revision, "check", "checked" if passed else "rejected", report, by)

    def replayed(self, revision_id: str, report: Mapping[str, Any], *, by: str) -> Result:
        """Record what a revision would have changed; it must have been checked."""
        revision = self._open(revision_id, "checked", "replayed")
        return self._found(revision, "replay", "replayed", report, by)

    # --- Approved. ----------------------------------------------------------------------------------------

    def approve(
        self,
        revision_id: str,
        person: Account,
        *,
        seen: str,
        reason: str,
        effective_at: datetime | None = None,
    ) -> Revision:
        """Approve what was *seen* (see ``seal``); the second approval signs and schedules it.

        The first who approves says from when it is to decide, unless its author did.
        """
        revision, now = self._known(revision_id), self.clock.now()
        moment = revision.effective_at or effective_at
        approvals = self.store.approvals(revision.id)
        seal = self.seal(revision, moment)
        check, replay = self.results(revision)
        faults = faults_of(
            revision,
            person,
            active=self.store.active(),
            check=check,
            replay=replay,
            approvals=approvals,
            seal=seal,
            seen=seen,
        )
        if (said := fault_of(reason)) is not None:
            faults.append(said)
        before = counted(revision, approvals, seal)
        if not before:
            faults += _faults_of_moment(moment, now)
        _refuse(faults)
        rows = [
            *self.store.approved(revision.id, account_id=person.id, seal=seal, role=person.role, at=now),
            *self.store.moved(
                revision, "approved" if len(before) + 1 >= NEEDED else "replayed", effective_at=moment
            ),
        ]
        clear = {**clear_of(revision), "approvals": len(before) + 1}
        draft = _draft("policy.approved", revision, clear, person, reason, seal=seal)
        self.ledger.append(draft, rows, self._unmoved(revision))
        return self.schedule(revision.id) if len(before) + 1 >= NEEDED else self._known(revision.id)

    def reject(self, revision_id: str, person: Account, reason: str) -> Revision:
        """Turn a revision down, or call a scheduled one off."""
        revision = self._open(revision_id, *OPEN)
        faults = _faults_of_act(person, reason)
        _refuse(faults)
        rows = [*self.store.moved(revision, "rejected")]
        state = self.registry.state()
        if state.due_revision == revision.id:
            rows += self.store.due(state.policy_serial, None, None)
        if state.shadow_revision == revision.id:
            rows += self.store.shadowed(revision.id, None)
        self.ledger.append(_draft("policy.rejected", revision, clear_of(revision), person, reason), rows)
        return self._known(revision.id)

    def roll_back(self, to: str, person: Account, reason: str) -> Revision:
        """Ask for a law that was in force to be so again; a second person's approval does it, at once.

        Of the law in force itself it is a renewal: in a new place and signed anew, where its signature or its
        place is what cannot be verified.
        """
        earlier, active, now = self._known(to), self._active(), self.clock.now()
        faults = _faults_of_act(person, reason)
        if earlier.state not in ("superseded", "active"):
            faults.append("Only a policy that was in force before can be returned to.")
        if any(
            r.origin == f"{ROLLBACK}{to}" and r.state in OPEN and r.base == active.id
            for r in self.store.all()
        ):
            faults.append("A return to this policy waits for its second person already.")
        if self.registry.state().due_revision is not None:
            faults.append("Another policy is scheduled. Call it off first, then return to the earlier one.")
        _refuse(faults)
        bundle = self.bundle(earlier)  # refused here if this program can no longer apply it
        revision = self._new(
            bundle, base=active.id, origin=f"{ROLLBACK}{to}", author=person.id, at=now, reason=tidy(reason)
        )
        revision = replace(revision, state="replayed")
        seal = seal_of(revision, None, None, None)
        rows = [
            *self.store.proposed(revision, None),
            *self.store.approved(revision.id, account_id=person.id, seal=seal, role=person.role, at=now),
        ]
        clear = {**clear_of(revision), "approvals": 1}
        self.ledger.append(
            _draft("policy.approved", revision, clear, person, reason, seal=seal),
            rows,
            self._unmoved(revision),
        )
        return revision

    def confirm(self, revision_id: str, person: Account, *, seen: str, reason: str) -> Revision:
        """Approve a rollback as its second person, which puts it into force; nothing else is confirmed."""
        if not is_rollback(self._known(revision_id)):
            raise OperatorError("Only a return to an earlier policy is confirmed like this: approve it.")
        return self.approve(revision_id, person, seen=seen, reason=reason)

    # --- Beside the law. ----------------------------------------------------------------------------------

    def shadow(self, revision_id: str | None, person: Account, reason: str) -> None:
        """Let a checked revision decide beside the law, without effect; None ends it."""
        before = self.registry.state().shadow_revision
        faults = _faults_of_act(person, reason)
        about = self._known(revision_id or before or "")
        if revision_id is not None and about.state not in ("checked", "replayed", "approved", "scheduled"):
            faults.append("Only a revision that was checked and is not in force can decide beside the law.")
        _refuse(faults)
        clear = {**clear_of(about), "on": revision_id is not None}
        self.ledger.append(
            _draft("policy.shadowed", about, clear, person, reason), self.store.shadowed(before, revision_id)
        )

    # --- Shared. ------------------------------------------------------------------------------------------

    def _found(
        self, revision: Revision, kind: Kind, state: State, report: Mapping[str, Any], by: str
    ) -> Result:
        text, passed = canonical(dict(report)), state != "rejected"
        digest, at = f"sha256:{hashlib.sha256(text).hexdigest()}", self.clock.now()
        number = self.store.next_number(revision.id)
        rows = [
            *self.store.found(
                revision.id, kind, number=number, at=at, digest=digest, passed=passed, text=text.decode()
            ),
            *self.store.moved(revision, state),
        ]
        clear: dict[str, Json] = {**clear_of(revision), **({"passed": passed} if kind == "check" else {})}
        event = "policy.checked" if kind == "check" else "policy.replayed"
        self.ledger.append(Draft(event, revision.id, clear, {"by": by, "result": digest}, {"by": by}), rows)
        result = self.store.result(revision.id, kind)
        if result is None:
            raise LedgerUnavailable("what was recorded cannot be read")
        return result

    def _unmoved(self, revision: Revision) -> Callable[[Transaction], None]:
        """Refuse, under the lock, if another law came into force since this was read."""
        serial = self.registry.state().policy_serial

        def guard(transaction: Transaction) -> None:
            if transaction.registry().policy_serial != serial:
                raise Superseded(f"another law came into force while {revision.id} was approved")

        return guard


def _draft(
    event: str,
    revision: Revision,
    clear: Mapping[str, Json],
    person: Account,
    reason: str,
    **secret: Json,
) -> Draft:
    said = tidy(reason)
    return Draft(
        event=event,
        ref=revision.id,
        clear=dict(clear),
        secret={"by": person.id, "reason": said, **secret},
        detail={"by": person.name, "role": person.role, "said": said},
    )


def _faults_of_act(
    person: Account, reason: str, *, role: str = "Your role does not approve policies."
) -> list[str]:
    """Say what keeps a person from an act about the law, whichever it is; *role* is said of their role."""
    faults = [] if may(person.role, "approve_policies") else [role]
    return faults if (said := fault_of(reason)) is None else [*faults, said]


def _refuse(faults: Sequence[str]) -> None:
    """Raise NotDone with all of *faults*, if there are any."""
    if faults:
        raise NotDone([("", fault) for fault in faults])


def _faults_of_moment(moment: datetime | None, now: datetime) -> Sequence[str]:
    if moment is None:
        return ()
    if moment.tzinfo is None:
        return ("Say the moment with its time zone.",)
    if moment <= now:
        return ("The moment from which it is to decide must be still to come; leave it empty for at once.",)
    if moment > now + LATEST:
        return ("A policy can be scheduled at most a year ahead.",)
    return ()
