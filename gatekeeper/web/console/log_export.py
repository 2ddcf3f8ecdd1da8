"""Public entries, as they were narrowed, in a file.

Guarantees: that they were taken is an entry of the log before the file leaves; the file holds what anyone may
have (entries are public, so whoever may read the log may take them along), each with its index, and no more
than ``MOST`` of them, the latest: its name says from which to which.
"""

from __future__ import annotations

import json
import secrets
from typing import Any, Final

from flask import Blueprint, Response, g, request

from gatekeeper.ledger import Draft, StoredEntry
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.ledger import narrowed
from gatekeeper.web.console.pages import attached, page
from gatekeeper.web.console.sessions import Sessions

MOST: Final = 10_000


def add_log_export(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> None:
    """Add the route that gives entries out."""

    @blueprint.post("/ledger/export")
    @sessions.needs("read_ledger")
    def export_entries() -> Response:
        question = narrowed(desk, request.form)
        if not question.readable:
            return page("missing.html", 404, **sessions.shown())
        found = desk.search.page(question.asked, before=question.before, most=MOST)
        _log(desk, {**question.typed, "entries": len(found.entries)})
        lines = "".join(f"{_line(entry)}\n" for entry in found.entries)
        first = found.entries[-1].index if found.entries else 0
        last = found.entries[0].index if found.entries else 0
        return attached(lines, "application/jsonl", f"log-entries-{first}-{last}.jsonl")


def _line(entry: StoredEntry) -> str:
    """Return one entry with its place: its exact text as a string, so that its hash can be taken."""
    return json.dumps(
        {
            "index": entry.index,
            "leaf_hash": entry.leaf_hash.hex(),
            "entry": entry.entry.decode("utf-8", "replace"),
        },
        ensure_ascii=False,
    )


def _log(desk: Desk, subject: dict[str, Any]) -> None:
    """Log that this person takes them. Raises LedgerUnavailable: then nothing leaves."""
    draft = Draft(
        event="export.made",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={"by": g.session.account.id, "subject": {"log": subject}},
        detail={},
    )
    desk.gate.ledger.append(draft)
