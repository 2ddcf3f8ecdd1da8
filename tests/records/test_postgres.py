"""A PostgreSQL store: asked in its own types, never written to, never waited for without end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic

import psycopg
import pytest

from gatekeeper.errors import RecordsUnavailable
from gatekeeper.records.mapping import CameraTable, ColumnMapping
from gatekeeper.records.reads import Criteria
from gatekeeper.records.sql import SqlReads
from tests.servers.postgres import Cluster, cluster

pytestmark = [pytest.mark.needs("postgres"), pytest.mark.servers]
Open = Callable[..., SqlReads]
START = datetime(2026, 11, 1, tzinfo=UTC)
QUESTION = Criteria("DEMO123", None, None, START, START + timedelta(days=1), 3)
CITY = ColumnMapping(
    table="Plate Reads", schema="alpr", id="GUID", captured_at="at", plate="plate", camera_id="camera",
    confidence="confidence", direction="heading", cameras=CameraTable("cams", "id", "name", "lat", "lon",
    "alpr"),
    time_kind="timestamp", id_kind="uuid", confidence_scale=100,
)  # fmt: skip
_SCHEMA = """
CREATE SCHEMA alpr;
CREATE TABLE alpr.cams (id text PRIMARY KEY, name text, lat numeric, lon numeric);
CREATE TABLE alpr."Plate Reads" ("GUID" uuid PRIMARY KEY, at timestamptz NOT NULL, plate text, camera text,
    confidence numeric, heading real);
CREATE INDEX ON alpr."Plate Reads" (plate, at);
INSERT INTO alpr.cams VALUES ('c1', 'Elm', 42.05, -87.7), ('c2', 'Oak', 42.06, -87.7);
INSERT INTO alpr."Plate Reads" SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid,
    '2026-11-01T00:00:00Z'::timestamptz + (n / 3) * interval '1 hour', 'DEMO123', 'c' || 1 + n % 2, 93.5, 90
    FROM generate_series(0, 8) n;
CREATE VIEW alpr.slow AS SELECT r.*, pg_sleep(5)::text AS slept FROM alpr."Plate Reads" r;
CREATE ROLE reader LOGIN; CREATE ROLE writer LOGIN; CREATE ROLE painter LOGIN;
CREATE ROLE heir LOGIN NOINHERIT;
GRANT USAGE ON SCHEMA alpr TO reader, writer, painter, heir;
GRANT SELECT ON ALL TABLES IN SCHEMA alpr TO reader, writer, painter, heir;
GRANT DELETE ON alpr."Plate Reads" TO writer;
GRANT UPDATE (plate) ON alpr."Plate Reads" TO painter;
GRANT writer TO heir;
ALTER ROLE reader SET default_transaction_read_only = off;
ALTER ROLE reader SET statement_timeout = 0;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Run a city's PostgreSQL with reads in it."""
    with cluster() as made:
        with psycopg.connect(made.url(), autocommit=True) as connection:
            connection.execute(_SCHEMA.encode())
        yield made


def test_a_city_of_native_types_is_asked_page_by_page(server: Cluster, opened: Open) -> None:
    """timestamptz, uuid, numeric, quoted names: the same pages, without gap or repetition where times tie."""
    store = opened(server.url(user="reader"), CITY)
    store.ready()
    seen, question = [], QUESTION
    for _ in range(4):
        page = store.fetch(question)
        seen += [str(read["id"])[-1] for read in page.reads]
        question = Criteria("DEMO123", None, None, question.start, question.end, 2, page.next)
    assert list("87654321 0".replace(" ", "")) == seen
    assert {
        "id": "00000000-0000-0000-0000-000000000008", "captured_at": "2026-11-01T02:00:00Z",
        "plate": "DEMO123",
        "plate_state": None, "confidence": 0.935, "camera": {"id": "c1", "name": "Elm", "lat": 42.05,
        "lon": -87.7},
        "direction": 90, "vehicle": {"make": None, "model": None, "color": None, "type": None},
        "image_url": None,
    } == store.fetch(QUESTION).reads[0]  # fmt: skip
    place = Criteria(None, None, ("c2", "c1"), START, START + timedelta(hours=1), 9)
    assert list("210") == [str(read["id"])[-1] for read in store.fetch(place).reads]


@pytest.mark.parametrize("user", ["reader", "writer", "postgres"])
@pytest.mark.parametrize("statement", [
    "INSERT INTO alpr.cams VALUES ('x')", 'DELETE FROM alpr."Plate Reads"', "UPDATE alpr.cams SET name = 'X'",
    "CREATE TABLE mine (x int)", 'TRUNCATE alpr."Plate Reads"',
])  # fmt: skip
def test_the_connection_itself_cannot_write(server: Cluster, opened: Open, user: str, statement: str) -> None:
    """Even a superuser's connection is read-only, although the role's own setting says otherwise."""
    raw = opened(server.url(user=user), CITY)._engine.raw_connection()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        raw.cursor().execute(statement)
    raw.close()


