"""A small chart in text: one bar for each size, as long as its share of the longest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_WIDTH = 40


def bars(name: str, values: Mapping[str, float]) -> Iterator[str]:
    """Yield the lines of one chart."""
    longest = max(values.values()) or 1
    yield name
    for size, value in values.items():
        bar = "#" * max(1, round(_WIDTH * value / longest))
        yield f"{int(size):>12,} {bar:<{_WIDTH}} {value:g}"
