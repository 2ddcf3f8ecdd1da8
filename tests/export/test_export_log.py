"""``gatekeeper export log``: the public log of a period, whole, exact and safe to open."""

from __future__ import annotations

import base64
import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.export import COLUMNS, _cells
from gatekeeper.ledger import DayKeys, Ledger, SigningKey, StoredEntry
from gatekeeper.ledger.merkle import leaf_hash
from gatekeeper.oversight.log_period import Period, entries_in
from tests.cli.shell import typed
from tests.exchange.appeals import AGENCY
from tests.export.made import PRIVATE, Staffed
from tests.ledger.made import ORIGIN, decided, new_ref, stop_set
from tests.ledger.sqlite_rows import SqliteRows
from tests.ledger.test_published import Day
from tests.promises.test_1_permit import fill, small_disk

__all__ = ["small_disk"]
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"


@pytest.fixture
def published(office: Staffed, monkeypatch: pytest.MonkeyPatch) -> Staffed:
    """Return a city that publishes at once."""
    monkeypatch.setenv("GATEKEEPER_PUBLISH_EVERY", "0")
    return office


def _entries(office: Staffed) -> list[StoredEntry]:
    state = office.state()
    try:
        return list(state.rows.entries(0, 10_000))
    finally:
        state.close()


def _period(office: Staffed, *more: str) -> str:
    return office.city.run("export", "log", "--from", "2020-01-01", "--to", "2099-12-31", "--out", *more)


def test_the_table_is_the_log(published: Staffed) -> None:
    """RFC 4180, a header, a row an entry, in the log's order; nothing private; logged before."""
    before = _entries(published)
    text = _period(published, "-")
    assert text.endswith("\n")
    rows = [*csv.DictReader(io.StringIO(text, newline=""))]
    assert [*COLUMNS] == [*rows[0]]
    assert [str(stored.index) for stored in before] == [row["index"] for row in rows]
    assert [] == [word for word in PRIVATE if word in text]
    for stored, row in zip(before, rows, strict=True):
        said = json.loads(stored.entry)
        assert (said["hour"], said["event"], said["ref"]) == (row["hour"], row["event"], row["ref"])
        for name in ("agency", "outcome", "category", "review", "count_band"):
            assert (said.get(name) or "") == row[name]
        assert " ".join(said.get("provisions", [])) == row["provisions"]
        assert (said["policy"]["revision"] if "policy" in said else "") == row["policy"]
        assert base64.b64encode(stored.leaf_hash).decode() == row["leaf_hash"].removeprefix("'")
    assert "export.made" == _entries(published)[-1].event
    told = published.last_export()["subject"]["log"]
    assert ("csv", len(before), None) == (told["format"], told["size"], told["agency"])


def test_each_line_hashes_to_its_leaf(published: Staffed, tmp_path: Path) -> None:
    """JSON Lines have the exact entry; the file is written whole."""
    out = tmp_path / "log.jsonl"
    before = _entries(published)
    _period(published, str(out), "--format", "jsonl")
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [stored.entry.decode() for stored in before] == [line["entry"] for line in lines]
    for stored, line in zip(before, lines, strict=True):
        assert base64.b64encode(leaf_hash(line["entry"].encode())).decode() == line["leaf_hash"]
        assert [*COLUMNS, "entry"] == [*line]
        assert stored.index == line["index"]
    assert [] == [*tmp_path.glob(".*")]


def test_an_agencys_entries_alone(published: Staffed) -> None:
    """Those that name it, and no other; an unknown one is no empty table."""
    text = _period(published, "-", "--agency", AGENCY, "--format", "jsonl")
    found = [json.loads(line)["index"] for line in text.splitlines()]
    named = [e.index for e in _entries(published) if f'"{AGENCY}"' in e.entry.decode()]
    assert named == found
    assert found
    arguments = ("export", "log", "--from", TODAY, "--to", TODAY, "--out", "-")
    before = published.city.events()
    assert "no such agency" in published.city.refused(*arguments, "--agency", "nobody-at-all")
    assert before == published.city.events()


