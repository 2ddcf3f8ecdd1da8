"""Times and mappings: each unit both ways, and nothing that names no moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import RecordsUnavailable, SettingsRefused
from gatekeeper.records.mapping import SAMPLE, CameraTable, ColumnMapping
from gatekeeper.records.reads import Criteria, microseconds, moment
from gatekeeper.records.sql import SqlReads
from gatekeeper.records.times import rfc3339, time_column
from tests.records.stores import FLAT, Table

_US = st.integers(min_value=0, max_value=microseconds(datetime(9999, 1, 1, tzinfo=UTC)))
_UNITS = [
    ({"time_kind": "epoch_s"}, 1_000_000),
    ({"time_kind": "epoch_ms"}, 1_000),
    ({"time_kind": "epoch_us"}, 1),
    ({"time_kind": "text", "time_digits": 0}, 1_000_000),
    ({"time_kind": "text", "time_digits": 3, "time_separator": " ", "time_suffix": "+00:00"}, 1_000),
    ({"time_kind": "text", "time_digits": 6, "time_suffix": "", "time_zone": "UTC"}, 1),
    ({"time_kind": "timestamp"}, 1),
    ({"time_kind": "timestamp", "time_zone": "Etc/GMT+5"}, 1),
]


def times_of(changes: dict[str, Any]) -> Any:
    """Return the time column of the flat store with these settings."""
    return time_column(replace(FLAT, **changes))


@pytest.mark.parametrize(("changes", "unit"), _UNITS)
@given(us=_US)
def test_a_bound_is_the_first_value_not_before_its_moment(
    changes: dict[str, Any], unit: int, us: int
) -> None:
    """Rounded inward in every unit: what lies before ``start`` never comes in, what is at it does."""
    times = times_of(changes)
    assert -(-us // unit) * unit == times.read(times.bound(us))
    exact = us // unit * unit
    assert exact == times.read(times.exact(exact))


@given(us=_US)
def test_times_are_written_as_rfc_3339_without_loss(us: int) -> None:
    """The text of a time is UTC, ends with Z and means exactly that microsecond."""
    text = rfc3339(us)
    assert text.endswith("Z")
    assert us == microseconds(datetime.fromisoformat(text))


def test_whole_seconds_and_milliseconds_are_written_short() -> None:
    """No digit that says nothing."""
    assert ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.120Z") == (rfc3339(0), rfc3339(120_000))
    assert "1970-01-01T00:00:00.000001Z" == rfc3339(1)


@pytest.mark.parametrize(("changes", "value"), [
    ({"time_kind": "text"}, "2026-11-01T00:00:00.000"),
    ({"time_kind": "text"}, "2026-11-01T00:00:00Z"),
    ({"time_kind": "text"}, "2026-11-01 00:00:00.000Z"),
    ({"time_kind": "text"}, "2026-11-01T00:00:00.000+02:00"),
    ({"time_kind": "text"}, "2026-11-01T00:00:00.000+02:00Z"),
    ({"time_kind": "text"}, "2026-11-31T00:00:00.000Z"),
    ({"time_kind": "text"}, "20261101T000000.000Z"),
    ({"time_kind": "text"}, 7),
    ({"time_kind": "text"}, b"2026-11-01T00:00:00.000Z"),
    ({"time_kind": "timestamp"}, datetime(2026, 11, 1)),  # noqa: DTZ001 - naive on purpose
    ({"time_kind": "timestamp"}, "2026-11-01"),
    ({"time_kind": "timestamp", "time_zone": "America/Chicago"}, datetime(2026, 11, 1, tzinfo=UTC)),
    ({"time_kind": "epoch_s"}, 1e9),
    ({"time_kind": "epoch_s"}, "1000000000"),
    ({"time_kind": "epoch_s"}, True),
    ({"time_kind": "epoch_s"}, 10**15),
])  # fmt: skip
def test_a_value_that_names_no_moment_is_refused(changes: dict[str, Any], value: object) -> None:
    """Naive, foreign, rounded or impossible times are never guessed at."""
    with pytest.raises(ValueError, match=r"."):
        times_of(changes).read(value)


def test_the_hour_that_happens_twice_is_refused_in_local_time() -> None:
    """In Chicago 01:30 on 1 November 2026 is two moments and 02:30 on 8 March none: neither is released."""
    times = times_of({"time_kind": "timestamp", "time_zone": "America/Chicago"})
    before = datetime(2026, 11, 1, 0, 59)  # noqa: DTZ001 - naive on purpose
    assert datetime(2026, 11, 1, 5, 59, tzinfo=UTC) == moment(times.read(before))
    for twice in (datetime(2026, 11, 1, 1, 30), datetime(2026, 3, 8, 2, 30)):  # noqa: DTZ001 - naive on purpose
        with pytest.raises(ValueError, match="hour"):
            times.read(twice)
    for edge in (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), datetime(2026, 11, 1, 7, 30, tzinfo=UTC)):
        with pytest.raises(ValueError, match="hour"):
            times.bound(microseconds(edge))


def test_a_window_edge_in_the_repeated_hour_is_unavailable(
    table: Table, opened: Callable[..., SqlReads]
) -> None:
    """What cannot be asked exactly is not asked."""
    local = replace(FLAT, time_kind="text", time_suffix="", time_zone="America/Chicago", time_digits=0)
    edge = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    with pytest.raises(RecordsUnavailable):
        opened(table.url, local).fetch(Criteria("DEMO123", None, None, edge, edge + timedelta(days=1), 9))


def test_local_text_times_are_answered_in_utc(table: Table, opened: Callable[..., SqlReads]) -> None:
    """A store in local time is asked in local time and answers in UTC."""
    local = replace(FLAT, time_kind="text", time_suffix="", time_zone="America/Chicago", time_digits=0)
    table.fill({"captured_at": "2026-11-20T12:00:00"}, {"id": "r2", "captured_at": "2026-11-20T13:00:00"})
    start = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=-5)))
    page = opened(table.url, local).fetch(
        Criteria("DEMO123", None, None, start, start + timedelta(hours=1), 9)
    )
    assert ["2026-11-20T18:00:00Z"] == [read["captured_at"] for read in page.reads]


@pytest.mark.parametrize(
    "name", ['x"y', "x; DROP TABLE y", "", "x\n", "1x", "x.y", "x%s", ":x", "x'", "x]", "é", 5]
)
@pytest.mark.parametrize("field", ["table", "plate", "schema", "color", "plate_key"])
def test_what_is_no_identifier_is_refused(field: str, name: object) -> None:
    """A mapping cannot carry SQL."""
    with pytest.raises(SettingsRefused, match=field):
        replace(FLAT, **{field: name})  # type: ignore[arg-type]


@pytest.mark.parametrize(("document", "said"), [
    ([], "JSON object"),
    ({"table": "r"}, "captured_at is missing; id is missing; plate is missing"),
    ({"colour": "c"}, "'colour' is not part"),
    ({"cameras": {"table": "c"}}, "cameras.id is missing; cameras.name is missing"),
    ({"cameras": {"table": "c", "id": "i", "name": "n", "height": "h"}}, "cameras.height"),
])  # fmt: skip
def test_a_mapping_file_with_faults_names_them_all(document: object, said: str) -> None:
    """Every fault is told at once."""
    with pytest.raises(SettingsRefused, match=said):
        ColumnMapping.parse(document)


@pytest.mark.parametrize("changes", [
    {"time_kind": "epoch_h"}, {"time_digits": 2}, {"confidence_scale": True}, {"confidence_scale": 1.0},
    {"direction_unit": "radians"}, {"id_kind": "float"}, {"time_zone": "UTC"}, {"cameras": {"table": "c"}},
    {"time_kind": "text", "time_suffix": ""}, {"time_kind": "timestamp", "time_zone": "Mars/Olympus"},
    {"time_kind": "timestamp", "time_zone": "../etc/passwd"}, {"time_kind": "text", "time_zone": "UTC"},
    {"cameras": CameraTable("c", "id", "name")}, {"plate": None}, {"table": None},
])  # fmt: skip
def test_units_outside_the_closed_lists_are_refused(changes: dict[str, Any]) -> None:
    """An unknown unit, a missing or second zone, or cameras described twice: refused at start."""
    with pytest.raises(SettingsRefused):
        replace(FLAT, **changes)


def test_a_mapping_is_read_from_its_json() -> None:
    """The sample's own mapping survives the way through JSON."""
    document = {
        "table": "plate_reads", "id": "id", "captured_at": "captured_at", "plate": "plate",
        "camera_id": "camera_id",
        "plate_state": "plate_state", "confidence": "confidence", "direction": "direction", "make": "make",
        "model": "model", "color": "color", "type": "type", "image_url": "image_url", "id_kind": "integer",
        "cameras": {"table": "cameras", "id": "id", "name": "name", "lat": "lat", "lon": "lon"},
    }  # fmt: skip
    assert SAMPLE == ColumnMapping.parse(document)


@pytest.mark.parametrize(
    ("word", "degrees"), [("N", 0), ("NB", 0), ("South-East", 135), ("westbound", 270), ("nw", 315)]
)
def test_directions_in_words_become_degrees(
    table: Table, opened: Callable[..., SqlReads], word: str, degrees: int
) -> None:
    """Words of the compass are degrees; other words are malformed."""
    worded = replace(FLAT, direction_unit="words", confidence_scale=100)
    table.fill({"direction": word, "confidence": 93.25})
    question = Criteria("DEMO123", None, None, moment(0), moment(10**13), 9)
    (read,) = opened(table.url, worded).fetch(question).reads
    assert (degrees, 0.932) == (read["direction"], read["confidence"])
    table.fill({"id": "r2", "direction": "uphill"})
    with pytest.raises(RecordsUnavailable, match="direction"):
        opened(table.url, worded).fetch(question)
