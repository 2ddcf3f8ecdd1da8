# ruff: noqa: PT012  expected value first; what fails is the end of the block
"""Connections past the pool: set up as its own, closed when anything goes wrong, never to another file."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from gatekeeper.errors import LedgerUnavailable, StoreUnavailable
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.ledger_transaction import STATE
from tests.store.making import append, commit, detail

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def test_the_logs_connection_is_durable_and_guarded(database: Database) -> None:
    """synchronous=FULL, foreign keys, and REPLACE fires the triggers: as on every writing connection."""
    with database.log() as driver:
        found = [
            driver.execute(f"PRAGMA {name}").fetchone()
            for name in ("synchronous", "foreign_keys", "recursive_triggers")
        ]
        assert isinstance(driver, sqlite3.Connection)
        assert driver.in_transaction
    assert [(2,), (1,), (1,)] == found


def test_the_registrys_connection_cannot_write(database: Database) -> None:
    """What every request reads with must not be a way to write."""
    with pytest.raises(StoreUnavailable, match="OperationalError"):
        database.row("UPDATE registry SET version = 9")
    assert (1, *[None] * 6) == tuple(database.row(STATE) or ())


def test_one_connection_writes_and_is_used_again(rows: LedgerRows) -> None:
    """Threads that append one after another share it: none is opened for a batch."""
    used: set[int] = set()

    def work() -> None:
        for _ in range(5):
            with rows.transaction() as transaction:
                used.add(id(transaction._driver))
                append(transaction)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (1, 40) == (len(used), rows.head().size)


def test_what_went_wrong_is_rolled_back_and_not_used_again(rows: LedgerRows) -> None:
    """A connection whose transaction failed may be in any state: the next is another, and all is whole."""
    commit(rows, [])
    with rows.transaction() as transaction:
        before = transaction._driver
        append(transaction)
    for failure in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(failure), rows.transaction() as transaction:
            transaction.write([detail("lost")])
            append(transaction)
            raise failure
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        before.execute("SELECT 1")
    commit(rows, [detail("kept")])
    assert 3 == rows.head().size
    assert rows.box("lost", "query.decided@0") is None
    assert rows.box("kept", "query.decided@0") is not None


@pytest.mark.parametrize("replace", [True, False])
def test_nothing_is_written_to_a_file_that_is_no_longer_the_citys(
    database: Database, rows: LedgerRows, tmp_path: Path, *, replace: bool
) -> None:
    """A restored backup, or nothing: the connections stay open to the old file, and are not used."""
    commit(rows, [])
    assert database.row(STATE) is not None
    file = tmp_path / "state.db"
    if replace:
        shutil.copy(file, tmp_path / "copy")
        (tmp_path / "copy").rename(file)
    else:
        file.unlink()
    with pytest.raises(LedgerUnavailable, match=r"OSError|FileNotFoundError"):
        commit(rows, [])
    with pytest.raises(StoreUnavailable):
        database.row(STATE)
