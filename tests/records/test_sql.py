"""Asking: exactly what was asked for, page by page, from a store that answers honestly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.errors import RecordsUnavailable
from gatekeeper.records import sample
from gatekeeper.records.mapping import SAMPLE
from gatekeeper.records.reads import Criteria, Keyset, Page, moment
from gatekeeper.records.sql import SqlReads
from tests.records.stores import COLUMNS, FLAT, Table

Open = Callable[..., SqlReads]
_EARLY, _LATE = moment(0), moment(10_000_000_000_000)


def asked(**changes: object) -> Criteria:
    """Return a question about the good read's plate, with changes."""
    question = Criteria("DEMO123", None, None, _EARLY, _LATE, 100)
    return replace(question, **changes)  # type: ignore[arg-type]


def ids(page: Page) -> list[object]:
    """Return the ids of a page, in its order."""
    return [read["id"] for read in page.reads]


def test_a_read_has_every_field_of_the_contract(table: Table, opened: Open) -> None:
    """A full record leaves with the HTTP contract's names, nesting and units, and nothing else."""
    table.fill({})
    expected = {
        "id": "r1", "captured_at": "1970-01-01T00:16:40Z", "plate": "DEMO123", "plate_state": "IL",
        "confidence": 0.93, "camera": {"id": "c1", "name": "Elm & 3rd", "lat": 42.05, "lon": -87.7},
        "direction": 90,
        "vehicle": {"make": "Honda", "model": "Civic", "color": "blue", "type": "sedan"},
        "image_url": "https://i.invalid/1.jpg",
    }  # fmt: skip
    assert (expected,) == opened(table.url).fetch(asked()).reads


def test_a_column_that_the_store_lacks_is_null_not_guessed(table: Table, opened: Open) -> None:
    """Fields without a column are null; a camera without a name is called by its id."""
    table.fill({})
    bare = replace(FLAT, confidence=None, camera_name=None, camera_lat=None, camera_lon=None, image_url=None)
    (read,) = opened(table.url, bare).fetch(asked()).reads
    assert (None, None, {"id": "c1", "name": "c1", "lat": None, "lon": None}) == (
        read["confidence"], read["image_url"], read["camera"],
    )  # fmt: skip


def test_numbers_leave_in_their_canonical_form(table: Table, opened: Open) -> None:
    """Coordinates have at most 6 decimals, and plain JSON of a record is already its RFC 8785 JSON."""
    table.fill({"lat": 42.123456789, "lon": -87.0, "confidence": 1.0, "direction": 360.0})
    (read,) = opened(table.url).fetch(asked()).reads
    plain = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert rfc8785.dumps(read) == plain
    assert b'"lat":42.123457,"lon":-87,' in plain
    assert b'"direction":0,' in plain


@pytest.mark.parametrize("typed", ["DEMO123", "demo 123", "Demo-123", " demo123"])
def test_spaces_dashes_and_case_of_a_typed_plate_do_not_hide_it(
    table: Table, opened: Open, typed: str
) -> None:
    """The plate is compared upper case without spaces or dashes, as stored."""
    table.fill({}, {"id": "r2", "plate": "DEMO12"}, {"id": "r3", "plate": "DEM0123"})
    assert ["r1"] == ids(opened(table.url).fetch(asked(plate=typed)))


def test_a_store_that_shows_plates_with_spaces_is_searched_by_its_key(table: Table, opened: Open) -> None:
    """``plate_key`` is searched while ``plate`` is shown."""
    table.fill({"plate": "DEMO 123", "model": "DEMO123"})
    assert ["r1"] == ids(opened(table.url, replace(FLAT, plate_key="model", model=None)).fetch(asked()))


