"""When the keys of each client, and of each identity provider, were fetched: shared by all workers and nodes.

Guarantees: of any number of processes one in a minute is told to fetch; nothing is locked while it does, and
whoever is told no has written nothing. The keys themselves are rows of ``client_keys`` or terms of an issuer,
committed with the log entry that tells of them: here is only when.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gatekeeper.store.database import Database
from gatekeeper.store.tables import key_sets


@dataclass(frozen=True, slots=True)
class Fetched:
    """When it was tried and done last, in milliseconds since 1970 (0: never), and what failed."""

    tried_ms: int = 0
    fetched_ms: int = 0
    fault: str | None = None


class KeySetTimes:
    """The times of one database. Each method raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner_id: str) -> Fetched:
        """Return when the keys of a client or an issuer were fetched."""
        c = key_sets.c
        asked = select(c.tried_ms, c.fetched_ms, c.fault).where(c.owner_id == owner_id)
        with self._database.read() as connection:
            row = connection.execute(asked).one_or_none()
            return Fetched() if row is None else Fetched(*row)

    def all(self) -> dict[str, Fetched]:
        """Return when the keys of each client and issuer were fetched."""
        c = key_sets.c
        with self._database.read() as connection:
            rows = connection.execute(select(c.owner_id, c.tried_ms, c.fetched_ms, c.fault))
            return {row.owner_id: Fetched(*row[1:]) for row in rows}

    def claim(self, owner_id: str, now_ms: int, pause_ms: int) -> bool:
        """Say whether this process is to fetch them now: committed before it is answered."""
        c = key_sets.c
        tried = self.of(owner_id).tried_ms
        if now_ms - pause_ms < tried <= now_ms:
            return False  # most that ask are strangers, who must not have us wait for the one place to write
        # A time in the future is no time: a clock that was wrong must not shut anybody out.
        due = or_(c.tried_ms <= now_ms - pause_ms, c.tried_ms > now_ms)
        with self._database.write() as connection:
            claimed = update(key_sets).where(c.owner_id == owner_id, due)
            if connection.execute(claimed.values(tried_ms=now_ms, fault=None)).rowcount:
                return True
            try:
                with connection.begin_nested():
                    row = {"owner_id": owner_id, "tried_ms": now_ms, "fetched_ms": 0, "fault": None}
                    connection.execute(insert(key_sets), row)
            except IntegrityError:
                return False
            return True

    def done(self, owner_id: str, at_ms: int, fault: str | None = None) -> None:
        """Keep that they were fetched as they were at a time; or, with a *fault*, that they were not."""
        values = {"fetched_ms": at_ms, "fault": None} if fault is None else {"fault": fault}
        with self._database.write() as connection:
            connection.execute(update(key_sets).where(key_sets.c.owner_id == owner_id).values(**values))
