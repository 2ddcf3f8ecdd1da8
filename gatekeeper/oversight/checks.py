"""The check of the whole log that staff begin with a button: one at a time, slow enough to be felt by nobody.

Guarantees: it is the auditor's own check (`ledger.verify`); a log is said to be consistent only if a check
came to its end and found nothing: a process that ends, a database that is lost or a machine that slept leave
an interrupted check. A check that goes on from an earlier one does so only from a size and root that bear the
log's signature, and only while nothing was found since. It takes a share of one processor (``SHARE``), in
slices short enough for the queries of the same process; with a lower priority instead of sleep it would hold
the interpreter's lock while it waits for a processor, and with it everybody.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from gatekeeper.errors import GatekeeperError, LedgerCorrupt
from gatekeeper.ledger import Head, SigningKey, StoredEntry, open_checkpoint
from gatekeeper.ledger.findings import Reached
from gatekeeper.ledger.verify import Examination, Reader, examine

SHARE: Final = 0.2
SLICE_SECONDS: Final = 0.002
MOST_FINDINGS: Final = 100
_BEAT_SECONDS: Final = 2.0
_WINDOW: Final = 64
_TRIES: Final = 30

Scope = Literal["whole", "since"]


class Check(Protocol):
    """A check that was begun. `place` of the entries from `start` to `size` is where it has come to."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def actor(self) -> str: ...  # noqa: D102
    @property
    def scope(self) -> str: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def begun_at(self) -> datetime: ...  # noqa: D102
    @property
    def ended_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def place(self) -> int: ...  # noqa: D102
    @property
    def fault(self) -> str | None: ...  # noqa: D102
    @property
    def outcome(self) -> Mapping[str, Any] | None: ...  # noqa: D102


class Record(Protocol):
    """Where checks are kept. Raises StoreUnavailable, nothing else."""

    def begin(self, actor: str, scope: str, /, *, start: int, size: int) -> str | None:
        """Begin a check; None while another one runs."""

    def beat(self, check_id: str, place: int, size: int, /) -> bool:
        """Say that it still runs; False if it is taken for interrupted."""

    def end(
        self,
        check_id: str,
        state: str,
        /,
        *,
        outcome: Mapping[str, Any] | None = None,
        fault: str | None = None,
    ) -> bool:
        """Write what it came to."""

    def latest(self, most: int, /) -> Sequence[Check]:
        """Return the checks begun last, the latest first."""

    def last(self, *states: str) -> Check | None:
        """Return the latest check that ended in one of these states."""


class Log(Reader, Protocol):
    """The log, as its storage has it."""

    def checkpoints(self) -> Iterable[str]:
        """Yield every checkpoint that is kept."""


