"""Spends tokens inside a transaction of the log; see ``ledger.spending`` for the arithmetic.

Guarantees: what is granted and what is written are of one commit under the log's one lock, so no two
processes spend the same token; a spend is checked before anything of its request is written and taken after
all of it was, so a request that is refused for any reason spends nothing; a bucket that does not have its
shape, or whose stamp lies in the future, is an error and never a full one; an officer's bucket goes on at
midnight as it stood, though the fingerprint that it is found by is another: its day follows the agency's own
stamps, which never run backwards, so two clocks that differ at midnight are no hole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Dialect

from gatekeeper.errors import QuotaExceeded, StoreUnavailable
from gatekeeper.ledger.clock import from_ms
from gatekeeper.ledger.spending import TOKEN, Limit, Spend, Used, left_of, used_by
from gatekeeper.store.prepared import Driver, prepared

NOBODY: Final = b""
"""Stands for the officer in the agency's own buckets."""

AHEAD_MS: Final = 10_000
"""How far a stamp may lie ahead of this clock: clocks of two nodes, and a wait for the lock."""

_READ: Final = (
    "SELECT officer_fp, bucket, used, at_ms FROM quota_buckets "
    "WHERE agency_id = ? AND officer_fp IN (?, ?, ?)"
)
_KEY: Final = ("agency_id", "officer_fp", "bucket")
_DAY: Final = timedelta(days=1)

_Place = tuple[str, bytes, str]


@dataclass(frozen=True, slots=True)
class Charge:
    """A spend that was checked, and what the buckets hold once it is taken."""

    day: date
    after: dict[_Place, Used]
    begins: bool


@dataclass(slots=True)
class Purse:
    """The buckets that one transaction has looked at; *send* runs a statement, marked with ``?``."""

    dialect: Dialect
    send: Callable[..., Any]
    _known: dict[_Place, Used] = field(default_factory=dict)
    _looked: set[tuple[str, bytes]] = field(default_factory=set)
    _changed: dict[_Place, date] = field(default_factory=dict)
    _sweep: date | None = None

    def check(self, spend: Spend) -> Charge:
        """Return what would be taken; nothing is yet.

        Raises QuotaExceeded, StoreUnavailable for a bucket that cannot be one, and what the clock, the
        fingerprint and the driver raise.
        """
        now = spend.now_ms()
        today, before = self._look(spend, _day(now))
        at = self._stamp(spend.agency_id, now)
        if _day(at) != _day(now):
            # Another node is past midnight already: the day is its day.
            today, before = self._look(spend, _day(at))
        places = [((spend.agency_id, NOBODY, limit.name), limit) for limit in spend.limits]
        found = [self._known.get(place) for place, _ in places]
        begins = False
        if spend.officer is not None:
            if today is None:
                raise StoreUnavailable("an officer's bucket cannot be found without a key of the day")
            place = (spend.agency_id, today, spend.officer.name)
            begins = place not in self._known
            earlier = None if before is None else (spend.agency_id, before, spend.officer.name)
            found.append(self._known.get(place) or (self._known.get(earlier) if earlier else None))
            places.append((place, spend.officer))
        if any(one is not None and one.at_ms > now + AHEAD_MS for one in found):
            raise StoreUnavailable("a quota was spent in the future: set the clock")
        used = [used_by(one, limit, at) for one, (_, limit) in zip(found, places, strict=True)]
        _granted([limit for _, limit in places], used, spend)
        after = {place: Used(units + TOKEN, at) for units, (place, _) in zip(used, places, strict=True)}
        return Charge(_day(at), after, begins)

    def take(self, charge: Charge) -> None:
        """Spend what was checked."""
        self._known |= charge.after
        self._changed |= dict.fromkeys(charge.after, charge.day)
        if charge.begins:
            self._sweep = charge.day

    def flush(self, driver: Driver) -> None:
        """Write what was spent. Raises what the driver raises."""
        rows = [
            {
                "agency_id": place[0],
                "officer_fp": place[1],
                "bucket": place[2],
                "day": None if place[1] == NOBODY else day,
                "used": self._known[place].units,
                "at_ms": self._known[place].at_ms,
            }
            for place, day in self._changed.items()
        ]
        table = prepared("quota_buckets", self.dialect)
        if rows:
            table.put(driver, rows, _KEY, ("used", "at_ms"))
        if self._sweep is not None:
            # A bucket of the day before yesterday is given back by now: every one is within a day.
            table.remove_before(driver, "day", self._sweep - 2 * _DAY)
        self._changed, self._sweep = {}, None

    def _look(self, spend: Spend, day: date) -> tuple[bytes | None, bytes | None]:
        """Read the agency's buckets, and the officer's of that day and of the day before."""
        today = before = None
        if spend.officer is not None:
            today, before = spend.officer_print(day), spend.officer_print(day - _DAY)
        wanted = [NOBODY, today or NOBODY, before or NOBODY]
        if any((spend.agency_id, one) not in self._looked for one in wanted):
            for officer, bucket, units, stamp in self.send(_READ, (spend.agency_id, *wanted)).fetchall():
                place = (spend.agency_id, bytes(officer), bucket)
                if place not in self._changed:
                    self._known[place] = as_bucket(units, stamp)
            self._looked.update((spend.agency_id, one) for one in wanted)
        return today, before

    def _stamp(self, agency_id: str, now: int) -> int:
        """Return the latest stamp of the agency's own buckets, or now if that is later."""
        stamps = (one.at_ms for place, one in self._known.items() if place[:2] == (agency_id, NOBODY))
        return min(max(now, *stamps, now), now + AHEAD_MS)


def _granted(limits: Sequence[Limit], used: Sequence[int], spend: Spend) -> None:
    """Tell what is left. Raises QuotaExceeded if any limit has nothing left."""
    left = [left_of(limit, units, urgent=spend.urgent) for limit, units in zip(limits, used, strict=True)]
    if over := [one for one in left if not one.tokens]:
        raise QuotaExceeded(
            [one.limit.name for one in over], max(1, *(one.reset_seconds for one in over)), left
        )
    spend.told(
        tuple(
            left_of(limit, units + TOKEN, urgent=spend.urgent)
            for limit, units in zip(limits, used, strict=True)
        )
    )


def as_bucket(units: object, stamp: object) -> Used:
    """Return a bucket as it was read. Raises StoreUnavailable if it cannot be one."""
    if not isinstance(units, int) or not isinstance(stamp, int) or units < 0 or stamp < 0:
        raise StoreUnavailable("a quota does not have its shape")
    return Used(units, stamp)


def _day(at_ms: int) -> date:
    return from_ms(at_ms).date()
