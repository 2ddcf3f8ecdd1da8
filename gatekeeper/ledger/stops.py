"""What a stop covers, and the lease that bounds how long after a stop a body may still begin.

The stop does not depend on the policy (promise 3): every release is compared with the stops in force inside
its own commit, under the ledger's lock, by ``covered``. A release has a lease of ``LEASE_SECONDS``, begun
*before* that commit; its body is one buffered chunk that is not started once the lease has run out. ``stop``
returns one lease after its own commit, so after it returns no body can begin that was committed before it.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from gatekeeper.errors import LeaseExpired
from gatekeeper.ledger.rows import Stop

LEASE_SECONDS = 0.5

SCOPES = ("all", "agency", "kind", "camera")

KINDS = ("local", "state", "federal", "tribal", "fusion_center", "private")
"""The kinds of agency, as ``terms.json`` lists them."""


@dataclass(frozen=True, slots=True)
class Party:
    """An agency that would receive the reads: the caller's, or the one on whose behalf it asks."""

    agency_id: str
    kind: str


def covers(stop: Stop, parties: Iterable[Party], cameras: Container[str | None]) -> bool:
    """Say whether the stop forbids releasing reads of these cameras to these parties.

    A scope that this code does not know covers everything: a stop is never ignored.
    """
    match stop.scope:
        case "agency":
            return any(party.agency_id == stop.value for party in parties)
        case "kind":
            return any(party.kind == stop.value for party in parties)
        case "camera":
            return stop.value in cameras
        case _:
            return True


def covered(stops: Sequence[Stop], parties: Iterable[Party], cameras: Iterable[str]) -> bool:
    """Say whether any stop in force covers the release."""
    receivers, sources = tuple(parties), frozenset(cameras)
    return any(covers(stop, receivers, sources) for stop in stops)


@dataclass(frozen=True, slots=True)
class Lease:
    """Until when, in monotonic seconds of this process, a committed release may begin to leave."""

    deadline: float

    @classmethod
    def begin(cls) -> Lease:
        """Start a lease now; call this before the release is handed to the ledger, never after."""
        return cls(time.monotonic() + LEASE_SECONDS)

    def check(self) -> None:
        """Raise LeaseExpired if the body may no longer be started."""
        if time.monotonic() >= self.deadline:
            raise LeaseExpired("the release was not sent within its lease; ask again")
