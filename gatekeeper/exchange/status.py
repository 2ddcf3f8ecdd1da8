"""What an agency may learn later about a query of its own: the decision as it was logged, and its review."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import KeyErased, UnknownQuery
from gatekeeper.exchange.decide import timestamp
from gatekeeper.exchange.documents import Documents, name_of
from gatekeeper.exchange.interfaces import Queries, Review
from gatekeeper.exchange.respond import provision_json
from gatekeeper.exchange.rulings import ANSWERED, permitted_until
from gatekeeper.ledger import DayKeys, Json, Ledger, StoredEntry
from gatekeeper.policy import Catalogue

if TYPE_CHECKING:
    from gatekeeper.exchange import Gate

_DECISIONS = ("query.decided", "query.previewed")
_WAITING = frozenset({"queued", "needs_information", "escalated"})
_SAID = {
    "review.asked": "asked",
    "review.answered": "answered",
    "review.ruled": "ruled",
    "review.withdrawn": "taken_back",
}
"""What the agency reads of its review; what staff write to each other, and what they saw, is not among it."""


def status(gate: Gate, query_id: str, agency_id: str, at: datetime) -> dict[str, Json]:
    """Return ``{query_id, erased, decision, review, receipt}`` of the agency's own query, as decided last.

    *erased* says that the private side of that decision is gone; decision and proof stay.
    Another agency's id and an unknown one are answered alike: UnknownQuery. Also raises StoreUnavailable,
    LedgerUnavailable.
    """
    if gate.queries.find(query_id, agency_id) is None:
        raise UnknownQuery(query_id)
    ledger, catalogue = gate.ledger, gate.engine.bundle.written
    entries = ledger.entries_of(query_id)
    decided = [e for e in entries if e.event in _DECISIONS][-1]
    entry, openings, detail = json.loads(decided.entry), *_private(ledger, decided)
    return {
        "query_id": query_id,
        "erased": not openings,
        "decision": _decision(entry, detail, catalogue),
        "review": {
            **review_json(gate.queries, catalogue, query_id, agency_id, at),
            "messages": [*_messages(ledger, entries)],
            "documents": [*_documents(gate.documents, gate.keys, query_id)],
        },
        "receipt": ledger.receipt_for(decided.index, openings).as_json(),
    }


def review_json(
    queries: Queries, catalogue: Catalogue, query_id: str, agency_id: str, at: datetime
) -> dict[str, Json]:
    """Return where a query's review stands: ``{state, due, valid_until}``. Raises StoreUnavailable."""
    review = queries.review(query_id, agency_id)
    if review is None:
        return {"state": "none", "due": None, "valid_until": None}
    state, due = state_now(review, queries, catalogue, at), review.due_at
    until = permitted_until(queries.review_events(query_id), catalogue) if state == "permitted" else None
    return {
        "state": state,
        "due": None if due is None or state not in _WAITING else timestamp(due),
        "valid_until": None if until is None else timestamp(until),
    }


def state_now(review: Review, queries: Queries, catalogue: Catalogue, at: datetime) -> str:
    """Say how the review stands: what permits it ends by itself. Raises StoreUnavailable."""
    if review.state != "permitted":
        return review.state
    until = permitted_until(queries.review_events(review.query_id), catalogue)
    return "permitted" if until is not None and at < until else "expired"


def _messages(ledger: Ledger, entries: Sequence[StoredEntry]) -> Iterator[dict[str, Json]]:
    """Yield what was said between staff and the agency, oldest first; what was erased is left out."""
    for entry in entries:
        if entry.event not in _SAID:
            continue
        openings, detail = _private(ledger, entry)
        answered = entry.event == ANSWERED
        text = detail.get("message" if answered else "said")
        if text is None:
            continue
        who = "you" if answered else "counsel" if detail.get("role") == "counsel" else "records_staff"
        kind = "upheld" if json.loads(entry.entry).get("ruling") == "upheld" else _SAID[entry.event]
        yield {"at": openings["at"]["value"], "message": text, "from": who, "kind": kind}


def _documents(documents: Documents, keys: DayKeys, query_id: str) -> Iterator[dict[str, Json]]:
    """Yield what the agency handed in, the first first; once a day was erased its documents are gone."""
    for kept in documents.of(query_id):
        if kept.source != "agency":
            continue
        try:
            name = name_of(kept, keys)
        except KeyErased:
            continue
        yield {
            "name": name,
            "media_type": kept.media_type,
            "sha256": kept.sha256,
            "size": kept.size,
            "at": timestamp(kept.at),
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


def _private(ledger: Ledger, entry: StoredEntry) -> tuple[dict[str, dict[str, Json]], dict[str, Json]]:
    """Return openings and detail, or nothing of them once they were purged: the proof still holds."""
    try:
        private = ledger.opened(entry)
    except KeyErased:
        return {}, {}
    return private.openings, private.detail
