"""What the commands share: where the city is, who is at the keyboard, and how figures are printed."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gatekeeper import settings
from gatekeeper.state import State, open_state

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the city's state [default: GATEKEEPER_DATA or ./gatekeeper-data]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a machine.")


@contextmanager
def city(data: Path | None) -> Iterator[State]:
    """Open the city's state for one command. Raises OperatorError if there is none."""
    state = open_state(settings.load(data=data))
    try:
        yield state
    finally:
        state.close()


def operator() -> str:
    """Name who runs the command, as the log commits to it."""
    return getpass.getuser()


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
        table.add_row(*(_cell(value) for value in row.values()))
    Console().print(table)


def day(_: click.Context, __: click.Parameter, value: Any) -> Any:
    """Turn Click's moment into a date."""
    return None if value is None else value.date()


def day_option(name: str, **options: Any) -> Callable[[Any], Any]:
    """Return an option that takes a date as 2026-11-22."""
    return click.option(name, type=click.DateTime(["%Y-%m-%d"]), callback=day, **options)


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
