"""A real city's log of three days, and whoever owns its database, its files and perhaps its signing key.

What outsiders hold of it (``Evidence``) was taken at 200 of the 300 entries. Everything is made once and
copied for each test, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

from gatekeeper import state as states
from gatekeeper.errors import LedgerCorrupt, LedgerUnavailable
from gatekeeper.ledger import DayKeys, verify
from gatekeeper.ledger.export import export
from gatekeeper.ledger.merkle import consistency_proof
from gatekeeper.ledger.rows import Row
from gatekeeper.ledger.tiles import TileReader
from gatekeeper.settings import Settings
from gatekeeper.state import State, lay_out, open_state
from gatekeeper.store import administration
from gatekeeper.store.published import PublishedCheckpoints
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import Submission
from tests.ledger.attacker import DAY, PERMIT, STOP, STOPPED, Attacker
from tests.ledger.made import decided, new_ref, released, stop_lifted, stop_set
from tests.purge.made import Ago
from tests.store.making import agency, client, query
from tests.witness.made import new_keeper

FIRST_DAY = 60
"""Days ago: long enough for a city's retention to end. The second day follows it, the third is today."""


@contextmanager
def days_ago(ago: Ago) -> Iterator[None]:
    """Let a city that is opened meanwhile live so many days ago."""
    with (
        mock.patch.object(states, "Clock", ago.clock),
        mock.patch.object(states, "DayKeys", partial(DayKeys, today=lambda: ago.now().date())),
    ):
        yield


def make(directory: Path, database_url: str = "") -> None:
    """Make the city, what was published, exported and witnessed of it, and what an auditor kept."""
    ago, settings = Ago(FIRST_DAY), settings_of(directory, database_url)
    lay_out(settings)
    with days_ago(ago):
        state = open_state(settings)
    for ago.days in (FIRST_DAY, FIRST_DAY - 1):
        _day(state)
    ago.days = 0
    published = state.published()
    export(published, state.rows, state.log_key.verifier, directory / "public")
    note = published.file("checkpoint").decode()
    keeper = new_keeper(directory / "witness", state.log_key)
    (directory / "witnessed").write_text(note + keeper.add_checkpoint(Submission(0, (), note).encode()))
    (directory / "auditor").write_text(state.ledger.checkpoint())
    _day(state)
    state.close()


def _day(state: State) -> None:
    for _ in range(DAY // 2 - 1):
        size = state.rows.head().size
        if size == STOP:
            state.ledger.append(stop_set(STOPPED))
            state.ledger.append(stop_lifted(STOPPED))
            continue
        ref = new_ref()
        rows: dict[int, Sequence[Row]] = {
            0: administration.add_agency(agency()),
            2: administration.add_client(client()),
            PERMIT: (query(ref),),
        }
        state.ledger.append(decided(ref), rows.get(size, ()))
        state.ledger.append(released(ref, size))
    for _ in range(2):
        state.ledger.append(decided(outcome="deny"))


def settings_of(directory: Path, database_url: str) -> Settings:
    """Return the settings of the city in a directory."""
    return Settings(
        data=directory / "city",
        engine="embedded",
        client_profiles="fapi basic",
        database_url=database_url,
        publish_every=3600,
    )


@dataclass(frozen=True)
class Evidence:
    """What outsiders hold, each by itself enough."""

    auditor: str
    published: str
    witnessed: str

    def all(self) -> list[str]:
        """Return the three notes."""
        return [self.auditor, self.published, self.witnessed]


@dataclass
class Scene:
    """A copy of the city, opened, with its attacker and what outsiders hold."""

    directory: Path
    state: State
    attacker: Attacker
    evidence: Evidence

    @classmethod
    def open(cls, directory: Path, database_url: str = "") -> Scene:
        """Open it."""
        settings = settings_of(directory, database_url)
        notes = [directory / name for name in ("auditor", "public/checkpoint", "witnessed")]
        evidence = Evidence(*(note.read_text() for note in notes))
        return cls(directory, open_state(settings), Attacker(settings), evidence)

    def reopen(self, days: int = 0, *, well: bool = True) -> None:
        """Start anew, so many days ahead; what ran before was stopped well, or not at all."""
        self.state.close() if well else self.state.database.close()
        with days_ago(Ago(-days)):
            self.state = open_state(self.state.settings)

    def close(self) -> None:
        """Close it; what was tampered with needs no last checkpoint."""
        self.attacker.close()
        self.state.database.close()

    def found(self, kept: Sequence[str] | None = None) -> list[str]:
        """Return what a verification finds, as an operator reads it: with all evidence, or this alone."""
        state = self.state
        try:
            texts = [
                *state.rows.checkpoints(),
                *(each.text for each in PublishedCheckpoints(state.database).all()),
            ]
            outside = self.evidence.all() if kept is None else list(kept)
            beside = state.kept_checkpoints()
            findings = verify(state.rows, state.log_key.vkey, checkpoints=texts, kept=[*outside, *beside])
        except (LedgerCorrupt, LedgerUnavailable) as refusal:
            return [str(refusal)]
        return [finding.message for finding in findings]

    def refusal(self) -> str | None:
        """Say why the service does not start, or None if it does."""
        try:
            self.state.ledger.check_tail()
        except LedgerCorrupt as refusal:
            return str(refusal)
        return None

    def witness(self) -> Keeper:
        """Return the witness, which remembers the first history."""
        return Keeper(self.directory / "witness")

    def submission(self) -> bytes:
        """Return what the city would now send to the witness."""
        head, node = self.state.rows.head(), TileReader(self.state.rows).node
        known = self.witness().logs()[0].last.size
        proof = consistency_proof(known, head.size, node) if known <= head.size else ()
        return Submission(min(known, head.size), proof, self.state.ledger.checkpoint()).encode()


def copied(made: Path, directory: Path) -> Path:
    """Copy the city and all that was taken of it."""
    return shutil.copytree(made, directory / "scene", ignore=shutil.ignore_patterns("reserve"))
