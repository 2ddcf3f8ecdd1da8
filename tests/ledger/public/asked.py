"""A made-up city with a few hundred queries: all that it published, and beside it what must not be found.

``Published`` is the whole of what the attacker has; ``Asked`` is what the tests know, to see whether the
attacker was right. Everything private is drawn by a seeded generator, so each run asks the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from gatekeeper.ledger import Json
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.policy import Bundle, Catalogue, Embedded
from tests.exchange.city import NOW, City, body, founded, read

HIDDEN = frozenset({"stated_reason", "attestation"})
"""What the secretive law keeps from the public: one that staff may rule on, and one that nobody may."""
AGENCIES = ("sample-il-pd", "sample-unsigned-pd", "sample-wi-pd", "sample-fusion", "sample-hsi-office")
OFFICERS = tuple(
    (f"{first} {last}-Made-Up", f"BX{number}")
    for number, (first, last) in enumerate(
        [
            ("Pat", "Example"),
            ("Kim", "Sample"),
            ("Alexandria", "Longname"),
            ("Al", "Io"),
            ("Robin", "Specimen"),
        ],
        1200,
    )
)
PLATES = tuple(f"DEMO{number}" for number in range(1001, 1041))
COUNTED = {count: f"DEMO2{count:03}" for count in (0, 1, 9, 10, 36, 37, 38, 49, 50)}
"""Plates that were read exactly so many times."""
NARRATIVES = (
    "Stolen Example sedan, taken from Sample Avenue overnight",
    "Stolen car",
    "Stolen Example sedan, taken from Sample Avenue overnight, " + "seen by a neighbour of the victim; " * 40,
    "Vehicle theft reported by Zebulon Quixworth of Nonesuch Lane, whose keys were taken",
)
OFFENSES = ("240", "23G", "120", "280")


@dataclass(frozen=True, slots=True)
class One:
    """One query: its body, and the answer with the asker's own receipt."""

    group: str
    body: Mapping[str, Any]
    status: int
    answer: Mapping[str, Any]

    @property
    def ref(self) -> str:
        """Return its id."""
        return str(self.answer["query_id"])

    @property
    def entry(self) -> dict[str, Any]:
        """Return the entry that the receipt is of."""
        found: dict[str, Any] = json.loads(self.answer["receipt"]["entry"])
        return found


@dataclass(frozen=True)
class Published:
    """All that is public: entries with their leaf hashes, every tile, the head, the log's key."""

    entries: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    tiles: tuple[bytes, ...]
    checkpoint: str
    vkey: str

    @cached_property
    def documents(self) -> tuple[dict[str, Any], ...]:
        """Return the entries, decoded."""
        return tuple(json.loads(entry) for entry in self.entries)


@dataclass(frozen=True)
class Asked:
    """What was asked, by group; and what the log's private side opens to, by index."""

    queries: tuple[One, ...]
    openings: tuple[Mapping[str, Mapping[str, Json]], ...]

    def of(self, group: str) -> list[One]:
        """Return the queries of a group."""
        return [one for one in self.queries if one.group == group]