def test_the_window_is_half_open_to_the_microsecond(table: Table, opened: Open) -> None:
    """A read at ``start`` is released, one at ``end`` is not, in a store of milliseconds too."""
    table.fill(*({"id": f"r{ms}", "captured_at": ms} for ms in (999, 1000, 1001, 1999, 2000)))
    store = opened(table.url)
    assert ["r1999", "r1001", "r1000"] == ids(
        store.fetch(asked(start=moment(1_000_000), end=moment(2_000_000)))
    )
    inner = asked(start=moment(1_000_001), end=moment(1_999_001))
    assert ["r1999", "r1001"] == ids(store.fetch(inner))
    assert [] == ids(store.fetch(asked(start=moment(1_000_000), end=moment(1_000_000))))


def test_no_camera_named_is_no_read_not_every_read(table: Table, opened: Open) -> None:
    """An empty circle on the map releases nothing."""
    table.fill({})
    assert Page((), None) == opened(table.url).fetch(asked(plate=None, cameras=()))
    assert [] == ids(opened(table.url).fetch(asked(cameras=())))


def test_a_camera_named_twice_does_not_double_its_reads(table: Table, opened: Open) -> None:
    """Repeated camera ids are one camera."""
    table.fill({}, {"id": "r2", "camera_id": "c2"}, {"id": "r3", "camera_id": "c3"})
    assert ["r2", "r1"] == ids(opened(table.url).fetch(asked(plate=None, cameras=("c1", "c2", "c1"))))


@pytest.mark.parametrize("change", [
    {"plate": None, "cameras": None},
    {"plate": " - "},
    {"start": datetime(2026, 11, 1)},  # noqa: DTZ001 - naive on purpose
    {"end": datetime(2026, 11, 1)},  # noqa: DTZ001 - naive on purpose
    {"start": _LATE, "end": _EARLY},
    {"limit": 0},
    {"limit": -1},
    {"limit": True},
])  # fmt: skip
def test_a_question_without_bounds_cannot_be_made(change: dict[str, object]) -> None:
    """Criteria refuse what would ask for everything, or for no definite time."""
    with pytest.raises(ValueError, match=r"."):
        asked(**change)


def test_more_cameras_than_are_merged_give_the_same_answer(table: Table, opened: Open) -> None:
    """One walk per camera and one IN list find the same reads in the same order."""
    table.fill(*({"id": f"r{n:03}", "captured_at": n % 7, "camera_id": f"c{n}"} for n in range(90)))
    store = opened(table.url)
    few = ids(store.fetch(asked(plate=None, cameras=tuple(f"c{n}" for n in range(60)))))
    many = ids(store.fetch(asked(plate=None, cameras=tuple(f"c{n}" for n in range(90)), limit=1000)))
    assert few == [ident for ident in many if int(str(ident)[1:]) < 60]
    assert 90 == len(many)


_moments = st.integers(min_value=0, max_value=8)
_cameras = st.sampled_from(["c1", "c2", "c3"])
_reads = st.lists(
    st.tuples(_moments, st.sampled_from(["DEMO1", "DEMO2"]), _cameras,
              st.sampled_from(["IL", "WI", None])),
    max_size=30,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reads=_reads,
    plate=st.sampled_from([None, "DEMO1", "DEMO2", "DEMO3"]),
    state=st.sampled_from([None, "IL"]),
    cameras=st.none() | st.lists(st.sampled_from(["c1", "c2", "c3", "c4"]), max_size=4).map(tuple),
    start=_moments,
    length=_moments,
    limit=st.integers(min_value=1, max_value=7),
)
def test_pages_together_are_the_naive_filter(  # noqa: PLR0917 - one for each part of a question
    tmp_path: Path,
    reads: list[tuple[int, str, str, str | None]],
    plate: str | None,
    state: str | None,
    cameras: tuple[str, ...] | None,
    start: int,
    length: int,
    limit: int,
) -> None:
    """Whatever the ties, pages have no gap and no repetition, and hold what a filter in memory keeps."""
    if plate is None and cameras is None:
        cameras = ("c1", "c2")
    path = tmp_path / "any.sqlite"
    path.unlink(missing_ok=True)
    made = Table(path)
    made.run(f"CREATE TABLE reads ({', '.join(COLUMNS)})")
    made.fill(*(
        {"id": n, "captured_at": at, "plate": p, "camera_id": c, "plate_state": s}
        for n, (at, p, c, s) in enumerate(reads)
    ))  # fmt: skip
    expected = [
        (at, n)
        for n, (at, p, c, s) in enumerate(reads)
        if start <= at < start + length
        and plate in (None, p)
        and state in (None, s)
        and (cameras is None or c in cameras)
    ]
    expected.sort(reverse=True)
    store = SqlReads(f"sqlite:///{path}", replace(FLAT, id_kind="integer"), 5.0)
    found: list[object] = []
    after: Keyset | None = None
    while True:
        question = Criteria(
            plate, state, cameras, moment(start * 1000), moment((start + length) * 1000), limit, after
        )
        page = store.fetch(question)
        assert limit >= len(page.reads)
        found += ids(page)
        after = page.next
        if after is None:
            break
    store.close()
    assert [str(n) for _, n in expected] == found


