"""The erasure that comes by itself, once an hour, by whichever process of the service is first.

Guarantees: nothing is erased unless the city's retention is set; a timer erases a week at most, so that a
clock or a setting that is wrong by months erases nothing until a person has looked; what fails is told and
tried again in an hour, and no query waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from gatekeeper.errors import GatekeeperError
from gatekeeper.purge.erase import Done, Erasing, Purge
from gatekeeper.purge.retention import Retention

EVERY_SECONDS: Final = 3600.0
FIRST_SECONDS: Final = 60.0
"""A service that is restarted again and again still erases."""

MOST_DAYS: Final = 7
BY: Final = "retention"
"""Who erases, as the log commits to it, where nobody typed it."""


def because(retention: Retention) -> str:
    """Return the reason of an erasure that nobody gave one for."""
    return f"the end of the city's retention of {retention.city} days"


def erase_once(purge: Purge, retention: Retention) -> list[Done]:
    """Erase what the city's retention has ended for. Raises as ``Purge.run`` does."""
    before = retention.first_kept(purge.clock.now().date())
    return purge.run(before, retention, Erasing(BY, because(retention)), most_days=MOST_DAYS)


class Timer:
    """Runs ``erase_once`` in a thread of its own."""

    def __init__(
        self,
        purge: Purge,
        retention: Callable[[], Retention],
        told: Callable[[GatekeeperError | list[Done]], None],
        *,
        first: float = FIRST_SECONDS,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._purge, self._retention, self._told = purge, retention, told
        self._first, self._every = first, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="purge", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; an erasure under way is finished by whoever runs the next one."""
        self._ended.set()

    def _run(self) -> None:
        pause = self._first
        while not self._ended.wait(pause):
            pause = self._every
            try:
                if done := erase_once(self._purge, self._retention()):
                    self._told(done)
            except GatekeeperError as error:
                self._told(error)
