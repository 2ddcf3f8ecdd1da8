"""``gatekeeper staff``: who of the city may sign in to the console, and in which role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.review.accounts import Account
from gatekeeper.review.personnel import Made
from gatekeeper.review.roles import ROLES, Role
from gatekeeper.review.secrets import provisioning_uri
from gatekeeper.state import State
from gatekeeper.store import StaffAccount

__all__ = ["Made", "register", "renew", "staff"]


@click.group()
def staff() -> None:
    """Add, show, change and remove accounts of the city's staff."""


@staff.command()
@click.argument("username")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--agency", "agency_id", help="The registered agency they belong to: they rule on none of its.")
@click.option("--identity", "subject", help="Who they are at the city's identity provider: no password then.")
@json_option
@data_option
def add(
    data: Path | None,
    username: str,
    name: str,
    role: Role,
    agency_id: str | None,
    subject: str | None,
    *,
    as_json: bool,
) -> None:
    """Add an account; its password, authenticator secret and recovery codes are printed once."""
    with city(data) as state:
        made = register(state, username, name=name, role=role, agency_id=agency_id, subject=subject)
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


@staff.command("role")
@click.argument("username")
@click.argument("role", type=click.Choice(ROLES))
@reason_option
@data_option
def role_(data: Path | None, username: str, role: Role, reason: str) -> None:
    """Give an account another role: every session of it ends."""
    with city(data) as state:
        found = _known(state, username)
        state.personnel().change_role(found, role, reason=reason, by=operator())
    click.echo(f"{found.username} is {role} now")


@staff.command()
@click.argument("username")
@reason_option
@data_option
def remove(data: Path | None, username: str, reason: str) -> None:
    """Remove an account for good: every session of it ends with its next request."""
    with city(data) as state:
        found = _known(state, username)
        state.personnel().remove(found, reason=reason, by=operator())
    click.echo(f"{found.username} is removed")


def register(
    state: State,
    username: str,
    *,
    name: str,
    role: Role,
    agency_id: str | None = None,
    subject: str | None = None,
) -> Made:
    """Add an account. Raises OperatorError, LedgerUnavailable."""
    return state.personnel().add(
        username,
        name=name,
        role=role,
        by=operator(),
        agency_id=None if agency_id is None else known(state, agency_id).id,
        subject=subject,
    )


def renew(state: State, found: StaffAccount, reason: str) -> Made:
    """Give an account new secrets and end its sessions. Raises OperatorError, LedgerUnavailable."""
    return state.personnel().renew(found, reason=reason, by=operator())


def _known(state: State, username: str) -> StaffAccount:
    found = state.staff.find(username)
    if found is None:
        raise OperatorError("no such account: gatekeeper staff list shows them")
    return found


def _row(found: Account) -> dict[str, Any]:
    return {
        "username": found.username,
        "name": found.name,
        "role": found.role,
        "agency": found.agency_id,
        "status": found.status,
        "signs_in": "password" if found.password_hash else "provider",
    }


def _secrets(made: Made, city_name: str) -> dict[str, Any]:
    if not made.password:
        return {}
    return {
        "password": made.password,
        "totp_secret": made.totp_secret,
        "authenticator": provisioning_uri(made.totp_secret, made.account.username, city_name),
        "recovery_codes": list(made.recovery_codes),
    }
