"""The verification of a city's own log, and what this machine remembers of it.

Guarantees: one at a time, so that what one found another does not forget; what is remembered is believed only
as far as ``ledger.verified`` says, and never used with another key than this city's; where it cannot be
written the verification is made all the same, and says so.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gatekeeper import settings
from gatekeeper.cli.ledger_verify_pool import readers
from gatekeeper.cli.ledger_verify_told import Heard, Interrupted, Outcome, counted, key_given
from gatekeeper.cli.opened import as_its_owner
from gatekeeper.errors import LedgerCorrupt, LedgerUnavailable, OperatorError
from gatekeeper.ledger import Finding, SigningKey, VerifierKey
from gatekeeper.ledger.checkpoint import CheckpointRefused
from gatekeeper.ledger.findings import Reached
from gatekeeper.ledger.stretches import Reading
from gatekeeper.ledger.verified import MOST_SECONDS, Place, Unbelieved, Verified, forget, recall, remember
from gatekeeper.ledger.verify import examine
from gatekeeper.parts import agreement
from gatekeeper.state import State, open_state
from gatekeeper.store.published import PublishedCheckpoints
from gatekeeper.witness.policy import Policy, load
from gatekeeper.witness.witnessing import witnessed

EVERY_SECONDS: Final = 5.0
"""Between two times that the place is written down."""

_SKEW: Final = 300


def verify_city(
    data: Path | None,
    given: Sequence[str],
    kept: Sequence[str],
    heard: Heard,
    *,
    since_last: bool,
    resume: bool,
) -> Outcome:
    """Verify a city's log. Raises Unverifiable, Interrupted, a GatekeeperError, OSError."""
    chosen = settings.load(data=data)
    policy = load(Path(chosen.witnesses)) if chosen.witnesses else None
    with as_its_owner(chosen.data):
        state = open_state(chosen)
        try:
            own = state.log_key.verifier
            key = key_given(given) if given else own
            with _memory(chosen.data, state.log_key if key.public == own.public else None) as memory:
                memory.choose(since_last=since_last, resume=resume)
                with readers(chosen, state.rows, _rest(state, memory)) as reading:
                    return _verified(state, key, policy, kept, heard, memory, reading=reading)
        finally:
            state.database.close()  # and not the ledger: it would sign what was found here


def _verified(
    state: State,
    key: VerifierKey,
    policy: Policy | None,
    kept: Sequence[str],
    heard: Heard,
    memory: _Memory,
    *,
    reading: Reading,
) -> Outcome:
    checked: dict[str, int] = {}
    published = PublishedCheckpoints(state.database)
    since = memory.since
    # Stored ones of before were compared when the log was found sound; one resumed compares all of them.
    stored = state.rows.checkpoints(memory.base)
    try:
        found = examine(
            state.rows,
            key,
            checkpoints=counted(stored, checked, "stored_checkpoints"),
            published=counted((one.text for one in published.all()), checked, "published_checkpoints"),
            kept=counted([*kept, *state.kept_checkpoints()], checked, "kept_checkpoints"),
            witnesses=[] if policy is None else [witness.key for witness in policy.witnesses],
            progress=heard,
            since=since,
            begun_at=memory.base,
            mark=memory.mark,
            reading=reading,
        )
    except KeyboardInterrupt:
        raise Interrupted(
            f"interrupted after {heard.place} of {heard.size} entries. {memory.left()}"
        ) from None
    except LedgerCorrupt as fault:
        memory.found()
        return Outcome([Finding("unreadable", None, str(fault))], 0, b"", notes=memory.notes)
    memory.conclude(found.reached, sound=not found.findings)
    outcome = Outcome(
        [*found.findings, *_holds(state)],
        found.reached.size,
        found.reached.root,
        memory.base,
        memory.found_at,
    )
    outcome.checked, outcome.notes = checked, memory.notes
    if policy is not None:
        outcome.witnesses = _witnesses(policy, published, outcome.notes)
    return outcome


def _holds(state: State) -> list[Finding]:
    """Compare the database's legal holds with the log's; what is remembered of the log is none of theirs."""
    try:
        return agreement(state).differences()
    except LedgerCorrupt as fault:
        return [Finding("unreadable", None, f"legal holds cannot be compared with the log: {fault}")]


def _rest(state: State, memory: _Memory) -> int:
    """Return how many entries there are to read, as far as can be told."""
    with suppress(LedgerCorrupt):  # the examination says so
        return state.rows.head().size - (0 if memory.since is None else memory.since.size)
    return 0


