"""Streets, cars and drives of a city that does not exist, drawn from one seed.

Guarantees: the same seed, sizes and end give the same drives in the same order; plates begin with ``DEMO``;
no commuter is at two cameras faster than it could drive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

MINUTE = 60_000
_HOUR = 60 * MINUTE
_DAY = 24 * _HOUR
_LOCAL = 6 * _HOUR  # behind UTC: midnight and rush hour fall where a reader in Illinois expects them
_SATURDAY = 5
_THURSDAY = 3  # 1 January 1970
_COLUMNS = 5
_NORTH, _WEST, _BLOCK_LAT, _BLOCK_LON = 42.0712, -87.7421, 0.0079, 0.0106

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


class City:
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
                self._drive(found, plate, midnight + int(leaves + (draw() - 0.5) * 40 * MINUTE), to_work)
                self._drive(found, plate, midnight + int(returns + (draw() - 0.5) * 80 * MINUTE), to_home)
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
                at, place = at + int((35 + draw() * 40) * MINUTE), goal
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
