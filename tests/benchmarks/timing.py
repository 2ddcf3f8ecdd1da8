"""How long one thing takes, many times over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_Asked = TypeVar("_Asked")


def spent(name: str, work: Callable[[_Asked], object], of: Sequence[_Asked]) -> dict[str, float]:
    """Return the median and the 99th percentile in milliseconds; nothing where nothing is asked."""
    times = []
    for each in of:
        began = time.perf_counter()
        work(each)
        times.append((time.perf_counter() - began) * 1000)
    times.sort()
    if not times:
        return {}
    return {
        f"{name}_p50_ms": round(times[len(times) // 2], 3),
        f"{name}_p99_ms": round(times[int(len(times) * 0.99)], 3),
    }
