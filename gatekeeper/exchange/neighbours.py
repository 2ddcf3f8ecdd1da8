"""What the store is asked about the queries around one: in which words, at one time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """Which marks: under these fingerprints, of this time, both ends included."""

    prints: tuple[bytes, ...]
    since_ms: int
    until_ms: int


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

    Until the end of ``latest``, and without those that the query ``but`` left itself.
    """

    groups: tuple[tuple[bytes, ...], ...]
    latest: Question
    but: str
