"""Stretches done on every processor of this machine: one process each, started anew where one dies.

Guarantees: a process opens database, keys and engines itself and shares none with another; each has one
stretch at a time, so that memory does not grow with the log; a stretch whose process died is done again,
once, by another; what one refuses (altered detail, a database that is gone) ends the whole, with its words;
no process outlives the one that began it.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol

from gatekeeper.errors import GatekeeperError, LedgerCorrupt, LedgerUnavailable, OperatorError
from gatekeeper.revisions.replay.tally import Tally
from gatekeeper.revisions.replay.work import Stretch

_TRIES = 2
_PATIENCE = 30.0


class Doer(Protocol):
    """What does a stretch; opened once in each process."""

    def __call__(self, stretch: Stretch, /) -> Tally:
        """Return the stretch's tally. Raises GatekeeperError."""


Open = Callable[[], Doer]
"""Opens one. It goes to other processes, so it is a function of a module, or a partial of one."""


@dataclass(frozen=True, slots=True)
class Alone:
    """Does all in this process."""

    open: Open

    @contextmanager
    def done(self, stretches: Iterator[Stretch]) -> Iterator[Iterator[tuple[int, Tally]]]:
        """Yield each stretch's number and tally."""
        doer = self.open()
        with seldom_collected():
            yield ((stretch.number, doer(stretch)) for stretch in stretches)


@dataclass(frozen=True, slots=True)
class Pool:
    """Does them in so many processes."""

    open: Open
    processes: int

    @contextmanager
    def done(self, stretches: Iterator[Stretch]) -> Iterator[Iterator[tuple[int, Tally]]]:
        """Yield each stretch's number and tally, as they come."""
        crew = _Crew(self.open, self.processes)
        try:
            yield crew.done(stretches)
        finally:
            crew.dismiss()


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    line: Connection
    stretch: Stretch | None = None


class _Crew:
    """The processes of one replay, and who has which stretch."""

    def __init__(self, opener: Open, size: int) -> None:
        self._open = opener
        self._context = multiprocessing.get_context("spawn")
        self._workers = [self._hired() for _ in range(size)]
        self._again: list[Stretch] = []
        self._tries: dict[int, int] = {}

    def done(self, stretches: Iterator[Stretch]) -> Iterator[tuple[int, Tally]]:
        for worker in self._workers:
            self._give(worker, stretches)
        while any(worker.stretch is not None for worker in self._workers):
            waited: list[Any] = [worker.line for worker in self._workers if worker.stretch is not None]
            ready = wait(waited)
            for place, worker in enumerate(self._workers):
                if worker.line in ready:
                    found = self._heard(worker)
                    if found is None:
                        self._workers[place] = self._replaced(worker)
                    self._give(self._workers[place], stretches)
                    if found is not None:
                        yield found

    def dismiss(self) -> None:
        """End every process, at once: what it has not told is not missed."""
        for worker in self._workers:
            worker.line.close()
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def _hired(self) -> _Worker:
        here, there = self._context.Pipe()
        process = self._context.Process(target=work, args=(self._open, there), daemon=True)
        process.start()
        there.close()  # so that the end of the process is the end of the line
        return _Worker(process, here)

    def _give(self, worker: _Worker, stretches: Iterator[Stretch]) -> None:
        worker.stretch = self._again.pop() if self._again else next(stretches, None)
        if worker.stretch is not None:
            with suppress(OSError):  # its line is closed: that is heard next
                worker.line.send(worker.stretch)

    def _heard(self, worker: _Worker) -> tuple[int, Tally] | None:
        """Return what a process did; None if it died. Raises what it refused."""
        try:
            told: Any = worker.line.recv()
        except (EOFError, OSError):
            return None
        if isinstance(told, _Refused):
            raise told.error()
        number, document = told
        return number, Tally.read(document)

    def _replaced(self, worker: _Worker) -> _Worker:
        """Return another in the place of one that died; its stretch is done again, once."""
        stretch, worker.stretch = worker.stretch, None
        worker.process.join(_PATIENCE)
        worker.line.close()
        if stretch is not None:
            self._tries[stretch.number] = self._tries.get(stretch.number, 1) + 1
            if self._tries[stretch.number] > _TRIES:
                raise OperatorError(
                    f"two processes died over the entries {stretch.start} to {stretch.stop - 1} "
                    f"(exit {worker.process.exitcode}): is there memory for so many? Try --processes 1"
                )
            self._again.append(stretch)
        return self._hired()


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a process could not do its stretch: a kind of ours and its words, never a foreign text."""

    kind: str
    words: str

    def error(self) -> GatekeeperError:
        kinds: dict[str, type[GatekeeperError]] = {
            kind.__name__: kind for kind in (LedgerCorrupt, LedgerUnavailable)
        }
        return kinds.get(self.kind, OperatorError)(self.words)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for cycles seldom: the objects of a stretch are in none, and it cost a seventh of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def work(opener: Open, line: Connection) -> None:
    """Do stretches until the line ends: what a process of the pool runs."""
    doer: Doer | None = None
    with seldom_collected(), suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            stretch: Stretch = line.recv()
            try:
                doer = doer or opener()
                line.send((stretch.number, doer(stretch).document()))
            except GatekeeperError as error:
                line.send(_Refused(type(error).__name__, str(error)))
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001 - its text may quote a request
                line.send(_Refused("", f"a process of the replay failed: {type(error).__name__}"))
