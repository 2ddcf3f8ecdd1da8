"""Rows of a store → records of the HTTP contract, each checked while it is made.

Guarantees: a store that lies releases nothing. One row that is malformed (a confidence of 7, a latitude of
900, NaN, bytes, a time without a moment, no plate) raises RecordsUnavailable for the whole answer; one row
that was not asked for (another plate, state, camera or time, a repeated id, out of order, past the limit)
raises OverReleased. Messages name the field, never what was in it.

Records are plain dicts made straight from the row: floats are finite and short (coordinates to 6 decimals,
that is 0.1 m; confidence to 3), so that their canonical JSON (RFC 8785) is short too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from gatekeeper.errors import OverReleased, RecordsUnavailable
from gatekeeper.records.mapping import ColumnMapping
from gatekeeper.records.reads import Camera, Criteria, Keyset, Page, comparable, microseconds
from gatekeeper.records.times import rfc3339, time_column

FIELDS = (
    "id", "captured_at", "plate", "camera_id", "plate_state", "confidence", "direction",
    "make", "model", "color", "type", "image_url", "camera_name", "camera_lat", "camera_lon",
)  # fmt: skip
"""The order in which ``sql`` selects the mapped columns, and NULL for those that a store lacks."""

_LONGEST = 200
_LONGEST_URL = 2_000
_LONGEST_PLATE = 16
_LARGEST_ID = 2**63
_FULL_CIRCLE = 360
_WORDS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
_SPELLED = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
_DIRECTIONS: Mapping[str, int] = {
    form: 45 * turn
    for turn, (short, long) in enumerate(zip(_WORDS, _SPELLED, strict=True))
    for form in (short, long, short + "b", long + "bound")
}

Row = Sequence[object]


class UnknownCamera(RecordsUnavailable):
    """A read of a camera that was not described when the cameras were last asked for."""


Decode = Callable[[Sequence[Row], Criteria, Mapping[str, Camera]], Page]


def decoder(mapping: ColumnMapping) -> Decode:  # noqa: C901, PLR0915 - see decode
    """Return the function that turns this store's rows into a page; it raises RecordsUnavailable only."""
    read_time = time_column(mapping).read
    read_id = _READ_ID[mapping.id_kind]
    scale = mapping.confidence_scale
    spelled = mapping.direction_unit == "words"
    heading = _words if spelled else _degrees
    described_apart = mapping.cameras is not None

    # One long loop on purpose: every read passes here, and a call for each field would double its cost.
    def decode(  # noqa: C901, PLR0912, PLR0915
        rows: Sequence[Row], criteria: Criteria, cameras: Mapping[str, Camera]
    ) -> Page:
        if len(rows) > criteria.limit:
            raise OverReleased("the store returned more rows than were asked for")
        start, end = microseconds(criteria.start), microseconds(criteria.end)
        after = criteria.after
        newest = end if after is None else after.captured_at_us
        wanted = None if criteria.plate is None else comparable(criteria.plate)
        state, allowed = (
            criteria.plate_state,
            None if criteria.cameras is None else frozenset(criteria.cameras),
        )
        seen = set() if after is None else {after.id}
        records: list[dict[str, Any]] = []
        us, ident, field = 0, "", "row"
        try:
            for row in rows:
                (raw_id, raw_time, plate, camera_id, plate_state, confidence, direction,
                 make, model, color, kind, image_url, name, lat, lon) = row  # fmt: skip
                field = "id"
                ident = read_id(raw_id)
                field = "captured_at"
                us = read_time(raw_time)
                field = "plate"
                if not (type(plate) is str and plate.isprintable() and 0 < len(plate) <= _LONGEST_PLATE):
                    raise ValueError  # noqa: TRY301 - one handler names the field, for all of them
                field = "camera_id"
                camera_id = _text_id(camera_id) if type(camera_id) is str else _integer_id(camera_id)
                if plate_state is not None:
                    field = "plate_state"
                    _text(plate_state)
                if not (
                    start <= us < end
                    and us <= newest
                    and ident not in seen
                    and (wanted is None or plate == wanted or comparable(plate) == wanted)
                    and (allowed is None or camera_id in allowed)
                    and (state is None or plate_state == state)
                ):
                    raise OverReleased(
                        "the store returned a row that was not asked for, twice, or out of order"
                    )
                seen.add(ident)
                newest = us
                if confidence is not None:
                    field = "confidence"
                    confidence = _share(confidence, scale)
                if direction is not None and (
                    spelled or not (type(direction) is int and 0 <= direction < _FULL_CIRCLE)
                ):
                    field = "direction"
                    direction = heading(direction)
                field = "vehicle"
                for text in (make, model, color, kind):
                    # Spelled out, not _text(): this line runs four times for each read.
                    if text is not None and not (
                        type(text) is str and len(text) <= _LONGEST and text.isprintable()
                    ):
                        raise ValueError  # noqa: TRY301
                if image_url is not None:
                    field = "image_url"
                    _link(image_url)
                field = "camera"
                if described_apart:
                    stands = cameras.get(camera_id)
                    if stands is None:
                        raise UnknownCamera("the store returned a read of a camera that it does not describe")
                    name, lat, lon = stands.name, stands.lat, stands.lon
                else:
                    name, lat, lon = place(name or camera_id, lat, lon)
                records.append(
                    {
                        "id": ident,
                        "captured_at": rfc3339(us),
                        "plate": plate,
                        "plate_state": plate_state,
                        "confidence": confidence,
                        "camera": {"id": camera_id, "name": name, "lat": lat, "lon": lon},
                        "direction": direction,
                        "vehicle": {"make": make, "model": model, "color": color, "type": kind},
                        "image_url": image_url,
                    }
                )
        except (ValueError, TypeError, KeyError, OverflowError, ArithmeticError):
            raise RecordsUnavailable(f"the store returned a row whose {field} is malformed") from None
        full = len(records) == criteria.limit
        return Page(tuple(records), Keyset(us, ident) if full else None)

    return decode


