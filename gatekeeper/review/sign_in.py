"""Name, password and code → a member of staff, or one of a few reasons that only the city's log hears.

The procedure: (1) find the account, (2) refuse while it is locked, (3) check the password, (4) check the
time-based code or use up a recovery code, (5) forget the failures. Guarantees: the answer and the work are
the same for a user name that does not exist and for a wrong password; a code is good once, in every process;
ten failures in a row lock the account for a quarter of an hour, whichever of the two was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from gatekeeper.review.accounts import Account, Accounts
from gatekeeper.review.secrets import SecretsKey, password_fits, recovery_code_sha256, step_of

MOST_FAILURES: Final = 10
LOCKED_FOR: Final = timedelta(minutes=15)

Reason = Literal["unknown", "disabled", "locked", "password", "code"]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who proved who they are. Made only here."""

    account: Account
    by: Literal["code", "recovery_code"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Sign-in was refused; ``locked`` says that this failure locked the account."""

    reason: Reason
    account: Account | None = None
    locked: bool = False


def sign_in(
    accounts: Accounts, key: SecretsKey, *, username: str, password: str, code: str, at: datetime
) -> SignedIn | Refused:
    """Check a member of staff's name, password and code. Raises StoreUnavailable."""
    # (1) Who it is said to be; for nobody the same work is done.
    account = accounts.find(username)
    active = account is not None and account.status == "active"
    # (2) A locked account is not tried: who guesses must wait.
    locked = False
    if account is not None:
        until = accounts.locked_until(account.id)
        locked = until is not None and at < until
    # (3) The password, whatever was found.
    fits = password_fits(password, (account.password_hash or None) if account is not None else None)
    if account is None or not account.password_hash:
        return Refused("unknown")  # nobody, or somebody who signs in with the identity provider alone
    if locked:
        return Refused("locked", account)
    if not active:
        return Refused("disabled", account)
    if not fits:
        return _failed(accounts, account, "password", at)
    # (4) Something they have: a code of this half minute, once, or a recovery code, once.
    step = step_of(key.open(account.id, account.totp_box), code, at)
    if step is not None:
        if not accounts.succeeded(account.id, step=step):
            return _failed(accounts, account, "code", at)
        return SignedIn(account, "code")
    if accounts.use_recovery_code(account.id, recovery_code_sha256(code)):
        # (5) Failures are forgotten.
        accounts.succeeded(account.id, step=None)
        return SignedIn(account, "recovery_code")
    return _failed(accounts, account, "code", at)


def _failed(accounts: Accounts, account: Account, reason: Reason, at: datetime) -> Refused:
    locked = accounts.failed(account.id, most=MOST_FAILURES, until=at + LOCKED_FOR)
    return Refused(reason, account, locked=locked)
