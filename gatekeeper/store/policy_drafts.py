"""The working copy of the law that a member of staff has: what they changed, until they propose it.

Guarantees: a person has one, and it is found, changed and thrown away by them alone; a change names the
version that its person saw, and changes nothing if there is another by now. A working copy is of no value as
evidence: it is not law and not in the log, and nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from gatekeeper.store.database import Database
from gatekeeper.store.tables import policy_drafts


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """What a person changed of the files of a revision: by path the new text, None where it is taken out."""

    staff_id: str
    base: str
    changes: Mapping[str, str | None]
    version: int
    begun_at: datetime
    changed_at: datetime


class PolicyDrafts:
    """Reads and writes the working copies. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, staff_id: str) -> PolicyDraft | None:
        """Return what a person is changing, or None."""
        columns = policy_drafts.c
        statement = select(*(columns[name] for name in PolicyDraft.__dataclass_fields__))
        with self._database.read() as connection:
            row = connection.execute(statement.where(columns.staff_id == staff_id)).one_or_none()
        return None if row is None else PolicyDraft(*row)

    def begin(self, staff_id: str, base: str, changes: Mapping[str, str | None], at: datetime) -> bool:
        """Keep a new one; False if the person has one already."""
        row = {
            "staff_id": staff_id,
            "base": base,
            "changes": dict(changes),
            "version": 1,
            "begun_at": at,
            "changed_at": at,
        }
        with self._database.write() as connection:
            held = select(policy_drafts.c.version).where(policy_drafts.c.staff_id == staff_id)
            if connection.execute(held).first() is not None:
                return False
            connection.execute(insert(policy_drafts), row)
        return True

    def change(
        self, staff_id: str, seen: int, base: str, changes: Mapping[str, str | None], at: datetime
    ) -> bool:
        """Keep what it says now; False if it is not at the version that was *seen*."""
        columns = policy_drafts.c
        statement = update(policy_drafts).where(columns.staff_id == staff_id, columns.version == seen)
        values = {"base": base, "changes": dict(changes), "version": seen + 1, "changed_at": at}
        with self._database.write() as connection:
            return bool(connection.execute(statement.values(values)).rowcount == 1)

    def discard(self, staff_id: str, seen: int) -> bool:
        """Throw it away; False if it is not at the version that was *seen*."""
        columns = policy_drafts.c
        statement = delete(policy_drafts).where(columns.staff_id == staff_id, columns.version == seen)
        with self._database.write() as connection:
            return bool(connection.execute(statement).rowcount == 1)
