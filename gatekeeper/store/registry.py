"""Who may ask: agencies, clients, keys, stops, revoked tokens, as one request sees them.

Guarantees: a snapshot is one consistent view, and belongs to exactly the version that it names: data and
version were read in one transaction. Each snapshot asks the database for the version first, so a change that
another process committed is seen by the next request; if the database cannot be asked, there is no snapshot.
The rest comes from memory, replaced whole when the version differs.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from gatekeeper.errors import GatekeeperError, StoreUnavailable, Unauthenticated
from gatekeeper.ledger.rows import Claim
from gatekeeper.store.database import Database
from gatekeeper.store.ledger_transaction import IN_FORCE, STATE
from gatekeeper.store.tables import (
    affirmations,
    agencies,
    client_keys,
    clients,
    issuers,
    jti_seen,
    officer_suspensions,
    revoked_tokens,
)
from gatekeeper.store.values import (
    Affirmation,
    Agency,
    Client,
    ClientKey,
    Issuer,
    OfficerSuspension,
    RegistryState,
    Stop,
)

PRUNE_EVERY: Final = 60.0
"""Seconds between two removals of what has expired."""

MARGIN: Final = timedelta(hours=1)
"""How long an expired identifier is remembered all the same: another node's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The registry at one version. ``state`` is what a release compares in its own commit.

    ``revoked`` are the identifiers of the access tokens that were revoked.
    """

    state: RegistryState
    stops: tuple[Stop, ...]
    officer_suspensions: tuple[OfficerSuspension, ...]
    _agencies: Mapping[str, Agency]
    _oris: Mapping[str, Agency]
    _clients: Mapping[str, Client]
    revoked: frozenset[str]
    _marks: frozenset[bytes]
    _mark_keys: frozenset[str]
    _issuers: Mapping[str, Issuer]

    def agency(self, id_or_ori: str) -> Agency | None:
        """Return the agency of that id, or else of that ORI, or None."""
        return self._agencies.get(id_or_ori) or self._oris.get(id_or_ori)

    def agencies(self) -> tuple[Agency, ...]:
        """Return every agency, by id."""
        return tuple(self._agencies.values())

    def client(self, client_id: str) -> Client | None:
        """Return the client, revoked ones too, or None."""
        return self._clients.get(client_id)

    def clients(self, agency_id: str | None = None) -> tuple[Client, ...]:
        """Return every client (of the agency), by id."""
        return tuple(c for c in self._clients.values() if agency_id is None or c.agency_id == agency_id)

    def token_revoked(self, jti: str) -> bool:
        """Return whether the access token of that identifier was revoked."""
        return jti in self.revoked

    def issuer(self, url: str) -> Issuer | None:
        """Return the issuer whose tokens name themselves so, suspended ones too, or None."""
        return self._issuers.get(url)

    def issuers(self) -> tuple[Issuer, ...]:
        """Return every issuer that was not removed, by its address."""
        return tuple(self._issuers.values())

    @property
    def has_issuers(self) -> bool:
        """Say whether any issuer but ourselves is registered."""
        return bool(self._issuers)

    def officer_suspended(self, mark: bytes, key_id: str) -> bool:
        """Return whether the officer of that mark, made under that key, is suspended.

        Raises StoreUnavailable if somebody is suspended by a mark of another key: it would find nobody.
        """
        if not self._mark_keys <= {key_id}:
            raise StoreUnavailable(
                "officers are suspended under another key: put back keys/officers.key, or lift each "
                "suspension (gatekeeper officer lift)"
            )
        return mark in self._marks


class Registry:
    """The reading side of the registry, and the record of identifiers used once."""

    def __init__(self, database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = database
        self._now = now
        self._cached: Snapshot | None = None
        self._loading = threading.Lock()
        self._pruned = 0.0

    def snapshot(self) -> Snapshot:
        """Return the registry as it is now. Raises StoreUnavailable."""
        row = self._database.row(STATE)
        if row is None:
            raise StoreUnavailable("the registry has no state")
        state = RegistryState(*row)
        cached = self._cached
        if cached is not None and cached.state == state:
            return cached
        return self._load(state)

    def state(self) -> RegistryState:
        """Return the version of registry and policy. Raises StoreUnavailable."""
        return self.snapshot().state

    def client(self, client_id: str) -> Client | None:
        """Return the client or None. Raises StoreUnavailable."""
        return self.snapshot().client(client_id)

    def agency(self, id_or_ori: str) -> Agency | None:
        """Return the agency or None. Raises StoreUnavailable."""
        return self.snapshot().agency(id_or_ori)

    def agencies(self) -> tuple[Agency, ...]:
        """Return every agency. Raises StoreUnavailable."""
        return self.snapshot().agencies()

    def clients(self, agency_id: str | None = None) -> tuple[Client, ...]:
        """Return every client (of the agency). Raises StoreUnavailable."""
        return self.snapshot().clients(agency_id)

    def stops(self) -> tuple[Stop, ...]:
        """Return the stops in force. Raises StoreUnavailable."""
        return self.snapshot().stops

    def token_revoked(self, jti: str) -> bool:
        """Return whether the token was revoked. Raises StoreUnavailable."""
        return self.snapshot().token_revoked(jti)

    def claim_jti(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        """Use up an assertion's identifier (RFC 7523 section 3); return whether it was still unused.

        The insertion is the test, so of any number of processes one gets True, and it is on the disk before
        it is answered. An identifier that has expired is never granted: it may have been forgotten. Raises
        ValueError for a naive time, StoreUnavailable.
        """
        now = self._now()
        if expires_at.tzinfo is None:
            raise ValueError("a time without a zone is refused")
        if expires_at <= now:
            return False
        with self._database.write() as connection:
            self._prune(connection, now)
            try:
                with connection.begin_nested():
                    connection.execute(insert(jti_seen), self.use(client_id, jti, expires_at).values)
            except IntegrityError:
                return False
        return True

    def use(
        self,
        client_id: str,
        jti: str,
        expires_at: datetime,
        taken: Callable[[], GatekeeperError] = lambda: Unauthenticated("proof_replayed"),
    ) -> Claim:
        """Return the row that uses up an identifier in the commit of what is done with it.

        The log refuses who comes second, with the error that *taken* makes.
        """
        # Hashed, with the client's length first: any text fits, and no two pairs run together.
        pair = f"{len(client_id)}:{client_id}{jti}".encode("utf-8", "surrogatepass")
        values = {"digest": hashlib.sha256(pair).digest(), "expires_at": expires_at}
        return Claim("jti_seen", values, taken)

    def _prune(self, connection: Connection, now: datetime) -> None:
        if self._pruned and time.monotonic() - self._pruned < PRUNE_EVERY:
            return
        for table in (jti_seen, revoked_tokens):
            connection.execute(delete(table).where(table.c.expires_at < now - MARGIN))
        self._pruned = time.monotonic()

    def _load(self, wanted: RegistryState) -> Snapshot:
        # One thread reads; those that waited for it find what they wanted.
        with self._loading:
            if self._cached is not None and self._cached.state == wanted:
                return self._cached
            with self._database.read(consistent=True) as connection:
                self._cached = _read(connection)
            return self._cached


def _read(connection: Connection) -> Snapshot:
    state = RegistryState(*connection.exec_driver_sql(STATE).one())
    signed: defaultdict[str, list[Affirmation]] = defaultdict(list)
    for row in connection.execute(_AFFIRMATIONS):
        signed[row.agency_id].append(Affirmation(*row))
    keys: defaultdict[str, list[ClientKey]] = defaultdict(list)
    for row in connection.execute(_KEYS):
        keys[row.client_id].append(ClientKey(*row[1:]))
    known = {}
    for row in connection.execute(_AGENCIES):
        known[row.id] = Agency(**row._mapping, affirmations=tuple(signed[row.id]))  # noqa: SLF001  its public name
    members = {}
    for row in connection.execute(_CLIENTS):
        members[row.id] = Client(**row._mapping, keys=tuple(keys[row.id]))  # noqa: SLF001  its public name
    suspended = tuple(OfficerSuspension(*row) for row in connection.execute(_SUSPENDED))
    return Snapshot(
        state=state,
        stops=tuple(Stop(*row) for row in connection.execute(IN_FORCE)),
        officer_suspensions=suspended,
        _agencies=known,
        _oris={agency.ori: agency for agency in known.values() if agency.ori is not None},
        _clients=members,
        revoked=frozenset(connection.execute(select(revoked_tokens.c.jti)).scalars()),
        _marks=frozenset(one.mark for one in suspended),
        _mark_keys=frozenset(one.key_id for one in suspended),
        _issuers={row.url: Issuer(*row) for row in connection.execute(_ISSUERS)},
    )


def _columns(table: Any, *names: str) -> list[Any]:
    return [table.c[name] for name in names]


_AGENCIES = select(
    *_columns(
        agencies,
        "id",
        "ori",
        "name",
        "kind",
        "state",
        "status",
        "has_287g",
        "contacts",
        "source_287g",
        "looked_up_287g",
    )
).order_by(agencies.c.id)
_AFFIRMATIONS = select(
    *_columns(
        affirmations,
        "id",
        "agency_id",
        "kind",
        "text_version",
        "signer",
        "title",
        "signed_on",
        "expires_on",
        "document_sha256",
        "reminded_days",
    )
).order_by(affirmations.c.signed_on, affirmations.c.id)
_CLIENTS = select(
    *_columns(clients, "id", "agency_id", "profile", "status", "secret_sha256", "scopes")
).order_by(clients.c.id)
_ISSUERS = (
    select(*_columns(issuers, "id", "url", "status", "terms"))
    .where(issuers.c.url.is_not(None))
    .order_by(issuers.c.url)
)
_SUSPENDED = (
    select(*_columns(officer_suspensions, "id", "agency_id", "mark", "key_id", "box", "since"))
    .where(officer_suspensions.c.ended_at.is_(None))
    .order_by(officer_suspensions.c.since, officer_suspensions.c.id)
)
_KEYS = select(*_columns(client_keys, "client_id", "kid", "alg", "jwk", "status")).order_by(client_keys.c.kid)
