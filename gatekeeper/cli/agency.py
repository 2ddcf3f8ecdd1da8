"""``gatekeeper agency``: who is registered, and how they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Json
from gatekeeper.ledger.stops import KINDS
from gatekeeper.oversight import agencies
from gatekeeper.state import State
from gatekeeper.store import Agency, administration

# What is neither federal nor private belongs to a state, by whose law its declaration is judged.
_OF_A_STATE = ("local", "state", "fusion_center")
_STATE = re.compile(
    "A[KLRSZ]|C[AOT]|D[CE]|FL|G[AU]|HI|I[ADLN]|K[SY]|LA|M[ADEINOPST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|"
    "UT|V[AIT]|W[AIVY]"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{9,63}\Z")
_ADDRESS = re.compile(r"[!-+\--?A-~]+@[!-+\--?A-~]+\Z")  # printable, without a space, a comma or a second @
_ORI = re.compile(r"[A-Z0-9]{7,9}\Z")


@click.group()
def agency() -> None:
    """Register agencies, and suspend, reinstate or close them."""


@agency.command()
@click.argument("agency_id")
@click.option("--name", required=True, help="Full name.")
@click.option("--kind", required=True, type=click.Choice(KINDS))
@click.option("--state", "state_code", help="Two-letter state; none for a federal agency.")
@click.option("--ori", help="Originating Agency Identifier of the FBI.")
@click.option("--287g/--no-287g", "has_287g", default=False, help="Has an agreement under 8 USC 1357(g).")
@click.option("--contact", "contacts", multiple=True, help="E-mail address; may be repeated.")
@data_option
def add(data: Path | None, agency_id: str, **fields: Any) -> None:
    """Register an agency under AGENCY_ID (10 to 64 letters, digits, dots, dashes)."""
    with city(data) as state:
        register(state, agency_id, **fields)
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
        "affirmations": [f"{a.kind} {a.signed_on}..{a.expires_on or 'open'}" for a in found.affirmations],
        "clients": clients,
    }
    show_one(row, as_json=as_json)


@agency.command()
@click.argument("agency_id")
@reason_option
@data_option
def suspend(data: Path | None, agency_id: str, reason: str) -> None:
    """Suspend an agency: it is denied, with this as the reason, from its next request on."""
    _set_status(data, agency_id, "suspended", reason)


@agency.command()
@click.argument("agency_id")
@reason_option
@data_option
def reinstate(data: Path | None, agency_id: str, reason: str) -> None:
    """Reinstate a suspended agency."""
    _set_status(data, agency_id, "active", reason)


@agency.command()
@click.argument("agency_id")
@reason_option
@data_option
def close(data: Path | None, agency_id: str, reason: str) -> None:
    """Close an agency for good: its tokens are refused from its next request on."""
    _set_status(data, agency_id, "closed", reason)


def register(  # noqa: PLR0913  an agency has as many attributes as it has
    state: State,
    agency_id: str,
    *,
    name: str,
    kind: str,
    state_code: str | None = None,
    ori: str | None = None,
    has_287g: bool = False,
    contacts: tuple[str, ...] = (),
    status: str = "active",
) -> Agency:
    """Add an agency to the registry and the log. Raises OperatorError, LedgerUnavailable."""
    state_code, ori = (state_code or "").upper() or None, (ori or "").upper() or None
    _refuse_misfit(agency_id, name, kind, state_code, ori)
    if not all(map(_ADDRESS.match, contacts)):
        raise OperatorError("a contact is an e-mail address: --contact records@sample.example")
    for taken in filter(None, map(state.registry.agency, filter(None, (agency_id, ori)))):
        raise OperatorError(f"this id or ORI is registered: see gatekeeper agency show {taken.id}")
    added = Agency(
        id=agency_id,
        ori=ori,
        name=name,
        kind=kind,
        state=state_code,
        status=status,
        has_287g=has_287g,
        contacts=tuple(contacts),
        affirmations=(),
    )
    private: dict[str, Json] = {
        "name": name,
        "ori": ori,
        "contacts": list(contacts),
        "has_287g": has_287g,
        "by": operator(),
    }
    state.ledger.append(
        agencies.draft_about("agency.added", added, private), administration.add_agency(added)
    )
    return added


def _refuse_misfit(agency_id: str, name: str, kind: str, state_code: str | None, ori: str | None) -> None:
    if not _ID.match(agency_id):
        raise OperatorError("an agency id has 10 to 64 letters, digits, dots, dashes: sample-city-pd")
    if not name.strip() or not name.isprintable():
        raise OperatorError('an agency has a name: --name "Sample City Police"')
    if state_code is not None and not _STATE.fullmatch(state_code):
        raise OperatorError("that is no state: give two letters, as --state IL")
    if kind in _OF_A_STATE and state_code is None:
        raise OperatorError(f"an agency of the kind {kind} belongs to a state: give it, as --state IL")
    if kind == "federal" and state_code is not None:
        raise OperatorError("a federal agency has no state: leave out --state")
    if ori is not None and not _ORI.match(ori):
        raise OperatorError("an ORI has 7 to 9 letters and digits, as --ori IL0160000")


def known(state: State, agency_id: str) -> Agency:
    """Return the agency of that id or ORI. Raises OperatorError if there is none."""
    found = state.registry.agency(agency_id)
    if found is None:
        raise OperatorError("no such agency: gatekeeper agency list shows those registered")
    return found


def _set_status(data: Path | None, agency_id: str, status: str, reason: str) -> None:
    with city(data) as state:
        found = known(state, agency_id)
        agencies.set_standing(state.ledger, administration, found, status, reason=reason, by=operator())
    click.echo(f"{found.id} is {status} from its next request on")


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
