"""``gatekeeper backup``: the city's database, copied while the gate serves."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import click

from gatekeeper.cli.opened import city, data_option, json_option, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.recovery.backup import back_up
from gatekeeper.recovery.manifest import beside
from gatekeeper.store.copying import address_of, file_of

_POSTGRESQL = """\
NOTHING WAS BACKED UP: the state is on PostgreSQL, whose own programs do that.
  one copy:    pg_dump --format=custom --file={file} {url}
  look at it:  pg_restore --list {file}
For a copy that loses nothing use base backups and the write-ahead log archive (PITR). deploy/README.md,
"Backup and recovery", has the steps, what to keep apart, and what to check after a restore."""


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@json_option
@data_option
def backup(data: Path | None, target: Path, *, as_json: bool) -> None:
    """Copy the city's database into TARGET: a new file, or a directory that is there.

    The gate may go on serving. The copy is read back and compared with the signed log before it is called
    done; a manifest is written beside it, last. No key is in it: keep those apart.
    """
    with city(data) as state:
        source = file_of(state.settings.state_url)
        if source is None:
            url = shlex.quote(address_of(state.settings.state_url))
            raise OperatorError(_POSTGRESQL.format(file=shlex.quote(str(target)), url=url))
        file, made = back_up(
            source,
            target,
            state.log_key.verifier,
            state.ledger.checkpoint,
            state.clock.now(),
            version("gatekeeper"),
        )
        keys = state.settings.key_directory
    show_one({"backup": str(file), **asdict(made)} if as_json else _told(file, made.size), as_json=as_json)
    click.echo(
        f"No key is in it. Back up apart, encrypted: {keys} WITHOUT {keys / 'days'}. The day keys have a "
        "rule of their own: never with this file, and no copy longer than the retention (deploy/README.md, "
        '"Keys and their backup").',
        err=True,
    )


def _told(file: Path, size: int) -> dict[str, object]:
    return {"backup": file, "manifest": beside(file), "entries": size, "checked": "whole, and the signed log"}
