"""``gatekeeper ledger``: verify the log, take proofs from it, check them, and show an entry."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from gatekeeper.cli.ledger_check import check
from gatekeeper.cli.ledger_key import new_key
from gatekeeper.cli.ledger_show import show
from gatekeeper.cli.ledger_verify import verify
from gatekeeper.cli.opened import city, data_option, json_option
from gatekeeper.errors import OperatorError
from gatekeeper.ledger.export import AnotherHistory
from gatekeeper.ledger.export import export as copy
from gatekeeper.whole import write_whole


@click.group()
def ledger() -> None:
    """Verify the log, show its entries, and print and check its checkpoint, proofs and key."""


ledger.add_command(check)
ledger.add_command(new_key)
ledger.add_command(show)
ledger.add_command(verify)


@ledger.command()
@data_option
def checkpoint(data: Path | None) -> None:
    """Print a signed checkpoint; whoever keeps it can later show a rollback or a fork."""
    with city(data) as state:
        click.echo(state.ledger.checkpoint(), nl=False)


@ledger.command()
@click.option("--former", is_flag=True, help="Print those before it, and up to how many entries each counts.")
@data_option
def key(data: Path | None, *, former: bool) -> None:
    """Print the verifier key that checkpoints are checked with; while two are in use, both."""
    with city(data, whatever_the_log=True) as state:
        verifier = state.log_key.verifier
    if former:
        for other, most in verifier.also:
            if most is not None:
                click.echo(f"{other} {most}")
        return
    for each in (verifier, *(other for other, most in verifier.also if most is None)):
        click.echo(str(each))


@ledger.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, whole, in place of what is there.",
)
@json_option
@data_option
def prove(data: Path | None, index: int, out: Path | None, *, as_json: bool) -> None:
    """Print the proof that entry INDEX is in the log (C2SP tlog-proof; --json with the entry)."""
    with city(data) as state:
        if index >= state.rows.head().size:
            raise OperatorError("the log has no such entry: gatekeeper ledger checkpoint shows its size")
        receipt = state.ledger.receipt_for(index)
    text = f"{json.dumps(receipt.as_json())}\n" if as_json else receipt.tlog_proof()
    if out is None:
        click.echo(text, nl=False)
    else:
        write_whole(out, text.encode())
        click.echo(f"{out}: the proof of entry {index}", err=True)


@ledger.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--whole", is_flag=True, help="Compare every file that is there, and mend what was altered.")
@json_option
@data_option
def export(data: Path | None, directory: Path, *, whole: bool, as_json: bool) -> None:
    """Copy the published log into DIRECTORY, for any web server to serve (C2SP tlog-tiles).

    Run it again, by a timer say, to add what is new. Exit status: 0 copied, 3 the directory holds another
    history of this log (keep it: it is evidence), 1 anything else.
    """
    with city(data) as state:
        try:
            copied = copy(state.published(), state.rows, state.log_key.verifier, directory, whole=whole)
        except AnotherHistory as evidence:
            click.echo(f"{evidence}. Keep {directory} as it is, and ask who changed what.", err=True)
            sys.exit(3)
    if as_json:
        click.echo(json.dumps(asdict(copied)))
        return
    for name in copied.mended:
        click.echo(f"{name} had been altered, and is mended")
    told = f"{copied.written} files written, {copied.kept} right already"
    click.echo(f"{copied.size} entries in {directory}: {told}")
