"""What the schema cannot say of the city's quotas: how the numbers of one limit must agree.

Guarantees: whatever may be spent comes back within a day, so that an officer's bucket, which is found by a
fingerprint of today or of yesterday, is never forgotten while something of it is used; a reserve leaves
something for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

IN_A_DAY: Final = {"hour": 24, "day": 1}
"""How often what a limit gives back comes back in a day, by its ``per``."""


def quota_faults(city: Any) -> list[str]:
    """Return what is wrong with the city's quotas; what has not their shape is the schema's to say."""
    said = city.get("quotas") if isinstance(city, dict) else None
    return [
        f"data/city.json: /quotas/{place}: {fault}"
        for place, limit in (_limits(said, "") if isinstance(said, dict) else ())
        for fault in _faults(limit)
    ]


def _limits(said: Mapping[str, Any], place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, one in said.items():
        if not isinstance(one, dict):
            continue
        if "capacity" in one:
            yield f"{place}{name}", one
        elif place.count("/") < 2:
            yield from _limits(one, f"{place}{name}/")


def _faults(limit: Mapping[str, Any]) -> Iterator[str]:
    capacity, refill, reserve = (limit.get(name) for name in ("capacity", "refill", "reserve"))
    if not all(type(number) is int for number in (capacity, refill, reserve)):
        return
    if capacity > refill * IN_A_DAY.get(limit.get("per", ""), 0):  # type: ignore[operator]  # both are int
        yield "more than comes back in a day; to mend it: a smaller capacity, or a larger refill"
    if reserve >= capacity:  # type: ignore[operator]  # both are int
        yield "the reserve is all of it; to mend it: a reserve smaller than the capacity"
