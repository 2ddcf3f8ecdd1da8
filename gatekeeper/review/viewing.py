"""That a member of staff opens what is private of a request: one entry, whichever way it is opened.

Guarantees: who, which, what of it and why are committed to, and none of it is in clear.
"""

from __future__ import annotations

import secrets

from gatekeeper.ledger import Draft, Json


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
