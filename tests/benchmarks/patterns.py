"""What the patterns add to a query, on a log of so many queries: on SQLite, and on PostgreSQL if it is here.

The tables are filled without their indexes and triggers, and only those indexes are made afterwards that a
pattern could look at: with all of them ten million rows take hours and twenty gigabytes (``TMPDIR`` says
where). Fingerprints are random but for those of one officer's day, which are the day key's own, so that
``exchange.patterns`` itself is measured: HMACs, both statements, and what Python makes of them.
"""

from __future__ import annotations

import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from gatekeeper.exchange.fingerprints import officer_print
from gatekeeper.exchange.parse import Query, read_again
from gatekeeper.exchange.patterns import MOST_REFUSALS, patterns
from gatekeeper.ledger import DayKeys
from gatekeeper.policy import load, shipped_policies
from gatekeeper.store.database import Database
from gatekeeper.store.patterns import SWEPT, statement_of_marks, values_of_marks
from gatekeeper.store.prepared import marked
from gatekeeper.store.queries import Queries
from gatekeeper.store.tables import metadata
from tests.servers.gate import flawless
from tests.servers.postgres import cluster

TARGETS = (1, 8, 80, 200)
"""About how many plates the officers have asked today: one, a usual day's, as many as allowed, a sweep."""
FLOOD = 10_000
KINDS = ("sqlite", "postgres")
ROUNDS = 400
_AT_ONCE = 100_000
_AGENCY = "bench"
_FIXED = "agency_id, client_id, hour, kind, category, outcome, review, dry_run, policy_revision, fp_day"
_INTO = f"INSERT INTO queries (query_id, target_fp, officer_fp, {_FIXED})"
_VALUES = "'bench', 'c', :hour, 'plate', 'stolen_vehicle', 'permit', 'none', false, 'b'"
_MARKED = "INSERT INTO marks (mark_fp, at_ms, query_id, day)"
_SQLITE = (
    "DROP TABLE IF EXISTS temp.officers",
    """
    CREATE TEMP TABLE officers AS
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :most / 10)
    SELECT i, randomblob(32) AS fp FROM n""",
    f"""
    {_INTO}
    SELECT printf('q%012d', :first + o.i * 10 + k.column1), randomblob(32), o.fp, {_VALUES}, :day
      FROM officers o, (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) k""",  # noqa: S608  our own
    f"{_MARKED} SELECT randomblob(32), 1000, printf('q%012d', :first + i * 10), :day FROM officers",  # noqa: S608
)
_POSTGRESQL = (
    f"""
    {_INTO}
    SELECT 'q' || lpad(n::text, 12, '0'), sha256(('t' || n)::bytea), sha256(('o' || n / 10)::bytea),
           {_VALUES}, CAST(:day AS date)
      FROM generate_series(CAST(:first AS int), :first + :most - 1) n""",  # noqa: S608
    f"""
    {_MARKED}
    SELECT sha256(('m' || n)::bytea), 1000, 'q' || lpad(n::text, 12, '0'), CAST(:day AS date)
      FROM generate_series(CAST(:first AS int), :first + :most - 1, 10) n""",  # noqa: S608
)
_LOOKED_AT = ("ix_queries_officer_fp_target_fp_hour", "ix_marks_day")
_BULK = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
"""Ten queries by each officer on each day, one in ten refused."""