def _witnesses(policy: Policy, published: PublishedCheckpoints, notes: list[str]) -> dict[str, Any]:
    """Say who has cosigned the last published checkpoint; that some have not is no fault of the log."""
    last = published.last()
    document: dict[str, Any] = {"size": None, "cosigned": {}, "missing": [], "met": None}
    if last is None:
        notes.append("no checkpoint has been published yet: no witness has seen one")
        return document
    with suppress(CheckpointRefused):  # which is a finding already
        stands = witnessed(policy, (last.size, last.text))
        document |= {"size": last.size, "missing": [*stands.missing], "met": stands.met}
        document["cosigned"] = {name: at.isoformat() for name, at in stands.cosigned.items()}
        if stands.met is False:
            notes.append(
                f"too few witnesses have cosigned the published checkpoint of {last.size} entries; missing: "
                f"{', '.join(stands.missing)}"
            )
    return document


# --- What this machine remembers. -------------------------------------------------------------------------


@contextmanager
def _memory(directory: Path, key: SigningKey | None) -> Iterator[_Memory]:
    """Yield the memory, held; one that keeps nothing without our own key, or where none can be written."""
    if key is None:
        yield _Memory(None, None, notes=["another key than this city's: nothing is remembered of it"])
        return
    try:
        held = (directory / "verified.lock").open("a")
    except OSError as fault:
        yield _Memory(
            None, None, notes=[f"{directory} cannot be written ({fault.strerror}): nothing is remembered"]
        )
        return
    with held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError("another verification of this city runs now: wait for it") from None
        yield _Memory(directory / "verified", key)


@dataclass(slots=True)
class _Memory:
    """What is remembered, and what will be: `since` is gone on from, `base` is what is not read again."""

    file: Path | None
    key: SigningKey | None
    notes: list[str] = field(default_factory=list)
    known: Verified = field(default_factory=Verified)
    since: Reached | None = None
    base: int = 0
    found_at: int = 0
    began: int = field(default_factory=lambda: int(time.time()))
    latest: Reached | None = None
    due: float = field(default_factory=lambda: time.monotonic() + EVERY_SECONDS)

    def choose(self, *, since_last: bool, resume: bool) -> None:
        """Choose where to begin."""
        if self.file is None or self.key is None:
            return
        try:
            self.known = recall(self.file, self.key)
        except Unbelieved as why:
            self.notes.append(f"{self.file} is not believed, and everything is read: {why}")
            return
        except OSError as fault:
            self.notes.append(f"{self.file} cannot be read, and so all of the log is: {fault.strerror}")
            return
        going, sound = self.known.going, self.known.sound
        if resume and going is not None and -_SKEW <= self.began - going.at <= MOST_SECONDS:
            self.since, self.base, self.began = going.reached, going.since, going.at
            if going.since and sound is not None:
                self.found_at = sound.at
            self.notes.append(f"gone on with after {going.reached.size} entries")
            return
        if resume:
            self.notes.append("there is no verification of the last 24 hours to go on with")
        if since_last and sound is not None:
            self.since, self.base, self.found_at = sound.reached, sound.reached.size, sound.at
        elif since_last:
            self.notes.append("this machine has not found the log sound before: all of it is read")

    def mark(self, reached: Reached) -> None:
        """Note how far it came; written down now and then."""
        self.latest = reached
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + EVERY_SECONDS
            self._keep_place()

    def _keep_place(self) -> bool:
        going = None if self.latest is None else Place(self.latest, self.began, self.base)
        return self._write(Verified(self.known.sound, going))

    def left(self) -> str:
        """Keep what is left of an interrupted verification, and say so."""
        place = self.latest or self.since
        if place is None or place.size == self.base or (self.latest is not None and not self._keep_place()):
            return "Nothing is remembered of it"
        sound = f"Nothing was found wrong in the first {place.size}"
        return f"{sound}, and `gatekeeper ledger verify --resume` goes on there"

    def found(self) -> None:
        """Forget all: nothing is to be gone on from while something is wrong."""
        if self.file is not None:
            try:
                forget(self.file)
            except OSError as fault:
                self.notes.append(f"remove {self.file}, which is out of date: {fault.strerror}")

    def conclude(self, reached: Reached, *, sound: bool) -> None:
        """Remember what came of it."""
        if not sound:
            self.found()
        else:
            self._write(Verified(Place(reached, int(time.time()), self.base)))

    def _write(self, verified: Verified) -> bool:
        if self.file is None or self.key is None:
            return False
        try:
            remember(self.file, self.key, verified)
        except (OSError, LedgerUnavailable) as fault:
            why = fault.strerror if isinstance(fault, OSError) else fault
            note = f"{self.file} cannot be written ({why}): nothing is remembered"
            if note not in self.notes:
                self.notes.append(note)
            return False
        return True
