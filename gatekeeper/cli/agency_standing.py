"""``gatekeeper agency suspend | reinstate | close | confirm | withdraw | proposals``: how an agency stands.

To suspend takes one person and works at once. To reinstate takes two members of staff, each with their
password and code, where the city's law has not said otherwise; what else takes two, it says too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import agency, known
from gatekeeper.cli.by_two import AtTheShell, make
from gatekeeper.cli.issuer_key_sets import fetch_published
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.errors import OperatorError
from gatekeeper.oversight import agencies
from gatekeeper.oversight.changes import Change, Proposal
from gatekeeper.oversight.changing import Changing
from gatekeeper.parts import changing, closing
from gatekeeper.state import State
from gatekeeper.store import administration


@agency.command()
@click.argument("agency_id")
@reason_option
@data_option
def suspend(data: Path | None, agency_id: str, reason: str) -> None:
    """Suspend an agency: it is denied, with this as the reason, from its next request on."""
    with city(data) as state:
        found = known(state, agency_id)
        agencies.suspend(
            state.ledger,
            administration,
            found,
            reason=reason,
            by=operator(),
            also=changing(state).clearing(found.id),
        )
    click.echo(f"{found.id} is suspended from its next request on")


@agency.command()
@click.argument("agency_id")
@reason_option
@as_option
@data_option
def reinstate(data: Path | None, agency_id: str, reason: str, username: str | None) -> None:
    """Propose to reinstate a suspended agency; another person confirms it within seven days."""
    with city(data) as state:
        found = known(state, agency_id)
        done = make(state, Change("reinstate_agency", found.id), AtTheShell(username, reason))
    if done is not None:
        click.echo(f"{found.id} is active from its next request on")


@agency.command()
@click.argument("agency_id")
@reason_option
@as_option
@data_option
def close(data: Path | None, agency_id: str, reason: str, username: str | None) -> None:
    """Close an agency for good, with its clients, keys, webhooks and links: refused from the next request."""
    with city(data) as state:
        found = known(state, agency_id)
        ended = closing(state).having(state.registry.snapshot(), found.id).named()
        done = make(state, Change("close_agency", found.id), AtTheShell(username, reason))
    if done is None:
        return
    click.echo(f"{found.id} is closed from its next request on, and with it:")
    for what, names in ended.items():
        click.echo(f"  {what}: {', '.join(map(str, names)) if isinstance(names, list) and names else 'none'}")
    click.echo("what the log and the registry hold about it stays: gatekeeper ledger show, agency show")


@agency.command()
@click.argument("proposal")
@reason_option
@as_option
@data_option
def confirm(data: Path | None, proposal: str, reason: str, username: str | None) -> None:
    """Confirm, as the second person, what another proposed: PROPOSAL, or the agency it is about."""
    with city(data) as state:
        acts = changing(state)
        waiting = _waiting(acts, state, proposal)
        _say(state, acts, waiting)
        person = proved(state, username, "stop_sharing").account
        done = acts.confirm(waiting.id, person, reason)
        if "issuer" in done.made:
            fetch_published(state, done.made["issuer"])
    click.echo(f"done: {_words(waiting)}")
    for name, value in done.made.items():
        click.echo(f"{name:<14} {value}")
    if "client_secret" in done.made:
        click.echo("the secret is shown once and kept nowhere: hand it over now", err=True)


@agency.command()
@click.argument("proposal")
@reason_option
@as_option
@data_option
def withdraw(data: Path | None, proposal: str, reason: str, username: str | None) -> None:
    """Withdraw what was proposed (PROPOSAL, or the agency it is about): everything stays as it is."""
    with city(data) as state:
        acts = changing(state)
        waiting = _waiting(acts, state, proposal)
        acts.withdraw(waiting.id, proved(state, username, "stop_sharing").account, reason)
    click.echo(f"{waiting.id} is withdrawn; nothing was changed")


@agency.command()
@json_option
@data_option
def proposals(data: Path | None, *, as_json: bool) -> None:
    """List what was proposed about agencies, clients and keys, decided ones too."""
    with city(data) as state:
        acts, snapshot = changing(state), state.registry.snapshot()
        rows: list[dict[str, Any]] = [
            {
                "proposal": found.id,
                "agency": found.agency_id,
                "act": found.act,
                "state": acts.state(found, snapshot),
                "by": _username(state, found.proposed_by),
                "at": found.proposed_at.isoformat(),
                "until": found.expires_at.isoformat(),
            }
            for found in acts.store.all()
        ]
    show(rows, as_json=as_json)


def _waiting(acts: Changing, state: State, named: str) -> Proposal:
    """Return what waits by its own id, or as the only thing that waits about an agency."""
    found = acts.store.get(named)
    if found is not None:
        return found
    about = state.registry.agency(named)
    waiting = acts.waiting(named if about is None else about.id)
    if not waiting:
        raise OperatorError(f"nothing is proposed for {named}: gatekeeper agency proposals shows what is")
    if len(waiting) > 1:
        listed = ", ".join(f"{one.id} ({_words(one)})" for one in waiting)
        raise OperatorError(f"several changes wait; name one: {listed}")
    return waiting[0]


def _say(state: State, acts: Changing, waiting: Proposal) -> None:
    """Say what is to be confirmed, by whom and why it was proposed, as its entry has it."""
    said = acts.said(waiting)
    click.echo(
        f"{_words(waiting)}, proposed at {waiting.proposed_at:%Y-%m-%d %H:%M} UTC by ", nl=False, err=True
    )
    click.echo(f"{_username(state, waiting.proposed_by)}: “{said.reason}”", err=True)
    for name, value in said.change.content.items():
        click.echo(f"  {name}: {value}", err=True)


def _words(waiting: Proposal) -> str:
    return f"{waiting.act.replace('_', ' ')} of {waiting.agency_id}"


def _username(state: State, account_id: str) -> str:
    account = state.staff.get(account_id)
    return account_id if account is None else account.username