def measure(rows: int, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Fill and measure each kind of database; all that was made is removed."""
    directory = Path(tempfile.mkdtemp(prefix="gatekeeper-patterns-"))
    try:
        found: dict[str, Any] = {"queries": rows}
        if "sqlite" in kinds:
            found["sqlite"] = _measured(f"sqlite:///{directory / 'state.db'}", directory, rows)
        if "postgres" in kinds:
            with cluster() as server:
                found["postgresql"] = _measured(server.create("patterns"), directory, rows)
        return found
    finally:
        shutil.rmtree(directory)


def _measured(url: str, directory: Path, rows: int) -> dict[str, Any]:
    database = Database.open(url)
    database.migrate()
    (keys_at := directory / f"days-{database.dialect}").mkdir(mode=0o700)
    keys, now = DayKeys(keys_at, today=lambda: datetime.now(UTC).date()), datetime.now(UTC)
    begun = time.monotonic()
    _fill(database, rows, keys, now)
    filled = time.monotonic() - begun
    queries, data = Queries(database), load(shipped_policies()).data
    times: dict[str, Any] = {"filled_in_s": round(filled, 1)}

    def whole(query: Query) -> Callable[[], object]:
        return lambda: patterns(
            queries,
            keys,
            data,
            agencies=[_AGENCY],
            query=query,
            at=now,
            query_id="q",
            began=now,
        )

    for targets in TARGETS:
        times[f"patterns, {targets} targets today"] = _timed(whole(_query(f"officer-{targets}")))
    since, until = int((now - timedelta(hours=2)).timestamp() * 1000), int(now.timestamp() * 1000)

    def left(mark: bytes) -> Callable[[], object]:
        return lambda: queries.marks([mark], since, until, MOST_REFUSALS + 1)

    times["marks, no refusal"] = _timed(left(b"x" * 32))
    times[f"marks, {FLOOD} refusals"] = _timed(left(b"f" * 32))
    with database.read() as connection:
        times["an empty statement"] = _timed(lambda: connection.exec_driver_sql("SELECT 1").all())
    times["plans"] = _plans(database, keys, now, since, until)
    database.close()
    return times


def _query(badge: str) -> Query:
    return read_again(flawless("DEMO1", requester__badge=badge))


def _fill(database: Database, rows: int, keys: DayKeys, now: datetime) -> None:
    day, hour = now.date(), now.strftime("%Y-%m-%dT%HZ")
    tables = [metadata.tables["queries"], metadata.tables["marks"]]
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO agencies (id, name, kind, status, has_287g, contacts) "
            "VALUES ('bench', 'Sample agency', 'local', 'active', false, '[]')"
        )
        connection.exec_driver_sql(
            "INSERT INTO clients (id, agency_id, profile, status, scopes) "
            "VALUES ('c', 'bench', 'basic', 'active', '[]')"
        )
        for table in tables:
            for index in table.indexes:
                index.drop(connection)
            if database.dialect == "sqlite":
                named = f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table.name}'"  # noqa: S608
                for trigger in connection.exec_driver_sql(named).scalars().all():
                    connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    known = [*_of_one_day(keys, day)]
    fixed = ("bench", "c", hour, "plate", "stolen_vehicle", "permit", "none", False, "b", day)
    _insert(
        database,
        "queries",
        f"query_id, target_fp, officer_fp, {_FIXED}",
        [(f"k{n}", target, officer, *fixed) for n, (officer, target) in enumerate(known)],
    )
    _insert(
        database,
        "marks",
        "mark_fp, at_ms, query_id, day",
        [(b"f" * 32, int(now.timestamp() * 1000) - n, f"k{n % len(known)}", day) for n in range(FLOOD)],
    )
    for first in range(0, max(0, rows - len(known)), _AT_ONCE):
        with _unhurried(database) as connection:
            for statement in _BULK[database.dialect]:
                values = {"first": first, "day": day.isoformat(), "hour": hour, "most": _AT_ONCE}
                connection.execute(text(statement), values)
    # Each by itself: the write-ahead log holds one of them and not all.
    for index in [each for table in tables for each in table.indexes if each.name in _LOOKED_AT]:
        with _unhurried(database) as connection:
            index.create(connection)
    with _unhurried(database) as connection:
        connection.exec_driver_sql("ANALYZE")
    if database.dialect == "postgresql":
        import psycopg  # noqa: PLC0415  not needed where PostgreSQL is missing

        url = database._writer.url.render_as_string(hide_password=False)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as raw:
            raw.execute("VACUUM ANALYZE queries")
            raw.execute("VACUUM ANALYZE marks")


@contextmanager
def _unhurried(database: Database) -> Iterator[Connection]:
    with database.write() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        yield connection


def _of_one_day(keys: DayKeys, day: date) -> Iterator[tuple[bytes, bytes]]:
    """Yield the queries of the officers who are measured: officer and target."""
    for targets in TARGETS:
        officer = officer_print(keys, day, agency_id=_AGENCY, badge=f"officer-{targets}")
        for _ in range(targets):
            yield officer, secrets.token_bytes(32)


def _insert(database: Database, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    row = f"({', '.join('?' * len(rows[0]))})"
    if database.dialect == "postgresql":
        with database.write() as connection:
            raw: Any = connection.connection.driver_connection
            with raw.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for one in rows:
                    copy.write_row(one)
        return
    plain = [tuple(v.isoformat() if isinstance(v, date) else v for v in one) for one in rows]
    with database.write() as connection:
        raw = connection.connection.driver_connection
        raw.executemany(f"INSERT INTO {table} ({columns}) VALUES {row}", plain)  # noqa: S608


def _timed(work: Callable[[], object]) -> dict[str, float]:
    for _ in range(20):
        work()
    spent = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        spent.append((time.perf_counter() - begun) * 1000)
    cut = statistics.quantiles(spent, n=100)
    return {"fastest_ms": round(min(spent), 3), "p50_ms": round(cut[49], 3), "p99_ms": round(cut[98], 3)}


def _plans(database: Database, keys: DayKeys, now: datetime, since: int, until: int) -> list[str]:
    officer = officer_print(keys, now.date(), agency_id=_AGENCY, badge="officer-80")
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    swept = (officer, b"", officer, officer, "2026-01-01T00Z", officer, b"t" * 32)
    lines: list[str] = []
    for statement, values in (
        (SWEPT, swept),
        (statement_of_marks(1, 11), values_of_marks([b"f" * 32], since, until)),
    ):
        with database.read() as connection:
            found = connection.exec_driver_sql(explain + marked(statement, database.dialect), values).all()
        lines += [
            str(line[-1]).strip()
            for line in found
            if any(w in str(line[-1]) for w in ("SEARCH", "SCAN", "Scan"))
        ]
    walked = [
        line
        for line in lines
        if ("SCAN " in line and ("queries" in line or "marks" in line))
        or "Seq Scan on queries" in line
        or "Seq Scan on marks" in line
    ]
    if walked:
        raise RuntimeError(f"a table is walked over: {walked}")
    return lines
