"""The rulings of staff, as facts: which of those on record bind this request at this moment.

A ruling is never a branch around the policy: it is ``input.ruling``, and only the provision that it names may
read it. Guarantees: a ruling counts only if it was made on this very request (its body's digest), for a
provision that the law lets a person of that level rule on, and has not expired; it lives 72 hours at most.
A later ruling on the same provision takes its place, and a review that was upheld, withdrawn or has expired
takes them all. Anything else counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from gatekeeper.errors import KeyErased
from gatekeeper.exchange.interfaces import Queries, ReviewEvent
from gatekeeper.ledger import DayKeys, Json
from gatekeeper.policy import Provision

RULED = "review.ruled"
LIFE = timedelta(hours=72)
_LEVELS = {"staff": frozenset({"staff", "counsel"}), "counsel": frozenset({"counsel"})}
_CLOSED = frozenset({"upheld", "withdrawn", "expired"})


def rulings(
    queries: Queries,
    keys: DayKeys,
    catalogue: Mapping[str, Provision],
    *,
    query_id: str,
    digest: str,
    at: datetime,
) -> Mapping[str, Json] | None:
    """Return ``input.ruling`` for a query that was asked before, None if no ruling binds it.

    Raises StoreUnavailable: a record that cannot be read is not an empty one.
    """
    recorded = queries.review_events(query_id)
    return in_force((e for e in recorded if e.query_id == query_id), keys, catalogue, digest, at) or None


def in_force(
    recorded: Iterable[ReviewEvent],
    keys: DayKeys,
    catalogue: Mapping[str, Provision],
    digest: str,
    at: datetime,
) -> dict[str, Json]:
    """Return the provisions ruled on, each with the level of the person who ruled, of one query's review."""
    found: dict[str, Json] = {}
    for event in recorded:
        if event.provision is None:
            if event.state in _CLOSED:
                found.clear()
            continue
        found.pop(event.provision, None)
        if _permits(event, catalogue, at) and _of_this_request(event, keys, digest):
            found[event.provision] = event.level
    return found


def _permits(event: ReviewEvent, catalogue: Mapping[str, Provision], at: datetime) -> bool:
    provision = catalogue.get(event.provision or "")
    return (
        event.event == RULED
        and event.state not in _CLOSED
        and provision is not None
        and event.level in _LEVELS.get(provision.review, frozenset())
        and event.expires_at is not None
        and event.at <= at < event.expires_at <= event.at + LIFE
    )


def _of_this_request(event: ReviewEvent, keys: DayKeys, digest: str) -> bool:
    """Say whether the ruling was made on this body; once the day's key is gone nobody can say so."""
    if event.body_fp is None or event.fp_day is None:
        return False
    try:
        return keys.fingerprint(event.fp_day, "body", digest.encode("ascii")) == event.body_fp
    except KeyErased:
        return False
