"""What an agency may learn later about a query of its own: the decision as it was logged, and its review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gatekeeper.errors import KeyErased, UnknownQuery
from gatekeeper.exchange.decide import timestamp
from gatekeeper.exchange.interfaces import Queries
from gatekeeper.exchange.respond import provision_json
from gatekeeper.ledger import Json, Ledger
from gatekeeper.policy import Catalogue

_DECISIONS = ("query.decided", "query.previewed")


def status(
    queries: Queries, ledger: Ledger, catalogue: Catalogue, query_id: str, agency_id: str
) -> dict[str, Json]:
    """Return ``{query_id, decision, review, receipt}`` of the agency's own query, as it was decided last.

    Another agency's id and an unknown one are answered alike: UnknownQuery. Also raises StoreUnavailable,
    LedgerUnavailable.
    """
    if queries.find(query_id, agency_id) is None:
        raise UnknownQuery(query_id)
    decided = [e for e in ledger.entries_of(query_id) if e.event in _DECISIONS][-1]
    entry, openings, detail = json.loads(decided.entry), *_private(ledger, decided.index)
    review = queries.review(query_id, agency_id)
    return {
        "query_id": query_id,
        "decision": _decision(entry, detail, catalogue),
        "review": {
            "state": "none" if review is None else review.state,
            "due": None if review is None or review.due_at is None else timestamp(review.due_at),
            "messages": [],
        },
        "receipt": ledger.receipt_for(decided.index, openings).as_json(),
    }


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
