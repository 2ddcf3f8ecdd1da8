from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from gatekeeper.errors import SettingsRefused
from gatekeeper.store.database import Database
from gatekeeper.store.migrations.run import configuration
from gatekeeper.store.tables import (
    APPEND_ONLY,
    CHANGEABLE,
    ERASABLE,
    KEPT,
    PASSING,
    REVISION,
    WRITABLE,
    metadata,
)
from tests.servers.postgres import Cluster

_PG_SHAPE = """
SELECT table_name, 'column', column_name, data_type || coalesce(character_maximum_length::text, '')
       || is_nullable || coalesce(column_default, '')
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL
SELECT conrelid::regclass::text, 'constraint', conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
   AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT tablename, 'index', indexname, indexdef
  FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
ORDER BY 1, 2, 3"""


def _sqlite_shape(file: Path) -> set[tuple[str, str]]:
    with sqlite3.connect(file) as connection:
        found = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') "
            "AND sql IS NOT NULL AND name <> 'alembic_version'"
        ).fetchall()
    connection.close()
    return {(name, "\n".join(sorted(_clauses(sql)))) for name, sql in found}


def _clauses(sql: str) -> list[str]:
    """Split the text of a table into its clauses, whose order is not its meaning.

    A column that was added stands on the line of another, and a check may stand behind its column.
    """
    parts = re.split(r"\n|, (?=\w+ [A-Z]+)| (?=CONSTRAINT )", sql)
    return [clause for part in parts if (clause := part.strip(" ,\t"))]


def test_migrations_and_tables_cannot_drift_apart_on_sqlite(migrated: Path, tmp_path: Path) -> None:
    """The migrated schema is the one that the code was written for, to the letter."""
    engine = create_engine(f"sqlite:///{tmp_path / 'made.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert _sqlite_shape(tmp_path / "made.db") == _sqlite_shape(migrated)


@pytest.mark.needs("postgres")
def test_migrations_and_tables_cannot_drift_apart_on_postgres(postgres: Cluster) -> None:
    """The same on PostgreSQL: columns, constraints, indexes."""
    made = postgres.create("made")
    engine = create_engine(made.replace("postgresql://", "postgresql+psycopg://"))
    metadata.create_all(engine)
    engine.dispose()
    shapes = []
    for name in ("made", "migrated"):
        with psycopg.connect(postgres.url(name)) as connection:
            shapes.append(connection.execute(_PG_SHAPE).fetchall())
    assert shapes[0] == shapes[1]
    assert len(shapes[0]) > 100


def test_the_code_names_the_newest_migration() -> None:
    """``REVISION`` is Alembic's head, and there is one head: a forgotten bump would refuse every start."""
    assert [REVISION] == ScriptDirectory.from_config(configuration()).get_heads()


def test_every_table_is_guarded_or_writable_by_name() -> None:
    """A new table belongs to exactly one of the classes that triggers, grants and whitelist are made of."""
    classes = [*APPEND_ONLY, *ERASABLE, *KEPT, *PASSING, "settings"]
    assert sorted(metadata.tables) == sorted(classes)
    assert set(CHANGEABLE).isdisjoint({*APPEND_ONLY, *ERASABLE, "ledger_head"})
    assert WRITABLE.isdisjoint(
        {"registry", "ledger_head", "ledger_entries", "ledger_tiles", "ledger_checkpoints"}
    )
    for table, columns in CHANGEABLE.items():
        assert columns <= set(metadata.tables[table].c.keys()) - {
            c.name for c in metadata.tables[table].primary_key
        }


def test_migrating_twice_and_checking_change_nothing(database: Database) -> None:
    """A second node that migrates finds it done, and the database passes its check."""
    database.migrate()
    database.check()


def test_an_empty_database_is_refused_with_the_cure(tmp_path: Path) -> None:
    """``serve`` on a fresh directory says which command makes the schema."""
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    with pytest.raises(SettingsRefused, match="gatekeeper init"):
        database.check()
    database.close()


def test_another_schema_is_refused(database: Database) -> None:
    """A database of another release is not served from."""
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SettingsRefused, match="9999"):
        database.check()


def test_sqlite_without_wal_is_refused(migrated: Path, tmp_path: Path) -> None:
    """Without WAL a reader would block the log."""
    file = tmp_path / "state.db"
    file.write_bytes(migrated.read_bytes())
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    connection.close()
    database = Database.open(f"sqlite:///{file}")
    with pytest.raises(SettingsRefused, match="WAL"):
        database.check()
    database.close()


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync", "full_page_writes"])
def test_a_server_that_may_lose_commits_is_refused(postgres: Cluster, setting: str) -> None:
    """A commit that is acknowledged and lost is a release that no log knows of."""
    if setting == "synchronous_commit":
        url = postgres.create("lazy")
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("ALTER DATABASE lazy SET synchronous_commit = off")
    else:
        postgres.stop()
        postgres.start("-c", f"{setting}=off")
        url = postgres.url("migrated")
    database = Database.open(url)
    try:
        with pytest.raises(SettingsRefused, match=rf"{setting}.*(ALTER)"):
            database.check()
    finally:
        database.close()
        if setting != "synchronous_commit":
            postgres.stop()
            postgres.start()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "nonsense", ""])
def test_a_database_that_keeps_nothing_or_is_unknown_is_refused(url: str) -> None:
    """Only the two tested databases are opened, and none that forgets."""
    with pytest.raises(SettingsRefused):
        Database.open(url)


@pytest.mark.parametrize("url", ["postgresql://host:port/db", "nonsense", "mysql://host/db", "sqlite://"])
def test_what_is_no_database_of_ours_is_said_in_a_sentence(url: str) -> None:
    """Not with a traceback: an operator mistypes a port."""
    with pytest.raises(SettingsRefused, match=r"GATEKEEPER_DATABASE_URL|in memory"):
        Database.open(url)
