"""The sample city of the demo: invented streets, cars and drives, the same for the same seed.

Guarantees: nothing in it is anyone's. Every plate begins with ``DEMO`` and follows no state's sequence,
streets do not exist, images lie under ``.invalid`` (RFC 2606), where nothing ever answers. Times, places and
counts are plausible, so that caps, pages and denials can be tried: residents commute on weekdays past
neighbouring cameras in the time the drive takes, vans deliver, others pass through, nights are quiet, some
cars are stolen and seen again. The file appears complete or not at all, and one that is there is never built
anew.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote

from gatekeeper.errors import RecordsUnavailable
from gatekeeper.records.reads import Json, microseconds
from gatekeeper.records.times import rfc3339

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_LOCAL = 6 * _HOUR  # behind UTC: midnight and rush hour fall where a reader in Illinois expects them
_SAMPLE_DAYS = 7
_SATURDAY = 5
_THURSDAY = 3  # 1 January 1970
_COLUMNS = 5
_NORTH, _WEST, _BLOCK_LAT, _BLOCK_LON = 42.0712, -87.7421, 0.0079, 0.0106

_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE cameras (id TEXT PRIMARY KEY, name TEXT NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL);
CREATE TABLE vehicles (plate TEXT PRIMARY KEY, plate_state TEXT NOT NULL, make TEXT NOT NULL,
    model TEXT NOT NULL, color TEXT NOT NULL, type TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sightings (id INTEGER PRIMARY KEY, captured_at INTEGER NOT NULL, plate TEXT NOT NULL,
    camera_id TEXT NOT NULL, confidence REAL NOT NULL, direction INTEGER NOT NULL);
CREATE TABLE samples (document TEXT NOT NULL);
CREATE VIEW plate_reads AS
    SELECT s.id, s.captured_at, s.plate, s.camera_id, s.confidence, s.direction,
        v.plate_state, v.make, v.model, v.color, v.type,
        'https://images.demo.invalid/reads/' || s.id || '.jpg' AS image_url
    FROM sightings s LEFT JOIN vehicles v ON v.plate = s.plate;
"""
# Made last: filling an index while rows come in costs several times as much. An INTEGER PRIMARY KEY is part
# of each, so that (captured_at, id) order comes out of them without sorting.
_INDEXES = """
CREATE INDEX sightings_of_plate ON sightings (plate, captured_at);
CREATE INDEX sightings_of_camera ON sightings (camera_id, captured_at);
ANALYZE;
"""

_STREETS = ("Quillfeather", "Marrowby", "Tansyhill", "Old Lanthorn", "Brindlecross")
_AVENUES = (
    "Ave Perdita",
    "Ave Larkmoor",
    "Ave Thistledown",
    "Ave Ninepence",
    "Ave Coldharbor",
    "Ave Wexcombe",
)
_CARS = (
    ("Honda", "Civic", "sedan"), ("Honda", "CR-V", "suv"), ("Toyota", "Corolla", "sedan"),
    ("Toyota", "RAV4", "suv"), ("Toyota", "Camry", "sedan"), ("Ford", "F-150", "pickup"),
    ("Ford", "Escape", "suv"),
    ("Nissan", "Rogue", "suv"),
    ("Chevrolet", "Equinox", "suv"), ("Chevrolet", "Silverado", "pickup"), ("Hyundai", "Elantra", "sedan"),
    ("Kia", "Soul", "hatchback"), ("Subaru", "Outback", "wagon"), ("Jeep", "Cherokee", "suv"),
    ("Volkswagen", "Jetta", "sedan"), ("Mazda", "CX-5", "suv"), ("Tesla", "Model 3", "sedan"),
)  # fmt: skip
_VANS = (("Ford", "Transit", "van"), ("Ram", "ProMaster", "van"), ("Mercedes-Benz", "Sprinter", "van"))
_COLORS = ("white", "black", "gray", "silver", "blue", "red", "green", "brown", "beige")
_COLOR_SHARES = (24, 22, 20, 14, 9, 7, 2, 1, 1)
_ELSEWHERE = ("WI", "IN", "MI", "IA", "OH", "MO", "MN", "FL", "TX")
_PLATE_LETTERS = "0123456789BCDFGHJKLMNPRSTVWXYZ"  # no vowels: no words; no O, I or Q: no doubt
_CONFIDENCES = tuple(round(1 - 0.005 * step**1.6 / 10, 3) for step in range(64))
# Cars out, hour by hour of the local day: the night dips, morning and evening peak.
_HOURS = (2, 1, 1, 1, 2, 5, 14, 28, 30, 18, 15, 16, 18, 17, 18, 23, 29, 31, 23, 15, 11, 8, 5, 3)

