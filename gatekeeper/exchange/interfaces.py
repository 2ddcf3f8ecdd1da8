"""What the exchange needs from the outside, named once.

The exchange imports no database and no web framework: ``app`` hands it collaborators that have these shapes.
Every attribute is read-only here, so the store's frozen values fit without knowing about this file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, Protocol

from gatekeeper.errors import GatekeeperError
from gatekeeper.exchange import registrations
from gatekeeper.exchange.questions import Questions
from gatekeeper.ledger import Json, Row
from gatekeeper.ledger.rows import RegistryState, Stop
from gatekeeper.ledger.spending import Used


class Affirmation(Protocol):
    """A signed statement of non-use: an Evanston affirmation or a 625 ILCS 5/2-130(c) declaration."""

    @property
    def kind(self) -> str: ...
    @property
    def text_version(self) -> str: ...
    @property
    def signer(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def signed_on(self) -> date: ...
    @property
    def expires_on(self) -> date | None: ...


class Agency(registrations.Agency, Protocol):
    """An agency of our registry, from which alone its kind, state and standing come."""

    @property
    def ori(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str | None: ...
    @property
    def has_287g(self) -> bool: ...
    @property
    def contacts(self) -> Sequence[str]: ...
    @property
    def affirmations(self) -> Sequence[Affirmation]: ...


class Snapshot(registrations.Snapshot, Protocol):
    """The registry as it was at one version."""

    @property
    def state(self) -> RegistryState: ...
    @property
    def stops(self) -> Sequence[Stop]: ...
    @property
    def revoked(self) -> frozenset[str]: ...
    def agencies(self) -> Sequence[Agency]: ...
    def clients(self) -> Sequence[registrations.Client]: ...
    def agency(self, id_or_ori: str, /) -> Agency | None: ...
    def officer_suspended(self, mark: bytes, key_id: str, /) -> bool: ...


class Registry(Protocol):
    """The read side of agencies, credentials and stops, and the memory of proofs that were used.

    Raises StoreUnavailable, nothing else.
    """

    def snapshot(self) -> Snapshot: ...
    def claim_jti(self, client_id: str, jti: str, expires_at: datetime) -> bool: ...
    def use(
        self, client_id: str, jti: str, expires_at: datetime, taken: Callable[[], GatekeeperError] = ..., /
    ) -> Row: ...


class KnownKey(Protocol):
    """What an Idempotency-Key was first used for."""

    @property
    def query_id(self) -> str: ...
    @property
    def body_fingerprint(self) -> bytes: ...
    @property
    def day(self) -> date: ...


class QueryRow(Protocol):
    """What the store keeps in clear about a decided query."""

    @property
    def query_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...


class ReviewRow(Protocol):
    """Where a denied query stands in the review queue."""

    @property
    def agency_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def provisions(self) -> Sequence[str]: ...
    @property
    def queued_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def assignee(self) -> str | None: ...


class Review(ReviewRow, Protocol):
    """A review as it was read: ``version`` counts its moves, so that nobody moves on what is no more."""

    @property
    def query_id(self) -> str: ...
    @property
    def version(self) -> int: ...


class ReviewEvent(Protocol):
    """One move of a query's review; a ruling names its provision, its level and the body ruled on."""

    @property
    def query_id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def event(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def provision(self) -> str | None: ...
    @property
    def expires_at(self) -> datetime | None: ...
    @property
    def level(self) -> str | None: ...
    @property
    def body_fp(self) -> bytes | None: ...
    @property
    def fp_day(self) -> date | None: ...


class Verification(Protocol):
    """A legal paper whose judge's signature staff saw; fingerprints are under the key of ``fp_day``."""

    @property
    def agency_id(self) -> str: ...
    @property
    def document_sha256(self) -> str: ...
    @property
    def paper_fp(self) -> bytes: ...
    @property
    def targets(self) -> Sequence[str]: ...
    @property
    def window_start(self) -> datetime: ...
    @property
    def window_end(self) -> datetime: ...
    @property
    def at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def fp_day(self) -> date: ...


class AskedBefore(Protocol):
    """A query of the same officer, or about the same target, as another; ``hour`` as 2026-11-22T20Z."""

    @property
    def query_id(self) -> str: ...
    @property
    def agency_id(self) -> str: ...
    @property
    def hour(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def review(self) -> str: ...
    @property
    def dry_run(self) -> bool: ...


class SearchDay(Protocol):
    """A day with searches of one officer for one target, by its place in the question."""

    @property
    def day(self) -> int: ...
    @property
    def under_this_case(self) -> bool: ...
    @property
    def under_another_case(self) -> bool: ...
    @property
    def refused(self) -> int: ...


class OfficerDay(Protocol):
    """What is on record of an officer's day, beside a query about one target, from one client, in one hour.

    ``targets`` of the day, and those of them asked about in this hour; ``last_hour``: when this one was, as
    2026-11-22T20Z. ``days_before``: on how many days before the agency asked about this target.
    ``other_hours`` of the day, and ``other_clients`` of this hour, from which the officer asked.
    """

    @property
    def targets(self) -> int: ...
    @property
    def targets_this_hour(self) -> int: ...
    @property
    def last_hour(self) -> str | None: ...
    @property
    def days_before(self) -> int: ...
    @property
    def other_hours(self) -> int: ...
    @property
    def other_clients(self) -> int: ...


class Marked(Protocol):
    """A mark that a query left, by the place of its fingerprint in the question."""

    @property
    def place(self) -> int: ...
    @property
    def query_id(self) -> str: ...
    @property
    def at_ms(self) -> int: ...
    @property
    def box(self) -> bytes | None: ...


class Looks(Protocol):
    """How many marks are under each group of fingerprints, and of which queries the latest are."""

    @property
    def counts(self) -> Sequence[int]: ...
    @property
    def seen(self) -> frozenset[str]: ...


class Neighbours(Protocol):
    """What is on record around a query. No looks where none were asked for."""

    @property
    def searches(self) -> Sequence[SearchDay]: ...
    @property
    def marks(self) -> Sequence[Marked]: ...
    @property
    def day(self) -> OfficerDay: ...
    @property
    def looks(self) -> Looks: ...


class Queries(Protocol):
    """The read side of past queries; an agency sees its own only. Raises StoreUnavailable, nothing else."""

    def idempotency(self, client_id: str, key_fingerprints: Sequence[bytes]) -> KnownKey | None: ...
    def spent(self, agency_id: str) -> Mapping[str, Used]: ...
    def find(self, query_id: str, agency_id: str) -> QueryRow | None: ...
    def review(self, query_id: str, agency_id: str | None = None) -> Review | None: ...
    def review_events(self, query_id: str) -> Sequence[ReviewEvent]: ...
    def neighbours(self, asked: Questions) -> Neighbours: ...
    def marks(self, prints: Sequence[bytes], since_ms: int, until_ms: int, most: int) -> Sequence[Marked]: ...
    def latest_of(
        self, agency_id: str, since_hour: str, hours: Collection[int], most: int
    ) -> Sequence[str]: ...
    def asked_before(
        self, by: Literal["officer", "target"], prints: Sequence[bytes], most: int
    ) -> Sequence[AskedBefore]: ...
    def verification(self, agency_id: str, document_sha256: str) -> Verification | None: ...


class QueueReview(Protocol):
    """Makes the rows that put a denied query before the staff; the log commits them with the decision."""

    def __call__(
        self,
        *,
        query_id: str,
        agency_id: str,
        category: str,
        level: str,
        provisions: Sequence[str],
        at: datetime,
        due_at: datetime,
        first: bool,
    ) -> Sequence[Row]: ...


class MoveReview(Protocol):
    """Makes the rows that move a review on from the version that was read; the log commits them."""

    def __call__(  # noqa: PLR0913  a move says as much
        self,
        review: Any,
        to: str,
        *,
        event: str,
        ref: str,
        at: datetime,
        actor: str,
        due_at: datetime | None = None,
        ruling: Any = None,
        fails: Any = None,
    ) -> Sequence[Row]: ...


Facts = Mapping[str, Json]
