"""An agency's webhooks: added, given new secrets, disabled, each with its entry in the log.

Guarantees: the secret is made here, returned once and kept only sealed, with the address, under a key outside
the database; after a rotation the former secret signs for a day beside the new one, so that the receiver can
change over; a webhook that was disabled stays so.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError, StoreUnavailable
from gatekeeper.ledger import Draft, Json, Ledger, Row
from gatekeeper.notices.addresses import Reach

OVERLAP: Final = timedelta(days=1)
MOST: Final = 5
_SECRET_BYTES: Final = 32
PREFIX: Final = "whsec_"


class Webhook(Protocol):
    """A webhook, as it is stored."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def agency_id(self) -> str:
        """Whose it is."""

    @property
    def host(self) -> str:
        """The host of its address; the rest is sealed."""

    @property
    def status(self) -> str:
        """``active`` or ``disabled``."""

    @property
    def box(self) -> bytes:
        """Address and secrets, sealed."""


class Sealing(Protocol):
    """A key that seals texts, each bound to a name. ``open`` raises StoreUnavailable."""

    def seal(self, name: str, text: str, /) -> bytes:
        """Seal a text."""

    def open(self, name: str, box: bytes, /) -> str:
        """Open a sealed text."""


class Store(Protocol):
    """The stored webhooks, and the rows that change them. Reading raises StoreUnavailable."""

    def get(self, webhook_id: str, /) -> Webhook | None:
        """Return a webhook or None."""

    def all(self, agency_id: str | None = None, /) -> Sequence[Webhook]:
        """Return every webhook (of the agency)."""

    def adding(self, *, box: bytes, **values: object) -> Sequence[Row]:
        """Return the row of a new one."""

    def resealing(self, webhook: Any, box: bytes, /) -> Sequence[Row]:
        """Return the row that gives it another box."""

    def disabling(self, webhook: Any, /) -> Sequence[Row]:
        """Return the row that disables it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a webhook's box holds: where to, and the secrets that sign now, the newest first."""

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The webhooks of all agencies. Each change raises OperatorError, LedgerUnavailable or Superseded."""

    ledger: Ledger
    store: Store
    key: Callable[[], Sealing]
    now: Callable[[], datetime]
    reach: Reach

    def add(self, agency_id: str, url: str, *, by: str) -> tuple[str, str]:
        """Add a webhook to an agency; return its id and its secret, which is not shown again."""
        target = self.reach.read(url)
        if isinstance(target, str):
            raise OperatorError(target)
        try:
            allowed = self.reach.addresses(target)
        except OSError:
            raise OperatorError(
                "that host has no address: check its spelling, and this machine's DNS"
            ) from None
        if allowed is None:
            raise OperatorError(
                "that host is inside a network that webhooks may not reach: give a public address, or allow "
                "its network in GATEKEEPER_WEBHOOK_NETWORKS"
            )
        active = [hook for hook in self.store.all(agency_id) if hook.status == "active"]
        if len(active) >= MOST:
            raise OperatorError(f"the agency has {MOST} webhooks: disable one first")
        webhook_id, secret = f"hook_{secrets.token_hex(12)}", _new_secret()
        rows = self.store.adding(
            id=webhook_id,
            agency_id=agency_id,
            host=target.host,
            box=self._sealed(webhook_id, url, [(secret, None)]),
            added_at=self.now(),
        )
        self._commit("agency.webhook_added", agency_id, webhook_id, rows, by=by, url=url)
        return webhook_id, secret

    def rotate(self, webhook_id: str, *, by: str) -> str:
        """Give a webhook a new secret and return it; the former one signs beside it for a day."""
        webhook = self.active(webhook_id)
        url, kept = self._read(webhook)
        secret, until = _new_secret(), self.now() + OVERLAP
        box = self._sealed(webhook.id, url, [(secret, None), *[(old, until) for old, end in kept if not end]])
        rows = self.store.resealing(webhook, box)
        self._commit("agency.webhook_rotated", webhook.agency_id, webhook.id, rows, by=by)
        return secret

    def disable(self, webhook_id: str, *, by: str, reason: str) -> None:
        """Disable a webhook, for good."""
        webhook = self.active(webhook_id)
        rows = self.store.disabling(webhook)
        self._commit("agency.webhook_disabled", webhook.agency_id, webhook.id, rows, by=by, reason=reason)

    def active(self, webhook_id: str) -> Webhook:
        """Return an active webhook. Raises OperatorError if there is none of that id."""
        found = self.store.get(webhook_id)
        if found is None or found.status != "active":
            raise OperatorError("no such active webhook: gatekeeper agency webhook list shows them")
        return found

    def open(self, webhook: Webhook) -> Opened:
        """Open a webhook's box. Raises StoreUnavailable."""
        url, kept = self._read(webhook)
        now = self.now()
        return Opened(url, tuple(secret for secret, end in kept if end is None or now < end))

    def _sealed(self, webhook_id: str, url: str, kept: Sequence[tuple[str, datetime | None]]) -> bytes:
        signing = [[secret, None if end is None else end.isoformat()] for secret, end in kept]
        return self.key().seal(webhook_id, json.dumps({"url": url, "secrets": signing}))

    def _read(self, webhook: Webhook) -> tuple[str, list[tuple[str, datetime | None]]]:
        text = self.key().open(webhook.id, webhook.box)
        try:
            held = json.loads(text)
            kept = [(secret, end and datetime.fromisoformat(end)) for secret, end in held["secrets"]]
            return held["url"], kept
        except (ValueError, KeyError, TypeError):
            raise StoreUnavailable("a webhook's box does not hold what it should") from None

    def _commit(
        self, event: str, agency_id: str, webhook_id: str, rows: Sequence[Row], **private: Json
    ) -> None:
        draft = Draft(
            event=event,
            ref=f"event_{secrets.token_hex(12)}",
            clear={"agency": agency_id, "webhook": webhook_id},
            secret=private,
            detail={},
        )
        self.ledger.append(draft, rows)


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")
