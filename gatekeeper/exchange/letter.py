"""The denial letter as facts: what a denied query's agency, a court or the press may be shown of it.

Guarantees: nothing in it is private: no plate, place, word, officer, case number or exact time, only what the
public log holds of the decision and what the catalogue says of its provisions; it cites the entry that proves
it. How it is worded and set is elsewhere (``web/console/letter_words.py``), from this one source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gatekeeper.errors import NotDenied, UnknownQuery
from gatekeeper.exchange import Gate
from gatekeeper.exchange.status import state_now
from gatekeeper.policy import Provision


@dataclass(frozen=True, slots=True)
class Letter:
    """One denial. ``hour`` is that of its entry (2026-11-22T20Z); ``due`` is when staff mean to have ruled.

    ``unlisted`` are codes that the city's policy does not have any more; where both lists are empty, the
    provisions are ones that the city does not publish.
    """

    query_id: str
    city: str
    address: str
    agency: str
    hour: str
    state: str
    due: datetime | None
    provisions: tuple[Provision, ...]
    unlisted: tuple[str, ...]
    revision: str
    digest: str
    origin: str
    index: int
    leaf_hash: str


def letter_of(gate: Gate, query_id: str, agency_id: str) -> Letter:
    """Return the letter of the agency's query as it was decided last.

    Raises UnknownQuery (another agency's id and an unknown one alike), NotDenied, StoreUnavailable,
    LedgerUnavailable.
    """
    row, agency = gate.queries.find(query_id, agency_id), gate.registry.snapshot().agency(agency_id)
    if row is None or agency is None:
        raise UnknownQuery(query_id)
    decided = [entry for entry in gate.ledger.entries_of(query_id) if entry.event == "query.decided"]
    entry: dict[str, Any] = json.loads(decided[-1].entry) if decided else {"outcome": "none"}
    if entry["outcome"] != "deny":
        raise NotDenied(query_id)
    catalogue = gate.engine.bundle.written
    review, now = gate.queries.review(query_id, agency_id), gate.clock.now()
    origin = gate.ledger.checkpoint().partition("\n")[0]
    return Letter(
        query_id=query_id,
        city=origin.partition("/")[0],
        address=gate.verifier.issuer,
        agency=agency.name,
        hour=entry["hour"],
        state="none" if review is None else state_now(review, gate.queries, catalogue, now),
        due=None if review is None else review.due_at,
        provisions=tuple(catalogue[code] for code in entry["provisions"] if code in catalogue),
        unlisted=tuple(code for code in entry["provisions"] if code not in catalogue),
        revision=entry["policy"]["revision"],
        digest=entry["policy"]["digest"],
        origin=origin,
        index=decided[-1].index,
        leaf_hash=decided[-1].leaf_hash.hex(),
    )
