"""``gatekeeper staff``: who of the city may sign in to the console, and in which role."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.review.roles import ROLES, Role
from gatekeeper.review.secrets import (
    hash_password,
    new_recovery_codes,
    new_totp_secret,
    provisioning_uri,
    recovery_code_sha256,
)
from gatekeeper.state import State
from gatekeeper.store import StaffAccount
from gatekeeper.store import staff as accounts

_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,63}\Z")


@dataclass(frozen=True, slots=True)
class Made:
    """An account and its secrets, which are not kept anywhere else."""

    account: StaffAccount
    password: str
    totp_secret: str
    recovery_codes: tuple[str, ...]


@click.group()
def staff() -> None:
    """Add, show and remove accounts of the city's staff."""


@staff.command()
@click.argument("username")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--agency", "agency_id", help="The registered agency they belong to: they rule on none of its.")
@json_option
@data_option
def add(
    data: Path | None, username: str, name: str, role: Role, agency_id: str | None, *, as_json: bool
) -> None:
    """Add an account; its password, authenticator secret and recovery codes are printed once."""
    with city(data) as state:
        made = register(state, username, name=name, role=role, agency_id=agency_id)
        origin = state.log_key.origin
    show_one({**_row(made.account), **_secrets(made, origin)}, as_json=as_json)


@staff.command("list")
@json_option
@data_option
def list_(data: Path | None, *, as_json: bool) -> None:
    """List accounts, removed ones too."""
    with city(data) as state:
        rows = [_row(found) for found in state.staff.all()]
    show(rows, as_json=as_json)


@staff.command()
@click.argument("username")
@reason_option
@json_option
@data_option
def reset(data: Path | None, username: str, reason: str, *, as_json: bool) -> None:
    """Give an account a new password, authenticator secret and recovery codes; every session of it ends."""
    with city(data) as state:
        made = renew(state, _known(state, username), reason)
        origin = state.log_key.origin
    show_one({"username": made.account.username, **_secrets(made, origin)}, as_json=as_json)


@staff.command()
@click.argument("username")
@reason_option
@data_option
def remove(data: Path | None, username: str, reason: str) -> None:
    """Remove an account for good: every session of it ends with its next request."""
    with city(data) as state:
        found = _known(state, username)
        _commit(state, "staff.removed", found, accounts.change(found, status="removed"), reason=reason)
        state.staff.end_sessions(found.id)
    click.echo(f"{found.username} is removed")


def register(state: State, username: str, *, name: str, role: Role, agency_id: str | None = None) -> Made:
    """Add an account with fresh secrets. Raises OperatorError, LedgerUnavailable."""
    if not _USERNAME.match(username):
        raise OperatorError("a user name is 2 to 64 small letters, digits, dots and dashes, a letter first")
    if not name.strip() or not name.isprintable():
        raise OperatorError('say who it is: --name "Pat Sample"')
    if state.staff.find(username) is not None:
        raise OperatorError(f"{username} was given to somebody before: choose another user name")
    account = StaffAccount(
        id=f"staff_{secrets.token_hex(12)}",
        username=username,
        name=name.strip(),
        role=role,
        agency_id=None if agency_id is None else known(state, agency_id).id,
        status="active",
        password_hash="",
        totp_box=b"",
    )
    made = _secrets_for(state, account)
    _commit(state, "staff.added", account, accounts.add(made.account))
    _settle(state, made)
    return made


def renew(state: State, found: StaffAccount, reason: str) -> Made:
    """Give an account new secrets and end its sessions. Raises OperatorError, LedgerUnavailable."""
    made = _secrets_for(state, found)
    rows = accounts.change(found, password_hash=made.account.password_hash, totp_box=made.account.totp_box)
    _commit(state, "staff.changed", found, rows, reason=reason)
    _settle(state, made)
    return made


def _secrets_for(state: State, account: StaffAccount) -> Made:
    password, secret = secrets.token_urlsafe(18), new_totp_secret()
    sealed = StaffAccount(
        id=account.id,
        username=account.username,
        name=account.name,
        role=account.role,
        agency_id=account.agency_id,
        status=account.status,
        password_hash=hash_password(password),
        totp_box=state.staff_key().seal(account.id, secret),
    )
    return Made(sealed, password, secret, tuple(new_recovery_codes()))


def _settle(state: State, made: Made) -> None:
    """Put in place what is not part of the log: codes for recovery, and no session of before."""
    state.staff.replace_recovery_codes(
        made.account.id, [recovery_code_sha256(code) for code in made.recovery_codes]
    )
    state.staff.end_sessions(made.account.id)


def _commit(
    state: State, event: str, account: StaffAccount, rows: tuple[Row, ...], *, reason: str | None = None
) -> None:
    private: dict[str, Json] = {"subject": account.id, "by": operator()}
    if reason is not None:
        private["reason"] = reason
    draft = Draft(event=event, ref=f"event_{secrets.token_hex(12)}", clear={}, secret=private, detail={})
    state.ledger.append(draft, rows)


def _known(state: State, username: str) -> StaffAccount:
    found = state.staff.find(username)
    if found is None:
        raise OperatorError("no such account: gatekeeper staff list shows them")
    return found


def _row(found: StaffAccount) -> dict[str, Any]:
    return {
        "username": found.username,
        "name": found.name,
        "role": found.role,
        "agency": found.agency_id,
        "status": found.status,
    }


def _secrets(made: Made, city_name: str) -> dict[str, Any]:
    return {
        "password": made.password,
        "totp_secret": made.totp_secret,
        "authenticator": provisioning_uri(made.totp_secret, made.account.username, city_name),
        "recovery_codes": list(made.recovery_codes),
    }
