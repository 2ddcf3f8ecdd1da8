"""The views of the queue that a member of staff keeps under names of their own.

Guarantees: a view is found, renamed and forgotten by the person who keeps it, and by nobody else; a person
keeps ``MOST_VIEWS`` at most, each under another name. A view is of no value as evidence: it is changed
without a log entry, and says nothing about any request.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from gatekeeper.store.database import Database
from gatekeeper.store.tables import staff_views
from gatekeeper.store.values import StaffView
from gatekeeper.store.writing import storable

MOST_VIEWS: Final = 12

Outcome = Literal["kept", "taken", "full", "unknown"]
"""``taken``: another view has that name; ``unknown``: the person keeps no such view."""


class StaffViews:
    """Reads and writes the views. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, staff_id: str) -> tuple[StaffView, ...]:
        """Return the views of a person, by name."""
        columns = staff_views.c
        statement = (
            select(columns.id, columns.name, columns.wanted)
            .where(columns.staff_id == staff_id)
            .order_by(columns.name, columns.id)
        )
        with self._database.read() as connection:
            return tuple(StaffView(*row) for row in connection.execute(statement))

    def keep(self, staff_id: str, name: str, wanted: Mapping[str, str]) -> Outcome:
        """Keep a view under a name."""
        row = {
            "id": f"view_{secrets.token_hex(12)}",
            "staff_id": staff_id,
            "name": name,
            "wanted": dict(wanted),
        }
        with self._database.write() as connection:
            if _named(connection, staff_id, name):
                return "taken"
            counted = select(func.count()).where(staff_views.c.staff_id == staff_id)
            if connection.execute(counted).scalar_one() >= MOST_VIEWS:
                return "full"
            connection.execute(insert(staff_views), row)
        return "kept"

    def rename(self, staff_id: str, view_id: str, name: str) -> Outcome:
        """Give a view another name."""
        columns = staff_views.c
        change = update(staff_views).where(columns.id == view_id, columns.staff_id == staff_id)
        if not storable(view_id):
            return "unknown"
        with self._database.write() as connection:
            if _named(connection, staff_id, name, but=view_id):
                return "taken"
            return "kept" if connection.execute(change.values(name=name)).rowcount == 1 else "unknown"

    def forget(self, staff_id: str, view_id: str) -> bool:
        """Forget a view; False if the person keeps no such one."""
        columns = staff_views.c
        if not storable(view_id):
            return False
        with self._database.write() as connection:
            forgotten = connection.execute(
                delete(staff_views).where(columns.id == view_id, columns.staff_id == staff_id)
            ).rowcount
        return bool(forgotten == 1)


def _named(connection: Connection, staff_id: str, name: str, but: str = "") -> bool:
    columns = staff_views.c
    found = select(columns.id).where(columns.staff_id == staff_id, columns.name == name, columns.id != but)
    return connection.execute(found).first() is not None
