"""The one clock of a process.

Guarantees: every time it tells is aware, UTC and in whole milliseconds; it refuses to tell any once the wall
clock is more than two seconds away from the time that has passed since start, because a stepped clock would
let a lapsed affirmation or a spent lease look fresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gatekeeper.errors import ClockUnreliable

TOLERANCE_MS = 2_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def _passed_ns() -> int:
    """Return nanoseconds on a clock that nobody can set.

    CLOCK_BOOTTIME also counts a suspended machine; with CLOCK_MONOTONIC a laptop that slept would be refused
    until it is restarted.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot is None else time.clock_gettime_ns(boot)


class Clock:
    """Wall time, checked against monotonic time since this object was made (once per process, at start)."""

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, passed_ns: Callable[[], int] = _passed_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._passed_ns = passed_ns
        self._offset = wall_ns() - passed_ns()

    def now_ms(self) -> int:
        """Return milliseconds since 1970; raises ClockUnreliable if the wall clock was stepped."""
        wall = self._wall_ns()
        if abs(wall - self._passed_ns() - self._offset) > TOLERANCE_MS * 1_000_000:
            raise ClockUnreliable("the wall clock moved against monotonic time: set the clock and restart")
        return wall // 1_000_000

    def now(self) -> datetime:
        """Return the aware UTC time in whole milliseconds; raises ClockUnreliable as `now_ms` does."""
        return from_ms(self.now_ms())


def from_ms(ms: int) -> datetime:
    """Return the aware UTC datetime of milliseconds since 1970, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=ms)


def to_ms(at: datetime) -> int:
    """Return whole milliseconds since 1970; raises ValueError for a naive time, whose zone is a guess."""
    if at.utcoffset() is None:
        raise ValueError("a time without a zone is refused")
    return (at - _EPOCH) // _MILLISECOND


def iso(at: datetime) -> str:
    """Return ``2026-11-01T00:00:00.123Z``, always with milliseconds; raises ValueError for a naive time."""
    return from_ms(to_ms(at)).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
