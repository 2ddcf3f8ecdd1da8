"""One migrated database per test, of each kind: the same suite runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from tests.servers.postgres import Cluster, cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A cluster with one migrated database, from which the tests' databases are copied."""
    with cluster() as made:
        database = Database.open(made.create("migrated"))
        database.migrate()
        database.close()
        yield made


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, closed, so that a copy of it is whole."""
    file = tmp_path_factory.mktemp("migrated") / "state.db"
    database = Database.open(f"sqlite:///{file}")
    database.migrate()
    database.give_up_reserve()
    database.close()
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh migrated database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), tmp_path / "state.db")
        return f"sqlite:///{tmp_path / 'state.db'}"
    made: Cluster = request.getfixturevalue("postgres")
    name = f"t{uuid.uuid4().hex}"
    import psycopg  # noqa: PLC0415  not needed where PostgreSQL is missing

    with psycopg.connect(made.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY wal_log".encode())
    return made.url(name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """That database, open."""
    opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture
def rows(database: Database) -> LedgerRows:
    """The log's rows in that database."""
    return LedgerRows(database)
