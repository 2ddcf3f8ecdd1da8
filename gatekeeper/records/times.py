"""Times of a store, both ways: the window into the column's unit, the column's values into microseconds.

Guarantees: a bound is never rounded outward, so the half-open window of a question stays half-open in
seconds, milliseconds and text; a value that names no single moment (no zone, the repeated hour of a
summer-time zone, another form than the mapping says) raises ValueError and is never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from gatekeeper.records.mapping import ColumnMapping
from gatekeeper.records.reads import microseconds, moment

_UNITS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
_LAST_US = 253_402_300_799_999_999  # 9999-12-31: later is no time, and RFC 3339 could not say it
_DAY_US = 86_400_000_000
_FRACTIONS = {0: "seconds", 3: "milliseconds", 6: "microseconds"}


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """One column's way with times.

    ``bound`` gives the smallest value of the column that is not before a moment; ``exact`` the value that a
    read of that moment has; ``read`` the microseconds of a value. All three
    raise ValueError for what names no moment.
    """

    bound: Callable[[int], object]
    exact: Callable[[int], object]
    read: Callable[[object], int]


def time_column(mapping: ColumnMapping) -> TimeColumn:
    """Return how the mapped column holds times; raises nothing (the mapping was checked when it was made)."""
    if mapping.time_kind == "text":
        return _text(mapping)
    if mapping.time_kind == "timestamp":
        return _timestamp(mapping.time_zone)
    return _epoch(_UNITS[mapping.time_kind])


def rfc3339(us: int) -> str:
    """Return the moment as ``2026-11-01T00:00:00Z``, with as many digits of a fraction as it really has."""
    # By hand: every read passes here, and datetime's own way takes as long as all the other fields together.
    day, rest = divmod(us, _DAY_US)
    second, fraction = divmod(rest, 1_000_000)
    clock = f"{_date(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    if not fraction:
        return clock + "Z"
    return f"{clock}.{fraction:06}Z" if fraction % 1_000 else f"{clock}.{fraction // 1_000:03}Z"


@lru_cache(maxsize=1_024)
def _date(day: int) -> str:
    return moment(day * _DAY_US).date().isoformat()


def _epoch(unit: int) -> TimeColumn:
    def bound(us: int) -> object:
        return -(-us // unit)

    def read(value: object) -> int:
        # A bool is an int to Python; a float has lost the moment that it was rounded from.
        if type(value) is not int or not 0 <= value * unit <= _LAST_US:
            raise ValueError("not a whole number of time units since 1970")
        return value * unit

    return TimeColumn(bound, bound, read)


def _text(mapping: ColumnMapping) -> TimeColumn:
    step = 10 ** (6 - mapping.time_digits)
    zone: tzinfo = ZoneInfo(mapping.time_zone) if mapping.time_zone else UTC
    fraction, suffix = _FRACTIONS[mapping.time_digits], mapping.time_suffix

    def write(us: int) -> str:
        local = _definite(us, zone)
        return local.isoformat(sep=mapping.time_separator, timespec=fraction) + suffix

    def bound(us: int) -> object:
        return write(-(-us // step) * step)

    def read(value: object) -> int:
        if type(value) is not str or not value.endswith(suffix):
            raise ValueError("not a text of the mapped form")
        us = _moment_of(datetime.fromisoformat(value[: len(value) - len(suffix)]), zone)
        # Written back it must be the same text: any other form would have been compared wrongly by the
        # database.
        if write(us) != value:
            raise ValueError("not a text of the mapped form")
        return us

    return TimeColumn(bound, write, read)


def _timestamp(name: str | None) -> TimeColumn:
    zone = ZoneInfo(name) if name else None

    def bound(us: int) -> object:
        return _definite(us, zone) if zone else moment(us)

    def read(value: object) -> int:
        if not isinstance(value, datetime):
            raise ValueError("not a timestamp")  # noqa: TRY004 - a bad value of a row, like every other
        return _moment_of(value, zone) if zone else microseconds(value)

    return TimeColumn(bound, bound, read)


def _moment_of(local: datetime, zone: tzinfo) -> int:
    """Return the microseconds of a wall clock's reading; raises ValueError unless one moment shows it."""
    if local.tzinfo is not None:
        raise ValueError("the time has a zone of its own, and the mapping gives it another")
    first = local.replace(tzinfo=zone, fold=0)
    if first.utcoffset() != local.replace(tzinfo=zone, fold=1).utcoffset():
        raise ValueError("this hour happens twice, or not at all, in the mapped zone")
    return microseconds(first)


def _definite(us: int, zone: tzinfo) -> datetime:
    """Return the wall-clock reading of a moment; raises ValueError if another moment shows the same."""
    local = moment(us).astimezone(zone).replace(tzinfo=None, fold=0)
    if _moment_of(local, zone) != us:
        raise ValueError("this hour happens twice in the mapped zone")
    return local
