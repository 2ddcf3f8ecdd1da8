"""One transaction of the log: several requests, each refused alone or committed with all the others.

The procedure, under the store's lock: (1) read the head, and refuse it if the log was put back or our clock
is behind it; (2) leave out who has stopped waiting; (3) for each request in order of time: its guard, then
its rows and its sealed detail; (4) entries with consecutive indices, the tiles they complete, the new head;
(5) commit; then (6) each request hears its index. Proofs and the one checkpoint of the batch are made when
they are first asked for, by who asks: outside the lock, and not at all for a decision whose release carries
the receipt. Guarantees: a request refused in (3) leaves nothing behind; nobody hears of an entry before (5).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from functools import partial
from typing import Protocol

from gatekeeper.errors import ClockUnreliable, GatekeeperError, KeyErased, LedgerCorrupt, LedgerUnavailable
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.clock import TOLERANCE_MS, Clock, from_ms
from gatekeeper.ledger.detail import DayKeys
from gatekeeper.ledger.entries import Opening, Sealed, reseal
from gatekeeper.ledger.receipts import Receipt
from gatekeeper.ledger.rows import Guard, Head, Insert, Row, Rows, StoredEntry, Transaction, slot
from gatekeeper.ledger.tail import Standing
from gatekeeper.ledger.tiles import completed
from gatekeeper.ledger.tree import Tree


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry that is on disk, and the tree that holds it."""

    index: int
    entry: bytes
    leaf_hash: bytes
    at: datetime
    openings: dict[str, Opening]
    tree: Tree

    @property
    def proof(self) -> tuple[bytes, ...]:
        """The entry's path to the root of its tree."""
        return self.tree.proof(self.index)

    @property
    def tree_size(self) -> int:
        """How many entries the tree holds."""
        return self.tree.size

    @property
    def checkpoint(self) -> str:
        """The signed checkpoint of the tree."""
        return self.tree.checkpoint

    def receipt(self) -> Receipt:
        """Return the receipt, with the openings: for the asker alone."""
        return Receipt(
            self.index,
            self.entry,
            self.leaf_hash,
            self.proof,
            self.tree_size,
            self.checkpoint,
            dict(self.openings),
        )


class Board(Protocol):
    """Returns the batch, never empty, the leader first: taken at the first call, and the same ever after."""

    def __call__(self, most: int | None = None, /) -> Sequence[Waiter]:
        """Take at most so many, unless the batch was taken before."""


class State(Enum):
    """Where a waiter stands; only moved under the ledger's mutex."""

    QUEUED = auto()
    TAKEN = auto()
    DONE = auto()
    ABANDONED = auto()


