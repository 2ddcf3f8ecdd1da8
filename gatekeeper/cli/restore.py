"""``gatekeeper restore``: a backup put in place of the city's database, unless the log would forget."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from gatekeeper import settings
from gatekeeper.cli.opened import as_its_owner, city, data_option, json_option, operator, reason_option
from gatekeeper.errors import OperatorError
from gatekeeper.parts import trust, witnesses
from gatekeeper.recovery.compared import Asked, Place, Restored, RolledBack
from gatekeeper.recovery.copy import PublishedCopy
from gatekeeper.recovery.in_place import complete
from gatekeeper.recovery.restore import restore as put_back
from gatekeeper.review.reasons import fault_of
from gatekeeper.settings import Settings
from gatekeeper.state import open_bare
from gatekeeper.store.copying import file_of

_POSTGRESQL = """\
NOTHING WAS RESTORED: the state is on PostgreSQL, whose own programs do that (pg_restore, or base backup and
write-ahead logs). What they could not bring back is put back by this command without BACKUP, and with
--published. deploy/README.md, "Backup and recovery", has the steps and what to check afterwards."""


@click.command()
@click.argument("backup", type=click.Path(path_type=Path), required=False)
@reason_option
@click.option(
    "--published",
    metavar="DIR_OR_URL",
    help="A published copy of the log (gatekeeper ledger export), to have lost entries back from.",
)
@click.option(
    "--ended-at",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="How many entries the log had, where the database that was in use cannot tell.",
)
@click.option(
    "--witness-check/--no-witness-check",
    default=None,
    help="Ask the witnesses how large the log was [default: if GATEKEEPER_WITNESSES names them].",
)
@json_option
@data_option
def restore(
    data: Path | None,
    backup: Path | None,
    reason: str,
    published: str | None,
    ended_at: int | None,
    *,
    witness_check: bool | None,
    as_json: bool,
) -> None:
    """Put BACKUP in place of the city's database, or complete one that was put back.

    End the service before.

    Without BACKUP the database stays where it is (PostgreSQL's own programs restored it, or somebody copied
    it there), and only what its log lacks is put back.

    Whoever knows how large the log was is asked first. If the backup's log is smaller nothing is changed, but
    with a published copy that holds what is missing. The database that was there is kept. Afterwards all
    sharing is stopped until `gatekeeper resume`. Exit status: 0 restored, 3 the log would be rolled back (or
    nobody can say that it would not), 1 anything else.
    """
    if (fault := fault_of(reason)) is not None:
        raise OperatorError(f'{fault} For example --reason "The disk of 3 November failed"')
    chosen = settings.load(data=data)
    with as_its_owner(chosen.data):
        asked = Asked(
            backup,
            reason,
            operator(),
            None if published is None else PublishedCopy(published, trust(chosen)),
            ended_at,
            witnesses(chosen) if witness_check is not False else None,
            trust(chosen),
        )
        if witness_check and asked.witnesses is None:
            raise OperatorError("no witness is named: set GATEKEEPER_WITNESSES, or leave --witness-check out")
        days = chosen.key_directory / "days"
        keyless = not (days.is_dir() and any(days.iterdir()))
        place = _place(chosen)
        try:
            if backup is None:
                done = complete(place, asked, chosen.state_url)
            elif place.file is None:
                raise OperatorError(_POSTGRESQL)
            else:
                done = put_back(place, asked, place.file, backup)
        except RolledBack as refused:
            click.echo(str(refused), err=True)
            sys.exit(3)
    with city(data) as state:  # compares the log with the checkpoint kept outside, and keeps one of now
        size = state.rows.head().size
    _say(done, size, as_json=as_json)
    if keyless and done.held:
        click.echo(
            f"There was no day key in {days}: what was asked cannot be read, unless their own backup is put "
            "back there.",
            err=True,
        )


def _place(chosen: Settings) -> Place:
    file = file_of(chosen.state_url)
    bare = open_bare(chosen)
    return Place(
        None if file is None else file.absolute(),
        bare.restoring,
        chosen.data / "write.lock",
        bare.checkpoint_file,
        bare.log_key,
        bare.keys,
        bare.clock,
        Path(chosen.published_copy) if chosen.published_copy else None,
    )


def _say(done: Restored, size: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {
                    "entries": size,
                    "in_backup": done.held,
                    "put_back": [asdict(lost) for lost in done.lost],
                    "stop": done.stop,
                    "set_aside": None if done.aside is None else str(done.aside),
                    "compared_with": [{"where": one.where, "size": one.size} for one in done.known],
                }
            )
        )
        return
    click.echo(
        f"restored: {size} entries, {done.held} of them from what was restored, {len(done.lost)} put back"
    )
    for one in done.known:
        click.echo(f"  compared with {one.where}: {one.size} entries")
    if done.aside is not None:
        click.echo(f"  the database that was there is {done.aside}")
    if done.lost:
        _say_lost(done)
    click.echo(
        f"SHARING IS STOPPED ({done.stop}, entry {done.entry}). Go through what is above, then start the"
    )
    click.echo(f"service, and lift it: gatekeeper resume {done.stop} --reason …")


def _say_lost(done: Restored) -> None:
    counted = Counter(lost.event for lost in done.lost)
    click.echo("  put back into the log, by its public text alone; its private detail and its rows are gone:")
    click.echo(f"    {', '.join(f'{event}: {number}' for event, number in sorted(counted.items()))}")
    for lost in done.lost:
        if lost.to_do_again or lost.event.startswith("stop."):
            says = ", ".join(f"{name} {value}" for name, value in lost.says.items() if value is not None)
            click.echo(
                f"    entry {lost.index}, {lost.hour}: {lost.event} {lost.about}{says and f' ({says})'}"
            )
    if any(lost.to_do_again for lost in done.lost):
        click.echo(
            "  The city's records are as before these: do each again, or see that it need not be, before"
        )
        click.echo("  you resume. Of a revoked credential nothing else remembers that it was revoked.")
    if any(lost.event == "stop.set" for lost in done.lost):
        click.echo(
            "  Stops that were lost are in force again; one of a camera stops everything: set it anew."
        )
