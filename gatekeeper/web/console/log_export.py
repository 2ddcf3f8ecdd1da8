"""Public entries, as they were narrowed, in a file.

Guarantees: that they were taken is an entry of the log before the file leaves; the file holds what anyone may
have (entries are public, so whoever may read the log may take them along), each with its index, and no more
than ``MOST`` of them, the latest: its name says from which to which.
"""

from __future__ import annotations

import json
from typing import Final

from flask import Blueprint, Response, request

from gatekeeper.ledger import Json, StoredEntry
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.ledger import decoded, narrowed
from gatekeeper.web.console.pages import attached, page
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.console.sheets import sheet, taken

MOST: Final = 10_000
_HEAD: Final = ("index", "event", "ref", "hour", "agency", "end_requester", "outcome", "leaf_hash", "entry")


def add_log_export(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the route that gives entries out."""

    @blueprint.post("/ledger/export")
    @sessions.needs("read_ledger")
    def export_entries() -> Response:
        question = narrowed(desk, request.form)
        if not question.readable:
            return page("missing.html", 404, **sessions.shown())
        entries = desk.search.page(question.asked, before=question.before, most=MOST).entries
        subject: dict[str, Json] = {"log": {**question.typed}, "entries": len(entries)}
        name = f"log-entries-{entries[-1].index}-{entries[0].index}" if entries else "log-entries-none"
        if request.form.get("as") == "csv":
            return sheet(desk, name, subject, _HEAD, map(_row, entries))
        taken(desk, subject)
        return attached("".join(map(_line, entries)), "application/jsonl", f"{name}.jsonl")


def _line(entry: StoredEntry) -> str:
    """Return one entry with its place: its exact text as a string, so that its hash can be taken."""
    line = json.dumps(
        {
            "index": entry.index,
            "leaf_hash": entry.leaf_hash.hex(),
            "entry": entry.entry.decode("utf-8", "replace"),
        },
        ensure_ascii=False,
    )
    return f"{line}\n"


def _row(entry: StoredEntry) -> tuple[object, ...]:
    text = entry.entry.decode("utf-8", "replace")
    document = decoded(text)
    clear = (document.get(name) for name in ("hour", "agency", "end_requester", "outcome"))
    return entry.index, entry.event, entry.ref, *clear, entry.leaf_hash.hex(), text
