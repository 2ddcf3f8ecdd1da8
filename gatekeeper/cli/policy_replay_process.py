"""What a process of a replay opens for itself: the city's database and keys, and both laws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper import settings
from gatekeeper.policy import Files, load_files
from gatekeeper.revisions.replay.pool import Doer
from gatekeeper.revisions.replay.tally import Tally
from gatekeeper.revisions.replay.work import Laws, Stretch, Work
from gatekeeper.state import State, open_state
from gatekeeper.store.past import PastDecisions


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens the work of a replay in whichever process it comes to; the laws travel as their text."""

    data: Path
    baseline: Files
    candidate: Files
    then: tuple[Files, ...]
    seed: str

    @classmethod
    def of(cls, state: State, laws: Laws, seed: str) -> Opener:
        """Return one for the city of *state*."""
        then = tuple(dict(law.files) for law in laws.then.values())
        return cls(state.settings.data, dict(laws.baseline.files), dict(laws.candidate.files), then, seed)

    def __call__(self) -> Doer:
        """Open the city, read-only in fact: nothing is appended. Raises as ``open_state`` does."""
        state = open_state(settings.load(data=self.data))
        then = [load_files(files) for files in self.then]
        laws = Laws(load_files(self.baseline), load_files(self.candidate), {law.digest: law for law in then})
        work, record = Work(laws, names_of(state), self.seed), PastDecisions(state.database)

        def done(stretch: Stretch) -> Tally:
            return work.done(record, state.ledger, stretch)

        return done


def names_of(state: State) -> dict[str, str]:
    """Return the names under which agencies are registered."""
    return {agency.id: agency.name for agency in state.registry.agencies()}
