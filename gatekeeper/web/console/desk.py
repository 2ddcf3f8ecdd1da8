"""What the console's pages need from the outside, handed in by ``app``."""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Literal, Protocol

from flask import g

from gatekeeper.exchange import Gate, Law, Laws
from gatekeeper.exchange.interfaces import ReviewRow
from gatekeeper.ledger import Rows, StoredEntry, VerifierKey
from gatekeeper.ledger.rows import RegistryState
from gatekeeper.notices.shown import NoticeStore
from gatekeeper.oversight.agencies import StandingRows
from gatekeeper.oversight.changing import Changing
from gatekeeper.oversight.checks import Checks
from gatekeeper.oversight.figures import FigureStore
from gatekeeper.oversight.key_warnings import KeyWarning
from gatekeeper.oversight.sampling import Sampling
from gatekeeper.oversight.search import LogSearch
from gatekeeper.oversight.signing import Invitation, Kept, Signing
from gatekeeper.oversight.stops import Switch
from gatekeeper.purge.holds import Holds
from gatekeeper.purge.outlook import Outlook
from gatekeeper.review.accounts import Account, Accounts, Session
from gatekeeper.review.assign import AssignRows
from gatekeeper.review.cases import Cases
from gatekeeper.review.personnel import Personnel
from gatekeeper.review.queue import Card, Count, Found, Place, Wanted
from gatekeeper.review.secrets import SecretsKey
from gatekeeper.revisions import Lifecycle
from gatekeeper.revisions.bench import Bench
from gatekeeper.revisions.drafts import Drafts
from gatekeeper.revisions.examiner import Examiner
from gatekeeper.revisions.interfaces import Jobs, Kind, Revisions
from gatekeeper.web.console.provider import Provider
from gatekeeper.witness.witnessing import Witnessed


class OpenSession(Protocol):
    """A session in its own person's list; ``here``: it is the one that they look from."""

    @property
    def began_at(self) -> datetime: ...
    @property
    def seen_at(self) -> datetime: ...
    @property
    def here(self) -> bool: ...


class Standing(Protocol):
    """How an account's sign-ins went."""

    @property
    def locked_until(self) -> datetime | None: ...
    @property
    def signed_in_at(self) -> datetime | None: ...


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

    def end_sessions(self, account_id: str, /, *, but: str | None = None) -> None:
        """Forget every session of an account, but for the one that is named."""

    def sessions_of(self, account_id: str, session_id: str, /) -> Sequence[OpenSession]:
        """Return an account's sessions, as they are seen from one of them."""

    def recovery_codes_left(self, account_id: str, /) -> int:
        """Return how many recovery codes an account has."""

    def all(self) -> Sequence[Account]:
        """Return every account, removed ones too, by user name."""

    def standings(self) -> Mapping[str, Standing]:
        """Return how sign-ins went, by account."""


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
        self, wanted: Wanted, *, most: int, after: Place | None = None, before: Place | None = None
    ) -> Found:
        """Return the first cards behind a place, or the last ones before one."""

    def counts(self, asked: Sequence[Wanted]) -> Sequence[Count]:
        """Count what each would find, up to a limit."""

    def cards(self, query_ids: Sequence[str]) -> Sequence[Card]:
        """Return the cards of these reviews; what is none is left out."""

    def starting(self, beginning: str, *, most: int) -> Sequence[Card]:
        """Return reviews whose query id begins so."""

    def of_prints(
        self, of: Literal["target_fp", "officer_fp"], prints: Sequence[bytes], *, most: int
    ) -> Sequence[Card]:
        """Return the reviews of queries with one of these fingerprints, the latest first."""


class View(Protocol):
    """A filter of the queue, in the filter's own words, under a name that only its owner sees."""

    @property
    def id(self) -> str:
        """How its owner's forms name it."""

    @property
    def name(self) -> str:
        """What its owner calls it."""

    @property
    def wanted(self) -> Mapping[str, str]:
        """The filter."""


ViewOutcome = Literal["kept", "taken", "full", "unknown"]


class ViewStore(Protocol):
    """The views that a person keeps; nobody else's are found. Raises StoreUnavailable, nothing else."""

    def of(self, staff_id: str, /) -> Sequence[View]:
        """Return the views of a person, by name."""

    def keep(self, staff_id: str, name: str, wanted: Mapping[str, str], /) -> ViewOutcome:
        """Keep a view under a name, unless there is one of that name or there are too many."""

    def rename(self, staff_id: str, view_id: str, name: str, /) -> ViewOutcome:
        """Give a view another name."""

    def forget(self, staff_id: str, view_id: str, /) -> bool:
        """Forget a view; False if the person keeps no such one."""


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


class Review(ReviewRow, Protocol):
    """A review, told from the others by its query."""

    @property
    def query_id(self) -> str: ...


