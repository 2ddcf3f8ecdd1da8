"""That a member of staff opens what is private of a request, or takes something along; and who must not.

Guarantees: who, which, what of it and why are committed to, and none of it is in clear; whoever has a part in
a request is not the one who opens it at the server.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress

from gatekeeper.errors import KeyErased, OperatorError
from gatekeeper.ledger import Draft, Json, Ledger, StoredEntry
from gatekeeper.ledger.entries import agencies_in
from gatekeeper.review.accounts import Account
from gatekeeper.review.rule import alike


def viewed(account_id: str, subject: str, what: str, reason: str | None) -> Draft:
    """Return the entry that must be committed before anything is shown; a reason only where one was asked."""
    why: dict[str, Json] = {} if reason is None else {"reason": reason}
    return Draft(
        event="staff.viewed",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={"by": account_id, "subject": subject, "what": what, **why},
        detail={},
    )


def taken_along(by: str, subject: Json, reason: str | None = None) -> Draft:
    """Return the entry that must be committed before a file leaves; *subject* says what is in it."""
    why: dict[str, Json] = {} if reason is None else {"reason": reason}
    return Draft(
        event="export.made",
        ref=f"event_{secrets.token_hex(12)}",
        clear={},
        secret={"by": by, "subject": subject, **why},
        detail={},
    )


def refuse_own(ledger: Ledger, entries: Sequence[StoredEntry], person: Account) -> None:
    """Refuse whoever belongs to an agency that the entries name, or is named in the request themselves.

    *entries* are all of one request. Raises OperatorError.
    """
    if any(person.agency_id in agencies_in(stored.entry) for stored in entries):
        raise OperatorError("your own agency is named in this entry: somebody else must open it")
    if any(alike(person.name, name) for stored in entries for name in _named(ledger, stored)):
        raise OperatorError("the request names somebody of your name: somebody else must open it")


def _named(ledger: Ledger, stored: StoredEntry) -> Iterator[str]:
    """Yield the names of whoever asked, and for whom, as typed with the query that an entry is about."""
    with suppress(KeyErased):
        private = ledger.opened(stored)
        body = private.detail.get("body")
        behalf = body.get("on_behalf_of") if isinstance(body, dict) else None
        officer = private.openings.get("officer", {}).get("value")
        for named, field in ((officer, "name"), (behalf, "person")):
            if isinstance(named, dict) and isinstance(named.get(field), str):
                yield str(named[field])