@pytest.mark.parametrize("user", ["writer", "painter", "heir", "postgres"])
def test_a_login_that_could_write_is_refused_at_ready(server: Cluster, opened: Open, user: str) -> None:
    """Table, column, inherited and superuser privileges are all found; the message says how to cure it."""
    with pytest.raises(
        RecordsUnavailable, match=f'"{user}" could write.*GRANT SELECT ON "alpr"."Plate Reads"'
    ):
        opened(server.url(user=user), CITY).ready()


@pytest.mark.parametrize(
    "typed", ["' OR '1'='1", "%s", "%(plate)s", "DEMO123'; DROP TABLE alpr.cams; --", "\x00"]
)
def test_a_typed_plate_is_never_sql(server: Cluster, opened: Open, typed: str) -> None:
    """What is typed is a parameter; what PostgreSQL cannot hold is unavailable."""
    store = opened(server.url(user="reader"), CITY)
    question = Criteria(typed, None, (typed,), QUESTION.start, QUESTION.end, 9)
    if "\x00" in typed:
        with pytest.raises(RecordsUnavailable) as refused:
            store.fetch(question)
        assert refused.value.__context__ is None
    else:
        assert () == store.fetch(question).reads
    assert 3 == len(store.fetch(QUESTION).reads)


def test_a_slow_answer_ends_in_the_server(server: Cluster, opened: Open) -> None:
    """statement_timeout ends the query, and the error does not hold the plate."""
    slow = ColumnMapping(table="slow", schema="alpr", id="GUID", captured_at="at", plate="plate",
        camera_id="camera",
                         time_kind="timestamp", id_kind="uuid", color="slept")  # fmt: skip
    began = monotonic()
    with pytest.raises(RecordsUnavailable) as refused:
        opened(server.url(user="reader"), slow, 0.3).fetch(QUESTION)
    assert 2.0 > monotonic() - began
    assert "DEMO" not in str(refused.value)


def test_a_silent_server_is_not_waited_for(server: Cluster, opened: Open) -> None:
    """A backend that stops answering costs the time-out and its connection; the next question is answered."""
    store = opened(server.url(user="reader"), CITY, 0.3)
    assert 3 == len(store.fetch(QUESTION).reads)
    raw = store._engine.raw_connection()
    backend = raw.driver_connection.info.backend_pid  # type: ignore[union-attr]
    raw.close()
    os.kill(backend, signal.SIGSTOP)
    try:
        began = monotonic()
        with pytest.raises(RecordsUnavailable):
            store.fetch(QUESTION)
        assert 2.5 > monotonic() - began
        assert 3 == len(store.fetch(QUESTION).reads)
    finally:
        with suppress(ProcessLookupError):
            os.kill(backend, signal.SIGCONT)


@pytest.mark.parametrize("change", [
    "confidence = 'NaN'", "confidence = 101", "heading = 'Infinity'", "camera = 'unknown'",
    "plate = NULL, camera = 'c1'",
])  # fmt: skip
def test_a_lying_row_releases_nothing(server: Cluster, opened: Open, change: str) -> None:
    """NaN and the like of PostgreSQL's own types withhold the whole answer."""
    with psycopg.connect(server.url(), autocommit=True) as owner:
        owner.execute('CREATE TABLE alpr.kept AS SELECT * FROM alpr."Plate Reads"')
        owner.execute(f'UPDATE alpr."Plate Reads" SET {change} WHERE "GUID"::text LIKE \'%7\''.encode())  # noqa: S608 - our own words
    try:
        with pytest.raises(RecordsUnavailable):
            opened(server.url(user="reader"), CITY).fetch(
                Criteria(None, None, ("c1", "c2", "unknown"), QUESTION.start, QUESTION.end, 9)
            )
    finally:
        with psycopg.connect(server.url(), autocommit=True) as owner:
            owner.execute('TRUNCATE alpr."Plate Reads"')
            owner.execute('INSERT INTO alpr."Plate Reads" SELECT * FROM alpr.kept')
            owner.execute("DROP TABLE alpr.kept")


def test_a_restart_is_survived_and_a_stop_is_not_served(server: Cluster, opened: Open) -> None:
    """A pooled connection that died is replaced at once; a server that is gone answers nothing."""
    store = opened(server.url(user="reader"), CITY)
    assert 3 == len(store.fetch(QUESTION).reads)
    server.stop()
    with pytest.raises(RecordsUnavailable):
        store.fetch(QUESTION)
    with pytest.raises(RecordsUnavailable):
        store.ready()
    server.start()
    assert 3 == len(store.fetch(QUESTION).reads)
    server.stop()
    server.start()
    assert 3 == len(store.fetch(QUESTION).reads)
