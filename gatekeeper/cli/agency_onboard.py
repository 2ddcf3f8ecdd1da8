"""``gatekeeper agency onboard`` and ``change``: an agency is taken in whole, and its record kept right.

Guided in a terminal, or from a file. Guarantees: nothing is written before everything was asked, checked and
confirmed, so whoever ends it before leaves nothing behind (see ``onboarding`` for what follows).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import agency, known, misfits
from gatekeeper.cli.by_two import AtTheShell, make, who_options
from gatekeeper.cli.onboarding import (
    MOST_CONTACTS,
    Application,
    Fault,
    Taken,
    clashes,
    faults_of,
    missing,
    refuse,
    take_in,
)
from gatekeeper.cli.onboarding_asked import ask
from gatekeeper.cli.onboarding_file import EXAMPLE, read
from gatekeeper.cli.opened import city, data_option, day_option, reason_option
from gatekeeper.cli.persons import as_option
from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.notices.told import is_address
from gatekeeper.oversight.changes import Change
from gatekeeper.oversight.registering import FLAG
from gatekeeper.parts import first_settings
from gatekeeper.state import State


@agency.command()
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take it from this file (YAML or JSON) instead of asking.",
)
@click.option("--check", "only_check", is_flag=True, help="Only check; enter nothing.")
@click.option("--example", is_flag=True, help="Print an example of such a file.")
@who_options
@data_option
def onboard(
    data: Path | None,
    file: Path | None,
    who: AtTheShell,
    *,
    only_check: bool,
    example: bool,
) -> None:
    """Take an agency in: registry, contacts, 287(g) flag with its source, papers, client and keys.

    Asks each thing, or takes all of it from --file. Run again after a mishap, or once another person has
    confirmed what takes two, it enters what is missing.
    """
    if example:
        click.echo(EXAMPLE, nl=False)
        return
    asked, faults = (None, []) if file is None else read(file)
    if file is not None and asked is None:
        refuse(faults)
    with city(data) as state:
        if asked is None:
            asked = ask(state.clock.now().date())
            if not only_check:
                click.confirm("Enter this agency?", abort=True, err=True)
        refuse(_all(state, asked, faults))
        if only_check:
            click.echo("no fault was found; nothing was entered")
            return
        taken = take_in(state, asked, who)
        lacks = [] if taken.proposed else list(missing(state, asked.id))
    if taken.done or not taken.proposed:
        _say(taken)
    if taken.proposed:
        click.echo("once it is confirmed run this again: it enters what is missing", err=True)
    for lack in lacks:
        click.echo(f"still lacks {lack}", err=True)


def _say(taken: Taken) -> None:
    for line in taken.done or ("everything was entered before; nothing was changed",):
        click.echo(line)
    if taken.client_id is not None:
        click.echo(f"client_id      {taken.client_id}")
    if taken.secret is not None:
        click.echo(f"client_secret  {taken.secret}")
        click.echo("the secret is shown once and kept nowhere: hand it over now", err=True)


def _all(state: State, asked: Application, unread: list[Fault]) -> list[Fault]:
    """Return every fault, one for each place; what the registry has is compared with what could be read."""
    today, served = state.clock.now().date(), state.settings.profiles
    found = {fault.where: fault for fault in unread}
    for fault in faults_of(asked, today, first_settings(state), served):
        # What could not be read in part has said so there.
        if not any(where.startswith(f"{fault.where}/") for where in found):
            found.setdefault(fault.where, fault)
    for fault in () if unread else clashes(state, asked):
        found.setdefault(fault.where, fault)
    return list(found.values())


@agency.command()
@click.argument("agency_id")
@click.option("--name", help="Its full name.")
@click.option("--ori", help="Originating Agency Identifier of the FBI.")
@click.option("--contact", "contacts", multiple=True, help="E-mail address; all of them, each repeated.")
@click.option("--287g/--no-287g", "has_287g", default=None, help="Has an agreement under 8 USC 1357(g).")
@click.option("--287g-source", "source_287g", help="Where that stands: a document or an address.")
@day_option("--287g-looked-up", "looked_up_287g", help="The day on which somebody looked there.")
@reason_option
@as_option
@data_option
def change(data: Path | None, agency_id: str, reason: str, username: str | None, **given: Any) -> None:
    """Change what is recorded of an agency. Its kind and state stay: another kind is another agency."""
    wanted = {name: value for name, value in given.items() if value not in (None, ())}
    if not wanted:
        raise OperatorError("say what to change, as --contact chief@example.gov: see --help")
    with city(data) as state:
        found = known(state, agency_id)
        if found.status == "closed":
            raise OperatorError("the agency is closed; nothing was changed")
        if "ori" in wanted:
            wanted["ori"] = wanted["ori"].upper()
        _refuse(state, found, wanted)
        flagged = not set(FLAG).isdisjoint(wanted)
        content: dict[str, Json] = {name: _json(value) for name, value in wanted.items()}
        asked = Change("change_287g" if flagged else "change_agency", found.id, content)
        done = make(state, asked, AtTheShell(username, reason))
    if done is not None:
        click.echo(f"changed {found.id}: {', '.join(sorted(wanted))}")


def _json(value: Any) -> Json:
    if isinstance(value, date):
        return value.isoformat()
    given: Json = list(value) if isinstance(value, tuple) else value
    return given


def _refuse(state: State, found: Any, wanted: dict[str, Any]) -> None:
    name, ori = wanted.get("name", found.name), wanted.get("ori", found.ori)
    for _, cure in misfits(found.id, name, found.kind, found.state, ori):
        raise OperatorError(cure)
    taken = state.registry.agency(ori) if "ori" in wanted else None
    if taken is not None and taken.id != found.id:
        raise OperatorError(f"this ORI is registered: see gatekeeper agency show {taken.id}")
    contacts = wanted.get("contacts", ())
    if len(contacts) > MOST_CONTACTS or not all(map(is_address, contacts)):
        raise OperatorError(
            f"contacts are e-mail addresses, at most {MOST_CONTACTS}: --contact chief@example.gov"
        )
    if "has_287g" in wanted and ("source_287g" not in wanted or "looked_up_287g" not in wanted):
        raise OperatorError(
            "say where that stands, and when you looked: --287g-source … --287g-looked-up DAY"
        )
    if "looked_up_287g" in wanted and wanted["looked_up_287g"] > state.clock.now().date():
        raise OperatorError("that day is still to come: give the day on which somebody looked")
    if not 0 < len(wanted.get("source_287g", "a").strip()) <= 500:
        raise OperatorError("say in at most 500 characters where it stands: --287g-source https://…")
