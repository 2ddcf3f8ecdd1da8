"""What the life cycle of the law needs from the outside, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from gatekeeper.ledger import Row
from gatekeeper.ledger.rows import RegistryState

State = Literal["draft", "checked", "replayed", "approved", "scheduled", "active", "superseded", "rejected"]
Kind = Literal["check", "replay"]
OPEN: Final = ("draft", "checked", "replayed", "approved", "scheduled")
"""The states of a revision that may still come into force."""
ROLLBACK: Final = "rollback:"
"""How the origin of a revision begins that repeats one that was in force."""


class Revision(Protocol):
    """One text of the law, and how far it has come; ``effective_at`` is when it is, or was, to decide."""

    @property
    def id(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def tree(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def base(self) -> str | None: ...
    @property
    def origin(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def proposed_at(self) -> datetime: ...
    @property
    def effective_at(self) -> datetime | None: ...
    @property
    def serial(self) -> int | None: ...
    @property
    def activated_at(self) -> datetime | None: ...
    @property
    def signature(self) -> str | None: ...
    @property
    def version(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Proposed:
    """A revision as it is made, before the store has it."""

    id: str
    revision: str
    digest: str
    tree: str
    label: str
    base: str | None
    origin: str
    author: str
    reason: str
    state: State
    proposed_at: datetime
    effective_at: datetime | None = None
    serial: int | None = None
    activated_at: datetime | None = None
    signature: str | None = None
    version: int = 1


class Result(Protocol):
    """What a check or a replay of a revision came to; ``digest`` is that of the report's text."""

    @property
    def kind(self) -> Kind: ...
    @property
    def at(self) -> datetime: ...
    @property
    def digest(self) -> str: ...
    @property
    def passed(self) -> bool: ...
    @property
    def document(self) -> Mapping[str, Any]: ...


class Approval(Protocol):
    """One person's approval of what the seal stands for.

    ``role`` is theirs when they approved, ``role_now`` since: None for a removed account.
    """

    @property
    def account_id(self) -> str: ...
    @property
    def seal(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def role_now(self) -> str | None: ...


class Revisions(Protocol):
    """Keeps the texts of the law. Reading raises StoreUnavailable, nothing else."""

    def all(self) -> Sequence[Revision]:
        """Return every revision, the latest first."""

    def get(self, revision_id: str, /) -> Revision | None:
        """Return one, or None."""

    def active(self) -> Revision | None:
        """Return the one in force; None before a city has a law."""

    def scheduled(self) -> Revision | None:
        """Return the one that is to come into force next, or None."""

    def archive(self, tree: str, /) -> bytes | None:
        """Return the packed text of that digest, or None."""

    def result(self, revision_id: str, kind: Kind, /) -> Result | None:
        """Return what the last check, or replay, came to; None if there was none."""

    def approvals(self, revision_id: str, /) -> Sequence[Approval]:
        """Return the approvals of a revision, the first first."""

    def next_number(self, revision_id: str, /) -> int:
        """Return the number of the revision's next result."""

    def next_serial(self) -> int:
        """Return a place in the order of activations that none has had."""

    def proposed(self, revision: Revision, archive: bytes | None, /) -> Sequence[Row]:
        """Return the rows of a new revision; without an archive its text is kept already."""

    def found(
        self,
        revision_id: str,
        kind: Kind,
        /,
        *,
        number: int,
        at: datetime,
        digest: str,
        passed: bool,
        text: str,
    ) -> Sequence[Row]:
        """Return the row of what a check or a replay came to."""

    def approved(
        self, revision_id: str, /, *, account_id: str, seal: str, role: str, at: datetime
    ) -> Sequence[Row]:
        """Return the rows of one person's approval, who is on the staff in that role at that moment."""

    def signed(self, people: Iterable[str], /) -> Sequence[Row]:
        """Return rows that change nothing, refused unless all whose approval was counted are still there."""

    def moved(self, revision: Revision, state: State, /, **columns: object) -> Sequence[Row]:
        """Return the row that moves a revision on, if it still is as it was read."""

    def due(self, before: int | None, revision_id: str | None, at_ms: int | None, /) -> Sequence[Row]:
        """Return the row that says what is to come into force, and when; None calls it off."""

    def shadowed(self, before: str | None, revision_id: str | None, /) -> Sequence[Row]:
        """Return the row that says which revision decides beside the active one; None ends it."""

    def in_force(
        self, revision: Revision, serial: int, /, *, before: tuple[str | None, int | None]
    ) -> Sequence[Row]:
        """Return the row that makes a revision the law, in place of what was read to be."""


class Standing(Protocol):
    """Says what is in force. Raises StoreUnavailable."""

    def state(self) -> RegistryState:
        """Return the registry's state."""


class Job(Protocol):
    """A check or replay under way, or over: ``place`` of ``size`` is where it has come to."""

    @property
    def id(self) -> str: ...
    @property
    def revision_id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def by(self) -> str: ...
    @property
    def options(self) -> Mapping[str, Any]: ...
    @property
    def state(self) -> Literal["running", "done", "failed", "interrupted"]: ...
    @property
    def begun_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def place(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def progress(self) -> Mapping[str, Any] | None: ...
    @property
    def fault(self) -> str | None: ...


class Jobs(Protocol):
    """The record of checks and replays. Each raises StoreUnavailable, nothing else."""

    def begin(
        self, revision_id: str, kind: Kind, by: str, options: Mapping[str, Any] | None = None, /
    ) -> Job | None:
        """Begin a job, or take up one that was interrupted; None while one of that kind runs for it."""

    def beat(self, job_id: str, place: int, size: int, progress: Mapping[str, Any] | None = None, /) -> bool:
        """Say that it still runs and how far it has come; False if it is taken for interrupted."""

    def end(self, job_id: str, state: str, /, *, fault: str | None = None) -> bool:
        """Say that it is over."""

    def latest(self, revision_id: str, kind: Kind, /) -> Job | None:
        """Return the one of that kind that was begun last, or None."""
