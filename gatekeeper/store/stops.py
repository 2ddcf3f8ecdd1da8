"""Stops of before and of now, as staff read them; which are in force is the registry's to say.

And the one way to put a stop in force without an entry in the log: where the log must not be added to.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, insert, or_, select

from gatekeeper.store.database import Database
from gatekeeper.store.tables import BUMP, stops
from gatekeeper.store.values import PastStop, Stop
from gatekeeper.store.writing import storable

_STOP = select(*(stops.c[name] for name in PastStop.__dataclass_fields__))


class Stops:
    """The record of stops. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, stop_id: str) -> PastStop | None:
        """Return the stop of that id, lifted or not, or None."""
        if not storable(stop_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(_STOP.where(stops.c.id == stop_id)).one_or_none()
        return None if row is None else PastStop(*row)

    def set_without_entry(self, stop: Stop) -> None:
        """Put a stop in force, for every worker and node, once this returns.

        It takes the log's lock, as a release does. Only for a log that does not fit what was signed. Raises
        StoreUnavailable, also for an id that was used before.
        """
        row = {"id": stop.id, "scope": stop.scope, "value": stop.value, "set_at": stop.set_at}
        with self._database.write(ledger=True) as connection:
            connection.execute(insert(stops).values(row))
            connection.execute(BUMP)

    def lifted(self, *, most: int, after: tuple[datetime, str] | None = None) -> tuple[PastStop, ...]:
        """Return stops that were lifted, the latest first, those that follow *after*."""
        lifted_at, stop_id = stops.c.lifted_at, stops.c.id
        asked = _STOP.where(lifted_at.is_not(None))
        if after is not None:
            moment, last = after
            if not storable(last):
                return ()
            asked = asked.where(or_(lifted_at < moment, and_(lifted_at == moment, stop_id < last)))
        with self._database.read() as connection:
            rows = connection.execute(asked.order_by(lifted_at.desc(), stop_id.desc()).limit(most)).all()
        return tuple(PastStop(*row) for row in rows)