class Waiting(Protocol):
    """What waits for somebody now. Each raises StoreUnavailable, nothing else."""

    def ages(self, states: Sequence[str], now: datetime, steps: Sequence[timedelta], /) -> Sequence[int]:
        """Return how many reviews are younger than each step, and then how many are older than the last."""

    def overdue(self, states: Sequence[str], now: datetime, /) -> int:
        """Return how many reviews should have been done by now."""

    def untouched(self, category: str, since: datetime, /) -> int:
        """Return how many reviews of this category came before then and nobody has touched."""

    def by_agency(self, agency_ids: Sequence[str], states: Sequence[str], /) -> dict[str, int]:
        """Return how many reviews are in these states, for each of these agencies that has any."""

    def latest(self, agency_id: str, states: Sequence[str], most: int, /) -> Sequence[Review]:
        """Return the agency's reviews in these states, the latest first."""

    def locked(self, now: datetime, /) -> int:
        """Return how many accounts may not sign in for now."""


@dataclass(frozen=True, slots=True)
class Oversight:
    """What the pages of oversight read."""

    figures: FigureStore
    log: Rows
    waiting: Waiting
    sampling: Sampling
    standing: StandingRows
    undelivered: Callable[[], int]
    """Counts notices to agencies that could not be delivered."""
    key_warnings: Callable[[], Sequence[KeyWarning]]
    """Tells which keys need somebody before they fail."""


class _First:
    """The law that was in force when one page first asked."""

    def __init__(self, laws: Laws) -> None:
        self._laws = laws
        self._law: Law | None = None

    def of(self, state: RegistryState) -> Law:
        """Return it. Raises as any laws do."""
        if self._law is None:
            self._law = self._laws.of(state)
        return self._law


class ShadowCount(Protocol):
    """How many decisions of a day fell into a class; of them all, or of those that concern one provision."""

    @property
    def baseline(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def kind(self) -> str: ...
    @property
    def provision(self) -> str: ...
    @property
    def number(self) -> int: ...


class ShadowStore(Protocol):
    """What candidates would have decided beside the law. Raises StoreUnavailable, nothing else."""

    def counts(self, revision_id: str, /) -> Sequence[ShadowCount]:
        """Return what was counted of a candidate, by day."""

    def examples(self, revision_id: str, /) -> Sequence[tuple[str, str]]:
        """Return the kept queries of a candidate, each with its class."""


@dataclass(frozen=True, slots=True)
class LawDesk:
    """What the pages of the law read, and how it is changed."""

    revisions: Revisions
    lifecycle: Lifecycle
    jobs: Jobs
    shadows: ShadowStore
    begin_job: Callable[[Kind, str, str, Mapping[str, str]], bool]
    """Begins a check or a replay of a revision, by somebody, with options of its command, in a process of its
    own; False while one of that kind runs for it."""


class LinkStore(Protocol):
    """Reads links to sign by, and what was signed. Raises StoreUnavailable, nothing else."""

    def get(self, invitation_id: str, /) -> Invitation | None:
        """Return the link of that id, or None."""

    def all(self, agency_id: str | None = None, /) -> Sequence[Invitation]:
        """Return every link (of the agency), the oldest first."""

    def document(self, affirmation_id: str, /) -> Kept | None:
        """Return what was signed by a link as this affirmation, or None."""

    def documents_of(self, agency_id: str, /) -> frozenset[str]:
        """Return the ids of the agency's affirmations that were signed by a link."""


@dataclass(frozen=True, slots=True)
class AgencyDesk:
    """What the life of an agency needs."""

    signing: Signing
    links: LinkStore
    changing: Changing
    untold: Callable[[Any], Literal["contact", "mail"] | None]
    """Says why an agency cannot be told of anything; None if it can."""
    base_url: str
    """Where browsers reach us, for the address of a link."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The collaborators of the console."""

    city: str
    zone: tzinfo
    """Of the city's clocks, in which pages show times."""
    whole_gate: Gate
    staff: StaffStore
    personnel: Personnel
    identities: IdentityStore
    provider: Provider | None
    """The city's identity provider, if people sign in with it."""
    local_sign_in: bool
    """Whether accounts with a password of ours may sign in."""
    reviews: ReviewStore
    cases: Cases
    drafts: Drafts
    examiner: Examiner
    views: ViewStore
    entry: Callable[[int], StoredEntry | None]
    """Returns an entry of the log. Raises LedgerUnavailable."""
    key: Callable[[], SecretsKey]
    switch: Switch
    stops: StopStore
    search: LogSearch
    oversight: Oversight
    assign: AssignRows
    checks: Checks
    known_by: Callable[[], VerifierKey]
    """Returns the key that the log's checkpoints are checked with now."""
    witnesses: Callable[[], Witnessed | None]
    """How the published checkpoint stands with the witnesses; None where there are none."""
    law: LawDesk
    agencies: AgencyDesk
    notices: NoticeStore
    holds: Holds
    outlook: Callable[[Mapping[str, Any]], Outlook]
    """What is erased next, by the data of the law in force."""
    try_now: Callable[[str, datetime], bool]
    """Has one delivery tried now; says whether there was one to try."""
    bench: Bench
    """On which requests are tried."""
    secure: bool
    """Whether browsers reach us by https (on this machine's own address they need not)."""

    @property
    def log_key(self) -> VerifierKey:
        """By which the log's checkpoints are known."""
        return self.known_by()

    @property
    def gate(self) -> Gate:
        """Return the gate by the law in force: one page sees one law, if it asks for any."""
        if "gate" not in g:
            g.gate = replace(self.whole_gate, laws=_First(self.whole_gate.laws))
        gate: Gate = g.gate
        return gate
