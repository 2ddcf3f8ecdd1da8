"""Who was not let in, as counts: one entry a minute, without a word that a caller sent.

Guarantees: an attack on the door is visible in the log and cannot flood it; reasons come from the closed list
of ``authenticate.REASONS``. A count that cannot be committed is kept and tried again.
"""

from __future__ import annotations

import threading
from collections import Counter

from gatekeeper.errors import GatekeeperError
from gatekeeper.exchange.log import new_query_id
from gatekeeper.ledger import Draft, Ledger

EVERY_SECONDS = 60.0


class Refusals:
    """Counts refusals of the unauthenticated and logs them once a minute, from a thread of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)

    def start(self) -> None:
        """Begin to log once a minute."""
        self._thread.start()

    def count(self, reason: str) -> None:
        """Count one refusal."""
        with self._lock:
            self._counts[reason] += 1

    def flush(self) -> None:
        """Log what was counted since the last time, if anything was."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        draft = Draft(
            event="query.refused",
            ref=new_query_id(),
            clear={"reasons": dict(counts)},
            secret={},
            detail={},
        )
        try:
            self._ledger.append(draft)
        except GatekeeperError:
            with self._lock:
                self._counts += counts

    def close(self) -> None:
        """Log what is left and end the thread."""
        self._ended.set()
        self.flush()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.flush()
