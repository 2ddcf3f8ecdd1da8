"""A round: all witnesses are asked at once to cosign one checkpoint.

Guarantees: it ends within its time whatever a witness does, and with whoever answered by then; what is merged
was verified over exactly this checkpoint; a witness is asked one thing at a time, and one that still owes an
answer keeps nobody waiting; several threads may begin rounds. Nothing here is kept on disk: the merged
checkpoint is its own proof, and a witness that is asked from the wrong size tells its own.
"""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gatekeeper.errors import SettingsRefused, Unavailable
from gatekeeper.ledger.checkpoint import VerifierKey, open_checkpoint
from gatekeeper.ledger.cosignatures import Cosignature, merge, signed_only_by
from gatekeeper.ledger.merkle import Node, consistency_proof
from gatekeeper.witness.client import Answer, Failure, Witness, ask
from gatekeeper.witness.policy import Policy

SECONDS: Final = 5.0
"""Of a whole round."""

_TOO_LATE_S: Final = 0.05
"""With less than this left nobody is asked any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one round; both mappings are by the names of the policy.

    ``checkpoint``: the text that was asked about, with every cosignature that came. ``cosigned``: what holds
    in that text, so also what it carried already; ``missing``: who did not cosign in this round, and why.
    ``met``: whether the quorum is; None where the policy asks for none.
    """

    size: int
    checkpoint: str
    cosigned: Mapping[str, Cosignature]
    missing: Mapping[str, Failure]
    met: bool | None


class Known(Protocol):
    """A log's key, which may change while the log is written."""

    @property
    def verifier(self) -> VerifierKey:
        """What its checkpoints are checked with now."""


class Round:
    """Asks the witnesses of one policy, round after round, and remembers which size each of them knows.

    Raises SettingsRefused if the log itself is among them.
    """

    def __init__(
        self,
        log: Known,
        policy: Policy,
        *,
        seconds: float = SECONDS,
        trust: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if any(witness.key.public == log.verifier.public for witness in policy.witnesses):
            raise SettingsRefused("a witness has the log's own key: a log does not vouch for itself")
        self._log = log
        self._policy = policy
        self._seconds = seconds
        self._trust = trust
        self._now = now
        self._known = dict.fromkeys((w.name for w in policy.witnesses), 0)
        self._turns = {w.name: threading.Lock() for w in policy.witnesses}
        self._last: Outcome | None = None

    @property
    def policy(self) -> Policy:
        """Who is asked."""
        return self._policy

    @property
    def last(self) -> Outcome | None:
        """What became of the latest round that ended; None before the first."""
        return self._last

    def ask(self, checkpoint: str, node: Node) -> Outcome:
        """Return the checkpoint with every witness's cosignature that came in time, and why others did not.

        ``node`` reads this log's tree (see `merkle`), by one thread at a time and never after the return.
        Raises CheckpointRefused for a checkpoint that is not signed by the log.
        """
        log = self._log.verifier
        size = open_checkpoint(checkpoint, log).size
        ends = time.monotonic() + self._seconds
        reading = _Reading(node, size)
        answers: queue.SimpleQueue[tuple[str, Answer]] = queue.SimpleQueue()
        # A witness needs no other's; it may know either key of a log that changes its own.
        own = signed_only_by(checkpoint, [(log.origin, key.id) for key in log.at(size)])
        for witness in self._policy.witnesses:
            arguments = (witness, own, size, reading, ends, answers)
            try:
                threading.Thread(target=self._one, args=arguments, name="witness", daemon=True).start()
            except RuntimeError:  # no thread can be had
                answers.put((witness.name, Failure("unreachable", "this machine could not ask it")))
        came: dict[str, Answer] = {}
        try:
            while len(came) < len(self._policy.witnesses):
                name, answer = answers.get(timeout=max(0.0, ends - time.monotonic()))
                came[name] = answer
        except queue.Empty:
            pass
        reading.end()
        self._last = self._outcome(checkpoint, size, came)
        return self._last

    def _outcome(self, checkpoint: str, size: int, came: Mapping[str, Answer]) -> Outcome:
        names = [witness.name for witness in self._policy.witnesses]
        late = Failure("late", "it did not answer in time")
        answers = {name: came.get(name, late) for name in names}
        merged = merge(checkpoint, [a for a in answers.values() if isinstance(a, Cosignature)])
        # Read again from the text: what is said of it is what others will find in it.
        cosigned = self._policy.cosigned(merged)
        quorum = self._policy.quorum
        return Outcome(
            size,
            merged,
            cosigned,
            {name: a for name, a in answers.items() if isinstance(a, Failure)},
            None if quorum is None else quorum.met_by({c.key for c in cosigned.values()}),
        )

    def _one(
        self,
        witness: Witness,
        checkpoint: str,
        size: int,
        reading: _Reading,
        ends: float,
        answers: queue.SimpleQueue[tuple[str, Answer]],
    ) -> None:
        turn = self._turns[witness.name]
        owing = Failure("late", "it has not answered an earlier question yet")
        if not turn.acquire(timeout=max(0.0, ends - time.monotonic())):
            answers.put((witness.name, owing))
            return
        answer: Answer = owing
        try:
            left = ends - time.monotonic()
            if left < _TOO_LATE_S:
                return
            answer = ask(
                witness,
                checkpoint,
                size,
                self._known[witness.name],
                reading.proof,
                seconds=left,
                trust=self._trust,
                now=self._now,
            )
            if isinstance(answer, Cosignature):
                self._known[witness.name] = size
            elif answer.size is not None:
                self._known[witness.name] = answer.size
        except Exception as error:  # noqa: BLE001 - a defect with one witness is said, and stops no other
            answer = Failure("unreachable", f"asking it failed: {type(error).__name__}")
        finally:
            turn.release()
            answers.put((witness.name, answer))


class _Reading:
    """The log's tree, read by one thread at a time and only while the round lasts."""

    def __init__(self, node: Node, size: int) -> None:
        self._node = node
        self._size = size
        self._lock = threading.Lock()
        self._over = False

    def proof(self, old: int) -> tuple[bytes, ...]:
        """Return the proof from an old size. Raises Unavailable after the round, or what the reader does."""
        with self._lock:
            if self._over:
                raise Unavailable("the round is over")
            return consistency_proof(old, self._size, self._node)

    def end(self) -> None:
        """Let no later thread read; waits for the one that does."""
        with self._lock:
            self._over = True
