"""``gatekeeper policy cases``: the cases that staff proposed; the accepted ones as files of the law."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import click

from gatekeeper.cli.opened import city, data_option, json_option, show
from gatekeeper.errors import OperatorError
from gatekeeper.review.cases import path_of
from gatekeeper.store.proposed_cases import ProposedCase, ProposedCases


@click.command()
@click.option("--accepted", is_flag=True, help="Only those that were accepted.")
@click.option(
    "--out",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the accepted ones as files into DIR/permitted and DIR/denied, as policies/cases has them.",
)
@json_option
@data_option
def cases(data: Path | None, directory: Path | None, *, accepted: bool, as_json: bool) -> None:
    """Show the cases that staff proposed, or write those that were accepted into DIR.

    A file that is there is never written over: what another case is called is numbered.
    `gatekeeper policy test` then runs them.
    """
    with city(data) as state:
        found = reversed(ProposedCases(state.database).all())
        chosen = [c for c in found if c.state == "accepted" or not (accepted or directory is not None)]
    if directory is None:
        rows = [
            {
                "id": case.id,
                "name": case.name,
                "provision": case.provision,
                "outcome": case.outcome,
                "state": case.state,
                "proposed_at": case.proposed_at.isoformat(timespec="seconds"),
            }
            for case in chosen
        ]
        show(rows, as_json=as_json)
        return
    written = [{"id": case.id, "file": str(_written(case, directory))} for case in chosen]
    show(written, as_json=as_json)


def _written(case: ProposedCase, directory: Path) -> Path:
    """Return the file that holds this case, written unless it is there. Raises OperatorError."""
    place = directory / path_of(case)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            file = place if number == 1 else place.with_stem(f"{place.stem}-{number}")
            try:
                with file.open("x", encoding="utf-8") as opened:
                    opened.write(case.document)
            except FileExistsError:
                if file.read_text(encoding="utf-8") != case.document:
                    continue
            return file
    except (OSError, UnicodeDecodeError):
        raise OperatorError(
            f"{place.parent} cannot be written to: give another directory, as --out"
        ) from None
    raise AssertionError  # the numbers do not end
