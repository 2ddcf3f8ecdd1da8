"""Which column of a city's store holds which field of a read, and in which unit: data, not code.

Guarantees: a mapping names one table (and perhaps one of cameras) by plain identifiers, which are quoted when
used; what cannot be an identifier is refused here, so no setting can become SQL. Units are from closed lists.

The units are those that vendors use: Flock sends times as RFC 3339 and confidence 0-1, the OpenALPR group
milliseconds since 1970 and 0-100, others native timestamps in local time and directions as words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, Self, get_args
from zoneinfo import ZoneInfo

from gatekeeper.errors import SettingsRefused

TimeKind = Literal["epoch_s", "epoch_ms", "epoch_us", "text", "timestamp"]
IdKind = Literal["text", "integer", "uuid"]
DirectionUnit = Literal["degrees", "words"]

# No quote, percent sign, colon or dot: a schema is its own setting, and no driver's placeholder can appear.
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_ $#-]{0,127}")

_CHOICES: Mapping[str, tuple[object, ...]] = {
    "time_kind": get_args(TimeKind),
    "time_separator": ("T", " "),
    "time_digits": (0, 3, 6),
    "time_suffix": ("Z", "+00:00", ""),
    "id_kind": get_args(IdKind),
    "confidence_scale": (1, 100),
    "direction_unit": get_args(DirectionUnit),
}
_REQUIRED = frozenset({"table", "id", "captured_at", "plate", "camera_id"})


@dataclass(frozen=True, slots=True)
class CameraTable:
    """A table of its own for cameras; raises SettingsRefused for what is not an identifier."""

    table: str
    id: str
    name: str
    lat: str | None = None
    lon: str | None = None
    schema: str | None = None

    def __post_init__(self) -> None:
        _refuse(
            [
                f
                for field in fields(self)
                for f in _not_identifier("cameras." + field.name, getattr(self, field.name))
            ]
        )


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Field of the HTTP contract ← column of the store; None where the store has no such column.

    ``plate`` is shown. ``plate_key`` is the column that is searched, for a store whose shown plates have
    spaces or dashes; without it ``plate`` itself must be stored upper case, without either, or the search
    finds nothing.

    Times: ``epoch_*`` are whole numbers since 1970. ``text`` is ISO 8601 of one fixed form (separator,
    digits of the fraction, suffix), so that text order is time order. ``timestamp`` is the database's own
    type. A ``timestamp`` without a zone, and a text without a suffix, need ``time_zone``; in a zone with
    summer time the hour that happens twice a year names no moment, and reads in it are refused: map a UTC
    column where there is one.
    """

    table: str
    id: str
    captured_at: str
    plate: str
    camera_id: str
    schema: str | None = None
    plate_key: str | None = None
    plate_state: str | None = None
    confidence: str | None = None
    direction: str | None = None
    make: str | None = None
    model: str | None = None
    color: str | None = None
    type: str | None = None
    image_url: str | None = None
    camera_name: str | None = None
    camera_lat: str | None = None
    camera_lon: str | None = None
    cameras: CameraTable | None = None
    time_kind: TimeKind = "epoch_ms"
    time_zone: str | None = None
    time_separator: Literal["T", " "] = "T"
    time_digits: Literal[0, 3, 6] = 3
    time_suffix: Literal["Z", "+00:00", ""] = "Z"
    id_kind: IdKind = "text"
    confidence_scale: Literal[1, 100] = 1
    direction_unit: DirectionUnit = "degrees"

    def __post_init__(self) -> None:
        faults: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _CHOICES:
                allowed = _CHOICES[field.name]
                if not any(type(value) is type(choice) and value == choice for choice in allowed):
                    faults.append(f"{field.name} is one of {', '.join(map(repr, allowed))}")
            elif field.name == "time_zone":
                faults += _zone_faults(self)
            elif field.name == "cameras":
                if value is not None and not isinstance(value, CameraTable):
                    faults.append("cameras is a table of cameras with table, id and name")
            else:
                faults += _not_identifier(field.name, value)
        if self.cameras and (self.camera_name or self.camera_lat or self.camera_lon):
            faults.append(
                "cameras are described by a table of their own or by columns of the reads, not by both"
            )
        _refuse(faults)

    @classmethod
    def parse(cls, document: object) -> Self:
        """Return the mapping that a JSON object describes; raises SettingsRefused naming every fault."""
        if not isinstance(document, Mapping):
            raise SettingsRefused(
                'a column mapping is a JSON object: {"table": …, "id": …, "captured_at": …}'
            )
        names = {field.name for field in fields(cls)}
        faults = [f"{name!r} is not part of a column mapping" for name in document if name not in names]
        faults += [f"{name} is missing" for name in sorted(_REQUIRED - document.keys())]
        cameras = document.get("cameras")
        if isinstance(cameras, Mapping):
            inner = {field.name for field in fields(CameraTable)}
            faults += [
                f"'cameras.{name}' is not part of a column mapping" for name in cameras if name not in inner
            ]
            faults += [
                f"cameras.{name} is missing" for name in ("id", "name", "table") if name not in cameras
            ]
        _refuse(faults)
        given = dict(document)
        if isinstance(cameras, Mapping):
            given["cameras"] = CameraTable(**cameras)
        return cls(**given)


def _zone_faults(mapping: ColumnMapping) -> list[str]:
    """Return what is wrong with the zone: missing where needed, or given where it would be a second."""
    zone = mapping.time_zone
    if zone is None:
        bare = mapping.time_kind == "text" and mapping.time_suffix == ""
        return ["time_zone is needed: a text time without a suffix names no moment"] if bare else []
    if mapping.time_kind.startswith("epoch") or (mapping.time_kind == "text" and mapping.time_suffix):
        return ["time_zone is only for times that carry none of their own"]
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError, TypeError):
        return ["time_zone is no zone of the IANA database, such as America/Chicago"]
    return []


def _not_identifier(field: str, value: object) -> list[str]:
    if value is None and field.rpartition(".")[2] not in _REQUIRED | {"name"}:
        return []
    if isinstance(value, str) and _IDENTIFIER.fullmatch(value):
        return []
    return [f"{field} is not an identifier (a letter, then letters, digits, spaces, _ $ # or -)"]


def _refuse(faults: list[str]) -> None:
    if faults:
        raise SettingsRefused("column mapping refused: " + "; ".join(faults) + ". Correct the mapping's file")


SAMPLE = ColumnMapping(
    table="plate_reads",
    id="id",
    captured_at="captured_at",
    plate="plate",
    camera_id="camera_id",
    plate_state="plate_state",
    confidence="confidence",
    direction="direction",
    make="make",
    model="model",
    color="color",
    type="type",
    image_url="image_url",
    cameras=CameraTable(table="cameras", id="id", name="name", lat="lat", lon="lon"),
    time_kind="epoch_ms",
    id_kind="integer",
)
"""The columns of the sample city (``gatekeeper.records.sample``)."""
