"""Group commit: many requests, one transaction, one lock, one signature.

A request queues; the first of a process leads: it waits for the store's lock, takes up to 256 from the queue
in order, commits them in one transaction (see `batch`), lets each hear its result, and hands leadership to
the head of the queue.
Guarantees: an answer is given only after the commit; whoever was not heard of for five seconds is answered
LedgerUnavailable, and what it waited for is withdrawn if it was still queued (the log may hold more than was
sent, never less); leadership is never lost, whatever ends the leader, for it is handed on in a ``finally``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from gatekeeper.errors import GatekeeperError, KeyErased, LedgerCorrupt, LedgerUnavailable, UnknownEntry
from gatekeeper.ledger.batch import Appended, Batches, State, Waiter
from gatekeeper.ledger.canonical import Json, decoded
from gatekeeper.ledger.checkpoint import SigningKey
from gatekeeper.ledger.clock import Clock
from gatekeeper.ledger.detail import DayKeys
from gatekeeper.ledger.entries import Draft, Opening, seal
from gatekeeper.ledger.kept import Kept
from gatekeeper.ledger.merkle import inclusion_proof
from gatekeeper.ledger.receipts import Receipt, check_openings
from gatekeeper.ledger.rows import (
    Alter,
    Guard,
    Head,
    Insert,
    Row,
    Rows,
    StoredEntry,
    Transaction,
    slot,
)
from gatekeeper.ledger.tail import Others, Standing, check_tail
from gatekeeper.ledger.tiles import Roots, Tile, TileReader
from gatekeeper.ledger.tree import Tree

__all__ = [
    "Alter", "Appended", "Detail", "Guard", "Head", "Insert", "Ledger", "Row", "Rows", "StoredEntry", "Tile",
    "Transaction",
]  # fmt: skip

LARGEST_BATCH = 256
WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Detail:
    """An entry's private side, opened: the values behind its commitments, and what was only sealed."""

    day: date
    openings: dict[str, Opening]
    detail: dict[str, Json]


_ANSWERS: Final = frozenset({"query.decided", "query.released", "query.previewed"})


