"""One erasure, from its intent to its end.

(1) The intent is logged; (2) what must be kept is sealed anew; (3) keys are destroyed; (4) rows are removed;
(5) SQLite's files are emptied of them; (6) the end is logged.

Once (3) is done for a day, nothing of it can be read from the database, its write-ahead log, an archive or a
backup: all of those have ciphertext under a key that is nowhere. (4) and (5) are tidiness. Guarantees: killed
anywhere, it can be run again and comes to the same end, under the same name in the log; a key is destroyed
only under the log's lock and only if nothing that must be kept needs it, so a hold or a review loses nothing,
whenever it comes; nothing is erased while the log tells of a hold that the database does not have
(``agreement``); one erasure at a time, the second is told; on a full disk the reserve is given up.

A day of which something must be kept that cannot be opened (somebody altered it) keeps its key: erasing
cannot be undone, keeping can.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar

from gatekeeper.errors import LedgerUnavailable, OperatorError, StoreUnavailable
from gatekeeper.ledger import Clock, DayKeys, Draft, Ledger
from gatekeeper.ledger.entries import count_band
from gatekeeper.ledger.rows import Head
from gatekeeper.purge.interfaces import ErasureRows, ErasureStore
from gatekeeper.purge.keeping import Keeping
from gatekeeper.purge.retention import Retention, refuse_jumped

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Disk:
    """What an erasure asks of the database's files."""

    give_up_reserve: Callable[[], bool]
    restore_reserve: Callable[[], bool]
    empty_wal: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure would do: ``details`` and ``documents`` count rows, ``held`` queries that are kept."""

    before: date
    days: tuple[date, ...]
    details: int
    documents: int
    held: int
    unfinished: int


@dataclass(frozen=True, slots=True)
class Done:
    """An erasure that ended: counts as in ``Plan``, the log's entry, and whether a log file is still full."""

    id: str
    before: date
    days: int
    details: int
    documents: int
    held: int
    entry: int
    wal_emptied: bool


@dataclass(frozen=True, slots=True)
class Erasing:
    """Who erases, and why: both are under commitments in the log."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Purge:
    """Erases what the city's retention has ended for."""

    ledger: Ledger
    head: Callable[[], Head]
    keys: DayKeys
    clock: Clock
    store: ErasureStore
    rows: ErasureRows
    disk: Disk
    agreed: Callable[[], None]
    """As ``Keeping`` has it."""

    def plan(self, before: date, retention: Retention, *, clock_is_right: bool = False) -> Plan:
        """Return what an erasure up to that day would do. Raises OperatorError as ``run`` does."""
        now = self._now(clock_is_right=clock_is_right)
        retention.refuse_beyond(before, now.date())
        self.agreed()
        details, documents = self.store.rows_before(before)
        return Plan(
            before,
            self._days(before),
            details,
            documents,
            self.store.kept_queries(before, now),
            len(self.store.unfinished()),
        )

    def run(
        self,
        before: date,
        retention: Retention,
        who: Erasing,
        *,
        clock_is_right: bool = False,
        most_days: int | None = None,
    ) -> list[Done]:
        """Finish what was begun, then erase every day before that one; return the erasures that ended.

        *most_days*: refuse if it would be more days than that. Raises OperatorError (a day that must be kept,
        a clock that jumped, another erasure, a hold that only the log tells of, a key that cannot be
        destroyed), LedgerUnavailable, StoreUnavailable.
        """
        with self.store.alone() as ours:
            if not ours:
                raise OperatorError("another erasure is under way: let it end, then look again")
            now = self._now(clock_is_right=clock_is_right)
            retention.refuse_beyond(before, now.date())
            if most_days is not None and len(self._days(before)) > most_days:
                raise OperatorError(
                    f"more than {most_days} days would be erased at once, which no timer does: look with "
                    "gatekeeper purge --dry-run, then erase them with gatekeeper purge"
                )
            self.agreed()
            try:
                return self._run(before, retention, who, now)
            finally:
                self.disk.restore_reserve()

    def _run(self, before: date, retention: Retention, who: Erasing, now: datetime) -> list[Done]:
        done = []
        for begun in self.store.unfinished():
            # What was begun under another retention ends where the present one does.
            furthest = now.date() - timedelta(days=retention.least)
            done.append(self._finish(begun.id, min(begun.first_kept, furthest), who, now))
        if self._days(before) or self._keeping.loose_keys() or self.store.no_longer_held(now):
            purge_id = f"purge_{secrets.token_hex(12)}"
            draft = Draft(
                event="purge.begun",
                ref=purge_id,
                clear={"before": before.isoformat()},
                secret={"by": who.by, "reason": who.reason},
                detail={"days": [day.isoformat() for day in self._days(before)]},
            )
            rows = self.rows.begin(purge_id, before, now)
            self._freely(lambda: self.ledger.append(draft, rows))
            done.append(self._finish(purge_id, before, who, now))
        return done

    def _finish(self, purge_id: str, before: date, who: Erasing, now: datetime) -> Done:
        keeping = self._keeping
        # (2)-(3) What is held no more; then each day: sealed anew what must stay, and the key destroyed.
        self._freely(lambda: keeping.let_go(purge_id, now))
        days = self._days(before)
        kept_back = [day for day in days if not self._freely(partial(keeping.destroy, purge_id, day))]
        # (4) A few rows at a time, so that the gate keeps answering.
        for day in days:
            while day not in kept_back and self._freely(partial(self.store.remove, purge_id, day)):
                pass
        # (5) What is left there is ciphertext without a key.
        emptied = self._emptied()
        if kept_back:
            raise OperatorError(
                f"not all was erased: of {', '.join(map(str, kept_back))} something is held that cannot be "
                "opened, because it was altered; the keys of those days are kept. Have the database looked "
                "into, or lift the hold, and run it again"
            )
        # (6) The end.
        erased, details, documents = self.store.counted(purge_id)
        held = self.store.kept_queries(before, now)
        draft = Draft(
            event="purge.done",
            ref=purge_id,
            clear={
                "before": before.isoformat(),
                "days": count_band(erased),
                "details": count_band(details),
                "documents": count_band(documents),
                "held": count_band(held),
            },
            secret={"by": who.by, "reason": who.reason},
            detail={},
        )
        rows = self.rows.end(purge_id, self.clock.now())
        entry = self._freely(lambda: self.ledger.append(draft, rows))
        return Done(purge_id, before, erased, details, documents, held, entry.index, emptied)

    @property
    def _keeping(self) -> Keeping:
        return Keeping(self.keys, self.clock, self.store, self.agreed)

    # --- Days, clock, disk. -------------------------------------------------------------------------------

    def _days(self, before: date) -> tuple[date, ...]:
        """Return the days before that one of which a key or rows are left."""
        keys = {day for day in self.keys.erasable() if day < before}
        return tuple(sorted(keys | set(self.store.days(before))))

    def _now(self, *, clock_is_right: bool) -> datetime:
        now = self.clock.now()
        refuse_jumped(now, self.head(), vouched=clock_is_right)
        return now

    def _freely(self, act: Callable[[], _T]) -> _T:
        """Do it, once more with the reserve's room if the disk is full."""
        try:
            return act()
        except (LedgerUnavailable, StoreUnavailable):
            if not self.disk.give_up_reserve():
                raise
        return act()

    def _emptied(self) -> bool:
        with suppress(StoreUnavailable):
            return self.disk.empty_wal()
        return False
