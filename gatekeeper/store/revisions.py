"""The texts of the law that were ever proposed, what was found of them, and who approved them.

Guarantees: nothing is written here: each change is a row that the log commits with the entry that tells of
it; a text is kept as it was proposed and never changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from sqlalchemy import case, func, select

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import revision_approvals, revision_results, revision_trees, revisions, staff
from gatekeeper.store.writing import storable

State = Literal["draft", "checked", "replayed", "approved", "scheduled", "active", "superseded", "rejected"]
Kind = Literal["check", "replay"]


@dataclass(frozen=True, slots=True)
class Revision:
    """One text of the law, as its row says it. ``effective_at`` is when it is, or was, to decide."""

    id: str
    revision: str
    digest: str
    tree: str
    label: str
    base: str | None
    origin: str
    author: str
    reason: str
    state: State
    proposed_at: datetime
    effective_at: datetime | None
    serial: int | None
    activated_at: datetime | None
    signature: str | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What a check or a replay of a revision came to; ``digest`` is that of ``document``'s text."""

    revision_id: str
    kind: Kind
    number: int
    at: datetime
    digest: str
    passed: bool
    text: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the report."""
        found: dict[str, Any] = json.loads(self.text)
        return found


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's approval of what ``seal`` stands for; ``role`` is theirs then, ``role_now`` since.

    ``role_now`` is None for somebody whose account was removed.
    """

    revision_id: str
    account_id: str
    seal: str
    role: str
    at: datetime
    role_now: str | None


