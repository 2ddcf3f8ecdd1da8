"""Stores to ask: a small table that each test fills as it likes, and a small sample city."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.records import sample
from gatekeeper.records.mapping import ColumnMapping
from gatekeeper.records.sql import SqlReads
from tests.records.stores import COLUMNS, FLAT, Table

UNTIL = datetime(2026, 11, 22, 20, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Make an empty table of reads."""
    found = Table(tmp_path / "store.sqlite")
    found.run(f"CREATE TABLE reads ({', '.join(COLUMNS)})")
    return found


@pytest.fixture
def opened() -> Iterator[Callable[..., SqlReads]]:
    """Open stores and close them when the test is over."""
    stores: list[SqlReads] = []

    def open_store(url: str, mapping: ColumnMapping = FLAT, timeout_s: float = 5.0) -> SqlReads:
        stores.append(SqlReads(url, mapping, timeout_s))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a small sample city."""
    path = tmp_path_factory.mktemp("city") / "reads.sqlite"
    sample.build(path, seed=7, reads=20_000, until=UNTIL)
    return path
