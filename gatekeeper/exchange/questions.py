"""What the store is asked about the queries around one: in which words, all at one time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """On which days an officer searched for a target: the fingerprints of that, and of the case, by day.

    Refusals are counted since the hour (2026-11-22T20Z).
    """

    prints: tuple[tuple[bytes, bytes], ...]
    since_hour: str


@dataclass(frozen=True, slots=True)
class MarkQuestion:
    """Which marks: under each of these fingerprints the last ``most`` of this time, both ends included."""

    prints: tuple[bytes, ...]
    since_ms: int
    until_ms: int
    most: int


@dataclass(frozen=True, slots=True)
class DayQuestion:
    """What an officer is on record with on the day of a fingerprint, beside a query that comes now.

    That one is about the target, from the client, in the hour (2026-11-22T20Z). ``before``: the target's
    fingerprints of earlier days, on which the agency may be on record with it.
    """

    officer_fp: bytes
    target_fp: bytes
    hour: str
    client_id: str
    agency_id: str
    before: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LookQuestion:
    """How many marks there are under each group of fingerprints, and of which queries the latest are.

    Until the end of ``latest``, up to as many, and without those that the query ``but`` left itself.
    """

    groups: tuple[tuple[bytes, ...], ...]
    latest: MarkQuestion
    but: str


@dataclass(frozen=True, slots=True)
class Questions:
    """All of them; of looks only where the query itself looks at a sensitive place."""

    searches: SearchQuestion
    marks: MarkQuestion
    day: DayQuestion
    looks: LookQuestion | None