def test_new_reads_that_arrive_between_pages_shift_nothing(table: Table, opened: Open) -> None:
    """Paging is by key: a read that comes in meanwhile is not on a later page, and none is repeated."""
    table.fill(*({"id": f"r{n}", "captured_at": 5} for n in range(4)))
    store = opened(table.url)
    first = store.fetch(asked(limit=2))
    table.fill({"id": "r9", "captured_at": 9})
    assert ["r3", "r2"] == ids(first)
    assert ["r1", "r0"] == ids(store.fetch(asked(limit=2, after=first.next)))


def test_the_sample_city_answers_by_plate_and_by_place(city: Path, opened: Open) -> None:
    """The numbers of reads that ``samples`` promises are those that a query finds."""
    found = sample.samples(city)
    assert isinstance(found["reads"], dict)
    start, end = (datetime.fromisoformat(str(found[edge])) for edge in ("from", "to"))
    store = opened(f"sqlite:///{city}", SAMPLE)
    store.ready()
    for plate, number in found["reads"].items():
        assert number == len(store.fetch(Criteria(plate, None, None, start, end, 1_000)).reads)
    place = store.fetch(Criteria(None, None, ("cam-01", "cam-02"), start, end, 100))
    assert {"cam-01", "cam-02"} == {read["camera"]["id"] for read in place.reads}  # type: ignore[call-overload,index]


def test_a_new_camera_is_found_without_waiting_a_minute(city: Path, opened: Open, tmp_path: Path) -> None:
    """A read of a camera put up since then is released with its place; one that nothing describes is not."""
    copy = Table(tmp_path / "copy.sqlite")
    copy.path.write_bytes(city.read_bytes())
    store = opened(copy.url, SAMPLE)
    assert 20 == len(store.cameras())
    copy.run("INSERT INTO sightings VALUES (999999, 0, 'DEMO0', 'new', 0.9, 0)")
    with pytest.raises(RecordsUnavailable, match="camera"):
        store.fetch(asked(plate="DEMO0"))
    copy.run("INSERT INTO cameras VALUES ('new', 'New St', 42.0, -87.0)")
    assert 1 == len(store.fetch(asked(plate="DEMO0")).reads)


def test_cameras_without_a_table_come_from_the_reads(table: Table, opened: Open) -> None:
    """A flat store names its cameras in its reads; two places for one camera are refused."""
    table.fill({}, {"id": "r2", "camera_id": "c2", "camera_name": "Oak & 1st"})
    assert ["c1", "c2"] == sorted(opened(table.url).cameras())
    table.fill({"id": "r3", "lat": 42.2})
    with pytest.raises(RecordsUnavailable, match="two ways"):
        opened(table.url).cameras()


def test_the_window_is_kept_in_utc(table: Table, opened: Open) -> None:
    """A window in another zone names the same moments."""
    table.fill({"captured_at": 1_000})
    east = datetime.fromisoformat("1970-01-01T05:00:01+05:00")
    assert ["r1"] == ids(
        opened(table.url).fetch(asked(start=east, end=east.astimezone(UTC) + timedelta(seconds=1)))
    )
