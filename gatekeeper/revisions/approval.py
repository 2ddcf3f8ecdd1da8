"""Who may approve a revision, and what an approval binds.

An approval is of a seal: a digest over the text, what it changes, what its checks and its replay came to,
and the moment from which it is to decide. Guarantees: two approvals count together only if both are of the
seal as it is now, by two people, neither of whom wrote the text (a rollback, whose text two people approved
before, counts the person who asks for it); a check or a replay that is done again, or another moment, leaves
earlier approvals without effect. So does, until it is signed, the removal of who approved, or another role,
that approves nothing. What was signed stays so, and is called off by hand: else each change of staff would
threaten the law that is due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from gatekeeper.ledger.canonical import canonical
from gatekeeper.review.accounts import Account
from gatekeeper.review.roles import may
from gatekeeper.revisions.interfaces import ROLLBACK, Approval, Result, Revision

NEEDED: Final = 2
"""How many people must approve."""
OVERTAKEN: Final = "Another policy came into force since this was proposed. Propose it anew, on that one."


def seal_of(
    revision: Revision, check: Result | None, replay: Result | None, effective_at: datetime | None
) -> str:
    """Return what an approval of the revision binds, as it stands now."""
    bound = {
        "revision": revision.id,
        "tree": revision.tree,
        "digest": revision.digest,
        "base": revision.base,
        "check": None if check is None else check.digest,
        "replay": None if replay is None else replay.digest,
        "effective_at": None if effective_at is None else effective_at.astimezone(UTC).isoformat(),
    }
    return f"sha256:{hashlib.sha256(canonical(bound)).hexdigest()}"


def is_rollback(revision: Revision) -> bool:
    """Say whether the revision repeats one that was in force."""
    return revision.origin.startswith(ROLLBACK)


def counted(revision: Revision, approvals: Iterable[Approval], seal: str) -> tuple[str, ...]:
    """Return the different people whose approval of this seal counts, in the order of their approvals."""
    people = [
        approval.account_id
        for approval in approvals
        if approval.seal == seal
        and may(approval.role, "approve_policies")
        and (revision.signature is not None or may(approval.role_now or "", "approve_policies"))
        and (approval.account_id != revision.author or is_rollback(revision))
    ]
    return tuple(dict.fromkeys(people))


def faults_of(  # noqa: C901  (one line for each thing that may stand in the way)
    revision: Revision,
    person: Account,
    *,
    active: Revision | None,
    check: Result | None,
    replay: Result | None,
    approvals: Sequence[Approval],
    seal: str,
    seen: str,
) -> list[str]:
    """Say all that stands in the way of this person's approval of what they have seen."""
    found = []
    if not may(person.role, "approve_policies"):
        found.append("Your role does not approve policies.")
    if person.status != "active":
        found.append("Your account was removed.")
    if person.id == revision.author:
        found.append(
            "You asked for this. Somebody else must confirm it."
            if is_rollback(revision)
            else "You wrote this. Two other people must approve it."
        )
    elif person.id in counted(revision, approvals, seal):
        found.append("You have approved this already. Somebody else must approve it too.")
    if revision.state not in ("replayed", "approved"):
        found.append(_not_yet(revision))
    if not is_rollback(revision):
        if check is None or not check.passed:
            found.append("Its checks have not passed.")
        if replay is None:
            found.append("It has not been tried on past queries.")
    if active is None or revision.base != active.id:
        found.append(OVERTAKEN)
    if seen != seal:
        found.append("What you looked at is not what it is now. Look again before you approve.")
    return found


def _not_yet(revision: Revision) -> str:
    return {
        "draft": "It has not been checked yet.",
        "checked": "It has not been tried on past queries yet.",
        "scheduled": "It has been approved by two people already.",
        "active": "It is in force already.",
        "superseded": "It was in force before. To return to it, roll back.",
        "rejected": "It was turned down.",
    }.get(revision.state, "It cannot be approved as it is.")
