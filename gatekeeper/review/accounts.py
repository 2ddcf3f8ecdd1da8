"""An account of a member of staff, and what sign-in needs of whoever keeps accounts.

Every attribute is read-only here, so the store's frozen values fit without knowing about this file.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Account(Protocol):
    """A member of the city's staff. ``agency_id`` names the registered agency that they belong to, if any."""

    @property
    def id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def agency_id(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def password_hash(self) -> str: ...
    @property
    def totp_box(self) -> bytes: ...


class Session(Protocol):
    """A signed-in browser. ``proved_at`` is when the person last proved who they are."""

    @property
    def account(self) -> Account: ...
    @property
    def began_at(self) -> datetime: ...
    @property
    def proved_at(self) -> datetime: ...
    @property
    def id_token_box(self) -> bytes | None: ...


class Accounts(Protocol):
    """Keeps accounts. Each raises StoreUnavailable, nothing else."""

    def find(self, username: str, /) -> Account | None:
        """Return the account of that user name, or None."""

    def locked_until(self, account_id: str, /) -> datetime | None:
        """Return until when sign-in is refused, or None."""

    def failed(self, account_id: str, /, *, most: int, until: datetime) -> bool:
        """Count one more failure; with the *most*-th in a row lock until then, and return whether it did."""

    def succeeded(self, account_id: str, /, *, step: int | None) -> bool:
        """Forget failures and use up the time step; False if that step, or a later one, was used before."""

    def use_recovery_code(self, account_id: str, code_sha256: bytes, /) -> bool:
        """Use up a recovery code; False if there is none such (any more)."""
