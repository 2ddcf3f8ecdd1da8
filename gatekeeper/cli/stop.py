"""``gatekeeper stop`` and ``resume``: in force, in every worker and node, when the command returns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, json_option, operator, show, show_one
from gatekeeper.errors import GatekeeperError, OperatorError
from gatekeeper.ledger.stops import KINDS
from gatekeeper.oversight.stops import Halt, near
from gatekeeper.settings import Settings
from gatekeeper.state import State


@click.command()
@click.option("--all", "everything", is_flag=True, help="Stop all sharing.")
@click.option("--agency", help="Stop sharing with one agency, also as an end requester.")
@click.option("--kind", type=click.Choice(KINDS), help="Stop sharing with agencies of one kind.")
@click.option("--camera", help="Stop sharing the reads of one camera.")
@click.option("--unlisted", is_flag=True, help="Stop --camera although the store of reads has none such.")
@click.option("--reason", help="Why, in a sentence; kept with the log.")
@click.option("--list", "listing", is_flag=True, help="Only list the stops in force.")
@json_option
@data_option
def stop(
    data: Path | None,
    reason: str | None,
    *,
    everything: bool,
    unlisted: bool,
    listing: bool,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Stop sharing. When this returns, no record in the scope leaves any more.

    Whatever the log: where an old copy of it was put back no entry is written, for its index would be given
    twice. The stop is in force all the same, and the entry follows when the log is put right.
    """
    if listing:
        with city(data, whatever_the_log=True) as state:
            rows = [
                {"id": s.id, "scope": s.scope, "value": s.value, "set_at": s.set_at}
                for s in state.registry.stops()
            ]
        show(rows, as_json=as_json)
        return
    scopes = [(s, asked[s]) for s in ("agency", "kind", "camera") if asked[s] is not None]
    if everything:
        scopes.append(("all", None))
    if len(scopes) != 1 or reason is None:
        raise OperatorError("give one of --all, --agency, --kind, --camera, and a --reason")
    try:
        with city(data, whatever_the_log=True) as state:
            halt, entry = _set(state, *scopes[0], reason=reason, unlisted=unlisted)
    except OperatorError:
        raise
    except GatekeeperError as error:
        raise OperatorError(
            f"THE STOP MAY NOT BE IN FORCE ({error.code}: {error}): try again, see `gatekeeper stop --list`, "
            "or end the service itself, which then releases nothing"
        ) from None
    row = {"id": halt.id, "scope": halt.scope, "value": halt.value, "entry": entry}
    show_one(row, as_json=as_json)
    if entry is None:
        click.echo(
            "the log does not fit what was signed (gatekeeper ledger verify), so no entry tells of this stop "
            "yet; the first command after the log is put right writes it",
            err=True,
        )
    click.echo(f"in force; to lift it: gatekeeper resume {halt.id} --reason …", err=True)


@click.command()
@click.argument("stop_id")
@click.option("--reason", required=True, help="Why, in a sentence; kept with the log.")
@data_option
def resume(data: Path | None, stop_id: str, reason: str) -> None:
    """Lift the stop STOP_ID (gatekeeper stop --list shows those in force)."""
    with city(data) as state:
        state.switch().resume(stop_id, reason=reason, by=operator())
    click.echo(f"{stop_id} is lifted")


def _set(
    state: State, scope: str, value: str | None, *, reason: str, unlisted: bool
) -> tuple[Halt, int | None]:
    if scope == "agency" and value is not None:
        value = known(state, value).id
    if scope == "camera" and value is not None and not unlisted:
        _refuse_unlisted(state.settings, value)
    return state.switch().stop(scope, value, reason=reason, by=operator())


def _refuse_unlisted(settings: Settings, camera: str) -> None:
    """Refuse a camera that the store of reads does not have: a misspelt stop would stop nothing.

    A store that cannot be asked within a second does not keep anyone from stopping. Raises OperatorError.
    """
    from gatekeeper.parts import open_reads  # noqa: PLC0415  the other stops need no store, and start sooner

    try:
        cameras = open_reads(replace(settings, records_timeout=1.0)).cameras()
    except GatekeeperError:
        click.echo("the store of reads did not say which cameras there are: check the id yourself", err=True)
        return
    if camera not in cameras:
        raise OperatorError(
            "NOTHING WAS STOPPED: the store of reads has no such camera "
            f"(it has {', '.join(near(camera, cameras))} …); "
            "give the right id, or --unlisted for one that it does not show yet"
        )
