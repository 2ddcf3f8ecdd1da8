"""The city's own state and its log, opened: what commands need, and what a worker starts from.

``lay_out`` makes what a new city needs; ``open_state`` opens it or says which command makes it. Policies and
plate reads are ``gatekeeper.parts``: nothing here needs them, so that ``gatekeeper stop`` starts quickly.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import LedgerCorrupt, OperatorError, SettingsRefused
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.exchange.officer import OfficerMarks
from gatekeeper.ledger import Clock, DayKeys, Ledger, Publication, Published, SigningKey
from gatekeeper.ledger.export import copied_checkpoint, seen
from gatekeeper.oversight.checks import Checks
from gatekeeper.oversight.stops import Switch
from gatekeeper.oversight.unlogged import Unlogged
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.review.personnel import Personnel
from gatekeeper.review.secrets import SecretsKey
from gatekeeper.revisions import Lifecycle
from gatekeeper.revisions.in_force import SerialMark
from gatekeeper.settings import Settings
from gatekeeper.store import Database, Identities, LedgerRows, Queries, Registry, Staff, administration
from gatekeeper.store import staff as staff_rows
from gatekeeper.store.ledger_checks import LedgerChecks
from gatekeeper.store.published import PublishedCheckpoints
from gatekeeper.store.revisions import Revisions
from gatekeeper.store.stops import Stops
from gatekeeper.web import bundle_access, secret_file
from gatekeeper.web.bundle_access import BundleAccess
from gatekeeper.web.keys import TokenKeys
from gatekeeper.web.proxy import Proxy
from gatekeeper.whole import write_whole


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
    staff: Staff
    identities: Identities

    def staff_key(self) -> SecretsKey:
        """Return the key that the secrets of staff accounts are sealed under. Raises StoreUnavailable."""
        return SecretsKey.load(_staff_key(self.settings))

    def policy_keys(self) -> PolicyKeys:
        """Return the keys that sign the law."""
        return policy_keys(self.settings)

    def lifecycle(self) -> Lifecycle:
        """Return what changes the law."""
        return Lifecycle(
            Revisions(self.database),
            self.registry,
            self.ledger,
            self.policy_keys(),
            self.clock,
            self.serial_mark().read,
        )

    def serial_mark(self) -> SerialMark:
        """Return where this node keeps which law is the latest that it has seen in force."""
        return SerialMark(self.settings.data / "policy-serial")

    def switch(self) -> Switch:
        """Return the switch that stops sharing."""
        return Switch(
            self.ledger,
            self.registry,
            self.clock,
            administration,
            self.database.give_up_reserve,
            self.database.restore_reserve,
            self.unlogged(),
        )

    def unlogged(self) -> Unlogged:
        """Return what keeps stops that the log does not tell of yet."""
        return Unlogged(self.settings.data / "stops-not-in-log", Stops(self.database))

    def check_log(self) -> None:
        """Refuse a log that is not the one that was signed; write into one that is what waits for it.

        Raises LedgerCorrupt, OperatorError, an Unavailable.
        """
        self.ledger.check_tail()
        self.unlogged().tell(self.ledger, administration)

    def personnel(self) -> Personnel:
        """Return what changes accounts."""
        return Personnel(
            self.staff, self.identities, staff_rows, self.ledger, self.staff_key, self.settings.oidc_issuer
        )

    def checks(self) -> Checks:
        """Return the checks of the log that staff begin."""
        record = LedgerChecks(self.database, self.clock.now)

        def others() -> tuple[str, ...]:
            published = PublishedCheckpoints(self.database).all()
            return (*self.kept_checkpoints(), *(each.text for each in published))

        return Checks(self.rows, self.log_key, record, others)

    def publication(self) -> Publication:
        """Return what decides which checkpoint is the public one."""
        kept = PublishedCheckpoints(self.database)
        every = self.settings.published_every
        return Publication(self.rows, self.log_key, kept, self.clock.now, every, self.ledger.head)

    def published(self) -> Published:
        """Return the log as the public sees it."""
        return Published(self.rows, self.publication().latest)

    def kept_checkpoints(self) -> tuple[str, ...]:
        """Return the checkpoints that are kept outside the database. Raises OperatorError."""
        found = []
        with suppress(FileNotFoundError):
            found.append(_checkpoint_file(self.settings).read_text(encoding="utf-8", errors="replace"))
        try:
            copy = copied_checkpoint(self.settings.published_copy)
        except LedgerCorrupt as fault:
            raise OperatorError(str(fault)) from None
        return (*found, *(() if copy is None else (copy,)))

    def notices_key(self) -> SecretsKey:
        """Return the key that webhooks' addresses and secrets are sealed under. Raises StoreUnavailable."""
        return SecretsKey.load(_notices_key(self.settings))

    def bundle_access(self) -> BundleAccess:
        """Return who may fetch the law in force. Raises SettingsRefused."""
        settings = self.settings
        return BundleAccess.load(
            settings.bundle_token,
            _bundle_token(settings),
            settings.bundle_certificates,
            self.proxy(),
        )

    def nonces(self) -> Nonces:
        """Return the nonces of DPoP proofs. Raises SettingsRefused."""
        return Nonces(secret_file.read(_nonce_key(self.settings)))

    def officer_marks(self) -> OfficerMarks:
        """Return what suspended officers are found by. Raises SettingsRefused."""
        return OfficerMarks(secret_file.read(_officers_key(self.settings)))

    def officers_box(self) -> SecretsKey:
        """Return the key that is sealed under who is suspended, and why. Raises StoreUnavailable."""
        return SecretsKey.load(_officers_key(self.settings))

    def proxy(self) -> Proxy:
        """Return the proxy in front, whose word on certificates counts."""
        return Proxy(self.settings.trusted_proxy, self.settings.proxy_secret)

    def close(self) -> None:
        """Sign a last checkpoint and close the database."""
        self.ledger.close()
        self.database.close()