def test_lines_end_as_the_standard_says(published: Staffed, tmp_path: Path) -> None:
    """CR LF after every row, the last one too; no mark before the header (RFC 4180)."""
    _period(published, str(tmp_path / "log.csv"))
    lines = (tmp_path / "log.csv").read_bytes().split(b"\r\n")
    assert ",".join(COLUMNS).encode() == lines[0]
    assert b"" == lines[-1]
    assert not [line for line in lines if b"\n" in line]


def test_a_period_of_nothing_has_a_header(published: Staffed) -> None:
    """And is logged all the same."""
    arguments = ("export", "log", "--from", "2020-01-01", "--to", "2020-12-31", "--out", "-")
    assert [[*COLUMNS]] == [*csv.reader(io.StringIO(published.city.run(*arguments)))]
    assert "" == published.city.run(*arguments, "--format", "jsonl")
    assert ["export.made"] * 2 == published.city.events()[-2:]


def test_what_is_not_published_is_not_in_it(office: Staffed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The present hour is not public yet; that is said, not left to guess."""
    monkeypatch.setenv("GATEKEEPER_PUBLISH_EVERY", "3600")
    result = typed(
        *("export", "log", "--from", TODAY, "--to", TODAY, "--out", "-", "--data", str(office.data))
    )
    state = office.state()
    size, _ = state.publication().latest()
    state.close()
    assert f"of the {size} that are published" in result.stderr
    assert size + 1 == len(result.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--to is before --from"),
        (("--from", "2026-11-01", "--to", "2026-11-02", "--out", "/no/such/place/log.csv"), "may write into"),
    ],
)
def test_what_cannot_be_is_told_before_the_log(
    office: Staffed, arguments: tuple[str, ...], said: str
) -> None:
    """A sentence, and no entry."""
    before = office.city.events()
    out = () if "--out" in arguments else ("--out", "-")
    assert said in office.city.refused("export", "log", *arguments, *out)
    assert before == office.city.events()


@pytest.mark.parametrize("moment", ["2026-13-01", "yesterday", "2026-11-01T00:00", ""])
def test_what_is_no_day_is_refused(office: Staffed, moment: str) -> None:
    """By Click, with the form that is needed."""
    given = ("export", "log", "--from", moment, "--to", "2026-11-01", "--out", "-")
    result = typed(*given, "--data", str(office.data))
    assert (2, True) == (result.exit_code, "%Y-%m-%d" in result.stderr)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    """Whatever a schema will let into the log one day; a leaf hash may begin with a plus today."""
    ((found,),) = csv.reader(io.StringIO(_cells([f'{start}1+1,"x"']).decode(), newline=""))
    assert f'\'{start}1+1,"x"' == found


@pytest.mark.needs("tmpfs")
def test_a_full_disk_leaves_what_was_there(published: Staffed, small_disk: Path) -> None:
    """No half table."""
    out = small_disk / "log.csv"
    out.write_text("an earlier file")
    fill(small_disk)
    assert "No space left" in published.city.refused(
        "export", "log", "--from", "2020-01-01", "--to", "2099-12-31", "--out", str(out)
    )
    assert ["filler", "log.csv"] == sorted(file.name for file in small_disk.iterdir())
    assert "an earlier file" == out.read_text()


ALTERED = {
    "a text": "UPDATE ledger_entries SET entry = CAST('{}' AS BLOB) WHERE entry_index = 3",
    "no text": "UPDATE ledger_entries SET entry = x'ff00' WHERE entry_index = 3",
    "taken away": "DELETE FROM ledger_entries WHERE entry_index = 3",
}


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
def test_an_altered_log_leaves_no_file(published: Staffed, tmp_path: Path, statement: str) -> None:
    """A table with what somebody wrote, or without what somebody took away, would be a false one."""
    with closing(sqlite3.connect(published.data / "state.db")) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(statement)
        database.commit()
    out = tmp_path / "log.csv"
    given = ("export", "log", "--from", "2020-01-01", "--to", "2099-12-31", "--out", str(out))
    assert "ledger_corrupt" in published.city.refused(*given)
    assert [] == [*tmp_path.glob("*log.csv*"), *tmp_path.glob(".*")]


# --- A log of several days. -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SqliteRows, list[str]]]:
    """Yield a log over three midnights, and the hour of each entry."""
    day, tmp_path = Day(), tmp_path_factory.mktemp("days")
    rows = SqliteRows(tmp_path / "log.sqlite")
    keys = DayKeys(tmp_path / "keys", today=lambda: day.now().date())
    key = SigningKey.create(tmp_path / "log.pem", ORIGIN)
    ledger = Ledger(rows, key, keys, day.clock, None)
    hours = []
    for number, moment in enumerate(
        [(1, 22, 59), (1, 23, 0), (1, 23, 59), (2, 0, 0), (2, 0, 1), (2, 12, 0), (2, 23, 59), (3, 0, 0)]
    ):
        day.at = datetime(2026, 11, *moment, tzinfo=UTC)
        for _ in range(90):
            draft = decided() if number % 2 else stop_set(new_ref(), "agency", "agency-elsewhere")
            hours.append(json.loads(ledger.append(draft).entry)["hour"])
    yield rows, hours
    rows.close()


@pytest.mark.parametrize(("first", "last"), [(1, 1), (2, 2), (3, 3), (1, 2), (2, 3), (1, 3), (4, 9)], ids=str)
def test_a_day_is_cut_at_its_hours(days: tuple[SqliteRows, list[str]], first: int, last: int) -> None:
    """From 00Z to 23Z: the last second of a day is in it, the first of the next is not."""
    rows, hours = days
    period = Period(date(2026, 11, first), date(2026, 11, last))
    found = [public.stored.index for public in entries_in(rows, period, len(hours))]
    low, high = period.hours
    assert [index for index, hour in enumerate(hours) if low <= hour <= high] == found


def test_no_more_than_the_published_size_is_given(days: tuple[SqliteRows, list[str]]) -> None:
    """Also in the middle of a tile; an empty log is an empty table."""
    rows, _ = days
    period = Period(date(2026, 11, 1), date(2026, 11, 3))
    for size in (0, 1, 255, 256, 257, 400):
        assert [*range(size)] == [public.stored.index for public in entries_in(rows, period, size)]


def test_what_an_agency_is_stopped_by_names_it(days: tuple[SqliteRows, list[str]]) -> None:
    """A stop of the agency is about it; another agency's table has none of that."""
    rows, hours = days
    whole = Period(date(2026, 11, 1), date(2026, 11, 3), "agency-elsewhere")
    assert len(hours) == sum(1 for _ in entries_in(rows, whole, len(hours)))
    other = Period(date(2026, 11, 1), date(2026, 11, 3), "another-agency")
    assert [] == [*entries_in(rows, other, len(hours))]


def test_a_long_log_is_read_a_tile_at_a_time(
    days: tuple[SqliteRows, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it holds in memory does not grow with the period."""
    rows, hours = days
    asked: list[int] = []
    entries = SqliteRows.entries

    def counted(self: SqliteRows, start: int, stop: int) -> Iterator[Any]:
        asked.append(stop - start)
        return entries(self, start, stop)

    monkeypatch.setattr(SqliteRows, "entries", counted)
    walk = entries_in(rows, Period(date(2026, 11, 1), date(2026, 11, 3)), len(hours))
    next(walk)
    assert [256] == [width for width in asked if width > 1]
    assert len(hours) - 1 == sum(1 for _ in walk)
    assert [256, 256, len(hours) - 512] == [width for width in asked if width > 1]
