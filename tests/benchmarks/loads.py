"""What is asked: two loads of queries that the policies permit, sent to the gate and to its twin alike.

``one_case``: officers work through the plates of one case: all but plate and badge is the same.
``every_case``: each request has its own narrative, case number and officer; no two of them are ever equal.
What the gate may remember between requests helps the first and must not flatter the second.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NUMBER = "0000000"
"""Stands in a body for the number of its request; generators put it there, the same for both sides."""

MOST = 10 ** len(NUMBER)

_NARRATIVES = (
    f"Stolen sedan, taken from {NUMBER} Sample Avenue overnight",
    f"Pickup stolen outside {NUMBER} Example Road, owner has both keys",
    f"Motor vehicle theft at {NUMBER} Specimen Street, blue hatchback",
    f"Owner of {NUMBER} Placeholder Lane reports her car stolen this morning",
    f"Carjacking near {NUMBER} Sample Avenue, suspect drove off in the stolen van",
)
_OFFICERS = ("Pat Example", "Sam Sample", "Robin Specimen", "Alex Placeholder", "Kim Instance")


_PLATES_OF_AN_OFFICER = 20


@dataclass(frozen=True, slots=True)
class Load:
    """Bodies to be sent in turn; each ``NUMBER`` in one becomes the number of its request."""

    name: str
    bodies: tuple[bytes, ...]

    def body(self, number: int) -> bytes:
        """Return what request *number* sends."""
        text = f"{number % MOST:0{len(NUMBER)}}".encode()
        return self.bodies[number % len(self.bodies)].replace(NUMBER.encode(), text)


def one_case(plates: Sequence[str], start: str, end: str) -> Load:
    """Make a load of one case, on which as many officers work as the city lets ask about so many plates."""
    bodies = []
    for place, plate in enumerate(plates):
        body = query(plate, start, end)
        body["requester"]["badge"] = str(4411 + place // _PLATES_OF_AN_OFFICER)
        bodies.append(_text(body))
    return Load("one_case", tuple(bodies))


def every_case(plates: Sequence[str], start: str, end: str) -> Load:
    """Make a load in which no case, and no word of an officer, comes twice."""
    bodies = []
    for place, plate in enumerate(plates):
        body = query(plate, start, end)
        body["purpose"]["narrative"] = _NARRATIVES[place % len(_NARRATIVES)]
        body["purpose"]["case_number"] = f"25-{NUMBER}"
        body["requester"] = {
            "name": _OFFICERS[place // len(_NARRATIVES) % len(_OFFICERS)],
            "badge": NUMBER,
            "unit": "Auto theft",
        }
        bodies.append(_text(body))
    return Load("every_case", tuple(bodies))


def plates_of(store: Path, count: int = 500) -> list[str]:
    """Return that many plates of the sample store."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as opened:
        rows = opened.execute("SELECT plate FROM vehicles ORDER BY plate").fetchall()
    return [row[0] for row in rows][:: max(1, len(rows) // count)][:count]


def query(plate: str, start: str, end: str) -> dict[str, Any]:
    """Make a body that the policies permit."""
    return {
        "query": {
            "kind": "plate",
            "plate": plate,
            "plate_state": None,
            "from": start,
            "to": end,
            "limit": 100,
        },
        "purpose": {
            "category": "stolen_vehicle",
            "offense": "240",
            "narrative": "Stolen sedan, taken from Sample Avenue overnight",
            "case_number": "25-10494",
        },
        "requester": {"name": "Pat Example", "badge": "4411", "unit": "Auto theft"},
        "attestation": {"text_version": "2026-01", "accepted": True},
    }


def _text(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode("utf-8")