Sighting = tuple[int, str, str, float, int]  # captured_at in ms, plate, camera, confidence, direction


@dataclass(frozen=True, slots=True)
class _Stop:
    """One camera on a way: how long after the start it is passed, and in which direction."""

    camera: str
    offset_ms: int
    direction: int


def build(
    path: Path, *, seed: int, reads: int = 500_000, days: int = 30, cameras: int = 20, until: datetime
) -> None:
    """Build the city at ``path`` unless one is there; raises RecordsUnavailable if it cannot be written.

    Exactly ``reads`` reads lie in the ``days`` before ``until``, whose fraction of a minute is dropped.
    """
    if reads < 1 or days < 1 or cameras < 1:
        raise ValueError("a city has at least one read, one day and one camera")
    end = microseconds(until) // 1_000 // _MINUTE * _MINUTE
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        part = Path(name)
        try:
            _write(part, _City(seed, reads, days, cameras, end))
            with part.open("rb") as file:
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was first: its city is served
                os.link(part, path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        failed = type(error).__name__
    else:
        return
    raise RecordsUnavailable(f"the sample city cannot be written to {path} ({failed})")


def samples(path: Path) -> dict[str, Json]:
    """Return plates and cameras worth asking for, and the window in which their reads are counted.

    ``plates`` begins with a car that has a page of reads; ``reads`` gives the number of each plate's reads
    between ``from`` and ``to`` (the last 7 days). Raises RecordsUnavailable if there is no finished city at
    ``path``.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            (document,) = connection.execute("SELECT document FROM samples").fetchone()
        found = json.loads(document)
    except (OSError, sqlite3.Error, TypeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise RecordsUnavailable(f"{path} is not a sample city: remove it, and the next start builds it")
    return found


class _City:
    """Streets, cars and drives drawn from one seed, in one fixed order of drawing."""

    def __init__(self, seed: int, reads: int, days: int, cameras: int, end: int) -> None:
        self.random = Random(seed)  # noqa: S311 - a made-up city, not a key
        self.reads, self.end, self.start = reads, end, end - days * _DAY
        self.cameras = [_camera(number) for number in range(cameras)]
        self.vehicles: dict[str, tuple[str, ...]] = {}
        self._ways: dict[tuple[int, int], tuple[_Stop, ...]] = {}
        commuters = max(1, int(reads * 0.62 / (days * 5.2)))
        vans = max(1, int(reads * 0.08 / (days * 20)))
        passing = max(1, int(reads * 0.03))
        plates = self._plates(commuters + vans + passing)
        self.commuters, self.vans = plates[:commuters], plates[commuters : commuters + vans]
        self.passing = plates[commuters + vans :]
        self.stolen = self.commuters[:: max(1, commuters // 8)][:8]

    def sightings(self) -> list[Sighting]:
        """Return exactly as many sightings as were asked for, oldest first."""
        found: list[Sighting] = []
        for plate in self.vans:
            self._describe(plate, _VANS, local_share=0.9)
            found += self._delivers(plate)
        stolen = set(self.stolen)
        for plate in self.commuters:
            self._describe(plate, _CARS, local_share=0.93)
            found += self._commutes(plate, stolen=plate in stolen)
        found = [sighting for sighting in found if self.start <= sighting[0] < self.end]
        if len(found) > self.reads:
            found = self.random.sample(found, self.reads)
        found += self._passes(self.reads - len(found))
        found.sort()
        return found

    def _plates(self, number: int) -> list[str]:
        letters, length = _PLATE_LETTERS, 3
        while len(letters) ** length < number * 1.1:
            length += 1
        plates = []
        for drawn in self.random.sample(range(len(letters) ** length), number):
            tail = ""
            for _ in range(length):
                drawn, digit = divmod(drawn, len(letters))  # noqa: PLW2901 - the digits of one number
                tail += letters[digit]
            plates.append("DEMO" + tail)
        return plates

    def _describe(self, plate: str, kinds: Sequence[tuple[str, ...]], local_share: float) -> None:
        random = self.random
        state = "IL" if random.random() < local_share else random.choice(_ELSEWHERE)
        (color,) = random.choices(_COLORS, _COLOR_SHARES)
        make, model, kind = random.choice(kinds)
        self.vehicles[plate] = (plate, state, make, model, color, kind)

    def _midnights(self) -> Iterator[tuple[int, bool]]:
        """Yield each local midnight that the window touches, and whether a working day begins there."""
        first = (self.start - _LOCAL) // _DAY
        for day in range(first, (self.end - _LOCAL) // _DAY + 1):
            yield day * _DAY + _LOCAL, (day + _THURSDAY) % 7 < _SATURDAY

    def _way(self, origin: int, goal: int) -> tuple[_Stop, ...]:
        """Return the cameras on the way along the grid, east or west first, a block in about 80 seconds."""
        known = self._ways.get((origin, goal))
        if known is None:
            row, column = divmod(origin, _COLUMNS)
            to_row, to_column = divmod(goal, _COLUMNS)
            steps = [(row, c) for c in _between(column, to_column)] + [
                (r, to_column) for r in _between(row, to_row)
            ]
            stops, offset = [], 0
            for before, (at_row, at_column) in zip([(row, column), *steps], steps, strict=False):
                offset += 80_000 + 7_000 * ((at_row * 3 + at_column) % 5)
                direction = (
                    (90 if at_column > before[1] else 270)
                    if at_row == before[0]
                    else 180
                    if at_row > before[0]
                    else 0
                )
                number = at_row * _COLUMNS + at_column
                if number < len(self.cameras):
                    stops.append(_Stop(self.cameras[number][0], offset, direction))
            self._ways[origin, goal] = known = tuple(stops) or (_Stop(self.cameras[goal][0], 0, 90),)
        return known

    def _drive(self, found: list[Sighting], plate: str, start: int, way: tuple[_Stop, ...]) -> None:
        draw = self.random.random
        pace = 0.85 + draw() * 0.5
        for stop in way:
            seen = draw()
            if seen < 0.93:  # a camera misses some: rain, glare, a truck in between
                found.append((
                    start + int(stop.offset_ms * pace), plate, stop.camera, _CONFIDENCES[int(seen * 68)],
                    stop.direction,
                ))  # fmt: skip

    def _commutes(self, plate: str, *, stolen: bool) -> list[Sighting]:
        random, found = self.random, list[Sighting]()
        draw = random.random
        home, work, shop = (int(draw() * len(self.cameras)) for _ in range(3))
        to_work, to_home, out = self._way(home, work), self._way(work, home), self._way(home, shop)
        leaves, returns = random.gauss(7.6, 0.8) * _HOUR, random.gauss(16.9, 1.1) * _HOUR
        taken = self.end - int((2 + draw() * 4) * _DAY) if stolen else self.end
        for midnight, working in self._midnights():
            if midnight > taken:
                where, elsewhere = int(draw() * len(self.cameras)), int(draw() * len(self.cameras))
                self._drive(
                    found, plate, midnight + int((1 + draw() * 3) * _HOUR), self._way(where, elsewhere)
                )
            elif working and draw() < 0.93:  # a day off now and then
                self._drive(found, plate, midnight + int(leaves + (draw() - 0.5) * 40 * _MINUTE), to_work)
                self._drive(found, plate, midnight + int(returns + (draw() - 0.5) * 80 * _MINUTE), to_home)
            elif draw() < 0.5:  # weekends are for shopping, every other time
                self._drive(found, plate, midnight + int((9 + draw() * 9) * _HOUR), out)
        return found

    def _delivers(self, plate: str) -> list[Sighting]:
        draw, found = self.random.random, list[Sighting]()
        for midnight, working in self._midnights():
            at, place = midnight + int((8 + draw()) * _HOUR), int(draw() * len(self.cameras))
            for _ in range(7 if working else 2):
                goal = int(draw() * len(self.cameras))
                self._drive(found, plate, at, self._way(place, goal))
                at, place = at + int((35 + draw() * 40) * _MINUTE), goal
        return found

    def _passes(self, number: int) -> list[Sighting]:
        """Return single sightings of cars from anywhere, by the hours of the day."""
        random, found = self.random, list[Sighting]()
        draw = random.random
        for plate in self.passing:
            self._describe(plate, _CARS, local_share=0.6)
        hours = random.choices(range(len(_HOURS)), _HOURS, k=number)
        days = (self.end - self.start) // _DAY
        for hour in hours:
            at = (self.start - _LOCAL) // _DAY * _DAY + _LOCAL + int(draw() * (days + 1)) * _DAY
            at += int((hour + draw()) * _HOUR)
            if not self.start <= at < self.end:  # the window's edge days: anywhere in it, all the same
                at = self.start + int(draw() * (self.end - self.start))
            camera = self.cameras[int(draw() * len(self.cameras))][0]
            plate = self.passing[int(draw() * len(self.passing))]
            found.append((at, plate, camera, _CONFIDENCES[int(draw() * 64)], 90 * int(draw() * 4)))
        return found


def _between(start: int, goal: int) -> range:
    return range(start + 1, goal + 1) if goal > start else range(start - 1, goal - 1, -1)


def _camera(number: int) -> tuple[str, str, float, float]:
    row, column = divmod(number, _COLUMNS)
    street = _STREETS[column] + ("" if row < len(_AVENUES) else f" {row}")
    return (
        f"cam-{number + 1:02}",
        f"{street} St & {_AVENUES[row % len(_AVENUES)]}",
        round(_NORTH - row * _BLOCK_LAT, 6),
        round(_WEST + column * _BLOCK_LON, 6),
    )


def _write(part: Path, city: _City) -> None:
    """Write the whole city to one file; raises sqlite3.Error."""
    sightings = city.sightings()
    with closing(sqlite3.connect(part, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO cameras VALUES (?,?,?,?)", city.cameras)
        connection.executemany("INSERT INTO vehicles VALUES (?,?,?,?,?,?)", sorted(city.vehicles.values()))
        connection.executemany(
            "INSERT INTO sightings (captured_at, plate, camera_id, confidence, direction) VALUES (?,?,?,?,?)",
            sightings,
        )
        connection.execute(
            "INSERT INTO samples VALUES (?)", (json.dumps(_worth_asking_for(city, sightings)),)
        )
        connection.execute("COMMIT")
        connection.executescript(_INDEXES)
        connection.execute("PRAGMA synchronous=FULL")


def _worth_asking_for(city: _City, sightings: Sequence[Sighting]) -> Mapping[str, Json]:
    """Choose cars with a page of reads, stolen ones, a van, two from elsewhere and one seen once."""
    start = max(city.start, city.end - timedelta(days=_SAMPLE_DAYS) // timedelta(milliseconds=1))
    count: dict[str, int] = {}
    for sighting in sightings:
        if sighting[0] >= start:
            count[sighting[1]] = count.get(sighting[1], 0) + 1
    local = [plate for plate in city.commuters if plate in count and city.vehicles[plate][1] == "IL"]
    away = [plate for plate in city.commuters if plate in count and city.vehicles[plate][1] != "IL"]
    nearest = sorted(local, key=lambda plate: (abs(count[plate] - 25), plate))
    chosen = [*nearest[:6], *city.stolen[:2], *city.vans[:1], *away[:2]]
    chosen += [plate for plate in city.passing if count.get(plate) == 1][:1]
    plates = [plate for plate in dict.fromkeys(chosen) if plate in count] or sorted(count)[:1]
    return {
        "plates": list(plates),
        "reads": {plate: count[plate] for plate in plates},
        "cameras": [camera[0] for camera in city.cameras],
        "from": rfc3339(start * 1_000),
        "to": rfc3339(city.end * 1_000),
    }
