"""What lost entries say that are put back, and the stops that they set and lifted.

Guarantees: every one that changed who may ask, what the law is or what may leave is listed; a stop that was
lost is in force again, and one whose camera only the lost detail named stops everything.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.ledger import Json, Row
from gatekeeper.store import administration
from gatekeeper.store.values import Stop

_OWN = ("v", "event", "ref", "hour", "commitments")


@dataclass(frozen=True, slots=True)
class Lost:
    """One entry that is put back without the rows that belonged to it."""

    index: int
    event: str
    hour: str
    about: str
    says: Mapping[str, Json]

    @property
    def to_do_again(self) -> bool:
        """Whether the city's state is not what the log says until a person has seen to it."""
        return not self.event.startswith(("query.", "staff.signed_in", "staff.viewed", "export.", "stop."))


def lost_of(start: int, documents: Sequence[Mapping[str, Json]]) -> list[Lost]:
    """Return the entries from *start* on."""
    return [
        Lost(
            start + offset,
            str(said["event"]),
            str(said["hour"]),
            str(said["ref"]),
            {name: value for name, value in said.items() if name not in _OWN},
        )
        for offset, said in enumerate(documents)
    ]


def stops_of(lost: Sequence[Lost], in_force: Container[str], now: datetime) -> list[Row]:
    """Return the rows that make the stops in force those of the log."""
    found: dict[str, Stop] = {}
    lifted: list[str] = []
    for entry in lost:
        stop = str(entry.says.get("stop"))
        match entry.event, entry.says.get("scope"), entry.says.get("value"):
            case "stop.set", "agency", str(value):
                found[stop] = Stop(stop, "agency", value, now)
            case "stop.set", "kind", str(value):
                found[stop] = Stop(stop, "kind", value, now)
            case "stop.set", _, _:
                found[stop] = Stop(stop, "all", None, now)
            case "stop.lifted", _, _:
                # What the log says was lifted must not be lifted a second time; everything is stopped anyway.
                if found.pop(stop, None) is None and stop in in_force:
                    lifted.append(stop)
    rows = [row for stop in found.values() for row in administration.set_stop(stop)]
    return rows + [row for stop in lifted for row in administration.lift_stop(stop, now)]
