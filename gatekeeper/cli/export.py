"""``gatekeeper export``: one query as a file for a court or a records request; the public log of a period.

Guarantees: the log holds that something is taken along before a byte of it is written; a file is written
whole, or not at all; plates and words leave only with a member of staff who may see and take them, proves it
now, gives a reason, and has no part in the request.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import click

from gatekeeper.cells import cell
from gatekeeper.cli.opened import city, data_option, day_option, operator
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.court.dossier import Court
from gatekeeper.court.file import court_file
from gatekeeper.court.papers import Kept
from gatekeeper.errors import OperatorError, UnknownDocument
from gatekeeper.exchange.documents import fetched
from gatekeeper.ledger import DayKeys, Json
from gatekeeper.oversight.log_period import Period, Public, entries_in
from gatekeeper.review.accounts import Account
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import ACTS, Act, may
from gatekeeper.review.viewing import taken_along
from gatekeeper.revisions.past_texts import past_text
from gatekeeper.state import State
from gatekeeper.store import Documents
from gatekeeper.whole import write_whole, written_whole

COLUMNS: Final = (
    "index", "hour", "event", "ref", "agency", "end_requester", "outcome", "provisions", "category", "review",
    "count_band", "policy", "leaf_hash",
)  # fmt: skip
"""What a row of the log says: an entry's own field of that name, where it has one."""

_STANDARD_OUTPUT: Final = Path("-")
_PRIVATE: Final = 0o600


@click.group()
def export() -> None:
    """Take a query, or the public log of a period, along as a file; the log holds that you did."""


# --- One query. -------------------------------------------------------------------------------------------


@export.command()
@click.argument("query_id")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The zip file.")
@click.option("--public", is_flag=True, help="Without plates, names, words and openings.")
@click.option("--reason", required=True, help="For what, in a sentence; kept with the log.")
@as_option
@data_option
def query(
    data: Path | None, query_id: str, out: Path, reason: str, username: str | None, *, public: bool
) -> None:
    """Write all that there is of the query QUERY_ID into one zip file, with how to check it (README.txt).

    Decisions, the law's text, what was asked, the papers that came with it, what was released, what people
    did, proofs and checkpoint. For staff who may see a plate and take decisions along; you are asked for
    password and code. What has been erased is said to be, and the rest is there.
    """
    why = tidy(reason)
    if (fault := fault_of(why)) is not None:
        raise OperatorError(f'{fault} For example --reason "Case 25 CV 17, subpoena of 3 November"')
    _refuse_place(out)
    with city(data) as state:
        court = _court(state)
        court.entries(query_id)  # before anybody has typed anything in vain
        dossier = court.gather(query_id, _person(state, username, public=public), why, private=not public)
        content = court_file(dossier)
    # Not as the city's owner, as whom it was opened: the file belongs to whoever typed the command.
    with _told_of(out):
        write_whole(out, content, _PRIVATE)
    click.echo(f"{out}: {len(dossier.told)} entries about {query_id}", err=True)
    if dossier.erased:
        erased = ", ".join(map(str, dossier.erased))
        click.echo(f"the private side of entries {erased} has been erased; the file says so", err=True)
    if absent := sum(paper.state != "here" for paper in dossier.papers):
        click.echo(f"{absent} of {len(dossier.papers)} papers are not in it; the file says why", err=True)


def _person(state: State, username: str | None, *, public: bool) -> Account:
    """Return who proved themselves, and that they may do all that this takes. Raises OperatorError."""
    person = proved(state, username, "export").account
    acts: tuple[Act, ...] = ("read_ledger",) if public else ("read_ledger", "unmask")
    for act in acts:
        if not may(person.role, act):
            raise OperatorError(f"{person.username} is {person.role}, who may not {ACTS[act]}")
    return person


def _court(state: State) -> Court:
    return Court(
        ledger=state.ledger,
        rows=state.rows,
        key=state.log_key.verifier,
        covering=state.publication().covering,
        law=partial(past_text, state.lifecycle()),
        papers=KeptPapers(Documents(state.database), state.keys),
    )


