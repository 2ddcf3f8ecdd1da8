"""``gatekeeper policy list|show|approve|reject|activate|rollback|shadow``: a revision's life, typed.

Guarantees: whoever acts proves who they are (``persons``), as in the console; an approval is of what was
printed just before, or of the seal that is named; ``rollback`` is one command for two people.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from gatekeeper.cli.opened import city, data_option, json_option, reason_option, show, show_one
from gatekeeper.cli.persons import as_option, proved, two_as_option, two_proved
from gatekeeper.errors import OperatorError
from gatekeeper.exchange.decide import timestamp
from gatekeeper.revisions.approval import NEEDED
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.state import State

_revision = click.argument("revision_id", metavar="REVISION")


@click.command("list")
@data_option
@json_option
def list_(data: Path | None, *, as_json: bool) -> None:
    """List every revision of the law, the latest first."""
    with city(data) as state:
        rows = [
            {
                "id": revision.id,
                "revision": revision.revision,
                "state": revision.state,
                "author": _name(state, revision.author),
                "approved_by": [_name(state, who) for who in state.lifecycle().approvers(revision)],
                "effective_at": _moment(revision.effective_at),
                "serial": revision.serial,
            }
            for revision in state.lifecycle().store.all()
        ]
        show(rows, as_json=as_json)


@click.command("show")
@_revision
@data_option
@json_option
def show_(revision_id: str, data: Path | None, *, as_json: bool) -> None:
    """Show one revision, what was found of it, and the seal that an approval binds."""
    with city(data) as state:
        show_one(_told(state, _known(state, revision_id)), as_json=as_json)


@click.command()
@_revision
@as_option
@click.option(
    "--at", "moment", metavar="TIME", help="From when it decides, in the city's time [default: at once]."
)
@click.option("--seen", metavar="SEAL", help="The seal of what you have looked at [default: you are asked].")
@reason_option
@data_option
def approve(
    revision_id: str,
    username: str | None,
    moment: str | None,
    seen: str | None,
    reason: str,
    data: Path | None,
) -> None:
    """Approve a revision as one of two people; with the second approval it is signed and has its moment."""
    with city(data) as state:
        revision, lifecycle = _known(state, revision_id), state.lifecycle()
        said = parsed(state, moment)
        if said is not None and revision.effective_at not in (None, said):
            raise OperatorError(f"its moment was set before: {_moment(revision.effective_at)}")
        at = revision.effective_at or said
        seal = lifecycle.seal(revision, at)
        if seen is None:
            show_one(_told(state, revision) | {"effective_at": _moment(at) or "at once"}, as_json=False)
            click.confirm("This is what you approve. Go on?", abort=True, err=True)
        person = proved(state, username, "approve_policies").account
        after = lifecycle.approve(revision.id, person, seen=seen or seal, reason=reason, effective_at=at)
        click.echo(_after(state, after))


@click.command()
@_revision
@as_option
@reason_option
@data_option
def reject(revision_id: str, username: str | None, reason: str, data: Path | None) -> None:
    """Turn a revision down, or call one off that is scheduled."""
    with city(data) as state:
        revision = _known(state, revision_id)
        person = proved(state, username, "approve_policies").account
        click.echo(_after(state, state.lifecycle().reject(revision.id, person, reason)))


@click.command()
@_revision
@as_option
@data_option
def activate(revision_id: str, username: str | None, data: Path | None) -> None:
    """Sign and schedule a revision that two people approved, where that could not be done at once."""
    with city(data) as state:
        revision, lifecycle = _known(state, revision_id), state.lifecycle()
        proved(state, username, "approve_policies")
        if revision.state == "scheduled":
            lifecycle.activate_due()
            click.echo(_after(state, _known(state, revision.id)))
        else:
            click.echo(_after(state, lifecycle.schedule(revision.id)))


@click.command()
@click.argument("revision_id", metavar="[REVISION]", required=False)
@two_as_option
@reason_option
@data_option
def rollback(revision_id: str | None, usernames: tuple[str, ...], reason: str, data: Path | None) -> None:
    """Return to a law that was in force before, at once; two people prove themselves, one after the other.

    Without a REVISION to the one before the law in force.
    """
    with city(data) as state:
        lifecycle = state.lifecycle()
        active = lifecycle.store.active()
        to = revision_id or (None if active is None else active.base)
        if to is None:
            raise OperatorError("there is no law before the one in force")
        earlier = _known(state, to)
        click.echo(f"back to {earlier.id}, {earlier.revision}", err=True)
        first, second = (person.account for person in two_proved(state, usernames, "approve_policies"))
        asked = lifecycle.roll_back(earlier.id, first, reason)
        done = lifecycle.confirm(asked.id, second, seen=lifecycle.seal(asked), reason=reason)
        click.echo(_after(state, done))


@click.command()
@click.argument("revision_id", metavar="[REVISION]", required=False)
@click.option("--off", is_flag=True, help="End it.")
@as_option
@reason_option
@data_option
def shadow(
    revision_id: str | None, *, off: bool, username: str | None, reason: str, data: Path | None
) -> None:
    """Let a checked REVISION decide beside the law, without effect; where they differ is counted."""
    if off == (revision_id is not None):
        raise OperatorError("name the revision that is to decide beside the law, or say --off")
    with city(data) as state:
        person = proved(state, username, "approve_policies").account
        state.lifecycle().shadow(revision_id, person, reason)
        click.echo("nothing decides beside the law" if off else f"{revision_id} decides beside the law")


def _known(state: State, revision_id: str) -> Revision:
    found = state.lifecycle().store.get(revision_id)
    if found is None:
        raise OperatorError(f"there is no revision {revision_id}: gatekeeper policy list")
    return found


def _told(state: State, revision: Revision) -> dict[str, Any]:
    """Return all that is known of a revision, in the order in which a person reads it."""
    lifecycle = state.lifecycle()
    check, replay = (lifecycle.store.result(revision.id, kind) for kind in ("check", "replay"))
    return {
        "id": revision.id,
        "revision": revision.revision,
        "digest": revision.digest,
        "tree": revision.tree,
        "base": revision.base,
        "origin": revision.origin,
        "author": _name(state, revision.author),
        "reason": revision.reason,
        "state": revision.state,
        "check": None if check is None else f"{'passed' if check.passed else 'refused'} {check.digest}",
        "replay": None if replay is None else f"{_figures(replay.document)} {replay.digest}",
        "approved_by": [_name(state, who) for who in lifecycle.approvers(revision)],
        "effective_at": _moment(revision.effective_at),
        "serial": revision.serial,
        "seal": lifecycle.seal(revision),
    }


def _figures(report: Mapping[str, Any]) -> str:
    """Return how many past queries it would have decided otherwise."""
    classes = report.get("classes")
    return (
        ", ".join(f"{name} {count}" for name, count in classes.items()) if isinstance(classes, dict) else ""
    )


def _after(state: State, revision: Revision) -> str:
    match revision.state:
        case "scheduled":
            return (
                f"{revision.id} decides from {_moment(revision.effective_at)} on, as number {revision.serial}"
            )
        case "active":
            return f"{revision.id} is the law in force: {revision.revision}, number {revision.serial}"
        case "replayed":
            count = len(state.lifecycle().approvers(revision))
            return f"{revision.id} is approved by {count} of {NEEDED}"
        case other:
            return f"{revision.id} is {other}"


def _name(state: State, who: str) -> str:
    account = state.staff.get(who)
    return who if account is None else account.username


def _moment(at: datetime | None) -> str | None:
    return None if at is None else timestamp(at)


def parsed(state: State, typed: str | None) -> datetime | None:
    """Return a moment; one without an offset is in the city's time. Raises OperatorError."""
    if typed is None:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise OperatorError(f"{typed!r} is no moment: say 2026-12-01T06:00, in the city's time") from None
    if moment.tzinfo is not None:
        return moment
    zone = ZoneInfo(state.settings.time_zone)
    here = moment.replace(tzinfo=zone)
    try:
        skipped = here.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment
    except OverflowError:  # the first and the last days that there are
        skipped = True
    if skipped:
        raise OperatorError(f"the city's clocks never show {typed}: say another moment")
    return here
