"""Who was not let in, and who asked too often, as counts: one entry a minute, without a caller's word.

Guarantees: an attack on the door is visible in the log and cannot flood it; reasons come from the closed list
of ``authenticate.REASONS``; of an agency that is over its limits, one entry a minute says how often it was
over which, however it hammers. A count that cannot be committed is kept and tried again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from gatekeeper.errors import GatekeeperError
from gatekeeper.exchange.log import new_query_id
from gatekeeper.ledger import Draft, Json, Ledger

EVERY_SECONDS = 60.0
NOBODY = ""
"""Stands for whoever was not let in."""


class Refusals:
    """Counts refusals of the unauthenticated and logs them once a minute, from a thread of its own."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)

    def start(self) -> None:
        """Begin to log once a minute."""
        self._thread.start()

    def count(self, reason: str, agency_id: str = NOBODY) -> None:
        """Count one refusal: of whoever it was, or of an agency that is known."""
        with self._lock:
            self._counts[agency_id, reason] += 1

    def over(self, agency_id: str, limits: Sequence[str]) -> None:
        """Count one refusal of an agency that was over these limits."""
        for limit in limits:
            self.count(limit, agency_id)

    def flush(self) -> None:
        """Log what was counted since the last time, if anything was."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        for agency_id in sorted({agency_id for agency_id, _ in counts}):
            own = Counter({key: number for key, number in counts.items() if key[0] == agency_id})
            told: dict[str, Json] = {reason: number for (_, reason), number in own.items()}
            clear: dict[str, Json] = (
                {"reasons": told} if agency_id == NOBODY else {"agency": agency_id, "over": told}
            )
            try:
                self._ledger.append(
                    Draft(event="query.refused", ref=new_query_id(), clear=clear, secret={}, detail={})
                )
            except GatekeeperError:
                with self._lock:
                    self._counts += own

    def close(self) -> None:
        """Log what is left and end the thread."""
        self._ended.set()
        self.flush()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.flush()
