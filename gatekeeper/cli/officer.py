"""``gatekeeper officer``: who of an agency may not ask, from their next request on."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show
from gatekeeper.exchange.decide import knows
from gatekeeper.oversight.officers import Officers
from gatekeeper.parts import laws_in_force
from gatekeeper.state import State
from gatekeeper.store import administration


@click.group()
def officer() -> None:
    """Suspend, reinstate and list officers."""


@officer.command()
@click.argument("agency_id")
@click.argument("badge")
@reason_option
@data_option
def suspend(data: Path | None, agency_id: str, badge: str, reason: str) -> None:
    """Suspend the officer of AGENCY_ID with BADGE: denied from the next request on, in every worker."""
    with city(data) as state:
        agency = known(state, agency_id)
        officers(state).suspend(agency.id, badge, reason=reason, by=operator())
        unknown = _law_knows_none(state)
    click.echo(f"suspended; to end it: gatekeeper officer reinstate {agency.id} BADGE --reason …")
    if unknown:
        click.echo(
            "the law in force was made before officers were facts: until one made from this version's "
            "policies is active, this officer gets no answer (503) instead of a denial",
            err=True,
        )


@officer.command()
@click.argument("agency_id")
@click.argument("badge")
@reason_option
@data_option
def reinstate(data: Path | None, agency_id: str, badge: str, reason: str) -> None:
    """Let the suspended officer of AGENCY_ID with BADGE ask again."""
    with city(data) as state:
        agency = known(state, agency_id)
        officers(state).reinstate(agency.id, badge, reason=reason, by=operator())
    click.echo("reinstated from the next request on")


@officer.command()
@click.argument("suspension_id")
@reason_option
@data_option
def lift(data: Path | None, suspension_id: str, reason: str) -> None:
    """End the suspension SUSPENSION_ID, also one that a lost keys/officers.key keeps from being found."""
    with city(data) as state:
        officers(state).lift(suspension_id, reason=reason, by=operator())
    click.echo(f"{suspension_id} is lifted from the next request on")


@officer.command("list")
@click.option("--agency", "agency_id", help="Only those of one agency.")
@json_option
@data_option
def list_(data: Path | None, agency_id: str | None, *, as_json: bool) -> None:
    """List the officers who are suspended, since when, by whom and why."""
    with city(data) as state:
        only = known(state, agency_id).id if agency_id else None
        found = [one for one in officers(state).in_force() if only in (None, one.agency)]
    rows = [
        {"agency": o.agency, "badge": o.badge, "since": o.since, "by": o.by, "reason": o.reason, "id": o.id}
        for o in found
    ]
    show(rows, as_json=as_json)


def officers(state: State) -> Officers:
    """Return what suspends officers. Raises SettingsRefused, StoreUnavailable."""
    return Officers(
        state.ledger,
        state.registry,
        administration,
        state.officer_marks(),
        state.officers_box(),
        state.clock.now,
    )


def _law_knows_none(state: State) -> bool:
    if state.lifecycle().store.active() is None:
        return False
    return not knows(laws_in_force(state).now().bundle, "officer")
