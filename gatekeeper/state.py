"""The city's own state and its log, opened: what commands need, and what a worker starts from.

``lay_out`` makes what a new city needs; ``open_state`` opens it or says which command makes it. Policies and
plate reads are ``gatekeeper.parts``: nothing here needs them, so that ``gatekeeper stop`` starts quickly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import OperatorError
from gatekeeper.ledger import Clock, DayKeys, Ledger, SigningKey
from gatekeeper.settings import Settings
from gatekeeper.store import Database, LedgerRows, Queries, Registry
from gatekeeper.web.keys import TokenKeys


@dataclass(frozen=True, slots=True)
class State:
    """The city's own state and its log, opened."""

    settings: Settings
    database: Database
    registry: Registry
    queries: Queries
    keys: DayKeys
    clock: Clock
    ledger: Ledger
    rows: LedgerRows
    log_key: SigningKey

    def close(self) -> None:
        """Sign a last checkpoint and close the database."""
        self.ledger.close()
        self.database.close()


def lay_out(settings: Settings) -> None:
    """Create what a new city needs: directory, keys, schema. Does nothing to what is there.

    Raises SettingsRefused, StoreUnavailable.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = settings.key_directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "days").mkdir(mode=0o700, exist_ok=True)
    TokenKeys.create(directory / "tokens")
    if not _log_key(settings).exists():
        # A log keeps its name for ever, also when the city's address changes.
        _origin_file(settings).write_text(settings.origin, encoding="utf-8")
        SigningKey.create(_log_key(settings), settings.origin)
    database = Database.open(settings.state_url, lock_file=settings.data / "write.lock")
    try:
        database.migrate()
    finally:
        database.close()


def open_state(settings: Settings) -> State:
    """Open the state. Raises OperatorError if there is none yet, SettingsRefused if it is not safe."""
    if not _log_key(settings).exists():
        raise OperatorError(f"there is no city in {settings.data}: run `gatekeeper init` first")
    database = Database.open(settings.state_url, lock_file=settings.data / "write.lock")
    database.check()
    clock, keys = Clock(), DayKeys(settings.key_directory / "days")
    log_key = SigningKey.load(_log_key(settings), _origin_file(settings).read_text(encoding="utf-8"))
    rows = LedgerRows(database)
    return State(
        settings=settings,
        database=database,
        registry=Registry(database, clock.now),
        queries=Queries(database),
        keys=keys,
        clock=clock,
        ledger=Ledger(rows, log_key, keys, clock, settings.data / "checkpoint"),
        rows=rows,
        log_key=log_key,
    )


def _log_key(settings: Settings) -> Path:
    return settings.key_directory / "log.pem"


def _origin_file(settings: Settings) -> Path:
    return settings.key_directory / "log.origin"
