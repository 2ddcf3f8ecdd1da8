# ruff: noqa: S608  the attacks are made of our own table names
from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from gatekeeper.errors import LedgerUnavailable, StoreUnavailable
from gatekeeper.ledger.rows import Alter, Insert
from gatekeeper.ledger.tiles import Tile
from gatekeeper.store import administration, erasure, holds, staff
from gatekeeper.store.database import Database
from gatekeeper.store.figures import Figures
from gatekeeper.store.identities import Identities
from gatekeeper.store.ledger_checks import LedgerChecks
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.proposed_cases import ProposedCases
from gatekeeper.store.published import PublishedCheckpoints
from gatekeeper.store.registry import Registry
from gatekeeper.store.tables import APPEND_ONLY, CHANGEABLE, ERASABLE, KEPT, metadata
from tests.store import making
from tests.store.making import LATER, NOON, append, claim, commit, detail, query, register, verification

ROLES = Path(__file__).parents[2] / "deploy" / "roles.sql"


@pytest.fixture
def filled(rows: LedgerRows) -> None:
    """Put at least one row into every table."""
    register(rows)
    # Before the approval, which counts only of somebody who is there in that role.
    commit(rows, [*staff.add(replace(making.member(), role="legal"))])
    commit(
        rows,
        [
            query("q1"),
            detail("q1"),
            claim(),
            Insert("marks", {"mark_fp": b"m" * 32, "at_ms": 1, "query_id": "q1", "day": making.DAY}),
            *making.waiting("q1"),
            Insert("stops", {"id": "s1", "scope": "all", "value": None, "set_at": NOON}),
            Insert("revoked_tokens", {"jti": "t", "expires_at": NOON}),
            Insert("issuers", {"id": "i1", "url": "https://idp.invalid", "status": "active", "terms": {}}),
            *administration.suspend_officer(
                "o1", "evanston", mark=b"m" * 32, key_id="0" * 16, box=b"sealed", since=NOON
            ),
            Insert("settings", {"name": "n", "value": "v"}),
            verification(),
            making.document("q1"),
            *making.sample(),
            *making.webhook(),
            *making.revision(rows._database),
            *making.agency_life(),
            *holds.place("hold_1", "q1", NOON),
            *erasure.begin("purge_1", making.DAY, NOON),
        ],
    )
    held = ("q1", "query.decided@0", "q1", "0" * 32, making.DAY, b"sealed")
    erasure.Erasure(rows._database, Path("unused")).hold([held])
    people = staff.Staff(rows._database, now=lambda: NOON)
    people.replace_recovery_codes(making.member().id, [b"c" * 32])
    people.begin_session("s", making.member().id)
    LedgerChecks(rows._database, now=lambda: NOON).begin("staff-1", "whole", start=0, size=1)
    cases, case = ProposedCases(rows._database), ("il-1-sample", "stated_reason", "deny", "{}")
    proposal = dict(zip(("name", "provision", "outcome", "document"), case, strict=True))
    commit(rows, cases.proposed(case_id="case_1", by=making.member().id, at=NOON, **proposal))
    provider = Identities(rows._database, now=lambda: NOON)
    commit(rows, provider.bind("https://id.example.gov", "sub-1", making.member().id))
    provider.begin("state", "browser", nonce="n", verifier="v", back="/console/", staff_id=None)
    with rows.transaction() as transaction:
        old = transaction.head()
        transaction.append(
            [making.entry(old.size)], [Tile(0, 0, b"t" * 8192)], making.head(old.size + 1, old.at_ms)
        )
    rows.save_checkpoint(2, b"r" * 32, "signed")
    PublishedCheckpoints(rows._database).announce(1, 2, "signed", NOON)


