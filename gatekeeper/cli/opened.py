"""What the commands share: where the city is, who is at the keyboard, and how figures are printed."""

from __future__ import annotations

import getpass
import json
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatekeeper import settings
from gatekeeper.errors import OperatorError
from gatekeeper.state import State, open_state

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the city's state [default: GATEKEEPER_DATA or ./gatekeeper-data]",
)
_WIDE = 1000
_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a machine.")


@contextmanager
def city(data: Path | None, *, whatever_the_log: bool = False) -> Iterator[State]:
    """Open the city's state for one command.

    A log that is not the one that was signed is not continued: what a command added to an old copy would
    outgrow the last checkpoint, and with it hide what was lost. Only what must always work works then too.
    Raises OperatorError if there is no city, LedgerCorrupt.
    """
    chosen = _where_it_serves(settings.load(data=data))
    with as_its_owner(chosen.data):
        yield from _opened(chosen, whatever_the_log=whatever_the_log)


def read_credentials(data: Path) -> dict[str, Any]:
    """Return what a running demo wrote. Raises OperatorError if there is none."""
    try:
        document: dict[str, Any] = json.loads((data / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise OperatorError(f"no demo is serving {data}: run `gatekeeper demo --data {data}` first") from None
    return document


def _where_it_serves(chosen: settings.Settings) -> settings.Settings:
    """Return the settings with the address at which a demo serves: how it was started is in no setting."""
    if chosen.base_url != settings.Settings().base_url:
        return chosen
    try:
        address = read_credentials(chosen.data)["base_url"]
    except (OperatorError, KeyError):
        return chosen
    return replace(chosen, base_url=str(address))


def _opened(chosen: settings.Settings, *, whatever_the_log: bool) -> Iterator[State]:
    state = open_state(chosen)
    try:
        if not whatever_the_log:
            state.check_log()
        yield state
    finally:
        state.close()


@contextmanager
def as_its_owner(directory: Path) -> Iterator[None]:
    """Work as the owner of the directory where root types the command.

    What root made there (the key of a new day, say) the service could not open, and would release nothing.
    """
    owner = directory.stat() if directory.exists() else None
    if os.geteuid() != 0 or owner is None or owner.st_uid == 0:
        yield
        return
    group, groups = os.getegid(), os.getgroups()
    os.setgroups([owner.st_gid])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def operator() -> str:
    """Name who runs the command, as the log commits to it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"uid {os.getuid()}"


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print rows: one JSON document a line for a machine, a table for a person."""
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    if not rows:
        click.echo("none")
        return
    table = Table(*rows[0].keys(), box=None, header_style="bold")
    for row in rows:
        # As text: a name with brackets is a name, not markup.
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    printer().print(table)


def printer() -> Console:
    """Return a console; in a pipe or a file nothing is cut or broken over lines."""
    console = Console()
    if not console.is_terminal:
        console.width = _WIDE
    return console


def show_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one row: as ``show`` does for a machine; a line a figure, never broken, for a person to copy."""
    if as_json:
        show([row], as_json=True)
        return
    widest = max(map(len, row))
    for name, value in row.items():
        click.echo(f"{name:<{widest}}  {_cell(value)}".rstrip())


def reason_given(_: click.Context, __: click.Parameter, value: str) -> str:
    """Refuse a reason that says nothing, or is no line of text: it is what the log and letters keep."""
    one_line = all(unicodedata.category(character) not in _NO_TEXT for character in value)
    if not one_line:
        raise OperatorError("say why in words, on one line: a character of the reason cannot be kept")
    if not any(character.isalpha() for character in value):
        raise OperatorError('say why in words: --reason "Letter of the chief of 3 November"')
    return value


reason_option = click.option(
    "--reason", required=True, callback=reason_given, help="Why, in a sentence; kept with the log."
)


def day(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Turn Click's moment into a date."""
    return None if value is None else value.date()


def day_option(*names: str, **options: Any) -> Callable[[Any], Any]:
    """Return an option that takes a date as 2026-11-22."""
    return click.option(*names, type=click.DateTime(["%Y-%m-%d"]), callback=day, **options)


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
