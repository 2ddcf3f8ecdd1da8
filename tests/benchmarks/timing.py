"""How long one thing takes, many times over: by the wall, and of this process's processor.

The second says something on a machine that others use too; what a server of its own did is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_Asked = TypeVar("_Asked")


def spent(name: str, work: Callable[[_Asked], object], of: Sequence[_Asked]) -> dict[str, float]:
    """Return median, 99th percentile and mean time of processor in milliseconds, if anything is asked."""
    times = []
    processor = time.process_time()
    for each in of:
        began = time.perf_counter()
        work(each)
        times.append((time.perf_counter() - began) * 1000)
    processor = time.process_time() - processor
    times.sort()
    if not times:
        return {}
    return {
        f"{name}_p50_ms": round(times[len(times) // 2], 3),
        f"{name}_p99_ms": round(times[int(len(times) * 0.99)], 3),
        f"{name}_processor_ms": round(processor / len(times) * 1000, 3),
    }