class Text(Protocol):
    """A revision, whoever made it."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def revision(self) -> str:
        """What decisions name it by."""

    @property
    def digest(self) -> str:
        """The digest of what decides."""

    @property
    def tree(self) -> str:
        """The digest of its whole text."""

    @property
    def version(self) -> int:
        """How often it was changed."""


_COLUMNS: Final = tuple(Revision.__dataclass_fields__)
_REVISION: Any = select(*(revisions.c[name] for name in _COLUMNS))
_RESULT: Any = select(
    *(revision_results.c[name] for name in ("revision_id", "kind", "number", "at", "digest", "passed")),
    revision_results.c.document,
)
_APPROVAL: Any = select(
    *(revision_approvals.c[name] for name in Approval.__dataclass_fields__ if name != "role_now"),
    case((staff.c.status == "active", staff.c.role), else_=None).label("role_now"),
).join(staff, staff.c.id == revision_approvals.c.account_id)


class Revisions:
    """Revisions of the law. Reading raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Revision, ...]:
        """Return every revision, the latest first."""
        newest = _REVISION.order_by(revisions.c.proposed_at.desc(), revisions.c.id)
        with self._database.read() as connection:
            return tuple(Revision(*row) for row in connection.execute(newest))

    def get(self, revision_id: str) -> Revision | None:
        """Return one, or None."""
        return self._one(revisions.c.id == revision_id) if storable(revision_id) else None

    def active(self) -> Revision | None:
        """Return the one in force; None before a city has a law."""
        return self._one(revisions.c.state == "active")

    def scheduled(self) -> Revision | None:
        """Return the one that is to come into force next, or None."""
        waiting = _REVISION.where(revisions.c.state == "scheduled").order_by(revisions.c.effective_at)
        with self._database.read() as connection:
            row = connection.execute(waiting.limit(1)).one_or_none()
        return None if row is None else Revision(*row)

    def archive(self, tree: str) -> bytes | None:
        """Return the packed text of that digest, or None."""
        with self._database.read() as connection:
            found: bytes | None = connection.execute(
                select(revision_trees.c.archive).where(revision_trees.c.tree == tree)
            ).scalar_one_or_none()
        return found

    def result(self, revision_id: str, kind: Kind) -> Result | None:
        """Return what the last check, or the last replay, came to; None if there was none."""
        mine = revision_results.c.revision_id == revision_id, revision_results.c.kind == kind
        last = _RESULT.where(*mine).order_by(revision_results.c.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(last).one_or_none()
        return None if row is None else Result(*row)

    def approvals(self, revision_id: str) -> tuple[Approval, ...]:
        """Return the approvals of a revision, the first first."""
        mine = _APPROVAL.where(revision_approvals.c.revision_id == revision_id)
        ordered = mine.order_by(revision_approvals.c.at, revision_approvals.c.account_id)
        with self._database.read() as connection:
            return tuple(Approval(*row) for row in connection.execute(ordered))

    def next_number(self, revision_id: str) -> int:
        """Return the number of the revision's next result."""
        of = select(func.max(revision_results.c.number)).where(revision_results.c.revision_id == revision_id)
        with self._database.read() as connection:
            last: int | None = connection.execute(of).scalar_one()
        return 1 if last is None else last + 1

    def next_serial(self) -> int:
        """Return a place in the order of activations that none has had."""
        with self._database.read() as connection:
            last: int | None = connection.execute(select(func.max(revisions.c.serial))).scalar_one()
        return 1 if last is None else last + 1

    def proposed(self, revision: Text, archive: bytes | None) -> Sequence[Row]:
        """Return the rows of a new revision; without an *archive* its text is kept already."""
        text = {"tree": revision.tree, "archive": archive}
        kept = () if archive is None else (Insert("revision_trees", text),)
        return *kept, Insert("revisions", {name: getattr(revision, name) for name in _COLUMNS})

    def found(
        self, revision_id: str, kind: Kind, *, number: int, at: datetime, digest: str, passed: bool, text: str
    ) -> Sequence[Row]:
        """Return the row of what a check or a replay came to."""
        values = {
            "revision_id": revision_id,
            "kind": kind,
            "number": number,
            "at": at,
            "digest": digest,
            "passed": passed,
            "document": text,
        }
        return (Insert("revision_results", values),)

    def approved(
        self, revision_id: str, *, account_id: str, seal: str, role: str, at: datetime
    ) -> Sequence[Row]:
        """Return the rows of one person's approval, who is on the staff in that role at that moment."""
        values = {
            "revision_id": revision_id,
            "account_id": account_id,
            "seal": seal,
            "role": role,
            "at": at,
        }
        return Insert("revision_approvals", values), *_still(account_id, role=role)

    def signed(self, people: Iterable[str]) -> Sequence[Row]:
        """Return rows that change nothing, refused unless all whose approval was counted are still there."""
        return tuple(row for account_id in people for row in _still(account_id))

    def moved(self, revision: Text, state: State, /, **columns: object) -> Sequence[Row]:
        """Return the row that moves a revision on, if it still is as it was read."""
        key = {"id": revision.id, "version": revision.version}
        changed = {"state": state, "version": revision.version + 1, **columns}
        return (Alter("revisions", key, changed),)

    def due(self, before: int | None, revision_id: str | None, at_ms: int | None) -> Sequence[Row]:
        """Return the row that says what is to come into force, and when; None calls it off.

        *before* is the serial in force as it was read: with another one nothing is scheduled.
        """
        changed = {"due_revision": revision_id, "due_ms": at_ms}
        return (Alter("registry", {"id": 1, "policy_serial": before}, changed),)

    def shadowed(self, before: str | None, revision_id: str | None) -> Sequence[Row]:
        """Return the row that says which revision decides beside the active one; None ends it."""
        key = {"id": 1, "shadow_revision": before}
        return (Alter("registry", key, {"shadow_revision": revision_id}),)

    def in_force(
        self, revision: Text, serial: int, *, before: tuple[str | None, int | None]
    ) -> Sequence[Row]:
        """Return the row that makes a revision the law, in place of what was read to be."""
        was, at = before
        return (
            Alter(
                "registry",
                {"id": 1, "policy_revision": was, "policy_serial": at},
                {
                    "policy_revision": revision.revision,
                    "policy_digest": revision.digest,
                    "policy_serial": serial,
                    "due_revision": None,
                    "due_ms": None,
                },
            ),
        )

    def _one(self, where: Any) -> Revision | None:
        with self._database.read() as connection:
            row = connection.execute(_REVISION.where(where)).one_or_none()
        return None if row is None else Revision(*row)


def _still(account_id: str, **columns: object) -> Sequence[Row]:
    seen = {"id": account_id, "status": "active", **columns}
    return (Alter("staff", seen, {"status": "active"}),)
