"""One transaction of the log, from the lock to the commit.

Guarantees: as ``ledger_rows`` says. A row is checked when it is handed over, so that it fails its own
request; insertions are then collected and sent table by table just before the commit, which is what makes a
batch of requests cost little more than one. All of it goes straight to the driver (see ``prepared``): what is
done here is done while every other writer waits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec, TypeVar

import psycopg
from sqlalchemy import Dialect, select

from gatekeeper.errors import (
    GatekeeperError,
    IdempotencyInFlight,
    LedgerCorrupt,
    LedgerUnavailable,
    StoreUnavailable,
    Superseded,
    Unauthenticated,
)
from gatekeeper.ledger.rows import Alter, Head, Insert, StoredEntry
from gatekeeper.ledger.rows import Row as LedgerRow
from gatekeeper.ledger.spending import Spend
from gatekeeper.ledger.tiles import Tile
from gatekeeper.store.prepared import Driver, Reading, marked, prepared
from gatekeeper.store.purse import Purse
from gatekeeper.store.tables import (
    BUMP,
    REGISTRY,
    WRITABLE,
    metadata,
    stops,
)
from gatekeeper.store.values import RegistryState, Stop
from gatekeeper.store.writing import rules_of

HASH: Final = 32
TILE: Final = 256 * HASH
LARGEST_ENTRY: Final = 65_535
"""C2SP tlog-tiles gives an entry's length two bytes."""

HEAD: Final = "SELECT size, frontier, at_ms FROM ledger_head WHERE id = 1"
STATE: Final = (
    "SELECT version, policy_revision, policy_digest, policy_serial, due_revision, due_ms, "
    "shadow_revision FROM registry WHERE id = 1"
)
IN_FORCE = (
    select(stops.c.id, stops.c.scope, stops.c.value, stops.c.set_at)
    .where(stops.c.lifted_at.is_(None))
    .order_by(stops.c.set_at, stops.c.id)
)

_OPENING: Final = (
    "SELECT h.size, h.frontier, h.at_ms, EXISTS (SELECT 1 FROM stops WHERE lifted_at IS NULL), "
    "r.version, r.policy_revision, r.policy_digest, r.policy_serial, r.due_revision, r.due_ms, "
    "r.shadow_revision FROM ledger_head h LEFT JOIN registry r ON r.id = 1 WHERE h.id = 1"
)
"""All that a batch reads, at one moment under the lock; the stops themselves only when there are any."""

_GROW: Final = "UPDATE ledger_head SET size = ?, frontier = ?, at_ms = ? WHERE id = 1 AND size = ?"
CLAIMED: Final[Mapping[str, Callable[[], GatekeeperError]]] = {
    "idempotency_keys": IdempotencyInFlight,
    "jti_seen": lambda: Unauthenticated("proof_replayed"),
}
"""Tables whose key is used up by whoever is first; what the second is told."""
_REFUSED: Final = (sqlite3.IntegrityError, psycopg.IntegrityError)
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_ORDER = tuple(table.name for table in metadata.sorted_tables if table.name in WRITABLE)
"""In the order of their foreign keys."""


