"""Who an account is at the city's identity provider, and the browsers that were sent there.

Guarantees: one person at the provider is one account that is active, and an account one person; a browser
comes back once, within ten minutes, and only the one that was sent; the ``state`` that it brings is kept as
its SHA-256 alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, insert, select

from gatekeeper.errors import OperatorError
from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.database import Database
from gatekeeper.store.tables import identities, provider_sign_ins, staff
from gatekeeper.store.values import ProviderSignIn, StaffAccount
from gatekeeper.store.writing import storable

LONGEST: Final = timedelta(minutes=10)
_ACCOUNT: Final = [staff.c[name] for name in StaffAccount.__dataclass_fields__]


class Identities:
    """The provider's people, and sign-ins under way. Each method raises StoreUnavailable, nothing else."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now

    def find(self, issuer: str, subject: str) -> StaffAccount | None:
        """Return the account that this person of the provider has, removed or not, or None."""
        if not storable(issuer) or not storable(subject):
            return None
        columns = identities.c
        statement = (
            select(*_ACCOUNT)
            .join(identities, columns.staff_id == staff.c.id)
            .where(columns.issuer == issuer, columns.subject == subject)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else StaffAccount(*row)

    def bind(self, issuer: str, subject: str, account_id: str) -> tuple[Row, ...]:
        """Return the row that says who an account is. Raises OperatorError if another account is that."""
        held = self.find(issuer, subject)
        if held is None:
            values = {"issuer": issuer, "subject": subject, "staff_id": account_id}
            return (Insert("identities", values),)
        if held.status != "removed":
            raise OperatorError("another account is that person already: remove it first")
        key = {"issuer": issuer, "subject": subject, "staff_id": held.id}
        return (Alter("identities", key, {"staff_id": account_id}),)

    def begin(
        self, state: str, browser: str, *, nonce: str, verifier: str, back: str, staff_id: str | None
    ) -> None:
        """Remember a browser that is sent to the provider; forget those that never came back."""
        now = self._now()
        row = {
            "state_sha256": _digest(state),
            "browser_sha256": _digest(browser),
            "nonce": nonce,
            "verifier": verifier,
            "back": back,
            "staff_id": staff_id,
            "began_at": now,
        }
        with self._database.write() as connection:
            connection.execute(delete(provider_sign_ins).where(provider_sign_ins.c.began_at <= now - LONGEST))
            connection.execute(insert(provider_sign_ins), row)

    def take(self, state: str, browser: str) -> ProviderSignIn | None:
        """Return, once, what this browser was sent to the provider for; None for any other, and too late."""
        columns = provider_sign_ins.c
        mine = (
            columns.state_sha256 == _digest(state),
            columns.browser_sha256 == _digest(browser),
            columns.began_at > self._now() - LONGEST,
        )
        with self._database.write() as connection:
            row = connection.execute(
                select(
                    columns.nonce, columns.verifier, columns.back, columns.staff_id, columns.began_at
                ).where(*mine)
            ).one_or_none()
            # Of those who read the row at the same time one deletes it, and goes on.
            gone = connection.execute(delete(provider_sign_ins).where(*mine)).rowcount
        return None if row is None or gone != 1 else ProviderSignIn(*row)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
