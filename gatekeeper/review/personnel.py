"""Accounts of the city's staff: made, given new secrets, given another role, removed.

The one place for it: the command line and the console both come here. Guarantees: a change is committed with
the entry that tells of it, who made it and why; what an account was given before is worth nothing after, and
its sessions end; nobody changes their own account but for its secrets, and whoever changes another's in the
console is an administrator still when the change is committed, so there is always one; an account is removed
for good, and its name is given to nobody else. Who signs in with the identity provider has no secrets here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Draft, Json, Ledger, Row
from gatekeeper.review.accounts import Account
from gatekeeper.review.roles import ROLES, may
from gatekeeper.review.secrets import (
    SecretsKey,
    hash_password,
    new_recovery_codes,
    new_totp_secret,
    recovery_code_sha256,
)

_USERNAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,63}\Z")
_LONGEST_NAME: Final = 200
_SUBJECT: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")  # OpenID Connect Core 1.0 section 2


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as it is made, before the store has it."""

    id: str
    username: str
    name: str
    role: str
    agency_id: str | None
    status: str
    password_hash: str = field(default="", repr=False)
    totp_box: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """An account and its secrets, which are not kept anywhere else; none if the provider knows the person."""

    account: Account
    password: str = field(default="", repr=False)
    totp_secret: str = field(default="", repr=False)
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)


class Roll(Protocol):
    """Keeps accounts. Each raises StoreUnavailable, nothing else."""

    def find(self, username: str, /) -> Account | None:
        """Return the account of that user name, or None."""

    def replace_recovery_codes(self, account_id: str, codes_sha256: Sequence[bytes], /) -> None:
        """Make these the account's recovery codes; those before are worth nothing."""

    def end_sessions(self, account_id: str, /, *, but: str | None = None) -> None:
        """Forget every session of an account, but for the one that is named."""


class Identities(Protocol):
    """Keeps who an account is at the identity provider."""

    def bind(self, issuer: str, subject: str, account_id: str, /) -> tuple[Row, ...]:
        """Return the row that says who an account is. Raises OperatorError if another account is that."""


class Changes(Protocol):
    """Makes the rows of a change."""

    def add(self, account: Account, /) -> tuple[Row, ...]:
        """Return the rows of a new account."""

    def change(self, account: Account, /, **columns: object) -> tuple[Row, ...]:
        """Return the row that changes an account. Raises OperatorError for one that was removed."""

    def still(self, account: Account, /) -> tuple[Row, ...]:
        """Return a row that changes nothing, and is refused unless the account is as it was read."""

    def counts(self, account: Account, /, **columns: object) -> tuple[Row, ...]:
        """Return the row that changes how an account's sign-ins count."""


