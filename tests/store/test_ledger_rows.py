# ruff: noqa: PT012  expected value first; what fails is the end of the block
from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from gatekeeper.errors import (
    GatekeeperError,
    IdempotencyInFlight,
    LedgerCorrupt,
    LedgerUnavailable,
    StoreUnavailable,
    Superseded,
)
from gatekeeper.ledger.rows import Alter, Head, Insert, Row
from gatekeeper.ledger.tiles import Tile
from gatekeeper.store import administration, reviews
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.queries import Queries
from gatekeeper.store.registry import Registry
from gatekeeper.store.values import Ruling
from tests.store import making
from tests.store.making import (
    DAY,
    LATER,
    NOON,
    agency,
    append,
    claim,
    client,
    commit,
    detail,
    entry,
    head,
    query,
    register,
    stop,
    waiting,
)


def test_an_empty_log_is_a_head_of_nothing(rows: LedgerRows) -> None:
    """A fresh database has a log of size zero, and no entry, tile, box or checkpoint."""
    assert Head(0, (), 0) == rows.head()
    assert (None, None, None, None) == (
        rows.entry(0),
        rows.tile(0, 0),
        rows.last_checkpoint(),
        rows.box("r", "query.decided@0"),
    )
    assert [] == rows.entries_of("r") == list(rows.entries(0, 10))
    assert rows.leaf_hashes(0, 10) == []


