"""A store that lies, is slow, is gone or is attacked releases nothing and gives nothing away."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from gatekeeper.errors import OverReleased, RecordsUnavailable, SettingsRefused
from gatekeeper.records.reads import Criteria, Keyset, moment
from gatekeeper.records.rows import FIELDS, decoder
from gatekeeper.records.sql import SqlReads
from tests.records.stores import FLAT, GOOD, Table

Open = Callable[..., SqlReads]
PLATE = Criteria("DEMO123", None, None, moment(0), moment(10**13), 3)
_NAMES = {"camera_lat": "lat", "camera_lon": "lon"}


def row(**changes: object) -> tuple[object, ...]:
    """Return the good read as a row, with changes."""
    good = {**GOOD, **changes}
    return tuple(good[_NAMES.get(field, field)] for field in FIELDS)


@pytest.mark.parametrize(("field", "value"), [
    ("confidence", 7), ("confidence", -0.1), ("confidence", float("inf")), ("confidence", "0.9"),
    ("confidence", b"1"),
    ("lat", 900), ("lat", "42.0"), ("lat", None), ("lon", -180.1), ("lon", float("-inf")),
    ("captured_at", "1970-01-01T00:16:40"), ("captured_at", 1_000_000.0), ("captured_at", None),
    ("captured_at", -1),
    ("plate", None), ("plate", ""), ("plate", b"DEMO123"), ("plate", "DEMO123\n"), ("plate", 123),
    ("id", None), ("id", ""), ("id", b"r1"), ("id", 1.5), ("id", "x" * 300), ("plate_state", b"IL"),
    ("camera_id", None), ("camera_id", ""), ("camera_id", 1.5), ("camera_name", b"x"), ("camera_name",
    "a\x00b"),
    ("direction", 361), ("direction", -1), ("direction", "north"), ("make", 5), ("model", b"x"), ("color",
    "x" * 300),
    ("type", "a\u202eb"), ("image_url", "javascript:alert(1)"), ("image_url", 5), ("image_url", "https://x/\n"),
])  # fmt: skip
def test_a_malformed_row_releases_nothing(field: str, value: object) -> None:
    """One bad field in one row withholds the whole answer, and the error does not repeat the value."""
    with pytest.raises(RecordsUnavailable) as refused:
        decoder(FLAT)([row(id="r9"), row(**{field: value})], PLATE, {})
    assert "DEMO" not in str(refused.value)


@pytest.mark.parametrize("value", [float("nan"), True, 10**400])
@pytest.mark.parametrize("field", ["confidence", "lat", "direction"])
def test_a_number_that_is_none_releases_nothing(field: str, value: object) -> None:
    """NaN passes comparisons, True is an int to Python, a huge integer is no float: all are refused."""
    with pytest.raises(RecordsUnavailable, match="malformed"):
        decoder(FLAT)([row(**{field: value})], PLATE, {})


@pytest.mark.parametrize("change", [
    {"plate": "DEMO124"}, {"captured_at": 10**10}, {"camera_id": "c2"}, {"plate_state": "WI"},
    {"plate_state": None},
])  # fmt: skip
def test_a_row_that_was_not_asked_for_releases_nothing(change: dict[str, object]) -> None:
    """A store that answers beyond plate, window, camera or state is caught before anything leaves."""
    question = replace(PLATE, cameras=("c1",), plate_state="IL")
    assert 1 == len(decoder(FLAT)([row()], question, {}).reads)
    with pytest.raises(OverReleased):
        decoder(FLAT)([row(**change)], question, {})


def test_a_row_at_the_end_of_the_window_is_not_asked_for() -> None:
    """``end`` itself is outside, whatever the store thinks."""
    with pytest.raises(OverReleased):
        decoder(FLAT)([row()], replace(PLATE, end=moment(1_000_000_000)), {})
    with pytest.raises(OverReleased):
        decoder(FLAT)([row()], replace(PLATE, start=moment(1_000_000_001)), {})


def test_more_rows_than_the_limit_release_nothing(table: Table, opened: Open) -> None:
    """A store that ignores the limit is refused, not trimmed: what else does it ignore?"""
    with pytest.raises(OverReleased):
        decoder(FLAT)([row(id=str(n)) for n in range(4)], PLATE, {})
    table.fill(*({"id": f"r{n}"} for n in range(10)))
    assert 3 == len(opened(table.url).fetch(PLATE).reads)


def test_repeated_and_disordered_rows_release_nothing() -> None:
    """A page that repeats a read, goes back in time or repeats the page before is refused."""
    with pytest.raises(OverReleased):
        decoder(FLAT)([row(), row()], PLATE, {})
    with pytest.raises(OverReleased):
        decoder(FLAT)([row(captured_at=5), row(id="r2", captured_at=6)], PLATE, {})
    with pytest.raises(OverReleased):
        decoder(FLAT)([row()], replace(PLATE, after=Keyset(999_999_999, "r5")), {})
    with pytest.raises(OverReleased):
        decoder(FLAT)([row()], replace(PLATE, after=Keyset(1_000_000_000, "r1")), {})


def test_a_row_of_the_wrong_width_releases_nothing() -> None:
    """Rows with a column too few are refused."""
    with pytest.raises(RecordsUnavailable):
        decoder(FLAT)([row()[:-1]], PLATE, {})


@pytest.mark.parametrize("typed", [
    "' OR '1'='1", "DEMO123' --", "x'; DROP TABLE reads; --", "DEMO123%", "%", "DEM?123", "DEMO123\x00",
    ":plate", "%(plate)s", "\ud800",
])  # fmt: skip
def test_a_typed_plate_or_camera_is_never_sql(table: Table, opened: Open, typed: str) -> None:
    """Quotes, wildcards and placeholders in plates and camera ids match nothing and break nothing."""
    table.fill({})
    store = opened(table.url)
    for question in (
        replace(PLATE, plate=typed),
        replace(PLATE, plate=None, cameras=(typed,)),
        replace(PLATE, plate=None, cameras=(typed, typed + "2")),
        replace(PLATE, plate_state=typed),
        replace(PLATE, after=Keyset(0, typed)),
    ):
        if typed == "\ud800":  # cannot be said in UTF-8 at all
            with pytest.raises(RecordsUnavailable):
                store.fetch(question)
        else:
            assert () == store.fetch(question).reads
    assert 1 == len(store.fetch(PLATE).reads)


@pytest.mark.parametrize("statement", [
    "INSERT INTO reads (id) VALUES ('x')", "UPDATE reads SET plate = 'X'", "DELETE FROM reads",
    "DROP TABLE reads",
    "CREATE TABLE more (x)", "PRAGMA user_version = 7", "ATTACH DATABASE ':memory:' AS other", "VACUUM",
    "PRAGMA query_only=OFF; ", "PRAGMA journal_mode=WAL",
])  # fmt: skip
def test_the_sqlite_connection_itself_cannot_write(table: Table, opened: Open, statement: str) -> None:
    """Whatever is sent through the connection, the file stays as it was, even with query_only off."""
    table.fill({})
    before = table.path.read_bytes()
    raw = opened(table.url)._engine.raw_connection()
    raw.cursor().execute("PRAGMA query_only=OFF")
    with suppress(sqlite3.OperationalError):  # most are refused, some do nothing: the file is what counts
        raw.cursor().execute(statement)
    raw.invalidate()
    raw.close()
    assert before == table.path.read_bytes()


def test_a_slow_store_is_interrupted_at_its_deadline(table: Table, opened: Open) -> None:
    """A question that would take minutes ends in time, unanswered, and the next one is answered."""
    table.run("""
        ALTER TABLE reads RENAME TO kept;
        CREATE VIEW reads AS WITH RECURSIVE n(i) AS
            (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)
            SELECT kept.* FROM kept WHERE kept.plate = 'QUICK' OR (SELECT count(*) FROM n) > 0;
    """)
    store = opened(table.url, timeout_s=0.3)
    table.run(
        f"INSERT INTO kept VALUES ({','.join(repr(v) for v in {**GOOD, 'plate': 'QUICK'}.values())});"  # noqa: S608 - our own row
        f"INSERT INTO kept VALUES ({','.join(repr(v) for v in GOOD.values())});"
    )
    began = monotonic()
    with pytest.raises(RecordsUnavailable):
        store.fetch(PLATE)
    assert 2.0 > monotonic() - began


def test_a_store_that_is_gone_or_replaced_is_not_served_from_memory(
    table: Table, opened: Open, tmp_path: Path
) -> None:
    """An open descriptor does not outlive its file: removed, nothing answers; replaced, the new one does."""
    table.fill({})
    store = opened(table.url)
    assert 1 == len(store.fetch(PLATE).reads)
    table.path.unlink()
    for ask in (lambda: store.fetch(PLATE), store.ready):
        with pytest.raises(RecordsUnavailable):
            ask()
    other = Table(tmp_path / "other.sqlite")
    other.run(f"CREATE TABLE reads ({', '.join(GOOD)})")
    other.path.rename(table.path)
    assert () == store.fetch(PLATE).reads


def test_the_sqlite_file_is_never_created_by_asking(tmp_path: Path, opened: Open) -> None:
    """A wrong path is an error, not an empty store."""
    with pytest.raises(RecordsUnavailable):
        opened(f"sqlite:///{tmp_path}/none.sqlite").ready()
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path, opened: Open) -> None:
    """Garbage in place of the store is an unavailable store."""
    (tmp_path / "bad.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(RecordsUnavailable):
        opened(f"sqlite:///{tmp_path}/bad.sqlite").fetch(PLATE)


def test_a_mapped_column_that_is_missing_is_found_at_ready(table: Table, opened: Open) -> None:
    """A mapping to a column that the store lacks fails at start, not at the first query."""
    table.fill({})
    opened(table.url).ready()
    with pytest.raises(RecordsUnavailable):
        opened(table.url, replace(FLAT, color="colour")).ready()


def test_an_error_carries_no_plate_in_its_text_cause_or_context(table: Table, opened: Open) -> None:
    """A driver's error holds the parameters; none of it is reachable from ours."""
    table.run("DROP TABLE reads")
    with pytest.raises(RecordsUnavailable) as refused:
        opened(table.url).fetch(PLATE)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert "DEMO123" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("url", [
    "sqlite://", "sqlite:///:memory:", "sqlite:////tmp/x?mode=rwc", "sqlite:///file:x?mode=rwc&uri=true",
    "nonsense",
    "mysql+pymysql://u:p@h/d", "postgresql+asyncpg://h/d", "",
])  # fmt: skip
def test_a_url_that_cannot_be_read_only_is_refused(url: str) -> None:
    """What this module cannot make read-only is not opened, and the refusal repeats no password."""
    with pytest.raises(SettingsRefused) as refused:
        SqlReads(url, FLAT)
    assert "u:p" not in str(refused.value)


def test_a_time_outside_every_calendar_is_malformed() -> None:
    """The year 300000 is refused as a row, not as a crash."""
    with pytest.raises(RecordsUnavailable):
        decoder(FLAT)([row(captured_at=10**16)], replace(PLATE, end=datetime(9999, 12, 31, tzinfo=UTC)), {})
