"""The queue that SQLite's writers stand in: first inside the process, then between processes.

Guarantees: one writer at a time on this machine, in the order of arrival (SQLite's own busy polling is
unfair: a writer was seen waiting 0.7 s while others passed it), and nobody waits longer than they said, even
if the holder is a process that hangs. The lock dies with its process: the kernel releases a flock.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.errors import GatekeeperError, StoreUnavailable


class _Turn:
    """One process's place: an open lock file and the threads that wait for it, first come first served."""

    def __init__(self, path: Path) -> None:
        # O_CLOEXEC is Python's default; the mode keeps other users from holding our lock.
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.pid = os.getpid()
        self.stand = _Stand(path)
        self._mutex = threading.Lock()
        self._held = False
        self._queue: deque[threading.Event] = deque()

    def enter(self, timeout: float) -> bool:
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            called = threading.Event()
            self._queue.append(called)
        if called.wait(timeout):
            return True
        with self._mutex:
            if called in self._queue:
                self._queue.remove(called)
                return False
        return True  # called between the end of the wait and the mutex: the turn is ours

    def leave(self) -> None:
        with self._mutex:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._held = False


class WriteLock:
    """Serialise the writers of one database file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = _Turn(path)
        self._fork = threading.Lock()

    @contextmanager
    def held(self, timeout: float, error: type[GatekeeperError] = StoreUnavailable) -> Iterator[None]:
        """Hold the lock for the block. Raises *error* if it is not ours within *timeout* seconds."""
        turn = self._mine()
        deadline = time.monotonic() + timeout
        if not turn.enter(timeout):
            raise error("the write lock was not free in time")
        try:
            fd = self._lock_file(turn, deadline)
        except BaseException:
            turn.leave()
            raise
        if fd is None:
            turn.leave()
            raise error("another process held the write lock too long")
        try:
            yield
        finally:
            if fd == turn.fd:
                fcntl.flock(fd, fcntl.LOCK_UN)
            else:
                turn.stand.leave()
            turn.leave()

    def close(self) -> None:
        """Close the lock file; the lock cannot be used afterwards."""
        self._turn.stand.close()
        os.close(self._turn.fd)

    def _mine(self) -> _Turn:
        # A forked child shares its parent's open file and with it the parent's flock: it needs its own.
        if self._turn.pid != os.getpid():
            with self._fork:
                if self._turn.pid != os.getpid():
                    self._turn = _Turn(self._path)
        return self._turn

    def _lock_file(self, turn: _Turn, deadline: float) -> int | None:
        try:
            fcntl.flock(turn.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return turn.stand.until(deadline)
        return turn.fd


class _Stand:
    """Stands in the kernel's queue for the file (polling would lose the place), but not for ever.

    flock has no deadline, so a thread waits in it, on an open file of its own: if it gets the lock after its
    caller gave up, it gives it back, and cannot release a lock that this process took meanwhile. The thread
    is kept, because starting one took longer than the wait; whoever asks while it still stands for a caller
    that gave up inherits the place. One caller at a time: whoever holds the process's turn.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._mutex = threading.Lock()
        self._asked = threading.Semaphore(0)
        self._got = threading.Semaphore(0)
        self._standing = False
        self._wanted = False
        self._closed = False

    def until(self, deadline: float) -> int | None:
        """Return the open file that holds the lock, or None at the deadline."""
        with self._mutex:
            self._wanted = True
            if not self._standing:
                self._standing = True
                if self._fd < 0:
                    self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                    threading.Thread(target=self._run, name="write-lock", daemon=True).start()
                self._asked.release()
        if self._got.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return self._fd
        with self._mutex:
            if self._got.acquire(blocking=False):  # granted between the end of the wait and the mutex
                return self._fd
            self._wanted = False
        return None

    def leave(self) -> None:
        """Release the lock that ``until`` returned."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """End the thread, now or when its last wait ends; it closes its file."""
        with self._mutex:
            self._closed = True
            self._wanted = False
            self._asked.release()

    def _run(self) -> None:
        while True:
            self._asked.acquire()
            if self._closed:
                os.close(self._fd)
                return
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX)
                locked = True
            except OSError:  # no lock for this caller: refused at its deadline, and the next one may ask
                locked = False
            with self._mutex:
                self._standing = False
                if not locked:
                    continue
                if self._wanted:
                    self._wanted = False
                    self._got.release()
                else:
                    fcntl.flock(self._fd, fcntl.LOCK_UN)
