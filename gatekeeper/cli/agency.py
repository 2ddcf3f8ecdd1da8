"""``gatekeeper agency``: who is registered, and how they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.by_two import AtTheShell, alone, make, who_options
from gatekeeper.cli.opened import city, data_option, day_option, json_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.ledger.stops import KINDS
from gatekeeper.notices.told import is_address
from gatekeeper.oversight.changes import Change
from gatekeeper.state import State
from gatekeeper.store import Agency

# What is neither federal nor private belongs to a state, by whose law its declaration is judged.
_OF_A_STATE = ("local", "state", "fusion_center")
_STATE = re.compile(
    "A[KLRSZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOPST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|"
    "UT|V[AIT]|W[AIVY]"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{9,63}\Z")
_LONGEST_NAME = 200
_ORI = re.compile(r"[A-Z0-9]{7,9}\Z")


@click.group()
def agency() -> None:
    """Register agencies, take them in whole, and suspend, reinstate or close them."""


@agency.command()
@click.argument("agency_id")
@click.option("--name", required=True, help="Full name.")
@click.option("--kind", required=True, type=click.Choice(KINDS))
@click.option("--state", "state_code", help="Two-letter state; none for a federal agency.")
@click.option("--ori", help="Originating Agency Identifier of the FBI.")
@click.option("--287g/--no-287g", "has_287g", default=False, help="Has an agreement under 8 USC 1357(g).")
@click.option("--287g-source", "source_287g", help="Where that stands: a document or an address.")
@day_option("--287g-looked-up", "looked_up_287g", help="The day on which somebody looked there.")
@click.option("--contact", "contacts", multiple=True, help="E-mail address; may be repeated.")
@who_options
@data_option
def add(data: Path | None, agency_id: str, who: AtTheShell, **fields: Any) -> None:
    """Register an agency under AGENCY_ID (10 to 64 letters, digits, dots, dashes)."""
    with city(data) as state:
        done = make(state, entering(agency_id, **fields), who)
    if done is not None:
        click.echo(f"registered {agency_id}; next: gatekeeper affirmation add {agency_id} …")


@agency.command("list")
@json_option
@data_option
def list_(data: Path | None, *, as_json: bool) -> None:
    """List every agency with its standing."""
    with city(data) as state:
        rows = [_row(found) for found in state.registry.agencies()]
    show(rows, as_json=as_json)


@agency.command("show")
@click.argument("agency_id")
@json_option
@data_option
def show_(data: Path | None, agency_id: str, *, as_json: bool) -> None:
    """Show one agency, its affirmations and its clients."""
    with city(data) as state:
        found = known(state, agency_id)
        clients = [client.id for client in state.registry.clients(found.id)]
    row = {
        **_row(found),
        "contacts": list(found.contacts),
        "287g_source": found.source_287g,
        "287g_looked_up": found.looked_up_287g,
        "affirmations": [f"{a.kind} {a.signed_on}..{a.expires_on or 'open'}" for a in found.affirmations],
        "clients": clients,
    }
    show_one(row, as_json=as_json)


def entering(  # noqa: PLR0913  an agency has as many attributes as it has
    agency_id: str,
    *,
    name: str,
    kind: str,
    state_code: str | None = None,
    ori: str | None = None,
    has_287g: bool = False,
    contacts: tuple[str, ...] = (),
    status: str = "active",
    source_287g: str | None = None,
    looked_up_287g: date | None = None,
) -> Change:
    """Return the change by which an agency is added. Raises OperatorError for what does not fit."""
    state_code, ori = (state_code or "").upper() or None, (ori or "").upper() or None
    for _, cure in misfits(agency_id, name, kind, state_code, ori):
        raise OperatorError(cure)
    if not all(map(is_address, contacts)):
        raise OperatorError("a contact is an e-mail address: --contact records@sample.example")
    content: dict[str, Json] = {
        "name": name,
        "kind": kind,
        "state": state_code,
        "status": status,
        "ori": ori,
        "contacts": list(contacts),
        "has_287g": has_287g,
        "source_287g": source_287g,
        "looked_up_287g": None if looked_up_287g is None else looked_up_287g.isoformat(),
    }
    return Change("add_agency", agency_id, content)


def register(state: State, agency_id: str, **attributes: Any) -> Agency:
    """Add an agency to the registry and the log, as ``entering`` has it.

    Raises OperatorError (also where the law wants two people), LedgerUnavailable.
    """
    alone(state, entering(agency_id, **attributes))
    return known(state, agency_id)


def misfits(
    agency_id: str, name: str, kind: str, state_code: str | None, ori: str | None
) -> Iterator[tuple[str, str]]:
    """Yield each attribute that does not fit, with its cure."""
    if not _ID.match(agency_id):
        yield "id", "an agency id has 10 to 64 letters, digits, dots, dashes: sample-city-pd"
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        yield "name", 'an agency has a name: --name "Sample City Police"'
    if state_code is not None and not _STATE.fullmatch(state_code):
        yield "state", "that is no state: give two letters, as --state IL"
    if kind in _OF_A_STATE and state_code is None:
        yield "state", f"an agency of the kind {kind} belongs to a state: give it, as --state IL"
    if kind == "federal" and state_code is not None:
        yield "state", "a federal agency has no state: leave out --state"
    if ori is not None and not _ORI.match(ori):
        yield "ori", "an ORI has 7 to 9 letters and digits, as --ori IL0160000"


def known(state: State, agency_id: str) -> Agency:
    """Return the agency of that id or ORI. Raises OperatorError if there is none."""
    found = state.registry.agency(agency_id)
    if found is None:
        raise OperatorError("no such agency: gatekeeper agency list shows those registered")
    return found


def _row(found: Agency) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "state": found.state,
        "status": found.status,
        "ori": found.ori,
        "287g": found.has_287g,
    }
