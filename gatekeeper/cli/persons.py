"""Who of the city's staff is at the keyboard: a command that changes the law asks them to prove it.

The operator at the server's shell is nobody in the life cycle of the law: whoever proposes, approves, rejects
or rolls back is a member of staff, with their password and a code of their authenticator, as in the console.
Guarantees: the proof is ``review.sign_in``'s, so a wrong one counts toward the same lock-out and a code is
good once; it is in the log before anything follows from it; two people are two accounts; nothing typed is
shown, and no secret is taken from the command line's arguments, which every process can read.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import click

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Draft
from gatekeeper.review.accounts import Account
from gatekeeper.review.roles import ACTS, Act, may
from gatekeeper.review.sign_in import Reason, Refused, SignedIn, sign_in
from gatekeeper.state import State

as_option = click.option(
    "--as",
    "username",
    metavar="USER",
    help="Your user name [default: it is asked for]; password and code are asked for, and not shown.",
)
"""Who proves themselves, for a command that needs one person."""

two_as_option = click.option(
    "--as",
    "usernames",
    metavar="USER",
    multiple=True,
    help="The two people's user names, given twice [default: they are asked for].",
)
"""Who prove themselves, for a command that needs two."""

_CONSOLE: Final = "do it in the console, where the provider signs them in"
_WRONG: Final = "that is not the password and a new code of {username}: nothing was done"
_USED: Final = f"{_WRONG}; a code is good once, so wait for the next one if it was used"
_LOCKED: Final = (
    "{username} is locked after too many failures: wait a quarter of an hour, or have "
    "`gatekeeper staff reset` give new secrets"
)
_REMOVED: Final = "{username} was removed: gatekeeper staff list shows who is there"
_WHY: Final[dict[Reason, str]] = {
    "unknown": _WRONG,
    "password": _WRONG,
    "code": _USED,
    "locked": _LOCKED,
    "disabled": _REMOVED,
}


def proved(state: State, username: str | None, act: Act) -> SignedIn:
    """Ask one person to prove who they are, and that they may do *act*. Raises OperatorError."""
    return _proved(state, _known(state, username, "Your user name"), act)


def two_proved(state: State, usernames: Sequence[str], act: Act) -> tuple[SignedIn, SignedIn]:
    """Ask two different people, one after the other; who is not named is asked for. Raises OperatorError."""
    if len(usernames) > 2:
        raise OperatorError("two people, no more: --as USER --as USER")
    named = [*usernames, None, None][:2]
    asked = ("User name of the first person", "User name of the second person")
    first, second = (_known(state, name, ask) for name, ask in zip(named, asked, strict=True))
    if first.id == second.id:
        raise OperatorError("it takes two different people: the second must be somebody else")
    for account in (first, second):
        _refuse(state, account, act)  # before the first has typed anything in vain
    return _proved(state, first, act), _proved(state, second, act)


def _known(state: State, username: str | None, asked: str) -> Account:
    """Return the account of a user name, which is asked for if none was given."""
    name = username if username is not None else click.prompt(asked, err=True)
    found = state.staff.find(str(name).strip())
    if found is None:
        raise OperatorError("no such account: gatekeeper staff list shows them")
    return found


def _refuse(state: State, account: Account, act: Act) -> None:
    """Say at once why this account cannot be used here, whatever would be typed. Raises OperatorError."""
    if account.status != "active":
        raise OperatorError(_REMOVED.format(username=account.username))
    if not may(account.role, act):
        raise OperatorError(f"{account.username} is {account.role}, who may not {ACTS[act]}")
    if not account.password_hash:
        raise OperatorError(
            f"{account.username} signs in with the city's identity provider, which cannot be asked here: "
            f"{_CONSOLE}"
        )
    if state.settings.oidc_issuer and not state.settings.oidc_local_sign_in:
        raise OperatorError(
            "the city's staff sign in with its identity provider, and no longer by password: "
            f"{_CONSOLE}, or set GATEKEEPER_OIDC_LOCAL_SIGN_IN=true for an emergency"
        )


def _proved(state: State, account: Account, act: Act) -> SignedIn:
    _refuse(state, account, act)
    password = click.prompt(f"Password of {account.username}", hide_input=True, err=True)
    code = click.prompt(f"Code of {account.username}'s authenticator", hide_input=True, err=True)
    outcome = sign_in(
        state.staff,
        state.staff_key(),
        username=account.username,
        password=password,
        code=code.strip(),
        at=state.clock.now(),
    )
    if isinstance(outcome, Refused):
        raise OperatorError(_WHY[outcome.reason].format(username=account.username))
    _log(state, outcome)
    return outcome


def _log(state: State, person: SignedIn) -> None:
    """Put the proof in the log. Raises LedgerUnavailable: then nobody has proved anything."""
    draft = Draft(
        event="staff.signed_in",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={"by": person.account.id, "method": f"command_line_{person.by}"},
        detail={},
    )
    state.ledger.append(draft)
