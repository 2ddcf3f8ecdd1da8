"""A law comes into force at its moment, and is rolled back, while agencies ask without pause.

Every answer is held against the log: the revision that decided a query, the one that released it, and the one
that was in force between the two entries must be one and the same.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import OK
from pathlib import Path
from typing import Any

from gatekeeper import settings
from gatekeeper.policy import Bundle, load, shipped_policies
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.state import State, open_state
from tests.revisions.lives import REASON, changed
from tests.servers.gate import RunningGate, running_gate, small_city
from tests.servers.sidecar import running_sidecar

THREADS = 8
AHEAD = timedelta(seconds=20)
"""How far ahead the law is scheduled: long enough for every worker to load it before."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, the revision that it names, and when it was asked and answered (UTC)."""

    status: int
    revision: str | None
    why: str
    asked: datetime
    answered: datetime


def measure(queries: int, engine: str) -> dict[str, Any]:
    """Ask that many queries; halfway another law comes into force, and later the first one does again."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-activation-") as directory, ExitStack() as stack:
        reads = small_city(Path(directory))
        if engine == "opa":
            gate = stack.enter_context(running_sidecar(Path(directory), reads))
        else:
            gate = stack.enter_context(running_gate(Path(directory) / "city", reads=reads))
        before = load(shipped_policies())
        return {"engine": engine, **_measured(gate, before, changed(before), queries)}


def _measured(gate: RunningGate, before: Bundle, after: Bundle, queries: int) -> dict[str, Any]:
    state = open_state(settings.load(data=gate.data))
    asking = _Asking(gate, queries)
    try:
        revision = _replayed(state, gate, after)
        asking.start()
        asking.until(queries // 4)
        moment = (datetime.now(UTC) + AHEAD).replace(microsecond=0)
        scheduled = _approved(state, gate, revision, moment)
        assert "scheduled" == scheduled.state, scheduled
        while datetime.now(UTC) < moment:
            time.sleep(0.01)
        asking.until(max(queries // 2, len(asking.answers) + queries // 8))
        rolled, took = _rolled_back(state, gate)
        asking.join()
        in_force = {before.revision, after.revision}
        return {
            "queries": len(asking.answers),
            "seconds": round(asking.seconds, 1),
            "statuses": dict(Counter(answer.status for answer in asking.answers)),
            "not_permitted": dict(Counter(answer.why for answer in asking.answers if answer.why)),
            "by_the_old_law_though_asked_after_the_moment": sum(
                answer.revision == before.revision and moment <= answer.asked and answer.answered < rolled
                for answer in asking.answers
            ),
            "first_answer_by_the_new_law_after_s": _first(asking.answers, after.revision, moment),
            "rollback_two_people_s": round(took, 2),
            "first_answer_by_the_old_law_again_after_s": _first(asking.answers, before.revision, rolled),
            **_mixed(state, in_force),
        }
    finally:
        state.close()


class _Asking:
    """Threads that ask until there are enough answers."""

    def __init__(self, gate: RunningGate, queries: int) -> None:
        self.answers: list[Answer] = []
        self._gate, self._queries = gate, queries
        self._threads = [threading.Thread(target=self._ask) for _ in range(THREADS)]
        self._began = 0.0
        self.seconds = 0.0

    def start(self) -> None:
        self._gate.token()
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()

    def until(self, answers: int) -> None:
        while len(self.answers) < min(answers, self._queries):
            time.sleep(0.05)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        self.seconds = time.monotonic() - self._began

    def _ask(self) -> None:
        while len(self.answers) < self._queries:
            asked = datetime.now(UTC)
            given = self._gate.ask(self._gate.body())
            document, permitted = given.json(), given.status_code == OK
            revision = document["decision"]["policy"]["revision"] if permitted else None
            why = "" if permitted else f"{document.get('type')}: {document.get('detail')}"
            self.answers.append(Answer(given.status_code, revision, why, asked, datetime.now(UTC)))


def _replayed(state: State, gate: RunningGate, bundle: Bundle) -> Revision:
    lifecycle = state.lifecycle()
    author = state.staff.find(gate.person("legal")["username"])
    assert author is not None
    revision = lifecycle.propose(bundle, author=author, reason=REASON, origin="editor")
    lifecycle.checked(revision.id, {"passed": True}, passed=True, by="benchmark")
    lifecycle.replayed(revision.id, {}, by="benchmark")
    return revision


def _approved(state: State, gate: RunningGate, revision: Revision, moment: datetime) -> Revision:
    lifecycle, after = state.lifecycle(), revision
    for role, number in (("legal", 1), ("counsel", 0)):
        person = state.staff.find(gate.person(role, number)["username"])
        current = lifecycle.store.get(revision.id)
        assert person is not None
        assert current is not None
        seen = lifecycle.seal(current, moment)
        after = lifecycle.approve(revision.id, person, seen=seen, reason=REASON, effective_at=moment)
    return after


def _rolled_back(state: State, gate: RunningGate) -> tuple[datetime, float]:
    """Return when the first law was in force again, and how long it took from the first person's act on."""
    lifecycle, began = state.lifecycle(), time.monotonic()
    active = lifecycle.store.active()
    first, second = (state.staff.find(gate.person(role)["username"]) for role in ("legal", "counsel"))
    assert active is not None
    assert active.base is not None, "the law that was due is not in force"
    assert first is not None
    assert second is not None
    asked = lifecycle.roll_back(active.base, first, REASON)
    done = lifecycle.confirm(asked.id, second, seen=lifecycle.seal(asked), reason=REASON)
    assert done.activated_at is not None
    return done.activated_at, time.monotonic() - began


def _first(answers: list[Answer], revision: str, since: datetime) -> float | None:
    found = [a.answered for a in answers if a.revision == revision and a.asked >= since]
    return round((min(found) - since).total_seconds(), 2) if found else None


def _mixed(state: State, known: set[str]) -> dict[str, int]:
    """Hold the log against itself."""
    in_force: str | None = None
    decided: dict[int, str] = {}
    released = mixed = 0
    for stored in state.rows.entries(0, state.rows.head().size):
        entry = json.loads(stored.entry)
        if entry["event"] in ("policy.activated", "policy.rolled_back"):
            in_force = entry["policy"]["revision"]
        elif entry["event"] == "query.decided":
            decided[stored.index] = entry["policy"]["revision"]
        elif entry["event"] == "query.released":
            released += 1
            by = entry["policy"]["revision"]
            mixed += by != in_force or by != decided[entry["decided"]] or by not in known
    return {"released": released, "mixed_answers": mixed}
