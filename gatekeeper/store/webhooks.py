"""Where agencies want to be told: their webhooks, and the rows that change them, for the log to commit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import webhooks
from gatekeeper.store.values import Webhook
from gatekeeper.store.writing import storable

_COLUMNS: list[Any] = [webhooks.c[name] for name in Webhook.__dataclass_fields__]


class Webhooks:
    """The webhooks of all agencies. The reading methods raise StoreUnavailable, nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, webhook_id: str) -> Webhook | None:
        """Return the webhook of that id, disabled ones too, or None."""
        if not storable(webhook_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(webhooks.c.id == webhook_id)).one_or_none()
        return None if row is None else Webhook(*row)

    def all(self, agency_id: str | None = None) -> tuple[Webhook, ...]:
        """Return every webhook (of the agency), disabled ones too, the oldest first."""
        statement = select(*_COLUMNS).order_by(webhooks.c.added_at, webhooks.c.id)
        if agency_id is not None:
            statement = statement.where(webhooks.c.agency_id == agency_id)
        with self._database.read() as connection:
            return tuple(Webhook(*row) for row in connection.execute(statement))

    @staticmethod
    def adding(*, box: bytes, **values: object) -> tuple[Row, ...]:
        """Return the row of a new webhook."""
        return (Insert("webhooks", {**values, "status": "active", "box": box}),)

    @staticmethod
    def resealing(webhook: Any, box: bytes) -> tuple[Row, ...]:
        """Return the row that gives an active webhook, still as it was read, other secrets."""
        return (Alter("webhooks", {"id": webhook.id, "status": "active", "box": webhook.box}, {"box": box}),)

    @staticmethod
    def disabling(webhook: Any) -> tuple[Row, ...]:
        """Return the row that disables an active webhook, for good."""
        return (Alter("webhooks", {"id": webhook.id, "status": "active"}, {"status": "disabled"}),)