class Ledger:
    """The log of one process; safe to share between threads. Make it after the worker has forked."""

    def __init__(
        self,
        rows: Rows,
        key: SigningKey,
        keys: DayKeys,
        clock: Clock,
        checkpoint_file: Path | None,
        others: Others = tuple,
    ) -> None:
        self._rows = rows
        self._key = key
        self._keys = keys
        self._clock = clock
        self._file = checkpoint_file
        self._others = others
        self._standing = Standing()
        self._kept = Kept(rows, key, checkpoint_file, self._standing)
        self._batches = Batches(rows, key, keys, clock, self._standing)
        self._roots: Roots = {}
        self._mutex = threading.Lock()
        self._queue: deque[Waiter] = deque()
        self._led = False
        self._closed = False

    # --- Append. ------------------------------------------------------------------------------------------

    def append(self, draft: Draft, rows: Sequence[Row] = (), guard: Guard | None = None) -> Appended:
        """Commit one entry with its rows; return once it is on disk.

        Raises the guard's error; EntryRefused for a draft that does not fit its schema; ClockUnreliable;
        LedgerCorrupt for a log that was put back, whose indices were given already; LedgerUnavailable
        if it was not committed, or not known to be within five seconds. What answers a caller is not
        committed while no checkpoint could be signed for its receipt; all else is, a stop above all.
        """
        if draft.event in _ANSWERS:
            self._key.ready()
        try:
            sealed = seal(draft, self._clock.now(), self._keys)
        except KeyErased:
            raise LedgerUnavailable("there is no key for today") from None
        except OSError:
            raise LedgerUnavailable("the directory of day keys cannot be used") from None
        waiter = Waiter(sealed, rows, guard, time.monotonic() + WAIT_SECONDS)
        try:
            self._join(waiter)
            if not waiter.leads:
                waiter.wake.acquire(timeout=WAIT_SECONDS)
            if waiter.leads:
                self._lead()
        finally:
            self._leave(waiter)
        if waiter.state is not State.DONE:
            raise LedgerUnavailable("the log did not answer in time")
        if waiter.appended is None:
            raise waiter.error or LedgerUnavailable("the entry was not committed")
        if waiter.leads:
            self._kept.keep_if_due(waiter.appended.tree)
        return waiter.appended

    def _join(self, waiter: Waiter) -> None:
        with self._mutex:
            if self._closed:
                raise LedgerUnavailable("the log is closed")
            self._queue.append(waiter)
            if not self._led:
                self._led = waiter.leads = True

    def _lead(self) -> None:
        """Commit one batch; each of it hears, however this ends."""
        batch: list[Waiter] = []

        def board(most: int | None = None, /) -> list[Waiter]:
            if not batch:
                with self._mutex:
                    batch.extend(self._take(most or LARGEST_BATCH))
            return batch

        try:
            self._batches.commit(board)
        finally:
            with self._mutex:
                for waiter in batch:
                    if waiter.state is State.TAKEN:
                        waiter.state = State.DONE
                        if not waiter.leads:
                            waiter.wake.release()

    def _take(self, most: int) -> list[Waiter]:
        """Take the batch from the head of the queue; what must be alone is a batch of one."""
        batch: list[Waiter] = []
        while self._queue and len(batch) < most and not (batch and self._queue[0].alone):
            waiter = self._queue.popleft()
            waiter.state = State.TAKEN
            batch.append(waiter)
            if waiter.alone:
                break
        return batch

    def _leave(self, waiter: Waiter) -> None:
        """Withdraw or abandon what is not done, and hand leadership on."""
        with self._mutex:
            if waiter.state is State.QUEUED:
                if waiter in self._queue:
                    self._queue.remove(waiter)
                waiter.state = State.ABANDONED
            elif waiter.state is State.TAKEN:
                waiter.state = State.ABANDONED
            if waiter.leads:
                self._led = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].wake.release()

    # --- Read. --------------------------------------------------------------------------------------------

    def checkpoint(self) -> str:
        """Return a signed checkpoint of the committed head; raises LedgerUnavailable, LedgerCorrupt."""
        tree = Tree(self.head(), (), self._key)
        self._kept.keep_if_due(tree)
        if self._standing.fault is not None:
            raise self._standing.fault
        return tree.checkpoint

    def head(self) -> Head:
        """Return the committed head, which may be signed. Raises LedgerUnavailable, LedgerCorrupt."""
        return self._standing.head(self._rows.head)

    def receipt_for(self, index: int, openings: dict[str, Opening] | None = None) -> Receipt:
        """Return the proof of any entry under the present head.

        Raises UnknownEntry, LedgerUnavailable, LedgerCorrupt.
        `openings` are the asker's own; an auditor's proof has none.
        """
        stored = self._rows.entry(index) if index >= 0 else None
        head = self.head()
        if stored is None or index >= head.size:
            raise UnknownEntry("the log has no entry of that index")
        proof = inclusion_proof(index, head.size, TileReader(self._rows, self._roots).node)
        checkpoint = Tree(head, (), self._key).checkpoint
        opened: dict[str, Json] = dict(openings or {})
        return Receipt(index, stored.entry, stored.leaf_hash, proof, head.size, checkpoint, opened)

    def entries_of(self, ref: str) -> list[StoredEntry]:
        """Return the entries about `ref`, in order; raises LedgerUnavailable."""
        return self._rows.entries_of(ref)

    def detail_of(self, index: int) -> Detail:
        """Return an entry's private side, checked against its commitments.

        Raises UnknownEntry, KeyErased if it was purged, LedgerCorrupt if it does not fit the entry.
        """
        stored = self._rows.entry(index) if index >= 0 else None
        if stored is None:
            raise UnknownEntry("the log has no entry of that index")
        return self.opened(stored)

    def opened(self, stored: StoredEntry) -> Detail:
        """Return the private side of an entry that was read, checked against its commitments.

        Raises KeyErased if it was purged, LedgerCorrupt if it does not fit the entry.
        """
        return self.unsealed(stored, self._rows.box(stored.ref, slot(stored.event, stored.index)))

    def unsealed(
        self,
        stored: StoredEntry,
        found: tuple[date, bytes] | None,
        entry: Mapping[str, Json] | None = None,
    ) -> Detail:
        """Return the same of an entry whose day and box were read with it, None if there is none.

        *entry* is its text decoded, where that was done before. Raises as ``opened`` does.
        """
        if found is None:
            raise KeyErased("the private detail of that entry was purged")
        day, box = found
        plain = decoded(self._keys.open(day, stored.ref, stored.event, box))
        said = decoded(stored.entry) if entry is None else entry
        openings, detail = plain.get("openings"), plain.get("detail")
        if not isinstance(openings, dict) or not isinstance(detail, dict):
            raise LedgerCorrupt("a private detail does not have its shape")
        check_openings(said.get("commitments"), openings)
        return Detail(day, {k: v for k, v in openings.items() if isinstance(v, dict)}, detail)

    # --- Start, health, end. ------------------------------------------------------------------------------

    def check_tail(self) -> None:
        """Refuse to start on a log that does not fit its own checkpoints; raises LedgerCorrupt.

        Such a log is neither added to nor signed by this process until it is found to fit. Raises Unavailable
        where that cannot be told.
        """
        standing = self._standing
        try:
            check_tail(self._rows, self._key.verifier, self._file, self._others, standing.note)
        except LedgerCorrupt as fault:
            standing.fault = fault
            raise
        standing.fault = None

    @property
    def checkpoint_fault(self) -> str | None:
        """Why the last checkpoint could not be kept or must not be, for /readyz; None while all is well."""
        fault = self._standing.fault
        return self._kept.fault if fault is None else f"the log does not fit what was signed: {fault.code}"

    def close(self) -> None:
        """Refuse further entries and keep a last checkpoint, if the log fits; waits for nobody."""
        with self._mutex:
            self._closed = True
        try:
            self.check_tail()
        except GatekeeperError as error:
            self._kept.fault = f"the last checkpoint was not signed: {error.code}"
        else:
            self._kept.keep_last()
