"""What the console's pages need from the outside, handed in by ``app``."""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal, Protocol

from gatekeeper.exchange import Gate
from gatekeeper.ledger import Rows, VerifierKey
from gatekeeper.oversight.figures import FigureStore
from gatekeeper.oversight.search import LogSearch
from gatekeeper.oversight.stops import Switch
from gatekeeper.review.accounts import Account, Accounts, Session
from gatekeeper.review.cases import Cases
from gatekeeper.review.queue import Card
from gatekeeper.review.rule import Move
from gatekeeper.review.secrets import SecretsKey
from gatekeeper.web.console.provider import Provider


class StaffStore(Accounts, Protocol):
    """Accounts, and the browsers that are signed in. Raises StoreUnavailable, nothing else."""

    def get(self, account_id: str, /) -> Account | None:
        """Return the account of that id, also one that was removed, or None."""

    def begin_session(
        self,
        session_id: str,
        account_id: str,
        /,
        *,
        proved_at: datetime | None = None,
        id_token_box: bytes | None = None,
    ) -> None:
        """Remember a browser that has just signed in, of a person who proved themselves now or then."""

    def session(self, session_id: str, /) -> Session | None:
        """Return a session that is still good, or None."""

    def prove_session(
        self, session_id: str, renewed_id: str, /, *, id_token_box: bytes | None = None
    ) -> bool:
        """Go on under another identifier, as just proved; False if the session is over."""

    def end_session(self, session_id: str, /) -> None:
        """Forget a session."""


class UnderWay(Protocol):
    """What a browser was sent to the identity provider for: to sign in, or for a proof of an account."""

    @property
    def nonce(self) -> str: ...
    @property
    def verifier(self) -> str: ...
    @property
    def back(self) -> str: ...
    @property
    def staff_id(self) -> str | None: ...
    @property
    def began_at(self) -> datetime: ...


class IdentityStore(Protocol):
    """The provider's people, and sign-ins under way there. Raises StoreUnavailable, nothing else."""

    def find(self, issuer: str, subject: str, /) -> Account | None:
        """Return the account that this person of the provider has, removed or not, or None."""

    def begin(
        self, state: str, browser: str, /, *, nonce: str, verifier: str, back: str, staff_id: str | None
    ) -> None:
        """Remember a browser that is sent to the provider."""

    def take(self, state: str, browser: str, /) -> UnderWay | None:
        """Return, once, what this browser was sent for; None for any other, and too late."""


class ReviewStore(Protocol):
    """The queue, as it is read. Raises StoreUnavailable, nothing else."""

    def page(
        self,
        states: Sequence[str],
        *,
        by: Literal["due_at", "queued_at"],
        most: int,
        agency_id: str | None = None,
        provision: str | None = None,
        due_before: datetime | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> Sequence[Card]:
        """Return reviews in these states: by ``due_at`` the first due, by ``queued_at`` the latest."""

    def counts(self) -> dict[str, int]:
        """Return how many reviews are in each state."""


class PastStop(Protocol):
    """A stop, in force or lifted."""

    @property
    def id(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def value(self) -> str | None: ...
    @property
    def set_at(self) -> datetime: ...
    @property
    def lifted_at(self) -> datetime | None: ...


class StopStore(Protocol):
    """The stops that ever were. Raises StoreUnavailable, nothing else."""

    def find(self, stop_id: str, /) -> PastStop | None:
        """Return the stop of that id, or None."""

    def lifted(self, *, most: int, after: tuple[datetime, str] | None = None) -> Sequence[PastStop]:
        """Return stops that were lifted, the latest first."""


class Waiting(Protocol):
    """What waits for somebody now. Each raises StoreUnavailable, nothing else."""

    def ages(self, states: Sequence[str], now: datetime, steps: Sequence[timedelta], /) -> Sequence[int]:
        """Return how many reviews are younger than each step, and then how many are older than the last."""

    def overdue(self, states: Sequence[str], now: datetime, /) -> int:
        """Return how many reviews should have been done by now."""

    def untouched(self, category: str, since: datetime, /) -> int:
        """Return how many reviews of this category came before then and nobody has touched."""

    def locked(self, now: datetime, /) -> int:
        """Return how many accounts may not sign in for now."""


@dataclass(frozen=True, slots=True)
class Oversight:
    """What the pages of oversight read."""

    figures: FigureStore
    log: Rows
    key: VerifierKey
    """By which the log's checkpoints are known."""
    waiting: Waiting
    undelivered: Callable[[], int] | None = None
    """Counts notices to agencies that could not be delivered, where notices are sent."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The collaborators of the console."""

    city: str
    zone: tzinfo
    """Of the city's clocks, in which pages show times."""
    gate: Gate
    staff: StaffStore
    identities: IdentityStore
    provider: Provider | None
    """The city's identity provider, if people sign in with it."""
    local_sign_in: bool
    """Whether accounts with a password of ours may sign in."""
    reviews: ReviewStore
    cases: Cases
    key: Callable[[], SecretsKey]
    move: Move
    switch: Switch
    stops: StopStore
    search: LogSearch
    oversight: Oversight
    secure: bool
    """Whether browsers reach us by https (on this machine's own address they need not)."""
