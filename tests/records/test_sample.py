"""The sample city: whole or absent, the same for a seed, plausible, and nobody's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import RecordsUnavailable
from gatekeeper.records import sample
from tests.records.conftest import UNTIL


def rows(path: Path, sql: str) -> list[Any]:
    """Return the rows of a query on the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_the_same_seed_is_the_same_city(city: Path, tmp_path: Path) -> None:
    """Two builds differ in nothing; another seed differs."""
    again, other = tmp_path / "again.sqlite", tmp_path / "other.sqlite"
    sample.build(again, seed=7, reads=20_000, until=UNTIL)
    sample.build(other, seed=8, reads=20_000, until=UNTIL)
    everything = "SELECT * FROM plate_reads ORDER BY id"
    assert rows(city, everything) == rows(again, everything)
    assert rows(city, everything) != rows(other, everything)
    assert sample.samples(city) == sample.samples(again)


def test_a_second_build_serves_what_is_there(city: Path) -> None:
    """A finished city is never built anew, whatever is asked for."""
    before = city.stat()
    sample.build(city, seed=99, reads=5, until=UNTIL)
    assert before.st_mtime_ns == city.stat().st_mtime_ns


@pytest.mark.parametrize(("reads", "days", "cameras"), [(1, 1, 1), (50, 2, 3), (777, 30, 20), (3_000, 1, 47)])
def test_exactly_the_reads_asked_for_lie_in_the_window(
    tmp_path: Path, reads: int, days: int, cameras: int
) -> None:
    """Neither more nor fewer, none in the future, in cities of any size."""
    path = tmp_path / "any.sqlite"
    sample.build(path, seed=1, reads=reads, days=days, cameras=cameras, until=UNTIL)
    end = int(UNTIL.timestamp() * 1000)
    ((count, first, last),) = rows(
        path, "SELECT count(*), min(captured_at), max(captured_at) FROM plate_reads"
    )
    assert reads == count
    assert end - days * 86_400_000 <= first <= last < end
    found = sample.samples(path)
    assert isinstance(found["cameras"], list)
    assert (cameras, True) == (len(found["cameras"]), bool(found["plates"]))


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that fails leaves no file, under neither name."""

    def no_space(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sample, "_write", no_space)
    with pytest.raises(RecordsUnavailable, match="cannot be written"):
        sample.build(tmp_path / "city.sqlite", seed=1, reads=10, until=UNTIL)
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_is_no_city_is_told(tmp_path: Path) -> None:
    """Samples of an absent or foreign file are an error that says what to do."""
    (tmp_path / "x").write_text("not a city")
    for path in (tmp_path / "x", tmp_path / "none"):
        with pytest.raises(RecordsUnavailable, match="remove it"):
            sample.samples(path)
    assert not (tmp_path / "none").exists()


def test_a_city_needs_a_definite_end() -> None:
    """A naive end is refused."""
    with pytest.raises(ValueError, match="zone"):
        sample.build(Path("/nowhere/x"), seed=1, until=datetime(2026, 11, 22))  # noqa: DTZ001 - naive on purpose


def test_plates_are_visibly_nobodys_and_images_nowhere(city: Path) -> None:
    """Every plate begins with DEMO and every image lies under .invalid."""
    assert [] == rows(city, "SELECT * FROM plate_reads WHERE plate NOT GLOB 'DEMO???' OR plate IS NULL")
    assert [] == rows(
        city, "SELECT * FROM plate_reads WHERE image_url NOT LIKE 'https://images.demo.invalid/%'"
    )


def test_people_move_as_people_do(city: Path) -> None:
    """Nights are quiet, most plates are from Illinois, and no car is in two places at once."""
    hour = dict(rows(city, "SELECT (captured_at / 3600000 + 18) % 24, count(*) FROM plate_reads GROUP BY 1"))
    assert hour[8] > 5 * hour[3]
    assert hour[17] > 5 * hour[3]
    assert 0.75 < rows(city, "SELECT avg(plate_state = 'IL') FROM plate_reads")[0][0] < 0.98
    ((hurried,),) = rows(city, """
        SELECT count(*) FROM sightings a JOIN sightings b ON a.plate = b.plate AND a.id <> b.id
        AND b.captured_at - a.captured_at BETWEEN 0 AND 20000 AND a.camera_id <> b.camera_id
        WHERE a.plate IN (SELECT plate FROM sightings GROUP BY plate HAVING count(*) > 30)""")  # fmt: skip
    assert hurried == 0


def test_samples_lie_in_the_last_week(city: Path) -> None:
    """The window for a first query is a week, ends where the data ends, and the first plate fills a page."""
    found = sample.samples(city)
    assert (UNTIL - timedelta(days=7), UNTIL) == tuple(
        datetime.fromisoformat(str(found[edge])).astimezone(UTC) for edge in ("from", "to")
    )
    assert isinstance(found["reads"], dict)
    assert isinstance(found["plates"], list)
    assert found["plates"] == list(found["reads"])
    first = found["reads"][str(found["plates"][0])]
    assert isinstance(first, int)
    assert 15 <= first <= 40
