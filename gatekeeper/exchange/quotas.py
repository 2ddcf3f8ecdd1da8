"""What a query spends of the limits that the city's policy gives (``quotas`` in ``data/city.json``).

A new query, a dry run too, spends a token of its agency, of its officer and of its kind. A further page, a
repeated request (by Idempotency-Key, or records asked for anew; an appeal too) and one that cannot be read
are no new query and spend one of ``again``: who lost an answer can have it, and nobody can fill the log for
nothing. Guarantees: the thresholds are the law's own, inside its digest; a law without them answers no query;
the last tokens of each limit, its reserve, are for the purposes that the city calls urgent, so that a search
for a missing child is not refused for what others used up; an officer is known by a fingerprint under the
day's key, as everywhere.

Tokens that are revoked are entries of the log too, and any client makes and revokes as many as it likes: each
client has a limit of its own for them (``REVOCATIONS``), which decides nothing of a query and so is no part
of the law. Over it a token is not revoked, and the answer says when to come again, within seconds: a
revocation that left no entry would be one that nobody can show. Only whoever proves to be the client can use
the limit up; a thief of a token cannot, and a thief of the client's key makes new tokens, against whom
revoking a token never helped. What helps, revoking the key or the client, and what is done by staff spends
nothing. A token that is unknown, over or revoked already makes no entry, and spends nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final

from gatekeeper.errors import KeyErased, PolicyUnavailable
from gatekeeper.exchange.fingerprints import officer_print, who
from gatekeeper.exchange.parse import Query
from gatekeeper.ledger import DayKeys
from gatekeeper.ledger.spending import Left, Limit, Spend
from gatekeeper.policy.quotas import IN_A_DAY

AGENCY: Final = "agency"
OFFICER: Final = "officer"
AGAIN: Final = "again"
KINDS: Final = ("plate", "place")
LIMITS: Final = (AGENCY, OFFICER, *KINDS, AGAIN)
"""The names of the limits on queries, which stand in headers, in refusals and in the log."""
REVOCATIONS: Final = "revocations"
MOST_REVOKED: Final = 3000
"""Tokens that one client may revoke at once, and as many an hour: as an agency may ask queries."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """The limits of one agency, by their names, and the purposes that may spend a reserve."""

    limits: Mapping[str, Limit]
    written: Mapping[str, Mapping[str, Any]]
    urgent: frozenset[str]

    @classmethod
    def of(cls, data: Mapping[str, Any], agency_id: str, agency_kind: str) -> Quotas:
        """Read those of an agency: its own, or else its kind's, or else everybody's.

        *data* is that of a bundle, whose schema has checked it. Raises PolicyUnavailable if it has none.
        """
        said = data["city"].get("quotas")
        if said is None:
            raise PolicyUnavailable("the law in force has no quotas: activate one that has")
        own, its_kinds = said["agencies"].get(agency_id, {}), said["kinds"].get(agency_kind, {})
        written = {name: own.get(name) or its_kinds.get(name) or said[name] for name in LIMITS}
        limits = {
            name: Limit(name, one["capacity"], one["refill"] * IN_A_DAY[one["per"]], one["reserve"])
            for name, one in written.items()
        }
        return cls(limits, written, frozenset(said["urgent"]))


@dataclass(slots=True)
class Charge:
    """What one answer spends: once, however often it is decided anew because the registry changed.

    ``left`` is what is left of each limit once it is ``paid``.
    """

    paid: bool = False
    left: tuple[Left, ...] = field(default=())

    def told(self, left: tuple[Left, ...]) -> None:
        """Take note of what is left."""
        self.left = left


def spend(
    charge: Charge,
    quotas: Quotas,
    keys: DayKeys,
    now_ms: Callable[[], int],
    *,
    agency_id: str,
    query: Query,
    first: bool,
) -> Spend | None:
    """Return what is to be spent with the decision on a query, None if that is done."""
    if charge.paid:
        return None
    limits = quotas.limits
    return Spend(
        agency_id=agency_id,
        limits=(limits[AGENCY], limits[query.kind]) if first else (limits[AGAIN],),
        officer=limits[OFFICER] if first else None,
        officer_print=_prints(keys, agency_id, query),
        urgent=query.purpose.category in quotas.urgent,
        now_ms=now_ms,
        told=charge.told,
    )


def spend_unread(quotas: Quotas, now_ms: Callable[[], int], agency_id: str) -> Spend:
    """Return what is spent by the entry of a request that could not be read."""
    return _of_nobody(quotas.limits[AGAIN], now_ms, agency_id)


def spend_revocation(now_ms: Callable[[], int], agency_id: str, client_id: str) -> Spend:
    """Return what the entry of a token that its client revoked spends: one of that client's own."""
    name = f"{REVOCATIONS} {sha256(client_id.encode()).hexdigest()[:24]}"  # as long as a bucket's name may be
    return _of_nobody(Limit(name, MOST_REVOKED, MOST_REVOKED * IN_A_DAY["hour"]), now_ms, agency_id)


def _of_nobody(limit: Limit, now_ms: Callable[[], int], agency_id: str) -> Spend:
    """Return one of a limit alone, by no officer, not urgent, of which nothing is told when it was spent."""
    return Spend(
        agency_id=agency_id,
        limits=(limit,),
        officer=None,
        officer_print=lambda _day: None,
        urgent=False,
        now_ms=now_ms,
        told=lambda _left: None,
    )


def _prints(keys: DayKeys, agency_id: str, query: Query) -> Callable[[date], bytes | None]:
    badge = who(query.requester.badge, query.requester.name)

    def of(day: date) -> bytes | None:
        with suppress(KeyErased):
            return officer_print(keys, day, agency_id=agency_id, badge=badge)
        return None

    return of
