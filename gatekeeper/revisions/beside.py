"""A candidate decides beside the law, on live queries and without effect; where they differ is counted.

A request hands its decision over and goes on; a thread of its own asks the candidate the same, on the same
facts (the words screened by the candidate's own lexicon), and counts. Guarantees: nothing here can raise,
wait or decide anything in a request; what could not be asked, for want of time or because the candidate
failed, is counted as that and never as equal; what is kept are counts, and the ids of a few queries in which
they differ. The candidate is asked on the embedded engine, whichever the city runs: an OPA server holds one
law, and that is the one in force.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Final, NamedTuple, Protocol

from gatekeeper.errors import GatekeeperError
from gatekeeper.exchange import Law
from gatekeeper.exchange.decide import Decision, Permit
from gatekeeper.revisions.replay.answers import UNDECIDED, Verdict
from gatekeeper.revisions.replay.tally import class_of

SKIPPED: Final = "skipped"
"""The class of what came faster than the candidate could be asked."""
WAITING: Final = 500
"""Decisions that may wait; each holds one request's words until it was asked."""
EVERY: Final = 2.0
"""Seconds between two writings of what was counted."""
EXAMPLES: Final = 20
"""Queries that are kept of a class."""


class Count(NamedTuple):
    """What is counted: of which candidate beside which law, on which day, in which class, of what.

    ``provision`` is empty for the decision itself, else one that is unmet under one of the two alone.
    """

    revision_id: str
    baseline: str
    day: date
    kind: str
    provision: str


class Example(NamedTuple):
    """A query in which the two differ."""

    revision_id: str
    kind: str
    query_id: str


class Shadows(Protocol):
    """Keeps what was counted. Raises StoreUnavailable, nothing else."""

    def add(self, counts: Mapping[Count, int], examples: Sequence[Example], /, *, most: int) -> None:
        """Add to what was counted, and keep examples of a class while there are fewer than *most*."""


class Beside:
    """The candidate of one process; safe to share between threads."""

    def __init__(self, shadows: Shadows, law_of: Callable[[str], Law]) -> None:
        self._shadows = shadows
        self._law_of = law_of
        self._waiting: queue.Queue[tuple[str, str, Decision]] = queue.Queue(WAITING)
        self._counts: Counter[Count] = Counter()
        self._examples: list[Example] = []
        self._differed: Counter[tuple[str, str]] = Counter()
        self._skipping = threading.Lock()
        self._skipped: Counter[Count] = Counter()
        self._law: tuple[str, Law | None] = ("", None)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def see(self, query_id: str, decision: Decision) -> None:
        """Take note of a decision that was just logged. Raises nothing, and does not wait."""
        state = decision.situation.registry
        candidate = None if state is None else state.shadow_revision
        if candidate is None or self._thread is None:
            return
        try:
            self._waiting.put_nowait((candidate, query_id, decision))
        except queue.Full:
            with self._skipping:
                self._skipped[_count(candidate, decision, SKIPPED)] += 1

    def start(self) -> None:
        """Ask the candidate in a thread of its own, until ``close``."""
        self._thread = threading.Thread(target=self._run, name="beside", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; what it has counted is written."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        written = time.monotonic()
        while not self._ended.is_set():
            with suppress(queue.Empty):
                self._ask(*self._waiting.get(timeout=EVERY / 4))
            if time.monotonic() - written >= EVERY:
                self._write()
                written = time.monotonic()
        while not self._waiting.empty():  # what still waits is nobody's any more
            candidate, _, decision = self._waiting.get()
            self._counts[_count(candidate, decision, SKIPPED)] += 1
        self._write()

    def _ask(self, candidate: str, query_id: str, decision: Decision) -> None:
        law = self._known(candidate)
        try:
            other = None if law is None else law.decide(decision.query, decision.situation)
        except Exception:  # noqa: BLE001  whatever it was, the candidate did not decide; the request is over
            other = None
        before, after = _verdict(decision), UNDECIDED if other is None else _verdict(other)
        count = _count(candidate, decision, class_of(before, after))
        self._counts[count] += 1
        if other is not None:
            for code in {*before.unmet} ^ {*after.unmet}:
                self._counts[count._replace(provision=code)] += 1
        if count.kind != "same":
            self._keep(Example(candidate, count.kind, query_id))

    def _keep(self, example: Example) -> None:
        """Keep an example for the store, unless it was handed as many of this class as it keeps."""
        self._differed[example.revision_id, example.kind] += 1
        if self._differed[example.revision_id, example.kind] <= EXAMPLES:
            self._examples.append(example)

    def _known(self, revision_id: str) -> Law | None:
        """Return the candidate; None if it cannot be loaded, which is found out once."""
        if self._law[0] != revision_id:
            try:
                self._law = (revision_id, self._law_of(revision_id))
            except GatekeeperError:
                self._law = (revision_id, None)
        return self._law[1]

    def _write(self) -> None:
        with self._skipping:
            self._counts += self._skipped
            self._skipped.clear()
        if not self._counts:
            return
        try:
            self._shadows.add(self._counts, self._examples, most=EXAMPLES)
        except GatekeeperError:
            return  # tried again with what comes next
        self._counts, self._examples = Counter(), []


def _count(revision_id: str, decision: Decision, kind: str) -> Count:
    return Count(revision_id, decision.policy.digest, decision.situation.at.date(), kind, "")


def _verdict(decision: Decision) -> Verdict:
    return Verdict(
        decision.outcome,
        tuple((provision.code, provision.public) for provision in decision.unmet),
        decision.review,
        decision.obligations.as_json() if isinstance(decision, Permit) else {},
    )
