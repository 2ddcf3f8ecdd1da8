"""The city's own state and its log, opened: what commands need, and what a worker starts from.

``lay_out`` makes what a new city needs; ``open_state`` opens it or says which command makes it. Nothing here
imports a web framework, so that ``gatekeeper stop`` starts quickly.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import BundleRefused, OperatorError, SettingsRefused
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.ledger import Clock, DayKeys, Draft, Json, Ledger, SigningKey
from gatekeeper.policy import Bundle, Embedded, Engine, OpaServer, load, shipped_policies
from gatekeeper.records import ColumnMapping, Reads, SqlReads
from gatekeeper.settings import Settings
from gatekeeper.store import Database, LedgerRows, Queries, Registry, administration
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
    log_key = SigningKey.load(_log_key(settings), settings.origin)
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


def load_bundle(settings: Settings) -> Bundle:
    """Load the policies that the settings name. Raises BundleRefused naming every fault."""
    return load(Path(settings.policies) if settings.policies else shipped_policies())


def lexicon_of(bundle: Bundle) -> Lexicon:
    """Return the bundle's lexicon. Raises BundleRefused if it has none."""
    document = bundle.data.get("lexicon")
    if not isinstance(document, dict):
        raise BundleRefused(["data/lexicon.json is missing: the words of a request could not be screened"])
    return Lexicon.load(document)


def build_engine(settings: Settings, bundle: Bundle) -> Engine:
    """Return the engine that the settings choose, for this bundle."""
    if settings.engine == "opa" or (not settings.engine and settings.opa_url):
        return OpaServer(bundle, settings.opa_url, timeout=settings.opa_timeout)
    return Embedded(bundle)


def open_reads(settings: Settings) -> Reads:
    """Open the store of plate reads, read-only. Raises SettingsRefused for a mapping that cannot be read."""
    if not settings.records_mapping:
        return SqlReads(settings.reads_url, timeout_s=settings.records_timeout)
    try:
        document = json.loads(Path(settings.records_mapping).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsRefused("GATEKEEPER_RECORDS_MAPPING is not a readable JSON file") from None
    return SqlReads(settings.reads_url, ColumnMapping.parse(document), timeout_s=settings.records_timeout)


def activate(state: State, bundle: Bundle, by: str) -> bool:
    """Make the bundle the active policy, with its entry, unless it already is; say whether it was changed."""
    before = state.registry.state()
    if (before.policy_revision, before.policy_digest) == (bundle.revision, bundle.digest):
        return False
    previous: Json = None
    if before.policy_revision is not None:
        previous = {"revision": before.policy_revision, "digest": before.policy_digest}
    draft = Draft(
        event="policy.activated",
        ref=f"policy_{secrets.token_hex(8)}",
        clear={"policy": {"revision": bundle.revision, "digest": bundle.digest}, "previous": previous},
        secret={"by": by},
        detail={},
    )
    state.ledger.append(
        draft,
        administration.activate_policy(bundle.revision, bundle.digest, previous=before.policy_revision),
    )
    return True


def _log_key(settings: Settings) -> Path:
    return settings.key_directory / "log.pem"
