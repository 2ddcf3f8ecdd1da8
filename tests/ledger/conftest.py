from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger import scene as scenes
from tests.ledger.made import Log, open_log
from tests.ledger.scene import Scene
from tests.servers.postgres import Cluster
from tests.store.conftest import postgres

__all__ = ["postgres"]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """Yield an empty log."""
    opened = open_log(tmp_path)
    yield opened
    opened.rows.close()


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the city whose copies are tampered with."""
    directory = tmp_path_factory.mktemp("on-sqlite")
    scenes.make(directory)
    return directory


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, postgres: Cluster) -> Path:
    """Make the same, with its state in the database ``sound``."""
    directory = tmp_path_factory.mktemp("on-postgres")
    scenes.make(directory, postgres.create("sound"))
    return directory


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """Yield a copy of the city, on each database."""
    made: Path = request.getfixturevalue(f"on_{request.param}")
    url = ""
    if request.param == "postgres":
        import psycopg  # noqa: PLC0415  not needed where PostgreSQL is missing

        cluster: Cluster = request.getfixturevalue("postgres")
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(cluster.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE sound STRATEGY wal_log".encode())
        url = cluster.url(name)
    opened = Scene.open(scenes.copied(made, tmp_path), url)
    yield opened
    opened.close()
