"""``gatekeeper ledger verify``: the log derived anew, from the city's database or from a published copy.

Guarantees: "consistent" (exit status 0) is said only of a verification that came to its end and found
nothing; what could not be read is never taken for sound; nothing is written into the log, not even a
checkpoint: what was found is evidence.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gatekeeper.cli.ledger_verify_city import verify_city
from gatekeeper.cli.ledger_verify_copy import verify_copy
from gatekeeper.cli.ledger_verify_told import MEANING, Heard, Interrupted, Outcome, Unverifiable
from gatekeeper.cli.ledger_words import printable
from gatekeeper.cli.opened import data_option, json_option
from gatekeeper.cli.system import output_or
from gatekeeper.errors import GatekeeperError

_LARGEST_CHECKPOINT = 64 * 1024


@click.command()
@click.option(
    "--vkey",
    "--key",
    "given",
    metavar="VKEY",
    multiple=True,
    help="The log's verifier key as you were given it, or a file that holds it [default: this city's own]; "
    "repeated where the log changed its key.",
)
@click.option(
    "--checkpoint",
    "kept",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A checkpoint that you kept earlier; may be repeated.",
)
@click.option(
    "--since-last",
    is_flag=True,
    help="Read only what is new since this machine last found the log sound (DATA/verified).",
)
@click.option("--resume", is_flag=True, help="Go on with a verification of the last 24 hours that was ended.")
@click.option(
    "--copy",
    metavar="DIR_OR_URL",
    help="Verify this published copy, in a directory or at an address; needs --key, and no city.",
)
@json_option
@data_option
def verify(
    data: Path | None,
    given: tuple[str, ...],
    kept: tuple[Path, ...],
    copy: str | None,
    *,
    since_last: bool,
    resume: bool,
    as_json: bool,
) -> None:
    """Derive the log anew, and say what does not fit.

    Every entry is read and hashed, and compared with the tiles, the stored and the published checkpoints,
    those that you kept, and what the city's witnesses signed (GATEKEEPER_WITNESSES). A kept checkpoint finds
    what a second history would hide. An entry from before the last verification, whose text alone was changed
    since, is found only without --since-last.

    \b
    Exit status:
      0  consistent: all of it was read, and nothing is wrong
      1  inconsistent: each finding is named; keep everything as it is
      2  it could not be verified: the database or the copy cannot be read, a
         file or a key is missing, there is no city, or it was interrupted
    """  # noqa: D301  \b is Click's: leave these lines as they are
    if copy is not None and (since_last or resume or data is not None):
        raise click.UsageError("--copy reads the whole copy: leave --since-last, --resume and --data out")
    try:
        texts = [_text(file) for file in kept]
        with _heard(as_json=as_json) as heard, _ended_as_interrupted():
            if copy is None:
                outcome = verify_city(data, given, texts, heard, since_last=since_last, resume=resume)
            else:
                outcome = verify_copy(copy, given, texts, heard)
    except Unverifiable as fault:
        _unverified(str(fault), as_json=as_json)
    except GatekeeperError as fault:
        _unverified(f"{fault} ({fault.code})" if fault.code != "internal" else str(fault), as_json=as_json)
    except OSError as fault:
        where = "" if fault.filename is None else f"{printable(str(fault.filename))}: "
        _unverified(f"{where}{fault.strerror or type(fault).__name__}", as_json=as_json)
    except KeyboardInterrupt:
        _unverified("interrupted before an entry was read", as_json=as_json)
    except Interrupted as ended:
        _unverified(str(ended), as_json=as_json)
    with output_or(2):
        _tell(outcome, as_json=as_json)
    sys.exit(1 if outcome.findings else 0)


def _text(file: Path) -> str:
    """Return a kept checkpoint, whatever it holds. Raises Unverifiable if it cannot be read."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST_CHECKPOINT + 1)
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "no name of a file"
        raise Unverifiable(f"--checkpoint {printable(str(file))} cannot be read: {why}") from None
    if len(content) > _LARGEST_CHECKPOINT:
        raise Unverifiable(f"--checkpoint {printable(str(file))} is over 64 KiB: no checkpoint is")
    return content.decode("utf-8", "replace")


@contextmanager
def _heard(*, as_json: bool) -> Iterator[Heard]:
    """Yield what hears of the progress: a bar on a terminal, nothing in a pipe."""
    console = Console(stderr=True)
    if as_json or not console.is_terminal:
        yield Heard(lambda _place, _size: None)
        return
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("verifying", total=None)
        yield Heard(lambda place, size: bar.update(task, completed=place, total=size or None))


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    """Take a request to end as Ctrl-C is taken: say how far it came."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _unverified(message: str, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"consistent": None, "message": message}))
    click.echo(f"it could not be verified: {message}", err=True)
    sys.exit(2)


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_document(outcome)))
        return
    for finding in outcome.findings:
        where = "" if finding.index is None else f" entry {finding.index}"
        click.echo(f"{finding.code}{where}: {printable(finding.message)}")
    for code in dict.fromkeys(finding.code for finding in outcome.findings):
        click.echo(f"what {code} means: {MEANING[code]}", err=True)
    for note in outcome.notes:
        click.echo(f"note: {printable(note)}", err=True)
    told = "inconsistent" if outcome.findings else f"consistent: {outcome.size} entries"
    if outcome.read_from and not outcome.findings:
        told += f"; those before {outcome.read_from} were found sound on {_time(outcome.found_at)}"
    click.echo(told)


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "consistent": not outcome.findings,
        "size": outcome.size,
        "root": outcome.root.hex(),
        "read_from": outcome.read_from,
        "checked": outcome.checked,
        "witnesses": outcome.witnesses,
        "notes": outcome.notes,
        "findings": [{**asdict(one), "meaning": MEANING[one.code]} for one in outcome.findings],
    }


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
