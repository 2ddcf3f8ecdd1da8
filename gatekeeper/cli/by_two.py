"""A change of an agency, a client or a key by a command: made at once, or proposed where the law wants two.

Guarantees: as ``oversight.changing``; the operator at the shell is nobody where two people are wanted, so
whoever proposes proves who they are (``persons``), and learns what the second person types. So does whoever
does alone what a member of staff does, never the operator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from gatekeeper.cli.opened import operator
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.errors import OperatorError
from gatekeeper.oversight.changes import BY_STAFF, Change, Done
from gatekeeper.parts import changing
from gatekeeper.state import State


@dataclass(frozen=True, slots=True)
class AtTheShell:
    """Who types a command, and why: asked for only where two people are wanted."""

    username: str | None = None
    reason: str | None = None


def who_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of who types it and why, as ``who``."""

    @wraps(command)
    def asked(*arguments: Any, reason: str | None, username: str | None, **options: Any) -> None:
        command(*arguments, who=AtTheShell(username, reason), **options)

    why = click.option("--reason", help="Why, in a sentence; wanted where the city's law wants two people.")
    return why(as_option(asked))


def make(state: State, change: Change, who: AtTheShell) -> Done | None:
    """Make a change; None if it was only proposed, which is said. Raises OperatorError, LedgerUnavailable."""
    acts = changing(state)
    two = acts.takes_two(change)
    if not two and change.act not in BY_STAFF:
        return acts.alone(change, by=operator(), reason=who.reason)
    if who.reason is None:
        raise OperatorError(
            "the city's law wants two people for this: say why, and who you are: --reason … --as USER"
        )
    person = proved(state, who.username, "stop_sharing").account
    if not two:
        return acts.alone(change, person=person, reason=who.reason)
    _say_proposed(acts.propose(change, person, who.reason))
    return None


def alone(state: State, change: Change) -> Done:
    """Make a change that takes one person. Raises OperatorError where two are wanted, LedgerUnavailable."""
    return changing(state).alone(change, by=operator())


def _say_proposed(proposal_id: str) -> None:
    """Say what was proposed, and what the second person types."""
    click.echo(f"proposed ({proposal_id}); nothing is changed until another person confirms it:")
    click.echo(f"  gatekeeper agency confirm {proposal_id} --reason …")
