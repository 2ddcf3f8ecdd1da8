"""A table of the console as a CSV file (RFC 4180), to take along.

Guarantees: that it was taken is an entry in the log before the file leaves; a spreadsheet runs nothing of
what somebody typed (``gatekeeper.cells``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response, g

from gatekeeper.cells import cell
from gatekeeper.ledger import Json
from gatekeeper.review.accounts import Session
from gatekeeper.review.viewing import taken_along
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.pages import attached


def sheet(
    desk: Desk, name: str, subject: Json, head: Sequence[str], rows: Iterable[Sequence[object]]
) -> Response:
    """Answer with the file; *subject* says in the log what was taken. Raises LedgerUnavailable."""
    taken(desk, subject)
    written = io.StringIO()
    writer = csv.writer(written)
    for row in (head, *rows):
        writer.writerow([cell(value) for value in row])
    return attached(written.getvalue(), "text/csv", f"{name}.csv")


def taken(desk: Desk, subject: Json) -> None:
    """Log that this person takes a file along. Raises LedgerUnavailable: then it does not leave."""
    session: Session = g.session
    desk.gate.ledger.append(taken_along(session.account.id, subject))
