"""``gatekeeper affirmation``: what agencies have signed (Evanston Ch. 22; 625 ILCS 5/2-130(c))."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, day_option, json_option, operator, show, show_one
from gatekeeper.errors import BundleRefused, OperatorError, PolicyUnavailable
from gatekeeper.exchange.decide import affirmation_state
from gatekeeper.ledger import Draft, Json
from gatekeeper.parts import first_settings
from gatekeeper.state import State
from gatekeeper.store import Affirmation, administration

_AGE: Final = "affirmation_max_age_days"


@click.group()
def affirmation() -> None:
    """Record, list and end affirmations and declarations of non-use."""


@affirmation.command()
@click.argument("agency_id")
@click.option("--kind", type=click.Choice(["affirmation", "declaration"]), default="affirmation")
@click.option("--text-version", default="2026-01", show_default=True, help="Version of the text signed.")
@click.option("--signer", required=True, help="Who signed.")
@click.option("--title", required=True, help="The signer's office.")
@day_option("--signed-on", required=True, help="Day of the signature.")
@day_option(
    "--expires-on", help="First day on which it no longer counts; without it as long as the law takes it."
)
@click.option(
    "--document", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The signed paper."
)
@data_option
def add(
    data: Path | None, agency_id: str, document: Path | None, expires_on: date | None, **fields: Any
) -> None:
    """Record what the agency AGENCY_ID signed.

    Its end is the day that it says, or before that the day on which the law in force finds it too old.
    """
    digest = None if document is None else hashlib.sha256(document.read_bytes()).hexdigest()
    with city(data) as state:
        law: Mapping[str, Json] = {}
        with suppress(OperatorError, PolicyUnavailable, BundleRefused):  # recorded, whatever the law is
            law = first_settings(state)
        ends = end_of(fields["signed_on"], expires_on, law)
        signed = record(state, agency_id, document_sha256=digest, expires_on=ends, **fields)
    click.echo(f"recorded {signed.id}")
    if ends is None:
        click.echo(
            "it has no end, and no law that could be read says one: the agency is reminded of none. Once "
            f"there is one, end it and record it again: gatekeeper affirmation suspend {signed.id}",
            err=True,
        )
    elif ends != expires_on:
        click.echo(
            f"it counts until {ends}: the law in force takes a signature for {law[_AGE]} days ({_AGE})",
            err=True,
        )


@affirmation.command("list")
@click.option("--agency", "agency_id", help="Only those of one agency.")
@json_option
@data_option
def list_(data: Path | None, agency_id: str | None, *, as_json: bool) -> None:
    """List affirmations and declarations with their state today."""
    with city(data) as state:
        agencies = [known(state, agency_id)] if agency_id else list(state.registry.agencies())
        today = state.clock.now().date()
        rows = [_row(signed, today) for agency in agencies for signed in agency.affirmations]
    show(rows, as_json=as_json)


@affirmation.command("show")
@click.argument("affirmation_id")
@json_option
@data_option
def show_(data: Path | None, affirmation_id: str, *, as_json: bool) -> None:
    """Show one affirmation."""
    with city(data) as state:
        signed = _known(state, affirmation_id)
        row = {
            **_row(signed, state.clock.now().date()),
            "document_sha256": signed.document_sha256,
        }
    show_one(row, as_json=as_json)


@affirmation.command()
@click.argument("affirmation_id")
@data_option
def suspend(data: Path | None, affirmation_id: str) -> None:
    """End an affirmation today: its agency is denied from its next request on."""
    with city(data) as state:
        signed, today = _known(state, affirmation_id), state.clock.now().date()
        if signed.expires_on is not None and signed.expires_on <= today:
            raise OperatorError("it has ended already; nothing was changed")
        draft = _draft(signed, expires_on=today)
        state.ledger.append(draft, administration.end_affirmation(signed.id, today))
    click.echo(
        f"{signed.id} counts no more; a new signature: gatekeeper affirmation add {signed.agency_id} …"
    )


def record(  # noqa: PLR0913  a signature has as many parts as it has
    state: State,
    agency_id: str,
    *,
    kind: str,
    text_version: str,
    signer: str,
    title: str,
    signed_on: date,
    expires_on: date | None = None,
    document_sha256: str | None = None,
) -> Affirmation:
    """Add what an agency signed to the registry and the log. Raises OperatorError, LedgerUnavailable."""
    agency = known(state, agency_id)
    if not signer.strip() or not title.strip():
        raise OperatorError("an affirmation that nobody signed is none: give --signer and --title")
    if expires_on is not None and expires_on <= signed_on:
        raise OperatorError("it would end before it began: give a later --expires-on")
    signed = Affirmation(
        id=f"affirmation_{secrets.token_hex(8)}",
        agency_id=agency.id,
        kind="declaration" if kind == "declaration" else "affirmation",
        text_version=text_version,
        signer=signer,
        title=title,
        signed_on=signed_on,
        expires_on=expires_on,
        document_sha256=document_sha256,
    )
    state.ledger.append(_draft(signed, expires_on=expires_on), administration.affirm(signed))
    return signed


def end_of(signed_on: date, said: date | None, law: Mapping[str, Json]) -> date | None:
    """Return the first day on which a signature no longer counts: what it says itself, or before by the law.

    *law* are the city's settings in it. Agencies are reminded of this day, and their dashboard tells it.
    """
    age = law.get(_AGE)
    if not isinstance(age, int) or signed_on > date.max - timedelta(days=age + 1):
        return said
    ends = signed_on + timedelta(days=age + 1)  # the last of those days counts
    return ends if said is None else min(said, ends)


def _draft(signed: Affirmation, *, expires_on: date | None) -> Draft:
    return Draft(
        event="agency.affirmed",
        ref=f"affirmed_{secrets.token_hex(8)}",
        clear={
            "agency": signed.agency_id,
            "kind": signed.kind,
            "text_version": signed.text_version,
            "signed_on": signed.signed_on.isoformat(),
            "expires_on": None if expires_on is None else expires_on.isoformat(),
        },
        secret={
            "signer": signed.signer,
            "title": signed.title,
            "document_sha256": signed.document_sha256,
            "by": operator(),
        },
        detail={"affirmation": signed.id},
    )


def _known(state: State, affirmation_id: str) -> Affirmation:
    for agency in state.registry.agencies():
        for signed in agency.affirmations:
            if signed.id == affirmation_id:
                return signed
    raise OperatorError("no such affirmation: gatekeeper affirmation list shows them")


def _row(signed: Affirmation, today: date) -> dict[str, Any]:
    return {
        "id": signed.id,
        "agency": signed.agency_id,
        "kind": signed.kind,
        "text": signed.text_version,
        "signer": signed.signer,
        "title": signed.title,
        "signed_on": signed.signed_on,
        "expires_on": signed.expires_on,
        "state": affirmation_state(signed, today),
    }
