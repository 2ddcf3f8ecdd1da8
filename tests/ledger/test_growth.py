"""The benchmark of a growing log: what it loads is a sound log, and it tells every figure.

Its figures are not judged here: this machine has other things to do.
"""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.engine.interfaces import ReflectedIndex

from gatekeeper.ledger import verify
from gatekeeper.ledger.merkle import extend
from gatekeeper.store.database import Database
from tests.benchmarks.growth import measure
from tests.benchmarks.loading import load
from tests.benchmarks.long_log import CHUNK, LongLog
from tests.ledger.made import decided
from tests.store.conftest import migrated, url
from tests.store.mortal import opened

__all__ = ["migrated", "url"]


@pytest.mark.parametrize("size", [0, 1, 15, 256, 257, CHUNK, CHUNK + 1])
def test_a_loaded_log_is_one_that_the_service_goes_on_with(url: str, tmp_path: Path, size: int) -> None:
    """It opens, verifies without a finding, takes entries that complete its tiles, and verifies again."""
    load(url, LongLog(size))
    database, rows, ledger, key = opened(url, tmp_path)
    with closing(database):
        kept = [ledger.checkpoint()]
        assert size == rows.head().size
        assert [] == verify(rows, key.vkey, kept=kept)
        for _ in range(3):
            ledger.append(decided())
        kept.append(ledger.checkpoint())
        assert [] == verify(rows, key.vkey, kept=kept)
        for index in {0, size // 2, size + 2}:
            assert index == ledger.receipt_for(index).index


def test_a_loaded_database_is_what_the_migration_made(url: str) -> None:
    """Index and triggers are there again; a database with a log in it is refused, and stays as it is."""
    before = _schema(url)
    load(url, LongLog(300))
    assert before == _schema(url)
    with pytest.raises(RuntimeError, match="already"):
        load(url, LongLog(10))
    assert before == _schema(url)


def test_a_long_log_is_the_same_each_time_and_has_the_tree_of_its_entries() -> None:
    """Its frontier is that of its leaves, past a tile of the second level; its ids are all different."""
    now, size = datetime(2026, 11, 26, 12, tzinfo=UTC), 65_536 + 300
    logs = [LongLog(size, now=now) for _ in range(2)]
    first, second = ([one for chunk in log.chunks() for one in chunk.entries] for log in logs)
    assert first == second
    assert list(range(size)) == [one.index for one in first]
    assert logs[0].frontier == extend((), 0, [one.leaf_hash for one in first])
    assert len({one.leaf_hash for one in first}) == size
    asked = [one.ref for one in first if one.event == "query.decided"]
    assert len(asked) == len(set(asked)) > size // 2


@pytest.mark.servers
@pytest.mark.needs("postgres")
def test_the_benchmark_of_growth_tells_every_figure(tmp_path: Path) -> None:
    """At ten and at a hundred thousand entries, on both databases; the files say what the answer says."""
    found = measure((10_000, 100_000), ("sqlite", "postgres"), 0.5, tmp_path / "out")
    for kind in ("sqlite", "postgres"):
        for size, one in found[kind]["sizes"].items():
            assert {"1", "8", "32"} < set(one["appends"]), (kind, size)
            assert 0 == one["verified_from"]
            assert all(value > 0 for name, value in one.items() if name.endswith(("_ms", "_second")))
        assert 15 == len(found[kind]["growth"])
        assert all(1 == len(ratios) for ratios in found[kind]["growth"].values())
    assert found == json.loads((tmp_path / "out" / "growth.json").read_text())
    chart = (tmp_path / "out" / "growth.txt").read_text()
    assert 2 * 15 == chart.count(": ")
    assert 2 * 15 == chart.count("100,000")


def _schema(url: str) -> list[object]:
    """Return the statements, on SQLite; on PostgreSQL the triggers and what each index is of."""
    with closing(Database.open(url)) as database, database.read() as connection:
        if database.dialect == "sqlite":
            return list(connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name").all())
        triggers = connection.exec_driver_sql(
            "SELECT tgname, tgenabled FROM pg_trigger ORDER BY tgname"
        ).all()
        return [*triggers, *sorted(map(_index, inspect(connection).get_indexes("ledger_entries")))]


def _index(one: ReflectedIndex) -> tuple[str, ...]:
    """Return its name, columns and the values of its condition, which PostgreSQL words anew each time."""
    condition = str(one.get("dialect_options", {}).get("postgresql_where", ""))
    unique = "unique" if one["unique"] else "many"
    return (str(one["name"]), unique, *map(str, one["column_names"]), *re.findall(r"'[^']*'", condition))
