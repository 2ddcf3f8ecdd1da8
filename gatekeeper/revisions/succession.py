"""Which text of the law is in force, and which comes after it: kept, signed, and put into force in its turn.

Guarantees: nothing comes into force but what two people approved and the policy key signed (but for the law
that a city begins with, before which there is nobody to approve), counted again from the record when it comes
into force; the key signs only what two recorded approvals are there for; no place in the order of activations
is taken twice, so what was superseded returns only as a new, approved revision.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from gatekeeper.errors import BundleRefused, OperatorError, PolicyUnavailable, Superseded
from gatekeeper.ledger import Clock, Draft, Json, Ledger, Row
from gatekeeper.ledger.clock import to_ms
from gatekeeper.ledger.rows import RegistryState, Transaction
from gatekeeper.policy import Bundle, Files, load_files, packed, tree_digest, unpacked
from gatekeeper.policy.archive import opa_files
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.signing import SIGNATURES, Enactment, PolicySigner, claims_of
from gatekeeper.remembered import Remembered
from gatekeeper.revisions.approval import NEEDED, OVERTAKEN, counted, is_rollback, seal_of
from gatekeeper.revisions.interfaces import Proposed, Result, Revision, Revisions, Standing, State

GOOD_FOR: Final = timedelta(days=7)
"""How long after its moment an approved revision may still come into force."""
_LOADED: Final[Remembered[Bundle]] = Remembered(4)
"""By the digest of its text: what was loaded of it is the same, whoever asks."""


@dataclass(frozen=True, slots=True)
class Succession:
    """The law in force, and what follows it.

    Each method raises OperatorError with all that stands in the way, Superseded if somebody else was first,
    or an Unavailable: nothing was done then.
    """

    store: Revisions
    registry: Standing
    ledger: Ledger
    keys: PolicyKeys
    clock: Clock
    latest: Callable[[], int] = lambda: 0
    """The greatest place in the order of activations that this node has seen in force, whatever the store
    was put back to."""

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
        bundle = _LOADED.get(revision.tree)
        if bundle is None:
            bundle = load_files(files)
            _LOADED.keep(revision.tree, bundle)
        if (bundle.revision, bundle.digest) != (revision.revision, revision.digest):
            raise BundleRefused([f"{revision.id}: its stored text is not what was proposed"])
        return bundle

    def seal(self, revision: Revision, effective_at: datetime | None = None) -> str:
        """Return what an approval of the revision binds now; its own moment counts if it has one."""
        return seal_of(revision, *self.results(revision), revision.effective_at or effective_at)

    def results(self, revision: Revision) -> tuple[Result | None, Result | None]:
        """Return what the last check of a revision came to, and the last replay."""
        return self.store.result(revision.id, "check"), self.store.result(revision.id, "replay")

    def approvers(self, revision: Revision) -> tuple[str, ...]:
        """Return the accounts whose approval counts as the revision stands now."""
        return counted(revision, self.store.approvals(revision.id), self.seal(revision))

    # --- In force. ----------------------------------------------------------------------------------------

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
        clear = {**clear_of(revision), "previous": was, "serial": 1}
        self.ledger.append(Draft("policy.activated", revision.id, clear, {"by": by}, {"by": by}), rows)
        return revision

    def schedule(self, revision_id: str) -> Revision:
        """Sign what two people approved, and set its moment; one whose moment has come is put into force."""
        revision, now = self._open(revision_id, "approved"), self.clock.now()
        people = self._two_people(revision)
        state = self.registry.state()
        if revision.base != self._active().id:  # due, it would keep the law in force from deciding
            raise OperatorError(OVERTAKEN)
        if state.due_revision is not None:
            raise OperatorError(
                f"{state.due_revision} is scheduled already, one at a time: call it off, or wait for it"
            )
        moment = max(revision.effective_at or now, now)
        serial = max(self.store.next_serial(), (state.policy_serial or 0) + 1, self.latest() + 1)
        bundle = self.bundle(revision)
        signature = self._signature(
            self.keys.signer(), bundle, revision, serial=serial, now=now, lapses=moment + GOOD_FOR
        )
        rows: list[Row] = [
            *self.store.moved(revision, "scheduled", serial=serial, signature=signature),
            *self.store.signed(people),
            *self.store.due(state.policy_serial, revision.id, to_ms(moment)),
        ]
        clear: dict[str, Json] = {
            **clear_of(revision),
            "serial": serial,
            "effective": moment.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        }
        secret: dict[str, Json] = {"signature": hashlib.sha256(signature.encode()).hexdigest()}
        draft = Draft("policy.scheduled", revision.id, clear, secret, {"approved_by": [*people]})
        self.ledger.append(draft, rows, _nothing_due)
        self.activate_due()
        return self._known(revision.id)

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
            raise _stuck(revision, str(refused)) from None
        if revision.serial is None or revision.base != active.id:
            raise _stuck(revision, "it was made for another law than the one in force")
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
        clear = {**clear_of(revision), "previous": policy_of(active), "serial": revision.serial}
        draft = Draft(event, revision.id, clear, {"by": [*people]}, {"approved_by": [*people]})
        with suppress(Superseded):  # somebody was faster, under the lock
            self.ledger.append(draft, rows, _still_due(revision.id))
        return True

    def verified(self, revision: Revision, now: datetime, state: RegistryState) -> tuple[str, ...]:
        """Return the people by whose approval a revision may come into force.

        Raises BundleRefused, OperatorError.
        """
        verifier = self.keys.verifier()
        self.signed_as(
            revision,
            self.bundle(revision),
            partial(verifier.verify_for_activation, now=now, active=state.policy_serial),
        )
        return self._two_people(revision)

    def signed_as(
        self, revision: Revision, bundle: Bundle, verify: Callable[[Files], Enactment] | None = None
    ) -> None:
        """Verify that a revision's signature is of this very text, in this very place.

        *verify* may ask for more than that it is a signature of ours. Raises BundleRefused, SettingsRefused.
        """
        signature = {} if revision.signature is None else {SIGNATURES: revision.signature}
        enactment = (verify or self.keys.verifier().verify)({**opa_files(bundle), **signature})
        said = (enactment.revision, enactment.digest, enactment.tree, enactment.serial)
        if said != (revision.revision, revision.digest, revision.tree, revision.serial):
            raise BundleRefused([f"{revision.id}: what was signed is not this revision"])

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


def _stuck(revision: Revision, why: str) -> PolicyUnavailable:
    """Say that what is due cannot come into force, and what lets the law in force decide again."""
    return PolicyUnavailable(
        f"{revision.id} cannot come into force, and nothing is decided: {why}; to call it off: "
        f"gatekeeper policy reject {revision.id}"
    )


def _nothing_due(transaction: Transaction) -> None:
    if transaction.registry().due_revision is not None:
        raise Superseded("another revision was scheduled just now")


def _still_due(revision_id: str) -> Callable[[Transaction], None]:
    def guard(transaction: Transaction) -> None:
        if transaction.registry().due_revision != revision_id:
            raise Superseded("it came into force just now, or was called off")

    return guard


def policy_of(revision: Revision) -> Json:
    """Return a policy as entries name it."""
    return {"revision": revision.revision, "digest": revision.digest}


def clear_of(revision: Revision) -> dict[str, Json]:
    """Return what every entry about a revision says in clear."""
    return {"policy": policy_of(revision)}