class _Clerk:
    """Asks, and keeps what came."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.kept: list[One] = []
        self.draw = random.Random(7)  # noqa: S311  the same made-up city every time

    def ask(self, group: str, agency: str = "sample-il-pd", **changes: Any) -> None:
        asked = body(**({"query__limit": 50} | changes))
        if agency == "sample-fusion" and asked["on_behalf_of"] is None:
            person = {"agency": "sample-il-pd", "component": "Patrol", "person": "Jordan Behalf-Made-Up"}
            asked["on_behalf_of"] = person
        given = self.city.ask(asked, agency)
        self.kept.append(One(group, asked, given.status, json.loads(given.body)))

    def at_random(self, group: str, agency: str) -> None:
        name, badge = self.draw.choice(OFFICERS)
        plate = self.draw.choice(PLATES)
        self.ask(
            group,
            agency,
            query__plate=plate,
            query__limit=self.draw.randrange(1, 51),
            requester__name=name,
            requester__badge=badge,
            purpose__narrative=self.draw.choice(NARRATIVES),
            purpose__case_number=f"26-{self.draw.randrange(10_000, 99_999)}",
            purpose__offense=self.draw.choice(OFFENSES),
        )


def city_of_queries(directory: Path, bundle: Bundle) -> tuple[Published, Asked]:
    """Ask all of it, and return both sides."""
    city = founded(directory, bundle)
    city.reads.reads = [*_reads()]
    clerk = _Clerk(city)
    for number in range(150):
        clerk.at_random("random", AGENCIES[number % len(AGENCIES)])
    _linked(clerk)
    _measured(clerk)
    secretive = _Clerk(_keeping(city, bundle, HIDDEN))
    denials: dict[str, dict[str, Any]] = {
        "case": {"purpose__case_number": "none"},
        "case and hidden": {"purpose__case_number": "none", "purpose__narrative": "n/a"},
        "hidden": {"purpose__narrative": "n/a"},
        "case and hidden beyond ruling": {"purpose__case_number": "none", "attestation__accepted": False},
    }
    for group, changes in denials.items():
        for _ in range(3):
            secretive.ask(group, **changes)
    rows, size = city.state.rows, city.state.rows.head().size
    stored = list(rows.entries(0, size))
    reader = TileReader(rows)
    published = Published(
        entries=tuple(entry.entry for entry in stored),
        leaves=tuple(entry.leaf_hash for entry in stored),
        tiles=tuple(
            b"".join(reader.node(level * 8, number) for number in range(size >> (level * 8)))
            for level in range(2)
        ),
        checkpoint=city.state.ledger.checkpoint(),
        vkey=city.state.log_key.vkey,
    )
    opened = tuple(city.state.ledger.opened(entry).openings for entry in stored)
    city.state.close()
    return published, Asked((*clerk.kept, *secretive.kept), opened)


def _linked(clerk: _Clerk) -> None:
    """Ask about one plate, by one officer, in one case, again and again; by one agency and by two."""
    same = {
        "query__plate": PLATES[0],
        "requester__name": OFFICERS[0][0],
        "requester__badge": OFFICERS[0][1],
        "purpose__case_number": "26-55555",
        "purpose__narrative": NARRATIVES[0],
    }
    for number in range(20):
        clerk.ask("same", **same)
        clerk.ask("same elsewhere", "sample-wi-pd", **same)
        name, badge = OFFICERS[number % len(OFFICERS)]
        clerk.ask(
            "other",
            query__plate=PLATES[number + 1],
            requester__name=name,
            requester__badge=badge,
            purpose__case_number=f"26-6{number:04}",
            purpose__narrative=NARRATIVES[number % len(NARRATIVES)],
        )


def _measured(clerk: _Clerk) -> None:
    """Ask queries that differ in one private fact each, many or long against few or short."""
    for count, plate in COUNTED.items():
        clerk.ask(f"count {count}", query__plate=plate)
    facts: dict[str, tuple[str | int | None, str | int]] = {
        "query__plate": ("DEMO7", "DEMO765432"),
        "query__plate_state": (None, "IL"),
        "query__limit": (1, 50),
        "requester__name": ("Al Io", "Alexandria " + "Longname-Made-Up " * 6),
        "requester__badge": ("B", "BX" + "1" * 28),
        "requester__unit": ("A", "Auto theft, " * 8),
        "purpose__narrative": (NARRATIVES[1], NARRATIVES[2]),
        "purpose__case_number": ("26-100", "26-1000000000"),
        "purpose__offense": ("240", "23G"),
        "purpose__statute": ("625 ILCS 5/4-103", "625 ILCS 5/4-103" + ", 5/4-102" * 8),
    }
    for name, (short, long) in facts.items():
        asked: dict[str, Any] = {"query__plate": "DEMO7"}
        clerk.ask(f"short {name}", **(asked | {name: short}))
        clerk.ask(f"long {name}", **(asked | {name: long}))
    hour = {"from": _ago(hours=2), "to": _ago(hours=1)}
    for group, cameras in (("short cameras", 1), ("long cameras", 3)):
        named = [f"cam-{number}" for number in range(1, cameras + 1)]
        clerk.ask(group, query={"kind": "place", "cameras": named, "limit": 50, **hour})
    paper: dict[str, Any] = {
        "kind": "court_order",
        "form": None,
        "court": "C",
        "judge": "J",
        "number": "1",
        "statute": None,
        "issued_on": NOW.date().isoformat(),
        "document_sha256": "ab" * 32,
    }
    clerk.ask("short paper", query__plate="DEMO7", legal_process=paper)
    wordy = {"court": "Circuit Court of Made-Up County", "judge": "J. Longname-Made-Up", "number": "1" * 30}
    clerk.ask("long paper", query__plate="DEMO7", legal_process=paper | wordy)


def _keeping(city: City, bundle: Bundle, hidden: Collection[str]) -> City:
    """Return the same city under a law that keeps some provisions from the public."""

    def kept(provisions: Catalogue) -> Catalogue:
        return Catalogue([replace(each, public=each.code not in hidden) for each in provisions.values()])

    changed = replace(bundle, catalogue=kept(bundle.catalogue), written=kept(bundle.written))
    return city.with_gate(engine=Embedded(changed))


def _reads() -> list[dict[str, Json]]:
    """Return the city's reads: of each plate so many, the latest first, a minute apart."""
    draw = random.Random(11)  # noqa: S311  the same made-up city every time
    made: list[dict[str, Json]] = []
    wanted = [(plate, draw.randrange(5)) for plate in PLATES]
    wanted += [(plate, count) for count, plate in COUNTED.items()] + [("DEMO7", 3), ("DEMO765432", 3)]
    for plate, count in wanted:
        for number in range(1, count + 1):
            at = _ago(hours=1, minutes=number)
            made.append(read(number, id=f"read-{len(made):06}", plate=plate, captured_at=at))
    return made


def _ago(**how_long: int) -> str:
    return (NOW - timedelta(**how_long)).strftime("%Y-%m-%dT%H:%M:%SZ")
