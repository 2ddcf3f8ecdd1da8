"""What an agency may learn later about a query of its own: the decision as it was logged, and its review."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from gatekeeper.errors import KeyErased, UnknownQuery
from gatekeeper.exchange.decide import timestamp
from gatekeeper.exchange.interfaces import Queries, Review
from gatekeeper.exchange.respond import provision_json
from gatekeeper.exchange.rulings import permitted_until
from gatekeeper.ledger import Json, Ledger, StoredEntry
from gatekeeper.policy import Catalogue

_DECISIONS = ("query.decided", "query.previewed")
_SAID_TO_THE_AGENCY = ("review.asked", "review.ruled")
"""What staff write to each other (a request handed to counsel) is not among them."""


def status(
    queries: Queries, ledger: Ledger, catalogue: Catalogue, query_id: str, agency_id: str, at: datetime
) -> dict[str, Json]:
    """Return ``{query_id, decision, review, receipt}`` of the agency's own query, as it was decided last.

    Another agency's id and an unknown one are answered alike: UnknownQuery. Also raises StoreUnavailable,
    LedgerUnavailable.
    """
    if queries.find(query_id, agency_id) is None:
        raise UnknownQuery(query_id)
    entries = ledger.entries_of(query_id)
    decided = [e for e in entries if e.event in _DECISIONS][-1]
    entry, openings, detail = json.loads(decided.entry), *_private(ledger, decided.index)
    review = queries.review(query_id, agency_id)
    return {
        "query_id": query_id,
        "decision": _decision(entry, detail, catalogue),
        "review": {
            "state": "none" if review is None else state_now(review, queries, catalogue, at),
            "due": None if review is None or review.due_at is None else timestamp(review.due_at),
            "messages": [*_messages(ledger, entries)],
        },
        "receipt": ledger.receipt_for(decided.index, openings).as_json(),
    }


def state_now(review: Review, queries: Queries, catalogue: Catalogue, at: datetime) -> str:
    """Say how the review stands: what permits it ends by itself. Raises StoreUnavailable."""
    if review.state != "permitted":
        return review.state
    until = permitted_until(queries.review_events(review.query_id), catalogue)
    return "permitted" if until is not None and at < until else "expired"


def _messages(ledger: Ledger, entries: Sequence[StoredEntry]) -> Iterator[dict[str, Json]]:
    """Yield what staff said to the agency, oldest first; what was erased is left out."""
    for entry in entries:
        if entry.event in _SAID_TO_THE_AGENCY:
            openings, detail = _private(ledger, entry.index)
            if "said" in detail:
                yield {"at": openings["at"]["value"], "message": detail["said"]}


def _decision(entry: Mapping[str, Any], detail: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Json]:
    decision: dict[str, Json] = {"outcome": entry["outcome"], "policy": entry["policy"]}
    if entry["outcome"] == "permit":
        decision["obligations"] = detail.get("obligations")
    else:
        # Quoted as the catalogue has them now; a code that a later policy dropped is still named.
        decision["provisions"] = [
            provision_json(catalogue[code]) if code in catalogue else {"code": code}
            for code in entry["provisions"]
        ]
    return decision


def _private(ledger: Ledger, index: int) -> tuple[dict[str, dict[str, Json]], dict[str, Json]]:
    """Return openings and detail, or nothing of them once they were purged: the proof still holds."""
    try:
        private = ledger.detail_of(index)
    except KeyErased:
        return {}, {}
    return private.openings, private.detail
