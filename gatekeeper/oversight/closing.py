"""An agency is closed for good, and with it everything by which it could ask, be told, or sign.

Guarantees: the agency's standing, its clients, their keys, its webhooks and its open links end in one commit,
with one entry that commits to what was ended; what changed since it was read refuses the whole (nothing is
half closed); what the log holds about the agency stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gatekeeper.exchange.interfaces import Snapshot
from gatekeeper.ledger import Json, Row
from gatekeeper.oversight.agencies import standing, told_of
from gatekeeper.oversight.changes import Change, Plan, agency_as_read


class Key(Protocol):
    """A client's key."""

    @property
    def kid(self) -> str:
        """Its id."""

    @property
    def status(self) -> str:
        """``active`` or ``revoked``."""


class Client(Protocol):
    """A client, with its keys."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def status(self) -> str:
        """``active`` or ``revoked``."""

    @property
    def keys(self) -> Sequence[Key]:
        """Its keys."""


class Ended(Protocol):
    """A webhook or a link."""

    @property
    def id(self) -> str:
        """Its id."""


class Rows(Protocol):
    """Makes the rows of the registry."""

    def set_agency_status(self, agency: Any, status: str, /) -> Sequence[Row]:
        """Return the row that closes it."""

    def revoke_client(self, client_id: str, /) -> Sequence[Row]:
        """Return the row that revokes a client."""

    def revoke_key(self, client_id: str, kid: str, /) -> Sequence[Row]:
        """Return the row that revokes a key."""


class Disabling(Protocol):
    """Makes the row that disables a webhook."""

    def __call__(self, webhook: Any, /) -> Sequence[Row]:
        """Return it."""


class Revoking(Protocol):
    """Makes the row that revokes a link."""

    def __call__(self, invitation: Any, at: datetime, /) -> Sequence[Row]:
        """Return it."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What an agency has that ends with it: all of it active."""

    clients: tuple[Client, ...]
    keys: tuple[tuple[str, str], ...]
    webhooks: tuple[Ended, ...]
    invitations: tuple[Ended, ...]

    @classmethod
    def of(
        cls, clients: Iterable[Client], webhooks: Iterable[Ended], invitations: Iterable[Ended]
    ) -> Belongings:
        """Return what is to be ended of these clients, active webhooks and open links."""
        found = tuple(clients)
        return cls(
            tuple(client for client in found if client.status == "active"),
            tuple((client.id, key.kid) for client in found for key in client.keys if key.status == "active"),
            tuple(webhooks),
            tuple(invitations),
        )

    def named(self) -> dict[str, Json]:
        """Return the ids of what ends, as the log commits to them."""
        return {
            "clients": [client.id for client in self.clients],
            "keys": [f"{client_id} {kid}" for client_id, kid in self.keys],
            "webhooks": [hook.id for hook in self.webhooks],
            "invitations": [link.id for link in self.invitations],
        }


@dataclass(frozen=True, slots=True)
class Closing:
    """Plans the closing of an agency."""

    rows: Rows
    disabling: Disabling
    revoking: Revoking
    webhooks: Callable[[str], Sequence[Ended]]
    """The active webhooks of an agency."""
    invitations: Callable[[str], Sequence[Ended]]
    """The open links of an agency."""
    now: Callable[[], datetime]

    def having(self, snapshot: Snapshot, agency_id: str) -> Belongings:
        """Return what ends with an agency. Raises StoreUnavailable."""
        clients = [client for client in snapshot.clients() if client.agency_id == agency_id]
        return Belongings.of(clients, self.webhooks(agency_id), self.invitations(agency_id))

    def __call__(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan the closing, with all that the agency has. Raises OperatorError if it is closed."""
        agency = standing(snapshot, change.agency_id)
        having = self.having(snapshot, agency.id)
        rows: list[Row] = [*self.rows.set_agency_status(agency, "closed")]
        for client in having.clients:
            rows += self.rows.revoke_client(client.id)
        for client_id, kid in having.keys:
            rows += self.rows.revoke_key(client_id, kid)
        for hook in having.webhooks:
            rows += self.disabling(hook)
        for link in having.invitations:
            rows += self.revoking(link, self.now())
        return Plan(
            event="agency.closed",
            clear=told_of(agency, status="closed"),
            private={"ended": having.named()},
            rows=tuple(rows),
            rests_on={"agency": agency_as_read(agency), "having": having.named()},
            acts=frozenset({"close_agency"}),
            final=True,
        )
