"""``gatekeeper agency suspend | reinstate | confirm | withdraw | proposals | close``: how an agency stands.

To suspend or close takes one person and works at once. To reinstate takes two members of staff, each with
their password and code, where the city's law has not said otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import agency, known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.oversight import agencies
from gatekeeper.oversight.closing import Belongings
from gatekeeper.oversight.reinstating import Proposal, Reinstating
from gatekeeper.parts import city_settings, closing, reinstating, signing
from gatekeeper.state import State
from gatekeeper.store import Agency, administration
from gatekeeper.store.agency_life import Invitations, Proposals
from gatekeeper.store.webhooks import Webhooks

_TRIES = 3


@agency.command()
@click.argument("agency_id")
@reason_option
@data_option
def suspend(data: Path | None, agency_id: str, reason: str) -> None:
    """Suspend an agency: it is denied, with this as the reason, from its next request on."""
    with city(data) as state:
        found = known(state, agency_id)
        agencies.set_standing(
            state.ledger,
            administration,
            found,
            "suspended",
            reason=reason,
            by=operator(),
            also=_reinstating(state).clearing(found.id),
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
        found, acts = known(state, agency_id), _reinstating(state)
        if found.status != "suspended":
            raise OperatorError(f"the agency is {found.status}; nothing was changed")
        person = proved(state, username, "stop_sharing").account
        proposal_id = acts.propose(found, person, reason)
    if proposal_id is None:
        click.echo(f"{found.id} is active from its next request on")
        return
    click.echo(f"proposed ({proposal_id}); {found.id} stays suspended until another person confirms it:")
    click.echo(f"  gatekeeper agency confirm {found.id} --reason …")


@agency.command()
@click.argument("agency_id")
@reason_option
@as_option
@data_option
def confirm(data: Path | None, agency_id: str, reason: str, username: str | None) -> None:
    """Confirm, as the second person, that a suspended agency is reinstated."""
    with city(data) as state:
        found, acts = known(state, agency_id), _reinstating(state)
        waiting = _waiting(acts, found)
        click.echo(f"proposed at {waiting.proposed_at:%Y-%m-%d %H:%M} UTC{_why(state, waiting)}", err=True)
        person = proved(state, username, "stop_sharing").account
        acts.confirm(found, waiting, person, reason)
    click.echo(f"{found.id} is active from its next request on")


@agency.command()
@click.argument("agency_id")
@reason_option
@as_option
@data_option
def withdraw(data: Path | None, agency_id: str, reason: str, username: str | None) -> None:
    """Withdraw a proposal to reinstate an agency: it stays suspended."""
    with city(data) as state:
        found, acts = known(state, agency_id), _reinstating(state)
        waiting = _waiting(acts, found)
        acts.withdraw(found, waiting, proved(state, username, "stop_sharing").account, reason)
    click.echo(f"{waiting.id} is withdrawn; {found.id} stays suspended")


@agency.command()
@json_option
@data_option
def proposals(data: Path | None, *, as_json: bool) -> None:
    """List proposals to reinstate agencies, decided ones too."""
    with city(data) as state:
        now = state.clock.now()
        rows: list[dict[str, Any]] = [
            {
                "proposal": found.id,
                "agency": found.agency_id,
                "state": "expired" if found.state == "open" and now >= found.expires_at else found.state,
                "by": _username(state, found.proposed_by),
                "at": found.proposed_at.isoformat(),
                "until": found.expires_at.isoformat(),
            }
            for found in Proposals(state.database).all()
        ]
    show(rows, as_json=as_json)


@agency.command()
@click.argument("agency_id")
@reason_option
@data_option
def close(data: Path | None, agency_id: str, reason: str) -> None:
    """Close an agency for good, with its clients, keys, webhooks and links: refused from the next request."""
    with city(data) as state:
        found, ended = _closed(state, agency_id, reason)
    click.echo(f"{found.id} is closed from its next request on, and with it:")
    for what, names in ended.named().items():
        click.echo(f"  {what}: {', '.join(map(str, names)) if isinstance(names, list) and names else 'none'}")
    click.echo("what the log and the registry hold about it stays: gatekeeper ledger show, agency show")


def _closed(state: State, agency_id: str, reason: str) -> tuple[Agency, Belongings]:
    for _ in range(_TRIES):
        snapshot = state.registry.snapshot()
        found = snapshot.agency(agency_id) or known(state, agency_id)
        signs = signing(state, dict)
        links = [one for one in Invitations(state.database).all(found.id) if signs.state(one) == "open"]
        hooks = [hook for hook in Webhooks(state.database).all(found.id) if hook.status == "active"]
        having = Belongings.of(snapshot.clients(found.id), hooks, links)
        try:
            closing(state).close(
                found,
                having,
                _reinstating(state).clearing(found.id),
                reason=reason,
                by=operator(),
                at=state.clock.now(),
            )
        except Superseded:
            continue  # somebody changed it since it was read: read it again
        return found, having
    raise OperatorError("others keep changing this agency; nothing was changed: try again")


def _reinstating(state: State) -> Reinstating:
    return reinstating(state, lambda: city_settings(state))


def _waiting(acts: Reinstating, found: Agency) -> Proposal:
    waiting = acts.waiting(found.id)
    if waiting is None:
        raise OperatorError(
            f"nothing is proposed for {found.id}: propose it with gatekeeper agency reinstate {found.id}, "
            "and see gatekeeper agency proposals"
        )
    return waiting


def _why(state: State, proposal: Proposal) -> str:
    """Return by whom and why something was proposed, as its entry has it."""
    said = ""
    for entry in state.ledger.entries_of(proposal.ref):
        told = agencies.told(state.ledger, entry)
        said = "" if told.reason is None else f": “{told.reason}”"
    return f" by {_username(state, proposal.proposed_by)}{said}"


def _username(state: State, account_id: str) -> str:
    account = state.staff.get(account_id)
    return account_id if account is None else account.username
