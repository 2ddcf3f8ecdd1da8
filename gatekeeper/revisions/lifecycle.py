"""The life of one text of the law: proposed, checked, tried, approved by two, scheduled, in force, over.

Guarantees: each step is one entry in the log, committed with its rows, from the state that was read: of two
people who act at once, one is told; nothing comes into force but what two people approved and the policy key
signed (but for the law that a city begins with, before which there is nobody to approve), counted again from
the record when it comes into force; the key signs only what two recorded approvals are there for; no place in
the order of activations is taken twice, so what was superseded returns only as a new, approved revision.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from gatekeeper.errors import BundleRefused, LedgerUnavailable, OperatorError, PolicyUnavailable, Superseded
from gatekeeper.ledger import Clock, Draft, Json, Ledger, Row
from gatekeeper.ledger.canonical import canonical
from gatekeeper.ledger.clock import to_ms
from gatekeeper.ledger.rows import RegistryState, Transaction
from gatekeeper.policy import Bundle, Files, load_files, packed, tree_digest, unpacked
from gatekeeper.policy.archive import opa_files
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.signing import SIGNATURES, Enactment, PolicySigner, claims_of
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import may
from gatekeeper.revisions.approval import NEEDED, counted, faults_of, is_rollback, seal_of
from gatekeeper.revisions.interfaces import (
    OPEN,
    ROLLBACK,
    Kind,
    Proposed,
    Result,
    Revision,
    Revisions,
    Standing,
    State,
)

GOOD_FOR: Final = timedelta(days=7)
"""How long after its moment an approved revision may still come into force."""
_MOST_LOADED: Final = 4
LATEST: Final = timedelta(days=366)
"""How far ahead a revision may be scheduled."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Moves revisions on.

    Each method raises OperatorError with all that stands in the way, Superseded if somebody else was first,
    or an Unavailable: nothing was done then.
    """

    store: Revisions
    registry: Standing
    ledger: Ledger
    keys: PolicyKeys
    clock: Clock
    _loaded: dict[str, Bundle] = field(default_factory=dict, init=False, repr=False, compare=False)

    # --- What a revision is. ------------------------------------------------------------------------------

    def files(self, revision: Revision) -> dict[str, str]:
        """Return the whole text of a revision. Raises BundleRefused if it is not what was proposed."""
        archive = self.store.archive(revision.tree)
        files = {} if archive is None else unpacked(archive)
        if tree_digest(files) != revision.tree:
            raise BundleRefused([f"{revision.id}: its stored text is not what was proposed"])
        return files

    def bundle(self, revision: Revision) -> Bundle:
        """Return the law that a revision is. Raises BundleRefused."""
        files = self.files(revision)  # read anew each time: what is loaded is what is kept there now
        bundle = self._loaded.get(revision.tree)
        if bundle is None:
            while len(self._loaded) >= _MOST_LOADED:
                self._loaded.pop(next(iter(self._loaded)), None)
            bundle = self._loaded[revision.tree] = load_files(files)
        if (bundle.revision, bundle.digest) != (revision.revision, revision.digest):
            raise BundleRefused([f"{revision.id}: its stored text is not what was proposed"])
        return bundle

    def seal(self, revision: Revision, effective_at: datetime | None = None) -> str:
        """Return what an approval of the revision binds now; its own moment counts if it has one."""
        check, replay = (self.store.result(revision.id, kind) for kind in ("check", "replay"))
        return seal_of(revision, check, replay, revision.effective_at or effective_at)

    def approvers(self, revision: Revision) -> tuple[str, ...]:
        """Return the accounts whose approval counts as the revision stands now."""
        return counted(revision, self.store.approvals(revision.id), self.seal(revision))

    # --- Proposed. ----------------------------------------------------------------------------------------

    def found(self, bundle: Bundle, by: str) -> Revision:
        """Make a new city's law: there is nobody yet who could approve it."""
        if self.store.active() is not None or self.registry.state().policy_serial is not None:
            raise OperatorError("the city has a law already: gatekeeper policy propose")
        now, before = self.clock.now(), self.registry.state()
        if before.policy_digest not in (None, bundle.digest):
            raise OperatorError(
                f"the law in force is {before.policy_revision}, and these policies are {bundle.revision}: "
                "name the directory of those in force by GATEKEEPER_POLICIES once, then propose the others"
            )
        revision = self._new(bundle, base=None, origin="founding", author=f"operator:{by}", at=now)
        signature = self._signature(self.keys.signer(), bundle, revision, serial=1, now=now, lapses=now)
        revision = replace(
            revision, state="active", serial=1, effective_at=now, activated_at=now, signature=signature
        )
        was: Json = None
        if before.policy_revision is not None:
            was = {"revision": before.policy_revision, "digest": before.policy_digest}
        rows = [
            *self.store.proposed(revision, self._packed(revision, bundle.files)),
            *self.store.in_force(revision, 1, before=(before.policy_revision, before.policy_serial)),
        ]
        clear = {**_clear(revision), "previous": was, "serial": 1}
        self.ledger.append(Draft("policy.activated", revision.id, clear, {"by": by}, {"by": by}), rows)
        return revision

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
        faults = [] if may(author.role, "approve_policies") else ["Your role does not propose policies."]
        faults += [said] if (said := fault_of(reason)) is not None else []
        faults += _faults_of_moment(effective_at, now)
        tree = tree_digest(bundle.files)
        if tree == active.tree:
            faults.append("This is the policy in force, word for word.")
        if any(r.tree == tree and r.base == active.id and r.state in OPEN for r in self.store.all()):
            faults.append("This very text is proposed already.")
        if faults:
            raise OperatorError(" ".join(faults))
        revision = self._new(
            bundle, base=active.id, origin=origin, author=author.id, at=now, reason=tidy(reason)
        )
        revision = replace(revision, effective_at=effective_at)
        clear = {**_clear(revision), "previous": _policy(active), "tree": revision.tree}
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
        check, replay = (self.store.result(revision.id, kind) for kind in ("check", "replay"))
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
        if faults:
            raise OperatorError(" ".join(faults))
        rows = [
            *self.store.approved(revision.id, account_id=person.id, seal=seal, role=person.role, at=now),
            *self.store.moved(
                revision, "approved" if len(before) + 1 >= NEEDED else "replayed", effective_at=moment
            ),
        ]
        clear = {**_clear(revision), "approvals": len(before) + 1}
        draft = _draft("policy.approved", revision, clear, person, reason, seal=seal)
        self.ledger.append(draft, rows, self._unmoved(revision))
        return self.schedule(revision.id) if len(before) + 1 >= NEEDED else self._known(revision.id)

    def schedule(self, revision_id: str) -> Revision:
        """Sign what two people approved, and set its moment; one whose moment has come is put into force."""
        revision, now = self._open(revision_id, "approved"), self.clock.now()
        people = self._two_people(revision)
        state = self.registry.state()
        if state.due_revision is not None:
            raise OperatorError(
                f"{state.due_revision} is scheduled already, one at a time: call it off, or wait for it"
            )
        moment = max(revision.effective_at or now, now)
        serial = max(self.store.next_serial(), (state.policy_serial or 0) + 1)
        bundle = self.bundle(revision)
        signature = self._signature(
            self.keys.signer(), bundle, revision, serial=serial, now=now, lapses=moment + GOOD_FOR
        )
        rows: list[Row] = [
            *self.store.moved(revision, "scheduled", serial=serial, signature=signature),
            *self.store.due(state.policy_serial, revision.id, to_ms(moment)),
        ]
        clear: dict[str, Json] = {
            **_clear(revision),
            "serial": serial,
            "effective": moment.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        }
        secret: dict[str, Json] = {"signature": hashlib.sha256(signature.encode()).hexdigest()}
        draft = Draft("policy.scheduled", revision.id, clear, secret, {"approved_by": [*people]})
        self.ledger.append(draft, rows, _nothing_due)
        self.activate_due()
        return self._known(revision.id)

    def reject(self, revision_id: str, person: Account, reason: str) -> Revision:
        """Turn a revision down, or call a scheduled one off."""
        revision = self._open(revision_id, *OPEN)
        faults = [] if may(person.role, "approve_policies") else ["Your role does not approve policies."]
        faults += [said] if (said := fault_of(reason)) is not None else []
        if faults:
            raise OperatorError(" ".join(faults))
        rows = [*self.store.moved(revision, "rejected")]
        state = self.registry.state()
        if state.due_revision == revision.id:
            rows += self.store.due(state.policy_serial, None, None)
        if state.shadow_revision == revision.id:
            rows += self.store.shadowed(revision.id, None)
        self.ledger.append(_draft("policy.rejected", revision, _clear(revision), person, reason), rows)
        return self._known(revision.id)

    # --- In force. ----------------------------------------------------------------------------------------

    def activate_due(self) -> bool:
        """Put into force what is due by now; False if nothing is.

        1. The text is the one that was proposed. 2. It is signed, for now, and comes after what is in force.
        3. What was signed is what the row says. 4. Two people approved it, and it is made for the law that
        is in force. 5. One commit supersedes the one and puts the other into force; whoever comes second
        finds it done. Raises PolicyUnavailable if any of it does not hold: the old law does not decide then.
        """
        state, now = self.registry.state(), self.clock.now()
        if state.due_revision is None or state.due_ms is None or to_ms(now) < state.due_ms:
            return False
        revision, active = self.store.get(state.due_revision), self.store.active()
        if revision is None or active is None or revision.state != "scheduled":
            if self.registry.state().due_revision != state.due_revision:
                return True  # somebody was faster, between two of our readings
            raise PolicyUnavailable("what is due to come into force is not a scheduled revision")
        try:
            people = self.verified(revision, now, state)
        except (BundleRefused, OperatorError) as refused:
            raise PolicyUnavailable(f"{revision.id} cannot come into force: {refused}") from None
        if revision.serial is None or revision.base != active.id:
            raise PolicyUnavailable(f"{revision.id} was made for another law than the one in force")
        rows = [
            *self.store.moved(active, "superseded"),
            *self.store.moved(revision, "active", activated_at=now),
            *self.store.in_force(
                revision, revision.serial, before=(state.policy_revision, state.policy_serial)
            ),
        ]
        if state.shadow_revision == revision.id:
            rows += self.store.shadowed(revision.id, None)
        event = "policy.rolled_back" if is_rollback(revision) else "policy.activated"
        clear = {**_clear(revision), "previous": _policy(active), "serial": revision.serial}
        draft = Draft(event, revision.id, clear, {"by": [*people]}, {"approved_by": [*people]})
        try:
            self.ledger.append(draft, rows, _still_due(revision.id))
        except Superseded:
            return True
        return True

    def verified(self, revision: Revision, now: datetime, state: RegistryState) -> tuple[str, ...]:
        """Return the people by whose approval a revision may come into force.

        Raises BundleRefused, OperatorError.
        """
        bundle = self.bundle(revision)
        files = signed(revision, bundle)
        enactment = self.keys.verifier().verify_for_activation(files, now=now, active=state.policy_serial)
        if (enactment.tree, enactment.serial) != (revision.tree, revision.serial):
            raise BundleRefused([f"{revision.id}: what was signed is not this revision"])
        return self._two_people(revision)

    def roll_back(self, to: str, person: Account, reason: str) -> Revision:
        """Ask for a law that was in force to be so again; a second person's approval does it, at once."""
        earlier, active, now = self._known(to), self._active(), self.clock.now()
        faults = [] if may(person.role, "approve_policies") else ["Your role does not approve policies."]
        faults += [said] if (said := fault_of(reason)) is not None else []
        if earlier.state != "superseded":
            faults.append("Only a policy that was in force before can be returned to.")
        if any(
            r.origin == f"{ROLLBACK}{to}" and r.state in OPEN and r.base == active.id
            for r in self.store.all()
        ):
            faults.append("A return to this policy waits for its second person already.")
        if faults:
            raise OperatorError(" ".join(faults))
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
        clear = {**_clear(revision), "approvals": 1}
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
        faults = [] if may(person.role, "approve_policies") else ["Your role does not approve policies."]
        faults += [said] if (said := fault_of(reason)) is not None else []
        about = self._known(revision_id or before or "")
        if revision_id is not None and about.state not in ("checked", "replayed", "approved", "scheduled"):
            faults.append("Only a revision that was checked and is not in force can decide beside the law.")
        if faults:
            raise OperatorError(" ".join(faults))
        clear = {**_clear(about), "on": revision_id is not None}
        self.ledger.append(
            _draft("policy.shadowed", about, clear, person, reason), self.store.shadowed(before, revision_id)
        )

    # --- Shared. ------------------------------------------------------------------------------------------

    def _active(self) -> Revision:
        active = self.store.active()
        if active is None:
            raise OperatorError("the city has no law yet: gatekeeper serve founds it")
        return active

    def _known(self, revision_id: str) -> Revision:
        revision = self.store.get(revision_id)
        if revision is None:
            raise OperatorError(f"there is no revision {revision_id}: gatekeeper policy list")
        return revision

    def _open(self, revision_id: str, *states: State) -> Revision:
        revision = self._known(revision_id)
        if revision.state not in states:
            raise OperatorError(
                f"{revision.id} is {revision.state}: this can be done to one that is {' or '.join(states)}"
            )
        return revision

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
        clear: dict[str, Json] = {**_clear(revision), **({"passed": passed} if kind == "check" else {})}
        event = "policy.checked" if kind == "check" else "policy.replayed"
        self.ledger.append(Draft(event, revision.id, clear, {"by": by, "result": digest}, {"by": by}), rows)
        result = self.store.result(revision.id, kind)
        if result is None:
            raise LedgerUnavailable("what was recorded cannot be read")
        return result

    def _new(
        self, bundle: Bundle, *, base: str | None, origin: str, author: str, at: datetime, reason: str = ""
    ) -> Proposed:
        return Proposed(
            id=f"rev_{secrets.token_hex(8)}",
            revision=bundle.revision,
            digest=bundle.digest,
            tree=tree_digest(bundle.files),
            label=bundle.label,
            base=base,
            origin=origin,
            author=author,
            reason=reason,
            state="draft",
            proposed_at=at,
        )

    def _packed(self, revision: Revision, files: Files) -> bytes | None:
        """Return the text to be kept; None if it is kept already."""
        return None if self.store.archive(revision.tree) is not None else packed(files)

    def _two_people(self, revision: Revision) -> tuple[str, ...]:
        people = self.approvers(revision)
        if len(people) < NEEDED:
            raise OperatorError(f"{revision.id} was not approved by {NEEDED} people as it is now")
        return people

    def _signature(
        self,
        signer: PolicySigner,
        bundle: Bundle,
        revision: Revision,
        *,
        serial: int,
        now: datetime,
        lapses: datetime,
    ) -> str:
        enactment = Enactment(
            revision=revision.revision,
            digest=revision.digest,
            tree=revision.tree,
            serial=serial,
            signed_at=now,
            lapses_at=max(lapses, now + timedelta(seconds=1)),
        )
        return signer.sign(claims_of(opa_files(bundle), enactment))

    def _unmoved(self, revision: Revision) -> Callable[[Transaction], None]:
        """Refuse, under the lock, if another law came into force since this was read."""
        serial = self.registry.state().policy_serial

        def guard(transaction: Transaction) -> None:
            if transaction.registry().policy_serial != serial:
                raise Superseded(f"another law came into force while {revision.id} was approved")

        return guard


def signed(revision: Revision, bundle: Bundle) -> dict[str, str]:
    """Return what OPA decides by, with the revision's signature if it has one."""
    signature = {} if revision.signature is None else {SIGNATURES: revision.signature}
    return {**opa_files(bundle), **signature}


def _nothing_due(transaction: Transaction) -> None:
    if transaction.registry().due_revision is not None:
        raise Superseded("another revision was scheduled just now")


def _still_due(revision_id: str) -> Callable[[Transaction], None]:
    def guard(transaction: Transaction) -> None:
        if transaction.registry().due_revision != revision_id:
            raise Superseded("it came into force just now, or was called off")

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


def _policy(revision: Revision) -> Json:
    return {"revision": revision.revision, "digest": revision.digest}


def _clear(revision: Revision) -> dict[str, Json]:
    return {"policy": _policy(revision)}


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
