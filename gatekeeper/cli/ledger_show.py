"""``gatekeeper ledger show``: one entry of the log as anybody may read it; --private opens the rest.

Guarantees: the public side is the entry's own text, whose hash is the leaf's; the private side is for a
member of staff who may see a plate, who proves it now, gives a reason, and has no part in the request; that
they opened it is committed to the log before a word of it is printed; each value that is printed opens its
commitment; no error quotes one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.ledger_words import printable, shown
from gatekeeper.cli.opened import city, data_option, json_option
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.errors import EntryRefused, KeyErased, LedgerCorrupt, OperatorError
from gatekeeper.ledger import Json, StoredEntry
from gatekeeper.ledger.append import Detail
from gatekeeper.ledger.canonical import decoded
from gatekeeper.ledger.entries import schema_of
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.review.reasons import fault_of, tidy
from gatekeeper.review.roles import ACTS, may
from gatekeeper.review.viewing import refuse_own, viewed
from gatekeeper.state import State

_ERASED = (
    "the private detail of this entry has been erased at the end of its time: nobody can open it any more; "
    "its proof holds as before"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry as it is printed; `private` is None where it was not asked for, or was erased."""

    stored: StoredEntry
    document: Mapping[str, Any]
    size: int
    private: Detail | None = None
    erased: bool = False


@click.command()
@click.argument("index", type=click.IntRange(min=0))
@click.option("--private", is_flag=True, help="Open what it commits to, as staff; this is logged.")
@click.option("--reason", help="Why you open it, in a sentence; with --private, and kept with the log.")
@as_option
@json_option
@data_option
def show(
    index: int, reason: str | None, username: str | None, data: Path | None, *, private: bool, as_json: bool
) -> None:
    """Show entry INDEX of the log: what it says in clear, and the names of what it commits to.

    With --private, for staff who may see a plate: every commitment opened and checked. You are asked for
    password and code, a reason is needed, and the log has it before anything is shown.
    """
    if not private and (reason is not None or username is not None):
        raise OperatorError("--reason and --as go with --private")
    why = tidy(reason or "")
    if private and (fault := fault_of(why)) is not None:
        raise OperatorError(f'{fault} For example --reason "Complaint 25-17, asked for by counsel"')
    with city(data) as state:
        size = state.rows.head().size
        stored = state.rows.entry(index) if index < size else None
        if stored is None:
            raise OperatorError("the log has no such entry: gatekeeper ledger checkpoint shows its size")
        if leaf_hash(stored.entry) != stored.leaf_hash:
            raise LedgerCorrupt("the entry is not the one whose hash is in the log: gatekeeper ledger verify")
        entry = Shown(stored, decoded(stored.entry), size)
        if private:
            entry = _opened(state, entry, username, why)
    if as_json:
        click.echo(json.dumps(_document(entry, private=private)))
    else:
        for line in _lines(entry):
            click.echo(line)


# --- The private side. ------------------------------------------------------------------------------------


def _opened(state: State, entry: Shown, username: str | None, why: str) -> Shown:
    """Return the entry with its private side, once the log says who opens it. Raises OperatorError."""
    # (1) Who it is, and that they may see a plate, now.
    person = proved(state, username, "unmask").account
    if not may(person.role, "read_ledger"):
        raise OperatorError(f"{person.username} is {person.role}, who may not {ACTS['read_ledger']}")
    # (2) They have no part in it.
    refuse_own(state.ledger, [entry.stored, *state.ledger.entries_of(entry.stored.ref)], person)
    # (3) It is in the log before anything is printed; if that fails, nothing is.
    state.ledger.append(viewed(person.id, entry.stored.ref, f"entry_{entry.stored.index}", why))
    # (4) Opened now, not before: what was erased meanwhile stays closed.
    try:
        return Shown(entry.stored, entry.document, entry.size, state.ledger.opened(entry.stored))
    except KeyErased:
        return Shown(entry.stored, entry.document, entry.size, erased=True)


# --- What is printed. -------------------------------------------------------------------------------------


def _promised(entry: Shown) -> list[str]:
    promised = entry.document.get("commitments")
    return sorted(promised) if isinstance(promised, dict) else []


def _document(entry: Shown, *, private: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "index": entry.stored.index,
        "leaf_hash": base64.b64encode(entry.stored.leaf_hash).decode(),
        "entry": entry.stored.entry.decode(),
    }
    if private:
        opened: Mapping[str, Mapping[str, Json]] = {} if entry.private is None else entry.private.openings
        document["erased"] = entry.erased
        document["opened"] = {name: opening["value"] for name, opening in sorted(opened.items())}
        document["not_opened"] = [name for name in _promised(entry) if name not in opened]
    return document


def _lines(entry: Shown) -> Iterator[str]:
    event = str(entry.document.get("event"))
    yield f"entry {entry.stored.index} of {entry.size}"
    yield f"  {'event':<20} {printable(event)}"
    with suppress(EntryRefused):
        yield f"  {'':<20} {schema_of(event)['description']}"
    yield f"  {'hour':<20} {shown(entry.document.get('hour'))} (UTC)"
    yield f"  {'about':<20} {shown(entry.document.get('ref'))}"
    for name in sorted(set(entry.document) - {"v", "event", "hour", "ref", "commitments"}):
        yield f"  {printable(name):<20} {shown(entry.document[name])}"
    yield f"  {'commits to':<20} {', '.join(map(printable, _promised(entry)))}"
    yield f"  {'leaf hash':<20} {base64.b64encode(entry.stored.leaf_hash).decode()}"
    if entry.erased:
        yield _ERASED
    if entry.private is not None:
        yield "opened, and checked against its commitment:"
        for name in _promised(entry):
            opening = entry.private.openings.get(name)
            yield f"  {printable(name):<20} {'NOT OPENED' if opening is None else shown(opening['value'])}"
