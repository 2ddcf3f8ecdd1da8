"""The stretches of a long log, read by a second process beside this one.

Guarantees: what it cannot say (it was ended, its database failed) is read here, entry by entry; it ends with
this process, also when this one is killed; a few stretches are read ahead and no more, so memory does not
grow with the log.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Final

from gatekeeper.errors import GatekeeperError
from gatekeeper.ledger.alike import Alike
from gatekeeper.ledger.stretches import SIZE, Here, Reading, Stretch, read, within
from gatekeeper.settings import Settings
from gatekeeper.store import Database, LedgerRows

WORTH: Final = 16 * SIZE
"""Entries from which on a second process is worth its start."""

_AHEAD: Final = 3


@contextmanager
def readers(settings: Settings, rows: LedgerRows, entries: int) -> Iterator[Reading]:
    """Yield what reads the stretches of so many entries: with a second process if there is a core for it."""
    if entries < WORTH or (os.cpu_count() or 1) < 2:
        yield Here(rows)
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    # Without what only the parent needs: no secret crosses the pipe but the database's address.
    told = replace(Settings(), data=settings.data, database_url=settings.database_url)
    process = context.Process(target=_serve, args=(theirs, told), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Beside(Here(rows), ours)
    finally:
        ours.close()  # at which it ends
        process.terminate()
        process.join(5)


class Beside:
    """Every second stretch is read by the other process, ahead of time."""

    def __init__(self, here: Here, there: Connection) -> None:
        self._here, self._there = here, there
        self._stop = 0
        self._sizes: Sequence[int] = ()
        self._beside = True
        self._next = 0
        self._asked: deque[int] = deque()
        self._lost = False

    def begin(self, stop: int, sizes: Sequence[int], *, beside: bool) -> None:
        """Hear what is wanted."""
        self._here.begin(stop, sizes, beside=beside)
        self._stop, self._sizes, self._beside = stop, sizes, beside

    def stretch(self, start: int) -> Stretch | None:
        """Return the stretch from an entry on."""
        try:
            self._ask(start)
            while self._asked and self._asked[0] <= start:
                found: Stretch | None = self._there.recv()
                if self._asked.popleft() == start:
                    return found
        except (OSError, EOFError):
            self._lost, self._asked = True, deque()
        return self._here.stretch(start)

    def _ask(self, start: int) -> None:
        """Ask for the next stretches that are not to be read here."""
        self._next = max(self._next, start)
        while not self._lost and len(self._asked) < _AHEAD and self._next + SIZE <= self._stop:
            if self._next // SIZE % 2:
                self._there.send((self._next, [*within(self._sizes, self._next)], self._beside))
                self._asked.append(self._next)
            self._next += SIZE


def _serve(asked: Connection, settings: Settings) -> None:
    """Read stretches until the other side closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asked is told, and ends us
    database = Database.open(settings.state_url, lock_file=settings.data / "write.lock")
    rows, alike = LedgerRows(database), Alike()
    with suppress(OSError, EOFError):
        while True:
            start, sizes, beside = asked.recv()
            try:
                found = read(rows, start, sizes, beside=beside, alike=alike)
            except GatekeeperError:
                found = None
            asked.send(found)