class Checks:
    """Runs checks in this process and tells of all of them."""

    def __init__(
        self, rows: Log, key: SigningKey, record: Record, kept: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self._rows = rows
        self._key = key
        self._record = record
        self._kept = kept
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, by: str, scope: Scope) -> str | None:
        """Begin a check, of all or of what is new since the last sound one; None while another one runs.

        What has no sound check to go on from is checked whole. Raises StoreUnavailable, LedgerUnavailable.
        """
        since = self.sound() if scope == "since" else None
        size = self._rows.head().size
        check_id = self._record.begin(
            by, "whole" if since is None else "since", start=0 if since is None else since.size, size=size
        )
        if check_id is not None:
            atexit.register(self.close)  # before the database is closed: what was registered last runs first
            self._thread = threading.Thread(
                target=self._run, args=(check_id, since), name="log check", daemon=True
            )
            self._thread.start()
        return check_id

    def sound(self) -> Reached | None:
        """Return how far the log was last found sound; None if it never was, or something was found since.

        Raises StoreUnavailable.
        """
        last = self.verdict()
        if last is None or last.state != "consistent" or last.outcome is None:
            return None
        try:
            checkpoint = open_checkpoint(str(last.outcome["checkpoint"]), self._key.verifier)
            stops = {str(stop): (scope, value) for stop, (scope, value) in last.outcome["stops"].items()}
            return Reached(checkpoint.size, checkpoint.root, str(last.outcome["hour"]), stops)
        except (LedgerCorrupt, KeyError, TypeError, ValueError, AttributeError):
            return None  # it does not bear our signature: all is read again

    def latest(self, most: int = 10) -> Sequence[Check]:
        """Return the checks begun last, the latest first. Raises StoreUnavailable."""
        return self._record.latest(most)

    def verdict(self) -> Check | None:
        """Return the latest check that came to its end. Raises StoreUnavailable."""
        return self._record.last("consistent", "inconsistent")

    def last_found(self) -> Check | None:
        """Return the latest check that found something wrong. Raises StoreUnavailable."""
        return self._record.last("inconsistent")

    def close(self) -> None:
        """End a check that runs here; it is then interrupted."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self, check_id: str, since: Reached | None) -> None:
        paced = _Paced(self._rows, self._ended, lambda place, size: self._record.beat(check_id, place, size))
        try:
            found = examine(
                paced,
                self._key.verifier,
                checkpoints=paced.each(self._rows.checkpoints()),
                kept=self._kept(),
                since=since,
            )
        except _Ended:
            self._tell(check_id, "interrupted", fault="ended")
        except Exception as error:  # noqa: BLE001  whatever it was, the check did not come to its end
            code = error.code if isinstance(error, GatekeeperError) else f"internal:{type(error).__name__}"
            self._tell(check_id, "interrupted", fault=code[:80])
        else:
            self._conclude(check_id, found)

    def _conclude(self, check_id: str, found: Examination) -> None:
        if found.findings:
            some = [asdict(finding) for finding in found.findings[:MOST_FINDINGS]]
            outcome = {"findings": some, "count": len(found.findings), "size": found.reached.size}
            for _ in range(_TRIES):  # bad news must not be lost to a moment's failure
                if self._tell(check_id, "inconsistent", outcome=outcome) or self._ended.wait(_BEAT_SECONDS):
                    return
            return
        outcome = {
            "checkpoint": self._key.sign(found.reached.size, found.reached.root),
            "hour": found.reached.hour,
            "stops": found.reached.stops,
            "size": found.reached.size,
        }
        self._tell(check_id, "consistent", outcome=outcome)

    def _tell(self, check_id: str, state: str, **more: Any) -> bool:
        """Write the verdict; False if that failed: a check that cannot tell is silent, and so interrupted."""
        try:
            self._record.end(check_id, state, **more)
        except GatekeeperError:
            return False
        return True


class _Ended(Exception):
    """The process ends, or the check is taken for interrupted."""


class _Paced:
    """The log, read in slices with sleep between them."""

    def __init__(self, rows: Log, ended: threading.Event, beat: Callable[[int, int], bool]) -> None:
        self._rows = rows
        self._ended = ended
        self._beat = beat
        self._size = 0
        self._place = 0
        self._began = time.monotonic()
        self._beaten = self._began

    def head(self) -> Head:
        """Return the head."""
        head = self._rows.head()
        self._size = head.size
        return head

    def entries(self, start: int, stop: int) -> Iterator[StoredEntry]:
        """Yield entries by index."""
        while start < stop:
            window = list(self._rows.entries(start, min(start + _WINDOW, stop)))
            for entry in window:
                yield entry
                self._place = entry.index
                self._pause()
            start += _WINDOW
            if not window:  # the end, or a gap that somebody made
                beyond = next(iter(self._rows.entries(start, stop)), None)
                start = stop if beyond is None else beyond.index

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a completed tile, or None."""
        self._pause()
        return self._rows.tile(level, number)

    def last_checkpoint(self) -> str | None:
        """Return the stored checkpoint of the greatest size."""
        return self._rows.last_checkpoint()

    def each(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield texts."""
        for text in texts:
            yield text
            self._pause()

    def _pause(self) -> None:
        """Sleep if the slice is used up; now and then say that the check still runs. Raises _Ended."""
        now = time.monotonic()
        if now - self._began < SLICE_SECONDS:
            return
        if now - self._beaten >= _BEAT_SECONDS:
            self._beaten = now
            if not self._beat(self._place, max(self._size, self._place)):
                raise _Ended
        if self._ended.wait((now - self._began) * (1 / SHARE - 1)):
            raise _Ended
        self._began = time.monotonic()
