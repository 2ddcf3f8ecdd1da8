"""Token buckets in whole numbers: how much of a limit is used, and what a query spends with its log entry.

A bucket keeps what is *used* of it, in units of which a token has as many as a day has milliseconds; with
every millisecond as many units are given back as tokens come back in a day. So nothing is rounded, a bucket
that is wholly given back is the same as none, and another capacity or refill counts from the moment on that
it is in force. Guarantees: time that runs backwards gives nothing back; of a ``reserve`` only the urgent
spend. No database and no clock: whoever holds the log's lock asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

TOKEN: Final = 86_400_000
"""Units of one token: the milliseconds of a day."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One bucket's size: so many tokens, of which so many come back in a day; the last ones are a reserve."""

    name: str
    capacity: int
    per_day: int
    reserve: int = 0

    @property
    def window_seconds(self) -> int:
        """Return the seconds in which an empty bucket is full again, rounded up."""
        return _up(self.capacity * TOKEN, self.per_day * 1000)


@dataclass(frozen=True, slots=True)
class Used:
    """What was used of a bucket at a moment: units, and milliseconds since 1970."""

    units: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a limit for whoever asked: whole tokens, and seconds.

    ``reset_seconds`` is when it is full again, or, with nothing left, when the next one is there.
    """

    limit: Limit
    tokens: int
    reset_seconds: int


@dataclass(frozen=True, slots=True)
class Spend:
    """A token of each limit, to be spent in the same commit as the entry, or the entry is refused.

    ``limits`` are the agency's; ``officer`` has a bucket for each officer, known by a fingerprint under a
    day's key: ``officer_print`` returns that of a day, None for a day whose key is gone or never was.
    ``told`` hears what is left, before the commit. ``now_ms`` is asked under the log's lock.
    """

    agency_id: str
    limits: tuple[Limit, ...]
    officer: Limit | None
    officer_print: Callable[[date], bytes | None]
    urgent: bool
    now_ms: Callable[[], int]
    told: Callable[[tuple[Left, ...]], None]


def used_by(before: Used | None, limit: Limit, now_ms: int) -> int:
    """Return the units that are still used of a bucket now."""
    if before is None:
        return 0
    return max(0, before.units - max(0, now_ms - before.at_ms) * limit.per_day)


def left_of(limit: Limit, units: int, *, urgent: bool) -> Left:
    """Return what is left when so many units are used."""
    bottom = 0 if urgent else limit.reserve
    tokens = max(0, ((limit.capacity - bottom) * TOKEN - units) // TOKEN)
    missing = units if tokens else units + TOKEN - (limit.capacity - bottom) * TOKEN
    return Left(limit, tokens, _up(missing, limit.per_day * 1000))


def left_in(
    limits: Iterable[Limit], buckets: Mapping[str, Used], now_ms: int, *, urgent: bool = False
) -> tuple[Left, ...]:
    """Return what is left of each limit; the buckets are known by their limits' names. None is spent."""
    return tuple(
        left_of(limit, used_by(buckets.get(limit.name), limit, now_ms), urgent=urgent) for limit in limits
    )


def _up(units: int, by: int) -> int:
    return -(-units // by)
