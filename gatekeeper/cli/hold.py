"""``gatekeeper hold``: keep a query's private detail for a court beyond the city's retention."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from gatekeeper.cli.opened import city, data_option, json_option, reason_option, show, show_one
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.parts import holds


@click.group()
def hold() -> None:
    """Place, lift and list legal holds; legal and counsel may, with their password and a code."""


@hold.command()
@click.argument("query_id")
@reason_option
@as_option
@json_option
@data_option
def place(data: Path | None, query_id: str, reason: str, username: str | None, *, as_json: bool) -> None:
    """Hold what is private of the query QUERY_ID: no erasure reaches it until the hold is lifted."""
    with city(data) as state:
        person = proved(state, username, "hold_detail").account
        hold_id, entry = holds(state).place(query_id, person, reason)
    show_one({"id": hold_id, "query_id": query_id, "entry": entry.index}, as_json=as_json)
    click.echo(f"held; to lift it: gatekeeper hold lift {hold_id} --reason …", err=True)


@hold.command()
@click.argument("hold_id")
@reason_option
@as_option
@data_option
def lift(data: Path | None, hold_id: str, reason: str, username: str | None) -> None:
    """Lift the hold HOLD_ID: the next erasure reaches what it kept, if its time is over."""
    with city(data) as state:
        holds(state).lift(hold_id, proved(state, username, "hold_detail").account, reason)
    click.echo(f"{hold_id} is lifted")


@hold.command("list")
@as_option
@json_option
@data_option
def list_(data: Path | None, username: str | None, *, as_json: bool) -> None:
    """List the holds in force, with who placed each and why."""
    with city(data) as state:
        found = holds(state).in_force(proved(state, username, "hold_detail").account)
    show([asdict(one) for one in found], as_json=as_json)
