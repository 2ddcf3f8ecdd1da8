"""``gatekeeper affirmation invite | revoke | links | document``: an agency's signatory signs by a link."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.affirmation import affirmation
from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.notices.told import is_address
from gatekeeper.oversight.signing import LONGEST_OPEN, OPEN_FOR, Kind
from gatekeeper.parts import city_settings, signing
from gatekeeper.store.agency_life import Invitations

__all__ = ["affirmation"]


@affirmation.command()
@click.argument("agency_id")
@click.option("--kind", type=click.Choice(["affirmation", "declaration"]), default="affirmation")
@click.option("--text-version", help="Version of the text [default: the newest that the law names].")
@click.option("--signer-email", required=True, help="Who is to sign; you send them the link.")
@click.option(
    "--open-days",
    type=click.IntRange(1, LONGEST_OPEN.days),
    default=OPEN_FOR.days,
    show_default=True,
    help="How long the link can be used.",
)
@click.option("--valid-days", type=int, help="How long the signature counts [default: as the law says].")
@json_option
@data_option
def invite(
    data: Path | None,
    agency_id: str,
    kind: Kind,
    text_version: str | None,
    signer_email: str,
    open_days: int,
    *,
    valid_days: int | None,
    as_json: bool,
) -> None:
    """Make a one-time link by which the agency AGENCY_ID's signatory signs; it is printed once."""
    if not is_address(signer_email):
        raise OperatorError("that is no e-mail address: --signer-email chief@example.gov")
    with city(data) as state:
        found = known(state, agency_id)
        if not found.contacts:
            raise OperatorError(
                f"the agency has no contact, whom a signature is told: gatekeeper agency change {found.id} "
                "--contact chief@example.gov --reason …"
            )
        settings = city_settings(state)
        if not settings:
            raise OperatorError("this city has no law yet, so no text to sign: gatekeeper serve begins it")
        link = signing(state, lambda: settings).invite(
            found,
            kind=kind,
            text_version=text_version,
            signer_email=signer_email,
            open_for=timedelta(days=open_days),
            valid_days=valid_days,
            by=operator(),
        )
        address = f"{state.settings.issuer}/affirm/{link.token}"
    row = {
        "invitation": link.id,
        "agency": found.id,
        "signer": signer_email,
        "until": link.expires_at.isoformat(),
        "link": address,
    }
    show_one(row, as_json=as_json)
    click.echo(
        "the link is shown once and kept nowhere: whoever has it can sign, so send it to them alone", err=True
    )


@affirmation.command("links")
@click.option("--agency", "agency_id", help="Only those of one agency.")
@json_option
@data_option
def links(data: Path | None, agency_id: str | None, *, as_json: bool) -> None:
    """List links that were made, each with its state now."""
    with city(data) as state:
        owner = known(state, agency_id).id if agency_id else None
        signs = signing(state, dict)
        rows: list[dict[str, Any]] = [
            {
                "invitation": found.id,
                "agency": found.agency_id,
                "kind": found.kind,
                "text": found.text_version,
                "signer": found.signer_email,
                "state": signs.state(found),
                "until": found.expires_at.isoformat(),
            }
            for found in Invitations(state.database).all(owner)
        ]
    show(rows, as_json=as_json)


@affirmation.command()
@click.argument("invitation_id")
@reason_option
@data_option
def revoke(data: Path | None, invitation_id: str, reason: str) -> None:
    """Revoke a link that was not used: nobody can sign by it any more."""
    with city(data) as state:
        found = Invitations(state.database).get(invitation_id)
        if found is None:
            raise OperatorError("no such link: gatekeeper affirmation links shows them")
        signing(state, dict).revoke(found, by=operator(), reason=reason)
    click.echo(f"{invitation_id} is revoked; a new one: gatekeeper affirmation invite {found.agency_id} …")


@affirmation.command()
@click.argument("affirmation_id")
@data_option
def document(data: Path | None, affirmation_id: str) -> None:
    """Print the exact document that was signed by a link; its SHA-256 is in `affirmation show`."""
    with city(data) as state:
        kept = Invitations(state.database).document(affirmation_id)
    if kept is None:
        raise OperatorError(
            "nothing was signed by a link under that id: gatekeeper affirmation list shows all"
        )
    click.echo(kept.document, nl=False)
