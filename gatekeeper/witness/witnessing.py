"""The published checkpoint, shown to the witnesses from a thread of its own, and kept with what they signed.

Guarantees: no query waits for a witness, and none of them keeps the log from being published; who is missing
is said, by name, wherever the service tells of itself; a text is only kept for one witness more than before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from gatekeeper.errors import GatekeeperError
from gatekeeper.ledger.merkle import Node
from gatekeeper.witness.policy import Policy
from gatekeeper.witness.rounds import Outcome, Round

EVERY_SECONDS: Final = 10.0
SELDOM_SECONDS: Final = 300.0
"""Between two rounds for a witness that stays away."""


class Publication(Protocol):
    """What is published of the log."""

    def latest(self) -> tuple[int, str]:
        """Return size and text of the published checkpoint."""

    def cosigned(self, text: str) -> None:
        """Publish the same checkpoint with more signatures."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Who has cosigned the published checkpoint of ``size`` entries, and when.

    ``met``: whether they are enough; None where the city asks for no quorum.
    """

    size: int
    cosigned: Mapping[str, datetime]
    missing: tuple[str, ...]
    met: bool | None


def witnessed(policy: Policy, published: tuple[int, str]) -> Witnessed:
    """Return how a published checkpoint stands with the witnesses. Raises CheckpointRefused."""
    size, text = published
    found = policy.cosigned(text)
    times = {name: datetime.fromtimestamp(one.at, UTC) for name, one in found.items()}
    missing = tuple(one.name for one in policy.witnesses if one.name not in found)
    met = None if policy.quorum is None else policy.quorum.met_by({one.key for one in found.values()})
    return Witnessed(size, times, missing, met)


class Witnessing:
    """Asks the witnesses; ``told`` hears how each round ended. Each process asks, and the log keeps one."""

    def __init__(
        self,
        asked: Round,
        publication: Publication,
        node: Callable[[], Node],
        told: Callable[[Outcome], None] = lambda _: None,
        every: float = EVERY_SECONDS,
    ) -> None:
        self._round, self._publication, self._node, self._told = asked, publication, node, told
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witnesses", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the present round."""
        self._ended.set()

    def step(self) -> bool:
        """Show the published checkpoint to those who have not cosigned it; say whether one more has.

        Raises an Unavailable, CheckpointRefused.
        """
        published = self._publication.latest()
        before = witnessed(self._round.policy, published)
        if not before.missing:
            return True
        outcome = self._round.ask(published[1], self._node())
        self._told(outcome)
        if set(outcome.cosigned) <= set(before.cosigned):
            return False
        self._publication.cosigned(outcome.checkpoint)
        return True

    def _run(self) -> None:
        pause = 0.0
        while not self._ended.wait(pause):
            try:
                grew = self.step()
            except GatekeeperError:  # the store's, the clock's or the log's: /readyz says so
                grew = False
            pause = self._every if grew else min(max(pause * 2, self._every), SELDOM_SECONDS)
