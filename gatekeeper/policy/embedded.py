"""The embedded engine: regorus (the ``gordon-to-regorus`` wheel), one per thread, nothing to install.

Guarantees: an engine answers only the thread that made it (another thread's use of it panics); one that
panicked or failed is thrown away, never asked again; an answer that took more of the processor than the
budget is discarded, because an evaluation cannot be interrupted. The budget is counted in the thread's own
time: what it measures is a slow rule, and a busy machine must not turn a lawful query away. The package's
``Rvm`` class fails open and is never used.

Answers may be remembered: a decision is a pure function of bundle and facts (the clock is a fact, no builtin
that reads anything else is allowed, and the bundle of an ``Embedded`` never changes), so equal facts have one
answer. An OPA server can be given another bundle at any moment, so its answers are never remembered.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.policy.bundle import BUDGET_MS, Bundle
from gatekeeper.policy.engine import Facts, Verdict, known_answer, verdict_of
from gatekeeper.policy.held import drop, engine_of, hold, made
from gatekeeper.policy.layout import Json
from gatekeeper.policy.rehearsal import RULE
from gatekeeper.remembered import Remembered


class Embedded:
    """Evaluates one bundle on regorus; holds the answers to the last *remembered* facts that differed."""

    def __init__(self, bundle: Bundle, *, budget_ms: float = BUDGET_MS, remembered: int = 0) -> None:
        self.bundle = bundle
        self._facts = Facts(bundle)
        self._data = json.dumps(dict(bundle.data))
        self._budget = budget_ms / 1000
        self._answers: Remembered[str] = Remembered(remembered)
        self.closed = False

    def evaluate(self, facts: Mapping[str, Json]) -> Verdict:
        """Return the verdict on *facts*. Raises PolicyUnavailable."""
        text = self._facts.text(facts)
        answer = self._answers.get(text)
        if answer is not None and not self.closed:
            # Read anew each time, as if the engine had just said it: two verdicts share nothing.
            return self._read(answer)
        answer = self._ask(text)
        verdict = self._read(answer)
        # Only here, where it proved to be a whole decision: no failure is ever anybody's answer again.
        self._answers.keep(text, answer)
        return verdict

    def ready(self) -> None:
        """Ask with no facts at all: everything must be unmet. Raises PolicyUnavailable."""
        known_answer(self._read(self._ask("{}")), self.bundle)

    def close(self) -> None:
        """Give up this thread's engine; other threads give up theirs when they are next asked."""
        self.closed = True
        self._answers.clear()
        drop(self)

    def _read(self, answer: str) -> Verdict:
        try:
            document: object = json.loads(answer)
        except (ValueError, TypeError, RecursionError):
            raise PolicyUnavailable("the embedded engine's answer is not JSON") from None
        return verdict_of(document, self.bundle)

    def _ask(self, text: str) -> str:
        """Return what the engine says, as JSON. Raises PolicyUnavailable."""
        if self.closed:
            raise PolicyUnavailable("the engine is closed")
        engine: Any = None
        try:
            engine = self._engine()
            start = time.thread_time()
            engine.set_input_json(text)
            answer: str = engine.eval_rule_as_json(RULE)
            took = time.thread_time() - start
            engine = None  # as below: "too late" is an exception as well
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            drop(self)  # interrupted half-way: its state is unknown
            engine = None
            raise
        except BaseException as error:  # noqa: BLE001 - regorus panics with a BaseException
            drop(self)
            engine = None  # dropped here: a traceback would carry this frame, and it, to another thread
            # Its text may quote the facts (words, names): only the kind of failure is told.
            raise PolicyUnavailable(f"the embedded engine failed: {type(error).__name__}") from None
        if took > self._budget:
            raise PolicyUnavailable("the embedded engine answered too late")
        return answer

    def _engine(self) -> Any:
        engine = engine_of(self)
        if engine is None:
            engine = hold(self, made(self.bundle.idle.left_out_of(self.bundle.modules), self._data))
        return engine