def _held() -> threading.Lock:
    """Return a lock that the leader releases to wake its waiter: a third of the cost of an Event."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class Waiter:
    """One request that waits for its entry to be committed."""

    sealed: Sealed
    rows: Sequence[Row]
    guard: Guard | None
    deadline: float
    state: State = State.QUEUED
    leads: bool = False
    wake: threading.Lock = field(default_factory=_held)
    appended: Appended | None = None
    error: GatekeeperError | None = None

    @property
    def listening(self) -> bool:
        """Whether somebody still waits for this: what was abandoned must not be written late."""
        return self.state is State.TAKEN and time.monotonic() < self.deadline

    @property
    def alone(self) -> bool:
        """Whether this must not share a transaction.

        What changes stops, agencies, credentials or policy is committed by itself, so that each guard sees
        it settled, whatever a store remembers within one transaction.
        """
        return not self.sealed.draft.event.startswith("query.")


@dataclass(slots=True)
class Accepted:
    """What step (3) let through, and what it will look like once it is committed."""

    head: Head
    waiters: list[Waiter] = field(default_factory=list)
    sealed: list[Sealed] = field(default_factory=list)
    tree: Tree | None = None

    def landed(self, rows: Rows) -> bool:
        """Return whether a commit whose outcome we were not told did happen.

        Entries hold fresh random commitments, so an equal entry at its index is this one. Raises
        LedgerUnavailable if even that cannot be read.
        """
        if not self.sealed:
            return False
        try:
            with rows.transaction():  # its lock comes only once the doubtful transaction is over
                found = rows.entry(self.head.size)
        except Exception as error:
            raise _ours(error) from error
        return found is not None and found.entry == self.sealed[0].entry


class Batches:
    """Commits batches; used by one leader at a time."""

    def __init__(
        self, rows: Rows, key: SigningKey, keys: DayKeys, clock: Clock, standing: Standing | None = None
    ) -> None:
        self._standing = standing or Standing()
        self._rows = rows
        self._key = key
        self._keys = keys
        self._clock = clock

    def commit(self, board: Board) -> None:
        """Commit those that pass their guards and set each waiter's result or error.

        They board once the lock is ours: whoever queued while another process held it shares this commit.
        A failure that is nobody's own is followed by one transaction for each waiter: one poisoned row must
        not deny the others. A clock that cannot be trusted, or a lock that does not come, is everybody's; any
        other failure before the lock is the leader's alone, for nobody else has boarded.
        """
        try:
            self._clock.now_ms()
            if self._attempt(board):
                return
            waiters = board()
            for waiter in waiters if len(waiters) > 1 else ():
                if waiter.listening and waiter.error is None and not self._attempt(partial(_only, waiter)):
                    # What refused it alone was its own: a proof that was used is no failure of the log.
                    waiter.error = waiter.error or LedgerUnavailable("the entry could not be committed")
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes a refusal
            for waiter in board(None if isinstance(error, GatekeeperError) else 1):
                if waiter.appended is None and waiter.error is None:
                    waiter.error = _ours(error)

    def _attempt(self, board: Board) -> bool:
        """Run steps (1) to (6) once; return False if it failed inside, so that a retry may help.

        Raises ClockUnreliable, and LedgerUnavailable if the lock does not come.
        """
        accepted: Accepted | None = None
        refused: dict[int, GatekeeperError] = {}
        waiters: Sequence[Waiter] = ()
        try:
            with self._rows.transaction() as transaction:
                waiters = board()
                # (1)-(2) the head, the clock, and who is still here
                head = self._head(transaction)
                present = [waiter for waiter in waiters if waiter.listening]
                # (3) guards and rows
                accepted = self._admit(transaction, head, present, refused)
                # (4) entries, tiles, head; (5) commit, at the end of this block
                self._write(transaction, accepted)
        except ClockUnreliable:
            raise
        except Exception as error:
            if not waiters:
                raise
            if accepted is None or not accepted.landed(self._rows):
                if len(waiters) == 1:  # in a batch nobody knows whose failure it was
                    waiters[0].error = refused.get(id(waiters[0])) or _ours(error)
                return False
        for waiter in waiters:
            waiter.error = refused.get(id(waiter), waiter.error)
        if accepted.tree is not None:
            self._standing.note(accepted.tree.size)
        # (6) who hears what
        _tell(accepted)
        return True

    def _head(self, transaction: Transaction) -> Head:
        head = self._standing.head(transaction.head)
        if self._clock.now_ms() < head.at_ms - TOLERANCE_MS:
            raise ClockUnreliable("the clock is behind the log's last entry: set the clock")
        return head

    def _admit(
        self,
        transaction: Transaction,
        head: Head,
        waiters: Sequence[Waiter],
        refused: dict[int, GatekeeperError],
    ) -> Accepted:
        accepted = Accepted(head)
        for waiter in sorted(waiters, key=lambda waiter: waiter.sealed.at_ms):
            try:
                if waiter.guard is not None:
                    _guarded(waiter.guard, transaction)
                sealed = waiter.sealed
                if sealed.at_ms < head.at_ms:
                    sealed = reseal(sealed, head.at_ms, self._keys)
                detail = boxed(sealed, head.size + len(accepted.sealed))
                transaction.write([*waiter.rows, detail])
            except (LedgerUnavailable, LedgerCorrupt):
                raise  # the transaction itself is broken
            except _Refused as refusal:
                refused[id(waiter)] = refusal.error
            except KeyErased:
                refused[id(waiter)] = LedgerUnavailable("the day's key is gone")
            except GatekeeperError as error:
                refused[id(waiter)] = error
            else:
                accepted.waiters.append(waiter)
                accepted.sealed.append(sealed)
        return accepted

    def _write(self, transaction: Transaction, accepted: Accepted) -> None:
        if not accepted.sealed:
            return
        head, leaves = accepted.head, [sealed.leaf_hash for sealed in accepted.sealed]
        tree = accepted.tree = Tree(head, leaves, self._key)
        entries = [
            StoredEntry(head.size + i, sealed.entry, sealed.leaf_hash, sealed.draft.event, sealed.draft.ref)
            for i, sealed in enumerate(accepted.sealed)
        ]
        grown = Head(tree.size, tree.frontier, accepted.sealed[-1].at_ms)
        transaction.append(entries, completed(self._rows, head.size, leaves), grown)


def _tell(accepted: Accepted) -> None:
    if accepted.tree is None:
        return
    for offset, (waiter, sealed) in enumerate(zip(accepted.waiters, accepted.sealed, strict=True)):
        waiter.appended = Appended(
            accepted.head.size + offset,
            sealed.entry,
            sealed.leaf_hash,
            from_ms(sealed.at_ms),
            sealed.openings,
            accepted.tree,
        )


def _only(waiter: Waiter, _: int | None = None, /) -> Sequence[Waiter]:
    return (waiter,)


class _Refused(Exception):
    """A guard said no; told apart from a failure of the transaction that has the same type."""

    def __init__(self, error: GatekeeperError) -> None:
        super().__init__()
        self.error = error


def _guarded(guard: Guard, transaction: Transaction) -> None:
    try:
        guard(transaction)
    except GatekeeperError as error:
        raise _Refused(error) from error
    except Exception as error:
        # A guard that fell over has not said yes.
        raise _Refused(LedgerUnavailable("a guard failed")) from error


def boxed(sealed: Sealed, index: int) -> Insert:
    """Return the row of an entry's private detail."""
    name = slot(sealed.draft.event, index)
    return Insert(
        "private_details", {"ref": sealed.draft.ref, "event": name, "day": sealed.day, "box": sealed.box}
    )


def _ours(error: Exception) -> GatekeeperError:
    """Return an error of ours: what a foreign one says may quote a row, so only its kind is told."""
    if isinstance(error, GatekeeperError):
        return error
    return LedgerUnavailable(f"the entry could not be committed ({type(error).__name__})")
