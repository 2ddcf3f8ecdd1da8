"""How tests replay: on a city's directory, with an opener that other processes can be given."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatekeeper.cli.policy_replay_process import Opener, names_of
from gatekeeper.ledger import Json
from gatekeeper.ledger.merkle import root
from gatekeeper.policy import Bundle
from gatekeeper.revisions.replay.pool import Alone, Doer
from gatekeeper.revisions.replay.report import Asked, ReplayReport
from gatekeeper.revisions.replay.run import Plan, Workers, planned, replayed
from gatekeeper.revisions.replay.tally import Tally
from gatekeeper.revisions.replay.work import Laws, Stretch, Work
from gatekeeper.settings import Settings
from gatekeeper.state import State, open_state
from gatekeeper.store.past import PastDecisions
from tests.policy.laws import shipped


@dataclass
class Kept:
    """Progress in memory, as the row of a job keeps it."""

    progress: Mapping[str, Any] | None = None
    places: list[int] = field(default_factory=list)

    def saved(self) -> Mapping[str, Any] | None:
        """Return what was saved last."""
        return self.progress

    def save(self, place: int, size: int, progress: Mapping[str, Json] | None) -> None:
        """Save it."""
        assert place <= size
        self.places.append(place)
        self.progress = progress


@contextmanager
def opened(directory: Path) -> Iterator[State]:
    """Open a city."""
    state = open_state(Settings(data=directory, engine="embedded", client_profiles="fapi basic"))
    try:
        yield state
    finally:
        state.database.close()


def asked_of(state: State, **changes: Any) -> Asked:
    """Return the question for all that there is."""
    head = state.rows.head()
    whole: dict[str, Any] = {
        "source": "log", "since": None, "until": None, "sample": None, "seed": "sample-seed",
        "size": head.size, "root": root(head.frontier).hex(),
    }  # fmt: skip
    return Asked(**(whole | changes))


def plan_for(state: State, laws: Laws, **changes: Any) -> Plan:
    """Return the plan of a replay."""

    def entry(index: int) -> bytes | None:
        stored = state.rows.entry(index)
        return None if stored is None else stored.entry

    return planned(laws, asked_of(state, **changes), entry)


def laws_of(candidate: Bundle, baseline: Bundle | None = None) -> Laws:
    """Return two laws, with the shipped one as the one that decided then."""
    return Laws(baseline or shipped(), candidate, {shipped().digest: shipped()})


def replay(
    directory: Path,
    laws: Laws,
    *,
    workers: Workers | None = None,
    kept: Kept | None = None,
    **asked: Any,
) -> ReplayReport:
    """Replay a city's past."""
    with opened(directory) as state:
        plan = plan_for(state, laws, **asked)
        record = PastDecisions(state.database)
        mine = workers or Alone(Opener.of(state, laws, plan.asked.seed))
        return replayed(laws, plan, record, mine, kept or Kept())


def work_of(state: State, laws: Laws) -> Work:
    """Return what does stretches in this process."""
    return Work(laws, names_of(state), "sample-seed")


@dataclass(frozen=True, slots=True)
class Dying:
    """Opens work whose process is killed at a stretch, as often as there is a file to take away."""

    opener: Opener
    at: int
    lives: Path

    def __call__(self) -> Doer:
        """Open it."""
        doer = self.opener()

        def done(stretch: Stretch) -> Tally:
            if stretch.number == self.at and (left := sorted(self.lives.glob("*"))):
                left[0].unlink()
                os.kill(os.getpid(), signal.SIGKILL)
            return doer(stretch)

        return done
