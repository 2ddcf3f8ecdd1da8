"""Millions of past queries and their marks, written into a city's own database at once.

Indexes and triggers of both tables are taken away meanwhile and made again as they were. Fingerprints are
random; each officer has ten queries, and one query in ten left a mark. Half of it is left behind by whoever
is interrupted: for a database that is thrown away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

Row = Mapping[str, Any]

_AT_ONCE: Final = 100_000
_TABLES: Final = ("queries", "marks")
_FIXED: Final = (
    "agency_id, client_id, hour, kind, category, outcome, review, dry_run, policy_revision, fp_day"
)
_OFFICERS: Final = """
CREATE TEMP TABLE officers AS
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :most / 10)
SELECT i, randomblob(32) AS fp FROM n"""
_SQLITE: Final = (
    "DROP TABLE IF EXISTS temp.officers",
    _OFFICERS,
    f"""
INSERT INTO queries (query_id, target_fp, officer_fp, search_fp, case_fp, {_FIXED})
SELECT printf('q%012d', :first + o.i * 10 + k.column1), randomblob(32), o.fp, randomblob(32), o.fp,
       :agency, :client, :hour, 'plate', 'stolen_vehicle', 'permit', 'none', 0, 'b', :day
  FROM officers o, (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) k""",  # noqa: S608  our own
    """
INSERT INTO marks (mark_fp, at_ms, query_id, day)
SELECT randomblob(32), 1000, printf('q%012d', :first + i * 10), :day FROM officers""",
)
_POSTGRESQL: Final = (
    f"""
INSERT INTO queries (query_id, target_fp, officer_fp, search_fp, case_fp, {_FIXED})
SELECT 'q' || lpad(n::text, 12, '0'), sha256(('t' || n)::bytea), sha256(('o' || n / 10)::bytea),
       sha256(('s' || n)::bytea), sha256(('c' || n / 10)::bytea),
       %(agency)s, %(client)s, %(hour)s, 'plate', 'stolen_vehicle', 'permit', 'none', false, 'b', %(day)s
  FROM generate_series(%(first)s::int, %(first)s::int + %(most)s::int - 1) n""",  # noqa: S608  our own
    """
INSERT INTO marks (mark_fp, at_ms, query_id, day)
SELECT sha256(('m' || n)::bytea), 1000, 'q' || lpad(n::text, 12, '0'), %(day)s
  FROM generate_series(%(first)s::int, %(first)s::int + %(most)s::int - 1, 10) n""",
)


def fill(
    url: str, rows: int, known: Sequence[Row], marks: Sequence[Row], *, agency: str, client: str, day: date
) -> None:
    """Write *known* queries and *marks*, and others until there are so many *rows*; nobody else is there."""
    said = {"agency": agency, "client": client, "hour": f"{day}T00Z", "day": day, "most": _AT_ONCE}
    starts = range(0, max(0, rows - len(known)), _AT_ONCE)
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        _into_sqlite(Path(str(made.database)), [said | {"first": first} for first in starts], known, marks)
    else:
        _into_postgres(url, [said | {"first": first} for first in starts], known, marks)


def _into_sqlite(file: Path, steps: Iterable[Row], known: Sequence[Row], marks: Sequence[Row]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        kept = database.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN (?, ?) "
            "AND type IN ('index', 'trigger') AND sql IS NOT NULL",
            _TABLES,
        ).fetchall()
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
            database.execute(f"PRAGMA {setting}")
        for what, name, _ in kept:
            database.execute(f"DROP {what} {name}")
        database.execute("BEGIN")
        for table, rows in (("queries", known), ("marks", marks)):
            for row in rows:
                names, holes = ", ".join(row), ", ".join("?" * len(row))
                plain = [value.isoformat() if isinstance(value, date) else value for value in row.values()]
                database.execute(f"INSERT INTO {table} ({names}) VALUES ({holes})", plain)  # noqa: S608  our own
        for step in steps:
            values = {**step, "day": step["day"].isoformat()}
            for statement in _SQLITE:
                database.execute(statement, {n: v for n, v in values.items() if f":{n}" in statement})
        database.execute("COMMIT")
        for *_, statement in kept:
            database.execute(statement)
        database.execute("ANALYZE")
        database.execute("PRAGMA journal_mode=WAL")


def _into_postgres(url: str, steps: Iterable[Row], known: Sequence[Row], marks: Sequence[Row]) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute("SET session_replication_role = replica")
        kept = database.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname LIKE 'ix%%'",
            [list(_TABLES)],
        ).fetchall()
        for name, _ in kept:
            database.execute(f"DROP INDEX {name}".encode())
        for table, rows in (("queries", known), ("marks", marks)):
            for row in rows:
                names, holes = ", ".join(row), ", ".join(["%s"] * len(row))
                statement = f"INSERT INTO {table} ({names}) VALUES ({holes})"  # noqa: S608  our own
                database.execute(statement.encode(), list(row.values()))
        for step in steps:
            for text in _POSTGRESQL:
                database.execute(text.encode(), step)
        for _, text in kept:
            database.execute(text.encode())
        for table in _TABLES:
            database.execute(f"VACUUM ANALYZE {table}".encode())
