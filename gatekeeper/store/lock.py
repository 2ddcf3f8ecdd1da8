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

from gatekeeper.errors import StoreUnavailable


class _Turn:
    """One process's place: an open lock file and the threads that wait for it, first come first served."""

    def __init__(self, path: Path) -> None:
        # O_CLOEXEC is Python's default; the mode keeps other users from holding our lock.
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.pid = os.getpid()
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
    def held(self, timeout: float) -> Iterator[None]:
        """Hold the lock for the block. Raises StoreUnavailable if it is not ours within *timeout* seconds."""
        turn = self._mine()
        deadline = time.monotonic() + timeout
        if not turn.enter(timeout):
            raise StoreUnavailable("the write lock was not free in time")
        try:
            fd = self._lock_file(turn, deadline)
        except BaseException:
            turn.leave()
            raise
        try:
            yield
        finally:
            if fd == turn.fd:
                fcntl.flock(fd, fcntl.LOCK_UN)
            else:
                os.close(fd)
            turn.leave()

    def close(self) -> None:
        """Close the lock file; the lock cannot be used afterwards."""
        os.close(self._turn.fd)

    def _mine(self) -> _Turn:
        # A forked child shares its parent's open file and with it the parent's flock: it needs its own.
        if self._turn.pid != os.getpid():
            with self._fork:
                if self._turn.pid != os.getpid():
                    self._turn = _Turn(self._path)
        return self._turn

    def _lock_file(self, turn: _Turn, deadline: float) -> int:
        try:
            fcntl.flock(turn.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _Wait(self._path).until(deadline)
        return turn.fd


class _Wait:
    """Stand in the kernel's queue for the file (polling would lose the place), but not for ever.

    flock has no deadline, so a thread waits in it, on an open file of its own: if it gets the lock after we
    gave up, closing that file gives it back, and cannot release a lock that this process took meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._mutex = threading.Lock()
        self._got = threading.Event()
        self._abandoned = False

    def until(self, deadline: float) -> int:
        """Return the open file that holds the lock. Raises StoreUnavailable at the deadline."""
        threading.Thread(target=self._stand, name="write-lock", daemon=True).start()
        self._got.wait(max(0.0, deadline - time.monotonic()))
        with self._mutex:
            if self._got.is_set():
                return self._fd
            self._abandoned = True
        raise StoreUnavailable("another process held the write lock too long")

    def _stand(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        with self._mutex:
            if self._abandoned:
                os.close(self._fd)
            else:
                self._got.set()
