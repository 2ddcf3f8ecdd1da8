"""What the log asks of whoever stores it, and the values that pass between them.

Guarantees expected of a store (the log is no better than these): a transaction holds one lock across all
processes from before its first read to after its commit; its commit is durable; entries are never changed or
removed. The store imports these types; the log imports nothing of the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from gatekeeper.ledger.spending import Spend
from gatekeeper.ledger.tiles import Tile


@dataclass(frozen=True, slots=True)
class Insert:
    """A row to be added in the same commit as the entry that speaks of it."""

    table: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Alter:
    """A change of exactly one row, in the same commit; refused if `key` fits none or several."""

    table: str
    key: Mapping[str, object]
    values: Mapping[str, object]


Row = Insert | Alter | Spend


@dataclass(frozen=True, slots=True)
class Head:
    """How far the log reaches: its size, its frontier (see `merkle`) and the time of its last entry."""

    size: int
    frontier: tuple[bytes, ...]
    at_ms: int


class StoredEntry(NamedTuple):
    """An entry with its place; `event` and `ref` repeat the entry's own, for finding it.

    A tuple, because a verification makes one for each entry of the log.
    """

    index: int  # type: ignore[assignment]  # and not the tuple's method: nobody looks for a value in it
    entry: bytes
    leaf_hash: bytes
    event: str
    ref: str


class RegistryState(Protocol):
    """One number that moves with every change of agency, credential, stop or policy."""

    @property
    def version(self) -> int:
        """The number."""

    @property
    def policy_revision(self) -> str | None:
        """The active policy's revision."""

    @property
    def policy_digest(self) -> str | None:
        """The active policy's digest."""

    @property
    def policy_serial(self) -> int | None:
        """The active policy's place in the order of activations."""

    @property
    def due_revision(self) -> str | None:
        """The id of the revision that is to decide from ``due_ms`` on, if one is scheduled."""

    @property
    def due_ms(self) -> int | None:
        """When it is, in milliseconds since 1970."""

    @property
    def shadow_revision(self) -> str | None:
        """The id of the revision that decides beside the active one, without effect."""


class Stop(Protocol):
    """A stop in force."""

    @property
    def id(self) -> str:
        """Its identifier, the `ref` of its ``stop.set``."""

    @property
    def scope(self) -> str:
        """``all``, ``agency``, ``kind`` or ``camera``."""

    @property
    def value(self) -> str | None:
        """What the scope names; None for ``all``."""


class Transaction(Protocol):
    """One transaction under the log's lock."""

    def head(self) -> Head:
        """Return the head that this transaction continues."""

    def append(self, entries: Sequence[StoredEntry], tiles: Sequence[Tile], head: Head) -> None:
        """Add entries, the tiles they complete, and the head they lead to."""

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of one entry, or raise.

        A GatekeeperError other than LedgerUnavailable and LedgerCorrupt refuses this request alone, and the
        transaction can go on without it.
        """

    def registry(self) -> RegistryState:
        """Return the registry's state under the lock."""

    def stops(self) -> Sequence[Stop]:
        """Return the stops in force under the lock."""


Guard = Callable[[Transaction], None]
"""Runs under the lock before anything of its request is written; raises a GatekeeperError to refuse it."""


class Rows(Protocol):
    """The log's storage: read and append, nothing else. Each raises LedgerUnavailable."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Return a transaction: committed at a clean end of the block, else rolled back."""

    def head(self) -> Head:
        """Return the committed head."""

    def entry(self, index: int) -> StoredEntry | None:
        """Return one entry, or None."""

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield entries by index, as many as there are."""

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """Return leaf hashes by index, as many as there are."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a completed tile, or None."""

    def entries_of(self, ref: str) -> list[StoredEntry]:
        """Return the entries about `ref`, in order."""

    def last_checkpoint(self) -> str | None:
        """Return the kept checkpoint of the greatest size, or None."""

    def save_checkpoint(self, size: int, root: bytes, text: str) -> None:
        """Keep a checkpoint; keeping one of the same size and root again is no error."""

    def box(self, ref: str, event: str) -> tuple[date, bytes] | None:
        """Return a private detail's day and box by its `ref` and its slot (see `slot`), or None."""


def slot(event: str, index: int) -> str:
    """Return the name under which the detail of entry `index` is stored.

    A query may be decided and released more than once (each page is), so its event does not name it alone.
    """
    return f"{event}@{index}"
