"""Reads + obligations to Release: what leaves, checked a second time against the permit.

Guarantees: the store is not trusted. One row too many, one row outside the permit's window, cameras or
plate, one field that no read has, or one value that is none, and the whole answer is withheld
(``OverReleased``): a store that broke one bound may have broken others that cannot be seen. A field that the
obligations do not name is absent, not null. A masked plate leaves in no field, whatever the obligations name
and wherever the store wrote it. What is about to leave is held against the obligations once more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gatekeeper.errors import OverReleased
from gatekeeper.exchange.decide import RECORD_FIELDS, Permit
from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import canonical
from gatekeeper.records import Keyset, Page

_NESTED = {
    name: frozenset(f.split(".")[1] for f in RECORD_FIELDS if f.startswith(f"{name}."))
    for name in ("camera", "vehicle")
}
_FLAT = frozenset(name for name in RECORD_FIELDS if "." not in name)
_KNOWN = _FLAT | _NESTED.keys()
_SCALARS = frozenset({str, int, float, type(None)})
# An image shows the plate. Said here too, so that no list of the policy can forget one.
_SHOW_A_PLATE = frozenset({"plate", "plate_state", "image_url"})
# Shorter ones, and those of letters or digits alone, are also words, years and house numbers.
_SHORTEST_UNMISTAKABLE = 4
_EXACT = ("lat", "lon")


@dataclass(frozen=True, slots=True)
class Release:
    """The exact records that may leave; made only by ``redact``.

    ``records`` is their canonical JSON (RFC 8785), of which ``sha256`` (hex) is the digest; ``cameras`` names
    every camera that a record came from, also where the record may not say so.
    """

    permit: Permit
    records: bytes
    count: int
    sha256: str
    cameras: frozenset[str]
    next: Keyset | None


def redact(permit: Permit, page: Page) -> Release:
    """Reduce the reads to what the permit's obligations name.

    Raises OverReleased if the store returned anything that the permit does not cover.
    """
    if len(page.reads) > permit.obligations.max_records:
        raise OverReleased("more reads than the permit allows")
    check, reduce, prove = _Check(permit), _Reduction(permit), _Proof(permit)
    records: list[Json] = []
    for read in page.reads:
        check(read)
        record = reduce(read)
        prove(record, read)
        records.append(record)
    text = canonical(records)
    return Release(
        permit=permit,
        records=text,
        count=len(records),
        sha256=hashlib.sha256(text).hexdigest(),
        cameras=frozenset(check.cameras),
        next=page.next,
    )


class _Check:
    """Is this read one that the permit covers? Raises OverReleased if not, or if it cannot be told."""

    def __init__(self, permit: Permit) -> None:
        bounds, query = permit.obligations, permit.query
        self._allowed = None if bounds.cameras is None else frozenset(bounds.cameras)
        self._start, self._end = bounds.start.astimezone(UTC), bounds.end.astimezone(UTC)
        self._plate, self._state = query.plate, query.plate_state
        self.cameras: set[str] = set()

    def __call__(self, read: Mapping[str, Json]) -> None:
        camera, at = read.get("camera"), read.get("captured_at")
        if not isinstance(camera, dict) or not isinstance(camera_id := camera.get("id"), str):
            raise OverReleased("a read that does not say from which camera")
        if self._allowed is not None and camera_id not in self._allowed:
            raise OverReleased("a read from a camera that the permit does not cover")
        if not isinstance(at, str) or not self._start <= _moment(at) < self._end:
            raise OverReleased("a read from outside the permit's window")
        if self._plate is not None and read.get("plate") != self._plate:
            raise OverReleased("a read of another plate")
        if self._state is not None and read.get("plate_state") != self._state:
            raise OverReleased("a read of another state's plate")
        vehicle = read.get("vehicle", {})
        if not (
            read.keys() <= _KNOWN
            and camera.keys() <= _NESTED["camera"]
            and (vehicle is None or (isinstance(vehicle, dict) and vehicle.keys() <= _NESTED["vehicle"]))
        ):
            raise OverReleased("a field that no read has")
        for part in (read, camera, vehicle or {}):
            for name, value in part.items():
                if type(value) not in _SCALARS and name not in _NESTED:
                    raise OverReleased("a field that holds more than one value")
        self.cameras.add(camera_id)


class _Reduction:
    """Leave of a read what the obligations name, coordinates rounded, masked plates out."""

    def __init__(self, permit: Permit) -> None:
        fields = permit.obligations.fields
        if permit.obligations.mask_other_plates:
            fields -= _SHOW_A_PLATE
        self._decimals = permit.obligations.coordinate_decimals
        self._flat = tuple(sorted(fields & _FLAT))
        self._nested = {
            name: tuple(sorted(inner for inner in known if f"{name}.{inner}" in fields))
            for name, known in _NESTED.items()
        }

    def __call__(self, read: Mapping[str, Json]) -> dict[str, Json]:
        record: dict[str, Json] = {name: read[name] for name in self._flat if name in read}
        for name, inner in self._nested.items():
            value = read.get(name)
            if inner and isinstance(value, dict):
                kept = {key: value[key] for key in inner if key in value}
                if name == "camera":
                    self._round(kept)
                if kept:
                    record[name] = kept
        return record

    def _round(self, camera: dict[str, Json]) -> None:
        for name in _EXACT:
            value = camera.get(name)
            if isinstance(value, float):
                camera[name] = round(value, self._decimals)


class _Proof:
    """Hold what is about to leave against the obligations, without trusting what reduced it.

    Raises OverReleased if a field, a decimal or a masked plate is left that may not leave.
    """

    def __init__(self, permit: Permit) -> None:
        self._fields = permit.obligations.fields
        self._decimals = permit.obligations.coordinate_decimals
        self._masked = permit.obligations.mask_other_plates

    def __call__(self, record: Mapping[str, Json], read: Mapping[str, Json]) -> None:
        leaving = dict(_leaves(record))
        if not leaving.keys() <= self._fields:
            raise OverReleased("a field that the obligations do not name")
        for name in _EXACT:
            value = leaving.get(f"camera.{name}")
            # Text would not have been rounded.
            if not (
                value is None or (isinstance(value, (int, float)) and value == round(value, self._decimals))
            ):
                raise OverReleased("a place more exact than the obligations say")
        if self._masked:
            self._hides_the_plate(leaving, read)

    def _hides_the_plate(self, leaving: Mapping[str, Json], read: Mapping[str, Json]) -> None:
        if not leaving.keys().isdisjoint(_SHOW_A_PLATE):
            raise OverReleased("a masked plate")
        plate = _letters_and_digits(read.get("plate"))
        unmistakable = len(plate) >= _SHORTEST_UNMISTAKABLE and not (plate.isalpha() or plate.isdigit())
        for name, value in leaving.items():
            text = _letters_and_digits(value)
            if (unmistakable and plate in text) or (name == "id" and plate and plate == text):
                raise OverReleased("a masked plate inside another field")


def _leaves(record: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Yield each value of a record with its name as obligations write it (``camera.lat``)."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items())
        else:
            yield name, value


def _letters_and_digits(value: Json) -> str:
    """Return a text as plates are compared: upper case, without what separates. No text is none."""
    return "".join(filter(str.isalnum, value)).upper() if isinstance(value, str) else ""


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OverReleased("a read whose time cannot be read") from None
    if moment.tzinfo is None:
        raise OverReleased("a read whose time has no offset")
    return moment