def test_what_was_appended_is_what_is_read(rows: LedgerRows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries, tiles, leaf hashes and boxes come back byte for byte and in order, across chunks."""
    register(rows)
    monkeypatch.setattr("gatekeeper.store.ledger_rows.CHUNK", 3)
    with rows.transaction() as transaction:
        transaction.write([detail("q1")])
        transaction.append(
            [entry(i, f"r{i % 2}") for i in range(1, 11)], [Tile(0, 7, b"t" * 8192)], head(11, 5)
        )
    expected = [entry(i, f"r{i % 2}") for i in range(1, 11)]
    assert expected == list(rows.entries(1, 99))
    assert expected[2:5] == list(rows.entries(3, 6))
    assert expected[4] == rows.entry(5)
    assert [e for e in expected if e.ref == "r1"] == rows.entries_of("r1")
    assert [e.leaf_hash for e in expected[:4]] == rows.leaf_hashes(1, 5)
    assert b"t" * 8192 == rows.tile(0, 7)
    assert (DAY, b"sealed") == rows.box("q1", "query.decided@0")
    assert head(11, 5) == rows.head()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_text_in_the_place_of_bytes_is_read_as_bytes(rows: LedgerRows, database: Database) -> None:
    """Whoever writes a text into SQLite's columns does not end an auditor's reading."""
    row = "VALUES (7, 'query.decided', 'r', 'no object', 'no hash')"
    with database.write() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO ledger_entries (entry_index, event, ref, entry, leaf_hash) {row}"
        )
        connection.exec_driver_sql(
            "INSERT INTO ledger_tiles (level, number, hashes) VALUES (0, 7, 'no hashes')"
        )
    (found,) = rows.entries(7, 10)
    assert (7, b"no object", b"no hash", "query.decided", "r") == found
    assert b"no hashes" == rows.tile(0, 7)


def test_entries_that_do_not_continue_the_log_are_refused(rows: LedgerRows) -> None:
    """A gap, a repetition, a wrong size, frontier, time, hash or length leaves the log as it was."""
    commit(rows, [], [])
    big = b"x" * 65_536
    faults = [
        ([entry(3)], head(4, 9)),  # gap
        ([entry(1)], head(2, 9)),  # repeated
        ([entry(2)], head(4, 9)),  # head beyond the entries
        ([], head(2, 9)),  # nothing
        ([entry(2)], Head(3, (b"x" * 32,), 9)),  # frontier too short
        ([entry(2)], Head(3, (b"x" * 31, b"x" * 32), 9)),
        ([entry(2)], head(3, 0)),  # time runs back
        ([type(entry(2))(2, big, b"l" * 32, "e", "r")], head(3, 9)),
        ([type(entry(2))(2, b"{}", b"l" * 31, "e", "r")], head(3, 9)),
    ]
    for entries, grown in faults:
        with pytest.raises(LedgerCorrupt), rows.transaction() as transaction:
            transaction.append(entries, (), grown)
    with pytest.raises(LedgerCorrupt), rows.transaction() as transaction:
        transaction.append([entry(2)], [Tile(0, 0, b"short")], head(3, 9))
    assert 2 == rows.head().size == len(list(rows.entries(0, 99)))


def test_an_error_in_the_block_leaves_nothing(rows: LedgerRows) -> None:
    """Whatever ends the block early, neither entry nor row remains, and the lock is free."""
    with pytest.raises(KeyboardInterrupt), rows.transaction() as transaction:
        transaction.write([detail("q1")])
        append(transaction)
        raise KeyboardInterrupt
    assert 0 == rows.head().size
    assert rows.box("q1", "query.decided@0") is None
    commit(rows, [])


_BAD: list[Row] = [
    Insert("ledger_head", {"id": 1}),
    Insert("registry", {"id": 1, "version": 9}),
    Insert("ledger_entries", {"entry_index": 0}),
    Insert("sqlite_master", {}),
    Insert("agencies; DROP TABLE queries", {}),
    Insert("private_details", {"ref": "a\x00b", "event": "e", "day": DAY, "box": b""}),
    Insert("private_details", {"ref": "\ud800", "event": "e", "day": DAY, "box": b""}),
    Insert("private_details", {"ref": "r" * 129, "event": "e", "day": DAY, "box": b""}),
    Insert("private_details", {"ref": "r", "event": "e", "day": NOON, "box": b""}),
    Insert("private_details", {"ref": "r", "event": "e", "day": DAY, "box": "text"}),
    Insert("private_details", {"ref": "r", "event": "e", "day": DAY}),
    Insert("private_details", {"ref": "r", "event": "e", "day": DAY, "box": b"", "plate": "X"}),
    Insert("revoked_tokens", {"jti": "t", "expires_at": NOON.replace(tzinfo=None)}),
    query(outcome="maybe"),
    query(dry_run=1),
    query(target_fp=b"short"),
    query(policy_revision=7),
    Alter("queries", {"query_id": "q"}, {"outcome": "permit"}),
    Alter("private_details", {"ref": "r", "event": "e"}, {"box": b""}),
    Alter("affirmations", {"id": "a"}, {"signer": "Somebody Else"}),
    Alter("agencies", {"status": "active"}, {"status": "closed"}),
    Alter("agencies", {"id": "a"}, {"status": "excellent"}),
    Alter("agencies", {"id": "a"}, {"id": "b"}),
    Alter("agencies", {"id": "a"}, {}),
    Alter("registry", {"id": 1}, {"version": 1}),
    Alter("ledger_head", {"id": 1}, {"size": 0}),
    Insert("agencies", {"id": "x", "contacts": ["\x00"]}),
]


def test_a_bad_row_fails_alone_and_before_the_database(rows: LedgerRows) -> None:
    """A row that a table would refuse is refused at once; the batch that it came with is committed."""
    for number, row in enumerate(_BAD):
        with rows.transaction() as transaction:
            with pytest.raises(StoreUnavailable) as caught:
                transaction.write([detail("bad"), row])
            transaction.write([detail(f"good{number}")])
            append(transaction)
        assert "Somebody" not in str(caught.value)
        assert rows.box("bad", "query.decided@0") is None
        assert (DAY, b"sealed") == rows.box(f"good{number}", "query.decided@0")


def test_text_that_only_one_database_could_hold_is_not_found_by_any(
    rows: LedgerRows, database: Database
) -> None:
    """A hostile id is an unknown one: no 500, and no difference between the databases."""
    queries = Queries(database)
    for text in ("a\x00b", "\ud800", "\udfff" * 40):
        assert rows.entries_of(text) == []
        assert rows.box(text, text) is None
        assert queries.find(text, "evanston") is None
        assert queries.review(text) is None
        assert queries.idempotency(text, [b"k" * 32]) is None
        assert queries.review_events(text) == ()
        assert Registry(database).agency(text) is None


def test_the_second_of_two_equal_keys_is_refused_alone(rows: LedgerRows) -> None:
    """Two requests with one Idempotency-Key in one batch: one is written, one hears that it is in flight."""
    register(rows)
    with rows.transaction() as transaction:
        transaction.write([claim(query_id="q1"), query("q1")])
        with pytest.raises(IdempotencyInFlight):
            transaction.write([claim(query_id="q2"), query("q2")])
        append(transaction)
    with pytest.raises(IdempotencyInFlight), rows.transaction() as transaction:
        transaction.write([claim(query_id="q3"), query("q3")])


def test_a_change_must_hit_its_row_as_it_was_read(rows: LedgerRows) -> None:
    """No row, or another version of it: Superseded, and the batch goes on without that request."""
    register(rows)
    with rows.transaction() as transaction:
        with pytest.raises(Superseded):
            transaction.write(administration.change_agency("nobody", name="X"))
        with pytest.raises(Superseded):
            transaction.write(administration.lift_stop("s9", NOON))
        transaction.write([detail("good")])
        append(transaction)
    assert rows.box("good", "query.decided@0") is not None


def test_half_a_request_is_never_committed(rows: LedgerRows) -> None:
    """If a request fails after its first statement, nothing of the whole transaction is committed."""
    register(rows)
    before = rows.head()
    with pytest.raises(LedgerUnavailable), rows.transaction() as transaction:
        with pytest.raises(Superseded):
            transaction.write([claim(), *administration.change_agency("nobody", name="X")])
        transaction.write([detail("q")])
        append(transaction)
    assert before == rows.head()


def test_a_failed_statement_cannot_be_followed_by_a_silent_rollback(rows: LedgerRows) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error: we raise."""
    register(rows)
    before = rows.head()
    with pytest.raises(GatekeeperError), rows.transaction() as transaction:
        transaction.write([query("q1"), query("q1")])
        try:
            transaction.registry()
            transaction._flush()
        except GatekeeperError:
            pass
        append(transaction)
    assert before == rows.head()


def test_a_duplicate_row_is_refused_and_named_by_its_class_only(rows: LedgerRows) -> None:
    """A second agency of the same id is not a foreign exception, and the message quotes no row."""
    register(rows)
    with pytest.raises(StoreUnavailable) as caught:
        commit(rows, administration.add_agency(agency()))
    assert "evanston" not in str(caught.value).lower()
    assert caught.value.__cause__ is None


def test_every_change_of_the_registry_moves_its_version(rows: LedgerRows) -> None:
    """A release that compares versions sees each change of agency, credential, stop, token and policy."""
    changes: list[tuple[Row, ...]] = [
        administration.add_agency(agency()),
        administration.change_agency("evanston", name="Other"),
        administration.set_agency_status(agency(), "suspended"),
        administration.end_affirmation("evanston-1", DAY),
        administration.add_client(client()),
        administration.revoke_key("c1", "k1"),
        administration.revoke_client("c1"),
        administration.set_stop(stop()),
        administration.lift_stop("s1", LATER),
        administration.revoke_token("t1", LATER),
        making.policy_named("2026-01+a", "sha256:a", previous=None),
    ]
    versions = []
    for change in changes:
        commit(rows, change)
        with rows.transaction() as transaction:
            versions.append(transaction.registry().version)
    assert sorted(set(versions)) == versions
    commit(rows, [query("q1"), detail("q1")])
    with rows.transaction() as transaction:
        assert versions[-1] == transaction.registry().version


def test_a_stop_is_seen_by_the_next_request_of_the_same_batch(rows: LedgerRows) -> None:
    """What was read before a stop in the same transaction is not remembered past it."""
    with rows.transaction() as transaction:
        assert transaction.stops() == ()
        version = transaction.registry().version
        transaction.write(administration.set_stop(stop()))
        assert (stop(),) == transaction.stops()
        assert version < transaction.registry().version
        transaction.write(administration.lift_stop("s1", LATER))
        assert transaction.stops() == ()
        append(transaction)


def test_reviews_move_along_their_states_and_keep_each_move(rows: LedgerRows, database: Database) -> None:
    """A ruling is bound to the version that was read; the second ruler is told."""
    queries = Queries(database)
    register(rows)
    commit(
        rows,
        [
            query("q1"),
            *waiting("q1"),
        ],
    )
    first = queries.review("q1", "evanston")
    assert first is not None
    assert queries.review("q1", "wilmette") is None
    ruling = reviews.move(
        first,
        "permitted",
        event="review.ruled",
        ref="x",
        at=NOON,
        actor="staff-1",
        ruling=Ruling("case_number", "counsel", LATER, b"b" * 32, DAY),
    )
    commit(rows, ruling)
    with pytest.raises(Superseded):
        commit(rows, reviews.move(first, "upheld", event="review.ruled", ref="y", at=NOON, actor="staff-2"))
    second = queries.review("q1")
    assert second is not None
    assert ("permitted", 2) == (second.state, second.version)
    assert ["queued", "permitted"] == [event.state for event in queries.review_events("q1")]
    event = queries.review_events("q1")[1]
    assert ("case_number", "counsel", LATER) == (event.provision, event.level, event.expires_at)
    assert (b"b" * 32, DAY) == (event.body_fp, event.fp_day)
    with pytest.raises(GatekeeperError, match="/console/reviews"):
        reviews.move(second, "escalated", event="review.moved", ref="z", at=NOON, actor="staff-1")
    with pytest.raises(GatekeeperError, match="did not fail"):
        reviews.move(
            second,
            "upheld",
            event="e",
            ref="z",
            at=NOON,
            actor="s",
            ruling=Ruling("civil_immigration", "staff", LATER, b"b" * 32, DAY),
        )


def test_checkpoints_only_go_forward(rows: LedgerRows) -> None:
    """The greatest is kept, the same again is nothing, a smaller one is not needed, a fork is corruption."""
    rows.save_checkpoint(5, b"a" * 32, "five")
    rows.save_checkpoint(5, b"a" * 32, "five")
    rows.save_checkpoint(4, b"b" * 32, "four")
    assert rows.last_checkpoint() == "five"
    with pytest.raises(LedgerCorrupt):
        rows.save_checkpoint(5, b"c" * 32, "other five")
    rows.save_checkpoint(6, b"d" * 32, "six")
    assert rows.last_checkpoint() == "six"


def test_another_agency_finds_nothing_of_a_query(rows: LedgerRows, database: Database) -> None:
    """Unknown and another's are one answer."""
    queries = Queries(database)
    register(rows)
    register(rows, "wilmette", "c2")
    commit(rows, [query("q1"), claim()], [query("q2", dry_run=True, outcome="permit", officer_fp=b"p" * 32)])
    found = queries.find("q1", "evanston")
    assert found is not None
    assert ("evanston", "deny", DAY, b"t" * 32) == (
        found.agency_id,
        found.outcome,
        found.fp_day,
        found.target_fp,
    )
    assert queries.find("q1", "wilmette") is queries.find("q0", "wilmette") is None
    record = queries.idempotency("c1", [b"z" * 32, b"k" * 32])
    assert record is not None
    assert ("q1", b"b" * 32, DAY) == (record.query_id, record.body_fingerprint, record.day)
    assert queries.idempotency("c2", [b"k" * 32]) is queries.idempotency("c1", []) is None


def test_the_entries_of_holds_are_found_without_a_walk_through_the_log(
    rows: LedgerRows, database: Database
) -> None:
    """Each key that an erasure destroys waits for this under the log's lock, however long the log is."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        sent.append((statement, values))

    with database.read() as connection:
        event.listen(connection.engine, "before_cursor_execute", note)
        assert [] == [*rows.of_events(("purge.held", "purge.unheld"))]
        statement, values = next(one for one in sent if "purge.held" in one[0])
        event.remove(connection.engine, "before_cursor_execute", note)
        if database.dialect == "sqlite":
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # the table is empty
            plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).all()
    assert "ix_ledger_entries_holds" in str(plan)