@dataclass(frozen=True, slots=True)
class Personnel:
    """Changes accounts. Each method raises OperatorError, Superseded, or an Unavailable: nothing was done."""

    roll: Roll
    identities: Identities
    changes: Changes
    ledger: Ledger
    key: Callable[[], SecretsKey]
    issuer: str
    """Of the city's identity provider; empty if there is none."""

    def add(
        self,
        username: str,
        *,
        name: str,
        role: str,
        by: Account | str,
        agency_id: str | None = None,
        subject: str | None = None,
    ) -> Made:
        """Add an account: with fresh secrets, or of this *subject* of the identity provider."""
        if not _USERNAME.match(username):
            raise OperatorError(
                "a user name is 2 to 64 small letters, digits, dots and dashes, a letter first"
            )
        if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
            raise OperatorError("say who it is, by name, as Pat Sample")
        if self.roll.find(username) is not None:
            raise OperatorError("the user name was given to somebody before: choose another")
        account = NewAccount(
            f"staff_{secrets.token_hex(12)}", username, name.strip(), _role(role), agency_id, "active"
        )
        bound: tuple[Row, ...] = ()
        if subject is None:
            made = self._secrets(account)
        else:
            made, bound = Made(account), self._bound(subject, account)
        self._commit("staff.added", made.account, (*self.changes.add(made.account), *bound), by=by, role=role)
        self._settle(made)
        return made

    def renew(self, account: Account, *, reason: str, by: Account | str) -> Made:
        """Give an account new secrets, whatever it had, and unlock it."""
        if not account.password_hash:
            raise OperatorError("the account signs in with the identity provider: its secrets are there")
        _of_another(account, by)
        made = self._secrets(account)
        rows = self.changes.change(
            account, password_hash=made.account.password_hash, totp_box=made.account.totp_box
        )
        rows += self.changes.counts(account, failures=0, locked_until=None)
        self._commit("staff.changed", account, rows, by=by, reason=reason, what="secrets")
        self._settle(made)
        return made

    def change_role(self, account: Account, role: str, *, reason: str, by: Account | str) -> None:
        """Give an account another role."""
        _of_another(account, by)
        if role == account.role:
            raise OperatorError("the account has that role already")
        rows = self.changes.change(account, role=_role(role))
        self._commit("staff.changed", account, rows, by=by, reason=reason, what="role", role=role)
        self.roll.end_sessions(account.id)

    def remove(self, account: Account, *, reason: str, by: Account | str) -> None:
        """Remove an account for good."""
        _of_another(account, by)
        self._commit(
            "staff.removed", account, self.changes.change(account, status="removed"), by=by, reason=reason
        )
        self.roll.end_sessions(account.id)

    # --- What a person changes of their own account, in a session that goes on. ---------------------------

    def set_password(self, account: Account, password: str, *, session: str) -> None:
        """Give an account another password."""
        rows = self.changes.change(account, password_hash=hash_password(password))
        self._commit("staff.changed", account, rows, by=account.id, what="password")
        self.roll.end_sessions(account.id, but=session)

    def set_totp(self, account: Account, secret: str, step: int, *, session: str) -> None:
        """Give an account another secret for codes; the one that was shown to confirm it is used up."""
        rows = self.changes.change(account, totp_box=self.key().seal(account.id, secret))
        rows += self.changes.counts(account, last_step=step)
        self._commit("staff.changed", account, rows, by=account.id, what="authenticator")
        self.roll.end_sessions(account.id, but=session)

    def set_recovery_codes(self, account: Account, *, session: str) -> tuple[str, ...]:
        """Return new recovery codes, in place of all that there were."""
        codes = tuple(new_recovery_codes())
        self._commit(
            "staff.changed", account, self.changes.still(account), by=account.id, what="recovery_codes"
        )
        self.roll.replace_recovery_codes(account.id, [recovery_code_sha256(code) for code in codes])
        self.roll.end_sessions(account.id, but=session)
        return codes

    # ------------------------------------------------------------------------------------------------------

    def _bound(self, subject: str, account: Account) -> tuple[Row, ...]:
        if not self.issuer:
            raise OperatorError("the city has no identity provider: set GATEKEEPER_OIDC_ISSUER first")
        if not _SUBJECT.match(subject):
            raise OperatorError(
                "a subject is what the identity provider calls the person: 1 to 255 characters"
            )
        return self.identities.bind(self.issuer, subject, account.id)

    def _secrets(self, account: Account) -> Made:
        password, secret = secrets.token_urlsafe(18), new_totp_secret()
        sealed = NewAccount(
            account.id,
            account.username,
            account.name,
            account.role,
            account.agency_id,
            account.status,
            hash_password(password),
            self.key().seal(account.id, secret),
        )
        return Made(sealed, password, secret, tuple(new_recovery_codes()))

    def _settle(self, made: Made) -> None:
        """Put in place what is not part of the log: codes for recovery, and no session of before."""
        if made.recovery_codes:
            hashed = [recovery_code_sha256(code) for code in made.recovery_codes]
            self.roll.replace_recovery_codes(made.account.id, hashed)
        self.roll.end_sessions(made.account.id)

    def _commit(
        self, event: str, account: Account, rows: tuple[Row, ...], *, by: Account | str, **private: Json
    ) -> None:
        actor = by if isinstance(by, str) else by.id
        # An administrator who was removed, or lost the role, a moment ago changes nothing any more.
        witness = () if isinstance(by, str) else self.changes.still(by)
        draft = Draft(
            event=event,
            ref=f"event_{secrets.token_hex(12)}",
            clear={},
            secret={"subject": account.id, "by": actor, **private},
            detail={},
        )
        self.ledger.append(draft, (*witness, *rows))


def _of_another(account: Account, by: Account | str) -> None:
    """Refuse whoever would change their own account, or may change none. Raises OperatorError."""
    if isinstance(by, str):
        return  # the operator at the server's own shell
    if not may(by.role, "manage_staff"):
        raise OperatorError("your role does not manage accounts")
    if by.id == account.id:
        raise OperatorError("nobody changes their own account: ask another administrator")


def _role(role: str) -> str:
    if role not in ROLES:
        raise OperatorError("no such role")
    return role
