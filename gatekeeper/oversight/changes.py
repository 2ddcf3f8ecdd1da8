"""What a change of agencies, clients or keys is: what is asked for, what it comes to, how one is proposed.

Guarantees: a change is JSON alone, so that the log can commit to it; its plan names everything that it rests
on. ``changing`` makes changes and proposals; what plans each kind stands with what it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, get_args

from gatekeeper.errors import Superseded
from gatekeeper.exchange.interfaces import Snapshot
from gatekeeper.ledger import Appended, Guard, Json, Row, Transaction
from gatekeeper.ledger.canonical import canonical

Act = Literal[
    "add_agency",
    "change_agency",
    "change_287g",
    "reinstate_agency",
    "close_agency",
    "add_client",
    "add_key",
    "add_issuer",
    "change_issuer",
    "reinstate_issuer",
]
ACTS: Final[tuple[Act, ...]] = get_args(Act)
UNLESS_SAID: Final[frozenset[Act]] = frozenset({"reinstate_agency"})
"""What takes two people where the city's law does not say."""

BY_STAFF: Final[frozenset[Act]] = frozenset({"reinstate_agency"})
"""What a member of staff does also where one is enough, and nobody at the shell without an account."""


class Proposal(Protocol):
    """A proposal, as it is stored."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def agency_id(self) -> str:
        """Whom it is about."""

    @property
    def act(self) -> Act:
        """What it would do."""

    @property
    def change_sha256(self) -> str:
        """SHA-256 of the change, in hex."""

    @property
    def basis_sha256(self) -> str:
        """SHA-256 of what it rests on, in hex."""

    @property
    def state(self) -> str:
        """``open``, ``done`` or ``withdrawn``."""

    @property
    def proposed_by(self) -> str:
        """The account that proposed it."""

    @property
    def proposed_at(self) -> datetime:
        """When."""

    @property
    def expires_at(self) -> datetime:
        """Until when it can be confirmed."""

    @property
    def ref(self) -> str:
        """Its entry in the log, whose sealed words say what and why."""


class Store(Protocol):
    """Reads proposals. Each raises StoreUnavailable."""

    def all(self, agency_id: str | None = None, /) -> Sequence[Proposal]:
        """Return every proposal (about the agency), the oldest first."""

    def get(self, proposal_id: str, /) -> Proposal | None:
        """Return the proposal of that id."""


class Rows(Protocol):
    """Makes the rows, for the log to commit with their entries."""

    def propose(self, **values: object) -> Sequence[Row]:
        """Return the row of a new proposal."""

    def decide_proposal(self, proposal: Any, state: str, /, *, by: str | None, at: datetime) -> Sequence[Row]:
        """Return the row that decides an open one."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed, in JSON alone: the log commits to it as it stands."""

    act: Act
    agency_id: str
    content: Mapping[str, Json] = field(default_factory=dict)

    def json(self) -> dict[str, Json]:
        """Return it as the log has it."""
        return {"act": self.act, "agency": self.agency_id, "content": dict(self.content)}

    @property
    def agencies(self) -> tuple[str, ...]:
        """Return every agency that it is about: an identity provider may speak for several."""
        others = self.content.get("agencies")
        return (self.agency_id, *map(str, others)) if isinstance(others, list) else (self.agency_id,)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of its canonical JSON, in hex."""
        return sha256_of(self.json())


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change comes to in the registry as it was read: an entry, rows, and what it rests on."""

    event: str
    clear: Mapping[str, Json]
    private: Mapping[str, Json]
    rows: tuple[Row, ...]
    rests_on: Json
    acts: frozenset[Act]
    """What of the law's list it is."""
    made: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What whoever completes it is told: a client's id, a secret that is kept nowhere."""
    final: bool = False
    """Whether it ends the agency, and with it all that is proposed about it."""
    ref: str | None = None
    """By what its entry is found, where that is not a name of the entry's own."""
    detail: Mapping[str, Json] = field(default_factory=dict)
    """What is only sealed with the entry."""


class Maker(Protocol):
    """Plans changes of one kind. Raises OperatorError for what cannot be done."""

    def __call__(self, snapshot: Snapshot, change: Change, /) -> Plan:
        """Return what it comes to."""


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was made."""

    appended: Appended
    made: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What a proposal's entry says: the change, why, and until when it can be confirmed."""

    change: Change
    reason: str
    until: datetime


def unmoved(snapshot: Any) -> Guard:
    """Return what refuses a commit (Superseded) once anything of the registry is not as it was read."""

    def guard(transaction: Transaction) -> None:
        if transaction.registry().version != snapshot.state.version:
            raise Superseded

    return guard


def agency_as_read(agency: Any) -> dict[str, Json]:
    """Return what a change of an agency rests on: its whole record, but for what it signed."""
    looked_up = agency.looked_up_287g
    return {
        "id": agency.id,
        "ori": agency.ori,
        "name": agency.name,
        "kind": agency.kind,
        "state": agency.state,
        "status": agency.status,
        "has_287g": agency.has_287g,
        "contacts": list(agency.contacts),
        "source_287g": agency.source_287g,
        "looked_up_287g": None if looked_up is None else looked_up.isoformat(),
    }


def sha256_of(value: Json) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()