@dataclass(frozen=True, slots=True)
class KeptPapers:
    """The papers of requests, as the file for a court asks for them; see ``court.papers``."""

    documents: Documents
    keys: DayKeys

    def of(self, query_id: str) -> Sequence[Kept]:
        """Return every paper of a query that is kept. Raises StoreUnavailable."""
        return self.documents.of(query_id)

    def opened(self, paper_id: str) -> tuple[str, bytes] | None:
        """Return name and bytes, None if it was erased. Raises LedgerCorrupt, and what the store raises."""
        try:
            _, document = fetched(self.documents, self.keys, paper_id)
        except UnknownDocument:
            return None
        return document.name, document.content


# --- The log of a period. ---------------------------------------------------------------------------------


@export.command()
@day_option("--from", "first", required=True, help="The first day, in UTC.")
@day_option("--to", "last", required=True, help="The last day, in UTC, which is included.")
@click.option("--agency", metavar="ID", help="Only entries that name this agency.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True,
    help="A table, or JSON Lines with each entry's exact text.",
)  # fmt: skip
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="The file, or - for standard output.",
)  # fmt: skip
@data_option
def log(data: Path | None, first: date, last: date, agency: str | None, form: str, out: Path) -> None:
    """Write the published log of a period: a row an entry, in the log's order, nothing private in it.

    What is not published yet (the present hour, unless the city set it otherwise) is not in it. In a table,
    a cell that a spreadsheet would take for a formula begins with an apostrophe; JSON Lines are exact.
    """
    if last < first:
        raise OperatorError("--to is before --from")
    if out != _STANDARD_OUTPUT:
        _refuse_place(out)
    period, count = Period(first, last, agency), 0
    with city(data) as state:
        if agency is not None and agency not in {known.id for known in state.registry.agencies()}:
            raise OperatorError("no such agency: gatekeeper agency list shows them")
        size, _ = state.publication().latest()
        subject: dict[str, Json] = {
            "from": f"{first}",
            "to": f"{last}",
            "agency": agency,
            "format": form,
            "size": size,
        }
        state.ledger.append(taken_along(operator(), {"log": subject}))
        with _opened(out) as file:
            table = form == "csv"
            if table:
                file.write(_cells(COLUMNS))
            for public in entries_in(state.rows, period, size):
                file.write(_cells_of(public) if table else _line(public))
                count += 1
    click.echo(f"{count} entries, of the {size} that are published", err=True)


@contextmanager
def _opened(out: Path) -> Iterator[BinaryIO]:
    if out == _STANDARD_OUTPUT:
        yield sys.stdout.buffer
        return
    with _told_of(out), written_whole(out) as file:
        yield file


def _row(public: Public) -> dict[str, Any]:
    """Return what an entry says, by column."""
    said, policy = public.said, public.said.get("policy")
    of_the_log = {
        "index": public.stored.index,
        "policy": policy.get("revision") if isinstance(policy, dict) else None,
        "leaf_hash": b64encode(public.stored.leaf_hash).decode(),
    }
    return {name: said.get(name) for name in COLUMNS} | of_the_log


def _cells_of(public: Public) -> bytes:
    values = _row(public)
    if isinstance(values["provisions"], list):
        values["provisions"] = " ".join(map(str, values["provisions"]))
    return _cells([values[name] for name in COLUMNS])


def _cells(values: Sequence[object]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerow([cell(value) for value in values])
    return written.getvalue().encode()


def _line(public: Public) -> bytes:
    document = {**_row(public), "entry": public.stored.entry.decode("utf-8")}
    return f"{json.dumps(document, ensure_ascii=False)}\n".encode()


# --- Shared. ----------------------------------------------------------------------------------------------


def _refuse_place(out: Path) -> None:
    """Refuse a place that nothing can be written to, before the log tells of a file. Raises OperatorError."""
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK | os.X_OK):
        raise OperatorError(f"{out.parent} is no directory that you may write into: name another by --out")


@contextmanager
def _told_of(out: Path) -> Iterator[None]:
    """Name the file in what the system says of it (of a full disk it names none). Raises OperatorError."""
    try:
        yield
    except OSError as error:
        raise OperatorError(
            f"{out}: {error.strerror}; nothing was written, but the log has that it was to be"
        ) from None