@dataclass(frozen=True, slots=True)
class Bare:
    """A city without its database: what a restore needs."""

    settings: Settings
    log_key: SigningKey
    keys: DayKeys
    clock: Clock
    checkpoint_file: Path
    restoring: Path


def open_bare(settings: Settings) -> Bare:
    """Open what is kept outside the database. Raises OperatorError if there is no city, SettingsRefused."""
    if not log_key_file(settings).exists():
        raise OperatorError(
            f"there are no keys in {settings.key_directory}: put back the backup of the keys first (log.pem "
            "and log.origin at least; without them the log cannot be continued)"
        )
    _refuse_open(settings.data)
    days = settings.key_directory / "days"
    if not days.is_dir():
        raise OperatorError(
            f"{days} is missing: put the day keys back from their own backup, so that what was asked can be "
            f"read; if there is none, that is erased for good: mkdir -m 700 {days}"
        )
    return Bare(
        settings,
        SigningKey.load(log_key_file(settings), _origin(settings), settings.key_passphrase),
        DayKeys(days),
        Clock(),
        _checkpoint_file(settings),
        _restoring(settings),
    )


def lay_out(settings: Settings) -> None:
    """Create what a new city needs: directory, keys, schema. Does nothing to what is there.

    Raises SettingsRefused, StoreUnavailable.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_open(settings.data)
    _refuse_unfinished(settings)
    directory = settings.key_directory
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / "days").mkdir(mode=0o700, exist_ok=True)
    TokenKeys.create(directory / "tokens", settings.key_passphrase)
    SecretsKey.create(_staff_key(settings))
    SecretsKey.create(_notices_key(settings))
    policy_keys(settings).create()
    bundle_access.create(_bundle_token(settings))
    secret_file.create(_nonce_key(settings))
    secret_file.create(_officers_key(settings))
    if not log_key_file(settings).exists():
        # A log keeps its name for ever, also when the city's address changes.
        write_whole(_origin_file(settings), settings.origin.encode())
        SigningKey.create(log_key_file(settings), settings.origin, settings.key_passphrase)
    database = Database.open(settings.state_url, lock_file=settings.data / "write.lock")
    try:
        database.migrate()
    finally:
        database.close()


def open_state(settings: Settings) -> State:
    """Open the state. Raises OperatorError if there is none yet, SettingsRefused if it is not safe."""
    if not log_key_file(settings).exists():
        raise OperatorError(f"there is no city in {settings.data}: run `gatekeeper init` first")
    _refuse_open(settings.data)
    _refuse_unfinished(settings)
    origin = _origin(settings)
    database = Database.open(settings.state_url, lock_file=settings.data / "write.lock")
    database.check()
    clock, keys = Clock(), DayKeys(settings.key_directory / "days")
    log_key = SigningKey.load(log_key_file(settings), origin, settings.key_passphrase)
    rows = LedgerRows(database)
    return State(
        settings=settings,
        database=database,
        registry=Registry(database, clock.now),
        queries=Queries(database),
        keys=keys,
        clock=clock,
        ledger=Ledger(
            rows,
            log_key,
            keys,
            clock,
            _checkpoint_file(settings),
            seen(PublishedCheckpoints(database).last, settings.published_copy),
        ),
        rows=rows,
        log_key=log_key,
        staff=Staff(database, clock.now),
        identities=Identities(database, clock.now),
    )


def _refuse_open(directory: Path) -> None:
    """Refuse a directory that everybody may enter: the database's files are as open as umask makes them."""
    if directory.stat().st_mode & stat.S_IRWXO:
        raise SettingsRefused(f"everybody may look into {directory}: chmod 700 {directory}")


def _refuse_unfinished(settings: Settings) -> None:
    """Refuse a city whose database was being exchanged when the restore ended."""
    if _restoring(settings).exists():
        raise OperatorError("a restore did not come to its end: run the same `gatekeeper restore` again")


def _restoring(settings: Settings) -> Path:
    return settings.data / "restore-unfinished"


def _origin(settings: Settings) -> str:
    try:
        return _origin_file(settings).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsRefused(
            f"{_origin_file(settings)} cannot be read: put back the log's name, the first line of its "
            "checkpoints"
        ) from None


def log_key_file(settings: Settings) -> Path:
    """Return where the log's signing key is kept."""
    return settings.key_directory / "log.pem"


def _checkpoint_file(settings: Settings) -> Path:
    return settings.data / "checkpoint"


def _staff_key(settings: Settings) -> Path:
    return settings.key_directory / "staff.key"


def _notices_key(settings: Settings) -> Path:
    return settings.key_directory / "notices.key"


def policy_keys(settings: Settings) -> PolicyKeys:
    """Return the keys that sign the law."""
    return PolicyKeys(settings.key_directory, settings.policy_key, settings.key_passphrase)


def token_keys(settings: Settings) -> TokenKeys:
    """Return the keys that sign access tokens. Raises SettingsRefused."""
    return TokenKeys(settings.key_directory / "tokens", settings.key_passphrase)


def _nonce_key(settings: Settings) -> Path:
    return settings.key_directory / "nonces.key"


def _officers_key(settings: Settings) -> Path:
    return settings.key_directory / "officers.key"


def _bundle_token(settings: Settings) -> Path:
    return settings.key_directory / "bundle.token"


def _origin_file(settings: Settings) -> Path:
    return settings.key_directory / "log.origin"
