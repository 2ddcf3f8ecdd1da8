"""Permit to plate reads: the store is asked within the permit's bounds, never the request's.

Guarantees: nothing is fetched without a ``Permit``; window, cameras, plate and count come from its
obligations, so the store is never asked for more than was permitted. What it answers is checked again by
``redact``.
"""

from __future__ import annotations

from gatekeeper.exchange.decide import Permit
from gatekeeper.records import Criteria, Keyset, Page, Reads

_NOTHING = Page(reads=(), next=None)


def fetch(permit: Permit, reads: Reads, after: Keyset | None = None) -> Page:
    """Ask the store for what the permit covers, newest first, after ``after`` if this is a further page.

    Raises RecordsUnavailable if the store is slow, gone or answers with what cannot be a read.
    """
    bounds = permit.obligations
    if bounds.start >= bounds.end or bounds.cameras == ():
        return _NOTHING
    return reads.fetch(
        Criteria(
            plate=permit.query.plate,
            plate_state=permit.query.plate_state,
            cameras=bounds.cameras,
            start=bounds.start,
            end=bounds.end,
            limit=bounds.max_records,
            after=after,
        )
    )
