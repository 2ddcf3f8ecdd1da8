"""Cases of the law that staff propose: read here; written by the log, with the entry that tells of it.

Guarantees: a case is accepted or rejected once, and nothing else of it ever changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import proposed_cases
from gatekeeper.store.writing import storable


@dataclass(frozen=True, slots=True)
class ProposedCase:
    """A case of the law that somebody proposed, as its row says it."""

    id: str
    name: str
    provision: str
    outcome: Literal["permit", "deny"]
    document: str
    state: Literal["proposed", "accepted", "rejected"]
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None
    decided_by: str | None


_CASE: Any = select(*(proposed_cases.c[name] for name in ProposedCase.__dataclass_fields__))


class ProposedCases:
    """Proposed cases. Reading raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[ProposedCase, ...]:
        """Return every case, the latest first."""
        newest = _CASE.order_by(proposed_cases.c.proposed_at.desc(), proposed_cases.c.id)
        with self._database.read() as connection:
            return tuple(ProposedCase(*row) for row in connection.execute(newest))

    def get(self, case_id: str) -> ProposedCase | None:
        """Return one, or None."""
        if not storable(case_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_CASE.where(proposed_cases.c.id == case_id)).one_or_none()
        return None if row is None else ProposedCase(*row)

    def proposed(
        self, *, case_id: str, name: str, provision: str, outcome: str, document: str, by: str, at: datetime
    ) -> Sequence[Row]:
        """Return the row of a new proposal."""
        values = {
            "id": case_id,
            "name": name,
            "provision": provision,
            "outcome": outcome,
            "document": document,
            "state": "proposed",
            "proposed_at": at,
            "proposed_by": by,
        }
        return (Insert("proposed_cases", values),)

    def decided(self, case_id: str, state: str, *, by: str, at: datetime) -> Sequence[Row]:
        """Return the row that accepts or rejects a proposal that nobody has decided yet."""
        undecided = {"id": case_id, "state": "proposed"}
        return (Alter("proposed_cases", undecided, {"state": state, "decided_by": by, "decided_at": at}),)