def place(name: object, lat: object, lon: object) -> tuple[str, float | None, float | None]:
    """Return a camera's name and place; raises ValueError for what is on no map."""
    if (lat is None) is not (lon is None):
        raise ValueError("half a place")
    return _text(name), _coordinate(lat, 90), _coordinate(lon, 180)


def camera(ident: object, name: object, lat: object, lon: object) -> Camera:
    """Return a camera from a row of the store; raises ValueError if it is malformed."""
    text = _text_id(ident) if isinstance(ident, str) else _integer_id(ident)
    return Camera(text, *place(text if name is None else name, lat, lon))


def _coordinate(value: object, reach: int) -> float | None:
    if value is None:
        return None
    number = _number(value)
    if not -reach <= number <= reach:
        raise ValueError("on no map")
    return _short(number, 6)


def _number(value: object) -> float:
    # A bool is an int to Python, text that looks like a number is not one, and NaN passes many comparisons.
    if type(value) not in (float, int, Decimal):
        raise ValueError("not a number")
    number = float(value)  # type: ignore[arg-type]
    if not isfinite(number):
        raise ValueError("not a finite number")
    return number


def _short(number: float, digits: int) -> float:
    """Return the number rounded, an int if it is whole: its JSON is then its canonical JSON as it stands."""
    short = round(number, digits)
    return int(short) if short == int(short) else short


def _share(value: object, scale: int) -> float:
    if type(value) is float and scale == 1 and 0.001 <= value <= 0.999:  # the usual case, at once
        return round(value, 3)
    share = _number(value) / scale
    if not 0.0 <= share <= 1.0:
        raise ValueError("not a share of 1")
    return _short(share, 3)


def _degrees(value: object) -> float:
    turn = _number(value)
    if not 0.0 <= turn <= _FULL_CIRCLE:
        raise ValueError("not a direction")
    return _short(turn, 1) % _FULL_CIRCLE


def _words(value: object) -> float:
    if type(value) is not str:
        raise ValueError("not a direction")
    return _DIRECTIONS["".join(filter(str.isalpha, value.lower()))]


def _text(value: object) -> str:
    if not (type(value) is str and len(value) <= _LONGEST and value.isprintable()):
        raise ValueError("not a printable text")
    return value


def _text_id(value: object) -> str:
    if not (type(value) is str and 0 < len(value) <= _LONGEST and value.isprintable()):
        raise ValueError("not an id")
    return value


def _integer_id(value: object) -> str:
    if type(value) is not int or not -_LARGEST_ID <= value < _LARGEST_ID:
        raise ValueError("not an id")
    return str(value)


def _uuid_id(value: object) -> str:
    # Drivers without the type return its text; anything else that str() would accept (bytes, None) is no id.
    return str(value if isinstance(value, UUID) else UUID(_text_id(value)))


_READ_ID: Mapping[str, Callable[[object], str]] = {"text": _text_id, "integer": _integer_id, "uuid": _uuid_id}


def _link(value: object) -> None:
    if not (
        type(value) is str
        and value.startswith(("https://", "http://"))  # a javascript: link would run in an officer's browser
        and len(value) <= _LONGEST_URL
        and value.isprintable()
    ):
        raise ValueError("not a link")
