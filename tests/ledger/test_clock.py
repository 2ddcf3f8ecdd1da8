"""A clock that cannot be trusted tells no time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from gatekeeper.errors import ClockUnreliable
from gatekeeper.ledger.clock import Clock, from_ms, iso, to_ms


class Hands:
    """Two clocks that a test can set."""

    def __init__(self) -> None:
        self.wall = 1_780_000_000_123_456_789
        self.passed = 5_000_000_000

    def clock(self) -> Clock:
        """Return a clock with these hands."""
        return Clock(lambda: self.wall, lambda: self.passed)


@pytest.mark.parametrize("step", [2_001_000_000, -2_001_000_000, 86_400_000_000_000])
def test_a_stepped_wall_clock_is_refused(step: int) -> None:
    """More than two seconds away from monotonic time, in either direction."""
    hands = Hands()
    clock = hands.clock()
    hands.wall += step
    with pytest.raises(ClockUnreliable):
        clock.now()


def test_time_that_passes_is_told_in_whole_milliseconds() -> None:
    """Both clocks moved alike, and a small correction is not a step."""
    hands = Hands()
    clock = hands.clock()
    hands.wall += 60_000_000_000
    hands.passed += 59_000_000_000
    assert 1_780_000_060_123 == clock.now_ms()
    assert datetime(2026, 5, 28, 20, 27, 40, 123_000, tzinfo=UTC) == clock.now()


def test_the_real_clock_runs() -> None:
    """Against this machine's own clocks."""
    assert abs(datetime.now(UTC) - Clock().now()) < timedelta(seconds=1)


def test_a_time_without_a_zone_is_refused() -> None:
    """Its zone would be a guess."""
    with pytest.raises(ValueError, match="zone"):
        to_ms(datetime(2026, 11, 1))  # noqa: DTZ001 - the defect under test


def test_times_survive_the_round_trip_exactly() -> None:
    """No float rounds a millisecond away, and another zone is turned into UTC."""
    for ms in (0, 1, 999, 1_780_000_000_123, 253_402_300_799_999):
        assert ms == to_ms(from_ms(ms))
    chicago = datetime(2026, 11, 1, 0, 0, 0, 7_000, tzinfo=timezone(timedelta(hours=-6)))
    assert "2026-11-01T06:00:00.007Z" == iso(chicago)