def _attack(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(statement)


def _key(table: str) -> str:
    return next(iter(metadata.tables[table].primary_key)).name


def _columns(table: str) -> str:
    return ", ".join(c.name for c in metadata.tables[table].columns)


@pytest.mark.usefixtures("filled")
def test_no_evidence_can_be_changed_or_removed(database: Database) -> None:
    """UPDATE and DELETE of every append-only row fail, whoever of ours sends them."""
    for table in APPEND_ONLY:
        for attack in (f"UPDATE {table} SET {_key(table)} = {_key(table)}", f"DELETE FROM {table}"):
            with pytest.raises(StoreUnavailable):
                _attack(database, attack)


@pytest.mark.usefixtures("filled")
def test_what_may_expire_can_be_removed_but_never_rewritten(database: Database) -> None:
    """A sealed detail can be purged; it cannot be replaced by another story."""
    registry = Registry(database, now=lambda: NOON)
    assert registry.claim_jti("c1", "j", LATER) is True
    for table in ERASABLE:
        with pytest.raises(StoreUnavailable):
            _attack(database, f"UPDATE {table} SET {_key(table)} = {_key(table)}")
        _attack(database, f"DELETE FROM {table}")


@pytest.mark.usefixtures("filled")
def test_nobody_that_the_log_speaks_of_can_be_removed(database: Database) -> None:
    """Agencies, clients, keys, stops, reviews, and the head are closed, revoked or lifted, not deleted."""
    for table in KEPT:
        with pytest.raises(StoreUnavailable):
            _attack(database, f"DELETE FROM {table}")


@pytest.mark.usefixtures("filled")
def test_the_head_cannot_be_turned_back(database: Database) -> None:
    """A log that becomes shorter or older has lost entries."""
    for attack in ("size = size - 1", "at_ms = at_ms - 1"):
        with pytest.raises(StoreUnavailable):
            _attack(database, f"UPDATE ledger_head SET {attack}")


@pytest.mark.usefixtures("filled")
def test_replacing_forms_of_insert_do_not_overwrite_evidence(database: Database) -> None:
    """REPLACE and upserts fire neither UPDATE nor DELETE triggers on SQLite: each fails by another."""
    for table in (*APPEND_ONLY, *(t for t in ERASABLE if t != "jti_seen"), *KEPT):
        columns, key = _columns(table), [c.name for c in metadata.tables[table].primary_key]
        select = f"SELECT {columns} FROM {table} WHERE true"
        upsert = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {key[0]} = excluded.{key[0]}"
        attacks = [f"INSERT INTO {table} ({columns}) {select} {upsert}"]
        if database.dialect == "sqlite":
            attacks += [f"INSERT OR REPLACE INTO {table} ({columns}) {select}"]
            attacks += [f"REPLACE INTO {table} ({columns}) {select}"]
            attacks += [f"UPDATE OR REPLACE {table} SET {key[0]} = 'x'"] * (table in APPEND_ONLY)
        elif table not in (*APPEND_ONLY, *ERASABLE):
            continue  # PostgreSQL has no REPLACE, and these may be changed in some columns
        for attack in attacks:
            with pytest.raises(StoreUnavailable):
                _attack(database, attack)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("filled")
def test_no_hidden_row_id_leads_around_the_key(database: Database) -> None:
    """SQLite's second key, the row id, would let REPLACE overwrite a row under a new primary key."""
    for table in (*APPEND_ONLY, *KEPT):
        if table == "ledger_entries":
            continue  # its key is the row id
        with database.read() as connection, pytest.raises(Exception, match="no such column: rowid"):
            connection.exec_driver_sql(f"SELECT rowid FROM {table}")


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
@pytest.mark.usefixtures("filled")
def test_truncate_and_replica_mode_do_not_pass_the_triggers(database: Database) -> None:
    """Even the owner meets the triggers, in replica mode too, until it switches them off by name."""
    for table in APPEND_ONLY:
        with pytest.raises(StoreUnavailable):
            _attack(database, f"TRUNCATE {table} CASCADE")
        with pytest.raises(StoreUnavailable):
            _attack(database, f"SET session_replication_role = replica; DELETE FROM {table}")
    assert database.may_rewrite() is True


@pytest.fixture
def as_app(url: str, filled: None) -> str:
    """The URL by which the service logs in after ``deploy/roles.sql``."""
    del filled
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(2):  # it may be run again
            connection.execute(ROLES.read_bytes())
        connection.execute(
            "DO $$ BEGIN CREATE ROLE web LOGIN IN ROLE gatekeeper_app; "
            "EXCEPTION WHEN duplicate_object THEN END $$"
        )
    return url.replace("postgres@", "web@")


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_the_service_works_with_the_rights_it_is_given(as_app: str) -> None:
    """Every write of ours succeeds as the application's role, and it is not one that may rewrite."""
    database = Database.open(as_app)
    rows = LedgerRows(database)
    database.check()
    assert database.may_rewrite() is False
    register(rows, "wilmette", "c2")
    commit(rows, [query("q2"), detail("q2"), claim(b"x" * 32), verification("v2")])
    assert Registry(database, now=lambda: NOON).claim_jti("c1", "j", LATER) is True
    rows.save_checkpoint(9, b"r" * 32, "signed")
    kept = Figures(database)
    assert kept.begin_again(kept.mark(), 1) is True
    commit(rows, making.sample("sample_2"), [Alter("sample_items", making.ITEM | {"marks": 1}, {"marks": 2})])
    database.close()


@pytest.mark.needs("postgres")
@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_the_service_has_no_right_that_could_rewrite(as_app: str) -> None:
    """As the application: no change of evidence, no switching off, no new schema, no other role."""
    attacks = ["SET session_replication_role = replica", "CREATE TABLE t ()", "SET ROLE postgres"]
    for table in APPEND_ONLY:
        attacks += [
            f"UPDATE {table} SET {_key(table)} = {_key(table)}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TRIGGER {table}_keep ON {table}",
            f"DROP TABLE {table} CASCADE",
            f"ALTER TABLE {table} RENAME TO gone",
        ]
    attacks += [
        "CREATE OR REPLACE FUNCTION gatekeeper_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'"
    ]
    for table in metadata.tables:
        changeable = CHANGEABLE.get(table, frozenset())
        for column in metadata.tables[table].columns:
            if column.name in changeable or column.name == "version" or table == "ledger_head":
                continue
            attacks.append(f"UPDATE {table} SET {column.name} = {column.name}")
    with psycopg.connect(as_app, autocommit=True) as connection:
        for attack in attacks:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(attack.encode())


@pytest.mark.usefixtures("filled")
def test_a_reading_connection_cannot_write(database: Database) -> None:
    """The reading interface reads: a slip there cannot change state."""
    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.exec_driver_sql("INSERT INTO settings (name, value) VALUES ('a', 'b')")


def test_rows_without_an_entry_are_not_committed(rows: LedgerRows, database: Database) -> None:
    """No agency, stop or query comes to be that the log does not tell of."""
    with pytest.raises(LedgerUnavailable), rows.transaction() as transaction:
        transaction.write([Insert("settings", {"name": "n", "value": "v"})])
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM settings").scalar() == 0
    with rows.transaction() as transaction:
        append(transaction)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_attack_by_row_id_is_refused_on_the_log_itself(rows: LedgerRows, tmp_path: Path) -> None:
    """A foreign connection without our pragmas meets the same triggers."""
    commit(rows, [])
    file = tmp_path / "state.db"
    with sqlite3.connect(file) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "REPLACE INTO ledger_entries (rowid, entry_index, event, ref, entry, leaf_hash) "
            "VALUES (0, 0, 'e', 'r', x'00', x'00')"
        )
    connection.close()
