from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatekeeper.errors import IdempotencyInFlight, SharingStopped, StoreUnavailable
from gatekeeper.ledger.append import Ledger
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.clock import Clock
from gatekeeper.ledger.detail import DayKeys
from gatekeeper.ledger.rows import Insert, Transaction
from gatekeeper.ledger.verify import verify
from gatekeeper.store import administration
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_rows import LedgerRows
from gatekeeper.store.registry import Registry
from tests.ledger.made import decided
from tests.store.making import agency, claim, client, query, stop


def _open(rows: LedgerRows, directory: Path) -> tuple[Ledger, SigningKey]:
    key = SigningKey.create(directory / "log.pem", "log.example/test")
    return Ledger(rows, key, DayKeys(directory / "days"), Clock(), directory / "checkpoint"), key


def test_the_log_runs_on_these_tables_and_verifies(
    rows: LedgerRows, database: Database, tmp_path: Path
) -> None:
    """Threads append through the real log, past a tile; each refusal is its own; the whole verifies."""
    ledger, key = _open(rows, tmp_path)
    with ThreadPoolExecutor(16) as pool:
        appended = list(pool.map(lambda _: ledger.append(decided()), range(300)))
    assert list(range(300)) == sorted(made.index for made in appended)
    assert rows.tile(0, 0) is not None

    def unless_stopped(transaction: Transaction) -> None:
        if transaction.stops():
            raise SharingStopped

    ledger.append(decided(), [Insert("settings", {"name": "n", "value": "v"})], unless_stopped)
    with pytest.raises(StoreUnavailable):
        ledger.append(decided(), [Insert("settings", {"name": "n\x00", "value": "v"})])
    ledger.append(decided(), administration.set_stop(stop()))
    with pytest.raises(SharingStopped):
        ledger.append(decided(), (), unless_stopped)
    assert (stop(),) == Registry(database).stops()
    last = ledger.append(decided())
    assert 302 == last.index
    ledger.close()
    ledger.check_tail()
    text = rows.last_checkpoint()
    assert text is not None
    assert [] == list(verify(rows, key.verifier, kept=[text]))


def test_of_equal_simultaneous_keys_one_is_decided(tmp_path: Path) -> None:
    """Eight requests with one Idempotency-Key, in one batch or several: one commits, seven are in flight."""
    database = Database.open(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    rows = LedgerRows(database)
    ledger, _ = _open(rows, tmp_path)

    def attempt(number: int) -> bool:
        try:
            ledger.append(decided(), [claim(query_id=f"q{number}"), query(f"q{number}")])
        except IdempotencyInFlight:
            return False
        return True

    ledger.append(decided(), administration.add_agency(agency()))
    ledger.append(decided(), administration.add_client(client()))
    with ThreadPoolExecutor(8) as pool:
        assert 1 == sum(pool.map(attempt, range(8)))
    database.close()