class LedgerTransaction:
    """The ``Transaction`` of ``gatekeeper.ledger``; made by ``LedgerRows.transaction`` alone."""

    def __init__(self, driver: Driver, dialect: Dialect) -> None:
        self._driver = driver
        self._dialect = dialect
        self._head: Head | None = None
        self._state: RegistryState | None = None
        self._stops: tuple[Stop, ...] | None = None
        self._pending: dict[str, list[dict[str, object]]] = {}
        self._purse = Purse(dialect, self._send)
        self._bump = False
        self._wrote = False
        self._appended = False
        self._broken = False

    def head(self) -> Head:
        """Return the head that this transaction continues. Raises LedgerUnavailable."""
        return self._head or self._open()

    def registry(self) -> RegistryState:
        """Return the registry's state, with what this transaction changed. Raises LedgerUnavailable."""
        self.head()
        if self._bump:
            self._flush()
        if self._state is None:
            self._state = RegistryState(*self._send(STATE).fetchall()[0])
        return self._state

    def stops(self) -> tuple[Stop, ...]:
        """Return the stops in force, those set earlier in this batch among them. Raises LedgerUnavailable."""
        self.head()
        if "stops" in self._pending:
            self._flush()
        if self._stops is None:
            rows = self._guarded(Reading(IN_FORCE, self._dialect).rows, self._driver)
            self._stops = tuple(Stop(*row) for row in rows)
        return self._stops

    def _open(self) -> Head:
        # All rows, so that no reading is still open at the commit.
        row = next(iter(self._send(_OPENING).fetchall()), None)
        if row is None:
            raise LedgerCorrupt("the log has no head")
        self._head = head_of(row[:3])
        # What this transaction changed before it first looked is read again by who asks for it.
        if row[4] is not None and not self._wrote:
            self._state = RegistryState(*row[4:])
            self._stops = None if row[3] else ()
        return self._head

    def append(self, entries: Sequence[StoredEntry], tiles: Sequence[Tile], head: Head) -> None:
        """Add entries, the tiles they complete, and the head they lead to.

        Raises LedgerCorrupt if they do not continue the head exactly, or LedgerUnavailable.
        """
        old = self.head()
        self._continue(old, entries, tiles, head)
        self._insert(
            "ledger_entries",
            [
                {
                    "entry_index": entry.index,
                    "event": entry.event,
                    "ref": entry.ref,
                    "entry": entry.entry,
                    "leaf_hash": entry.leaf_hash,
                }
                for entry in entries
            ],
        )
        if tiles:
            self._insert(
                "ledger_tiles",
                [{"level": tile.level, "number": tile.number, "hashes": tile.hashes} for tile in tiles],
            )
        grown = self._send(_GROW, (head.size, b"".join(head.frontier), head.at_ms, old.size))
        if grown.rowcount != 1:
            self._broken = True
            raise LedgerCorrupt("the head moved under the lock")
        self._head = head
        self._appended = True

    def write(self, rows: Sequence[LedgerRow]) -> None:
        """Write the rows that belong to one entry: all of them, or none and an error.

        Raises StoreUnavailable for a row that its table does not take, Superseded for a change whose row is
        not there as it was read, IdempotencyInFlight for a key that is taken, Unauthenticated for a proof
        that was used, QuotaExceeded for a limit that is used up (these refuse the request, and the
        transaction can go on without it), and LedgerUnavailable if the database fails (it cannot).
        """
        spends, claims, changes, inserts = _sorted(rows)
        began = False
        charges = [self._purse.check(spend) for spend in spends]
        try:
            for table, claim in claims:
                self._claim(table, claim)
                began = True
            for table, change in changes:
                # What an earlier request of the batch inserted is there to be changed.
                self._flush()
                self._alter(table, change)
                began = True
        except (IdempotencyInFlight, Unauthenticated, Superseded):
            # The first statement changed nothing; after a later one, half a request would be committed.
            self._broken = self._broken or began
            raise
        for charge in charges:
            self._purse.take(charge)
        for table, values in inserts:
            self._pending.setdefault(table, []).append(values)
            self._bump = self._bump or table in REGISTRY
        self._wrote = self._wrote or bool(rows)

    def complete(self) -> None:
        """Send what is pending, before the commit. Raises LedgerUnavailable if nothing may be committed."""
        self._flush()
        self._guarded(self._purse.flush, self._driver)
        if self._broken:
            raise LedgerUnavailable("a statement failed: nothing of this transaction is committed")
        if self._wrote and not self._appended:
            raise LedgerUnavailable("rows without an entry")

    def _claim(self, table: str, values: dict[str, object]) -> None:
        # Sent at once and without failing the transaction: the second of two equal requests is refused alone.
        keys = prepared(table, self._dialect)
        if not self._guarded(keys.claim, self._driver, values):
            taken = CLAIMED[table]
            raise taken()
        self._wrote = True

    def _alter(self, table: str, change: Alter) -> None:
        rows = prepared(table, self._dialect)
        if self._guarded(rows.change, self._driver, change.key, change.values) != 1:
            raise Superseded
        if table in REGISTRY:
            self._bump = True
            self._state = None
        if table == "stops":
            self._stops = None
        self._wrote = True

    def _flush(self) -> None:
        if self._pending:
            pending, self._pending = self._pending, {}
            for table in _ORDER:
                if table in pending:
                    self._insert(table, pending[table])
            if "stops" in pending:
                self._stops = None
        if self._bump:
            self._bump = False
            self._send(BUMP.text)
            self._state = None

    def _send(self, statement: str, values: Sequence[object] = ()) -> Any:
        return self._guarded(self._driver.execute, marked(statement, self._dialect.name), values)

    def _insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        self._guarded(prepared(table, self._dialect).insert, self._driver, rows)

    def _guarded(
        self, work: Callable[_Arguments, _Result], *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Result:
        """Do it, unless something failed before; nothing is done after a failure."""
        if self._broken:
            raise LedgerUnavailable("a statement failed: nothing of this transaction is committed")
        try:
            return work(*arguments, **named)
        except _REFUSED:
            self._broken = True
            raise StoreUnavailable("a row that its table refuses") from None
        except BaseException:
            self._broken = True
            raise

    def _continue(self, old: Head, entries: Sequence[StoredEntry], tiles: Sequence[Tile], new: Head) -> None:
        if [entry.index for entry in entries] != list(range(old.size, new.size)) or not entries:
            raise LedgerCorrupt("the entries do not continue the log")
        if new.at_ms < old.at_ms:
            raise LedgerCorrupt("the log's time would run backwards")
        # One subtree for each bit of the size (RFC 9162 section 2.1.1).
        if len(new.frontier) != new.size.bit_count() or any(len(node) != HASH for node in new.frontier):
            raise LedgerCorrupt("the frontier does not fit the size")
        if any(len(entry.leaf_hash) != HASH or len(entry.entry) > LARGEST_ENTRY for entry in entries):
            raise LedgerCorrupt("an entry that cannot be published")
        if any(len(tile.hashes) != TILE for tile in tiles):
            raise LedgerCorrupt("a tile that is not complete")


def head_of(row: Sequence[Any] | None) -> Head:
    """Return the stored head. Raises LedgerCorrupt if there is none or it cannot be a head."""
    if row is None:
        raise LedgerCorrupt("the log has no head")
    size, joined, at_ms = row
    frontier = tuple([joined[at : at + HASH] for at in range(0, len(joined), HASH)])
    if len(frontier) != size.bit_count() or len(joined) != HASH * len(frontier):
        raise LedgerCorrupt("the stored frontier does not fit the stored size")
    return Head(size=size, frontier=frontier, at_ms=at_ms)


_Placed = tuple[str, dict[str, object]]
_Sorted = tuple[list[Spend], list[_Placed], list[tuple[str, Alter]], list[_Placed]]


def _sorted(rows: Sequence[LedgerRow]) -> _Sorted:
    spends: list[Spend] = []
    claims: list[_Placed] = []
    changes: list[tuple[str, Alter]] = []
    inserts: list[_Placed] = []
    for row in rows:
        if isinstance(row, Spend):
            if spends:
                raise StoreUnavailable("a request spends once")  # the second would not see the first
            spends.append(row)
            continue
        rules = rules_of(row.table)
        if isinstance(row, Alter):
            rules.alter(row.key, row.values)
            changes.append((row.table, row))
        elif not isinstance(row, Insert) or row.table not in WRITABLE:
            raise StoreUnavailable(f"{row.table}: a row that may not be inserted")
        elif row.table in CLAIMED:
            claims.append((row.table, rules.insert(row.values)))
        else:
            inserts.append((row.table, rules.insert(row.values)))
    return spends, claims, changes, inserts
