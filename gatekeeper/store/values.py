"""What the store answers with: frozen values that no other part can change behind another's back.

``exchange`` names what it needs of them as read-only protocols of its own; these match by shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

Profile = Literal["fapi", "private_key", "basic"]


@dataclass(frozen=True, slots=True)
class RegistryState:
    """Which registry and which policy a decision was made under. Any change of either raises ``version``."""

    version: int
    policy_revision: str | None
    policy_digest: str | None
    policy_serial: int | None = None
    due_revision: str | None = None
    due_ms: int | None = None
    shadow_revision: str | None = None


@dataclass(frozen=True, slots=True)
class Affirmation:
    """What an agency signed: the city's affirmation, or the declaration of 625 ILCS 5/2-130(c)."""

    id: str
    agency_id: str
    kind: Literal["affirmation", "declaration"]
    text_version: str
    signer: str
    title: str
    signed_on: date
    expires_on: date | None
    document_sha256: str | None
    reminded_days: int | None = None
    """The last reminder that was sent: so many days before its end."""


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency of the registry, with everything that it has signed, the oldest first."""

    id: str
    ori: str | None
    name: str
    kind: str
    state: str | None
    status: str
    has_287g: bool
    contacts: tuple[str, ...]
    affirmations: tuple[Affirmation, ...]
    source_287g: str | None = None
    """Where it stands whether it has an agreement under 8 USC 1357(g): a document or an address."""
    looked_up_287g: date | None = None
    """The day on which somebody looked there."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client's public key, for private_key_jwt (RFC 7523)."""

    kid: str
    alg: str
    jwk: Mapping[str, Any]
    status: Literal["active", "revoked", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client of an agency. Its secret is not kept, only the secret's hash."""

    id: str
    agency_id: str
    profile: Profile
    status: Literal["active", "revoked"]
    secret_sha256: str | None
    scopes: tuple[str, ...]
    keys: tuple[ClientKey, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop in force: nothing in its scope may be released."""

    id: str
    scope: Literal["all", "agency", "kind", "camera"]
    value: str | None
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Issuer:
    """An identity provider of agencies; ``terms`` say on what its access tokens count."""

    id: str
    url: str | None
    status: Literal["active", "suspended", "removed"]
    terms: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OfficerSuspension:
    """An officer who may not ask. ``mark`` is under the key of ``key_id``; ``box`` says who and why."""

    id: str
    agency_id: str
    mark: bytes
    key_id: str
    box: bytes
    since: datetime


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What a client's Idempotency-Key was used for. ``day`` names the key that made the fingerprint."""

    query_id: str
    body_fingerprint: bytes
    day: date


@dataclass(frozen=True, slots=True)
class QueryRow:
    """What is kept of a query in the clear. Fingerprints are HMACs under the key of ``fp_day``."""

    query_id: str
    agency_id: str
    client_id: str
    hour: str
    kind: str
    category: str
    outcome: Literal["permit", "deny"]
    review: Literal["none", "staff", "counsel"]
    dry_run: bool
    policy_revision: str
    target_fp: bytes | None
    officer_fp: bytes | None
    body_fp: bytes | None
    fp_day: date | None


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """A query of the same officer, or about the same target, as another: nothing of it is private."""

    query_id: str
    agency_id: str
    hour: str
    category: str
    outcome: Literal["permit", "deny"]
    review: Literal["none", "staff", "counsel"]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """Where a denied query stands with the records staff. ``version`` counts its moves.

    ``assignee`` is the member of staff who looks after it, if anybody does; that is no move.
    """

    query_id: str
    agency_id: str
    state: str
    level: Literal["staff", "counsel"]
    provisions: tuple[str, ...]
    queued_at: datetime
    due_at: datetime | None
    version: int
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewCard:
    """A review as the queue shows it: whose, what for, where it stands. Nothing of it is private."""

    query_id: str
    agency_id: str
    agency_name: str
    state: str
    level: Literal["staff", "counsel"]
    provisions: tuple[str, ...]
    category: str
    kind: str
    urgency: int
    queued_at: datetime
    due_at: datetime
    moved_at: datetime
    assignee: str | None
    assignee_name: str | None


@dataclass(frozen=True, slots=True)
class ReviewEvent:
    """One move of a review. The words that went with it are sealed under ``ref`` and ``event``."""

    query_id: str
    version: int
    ref: str
    event: str
    state: str
    at: datetime
    actor: str
    provision: str | None
    expires_at: datetime | None
    level: Literal["staff", "counsel"] | None
    body_fp: bytes | None
    fp_day: date | None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's ruling on one provision, as its row says it. ``body_fp`` binds it to the body ruled on."""

    provision: str
    level: Literal["staff", "counsel"]
    expires_at: datetime
    body_fp: bytes
    fp_day: date


@dataclass(frozen=True, slots=True)
class Verification:
    """A legal paper whose judge's signature staff saw. Fingerprints are HMACs under the key of ``fp_day``."""

    id: str
    agency_id: str
    document_sha256: str
    paper_fp: bytes
    targets: tuple[str, ...]
    window_start: datetime
    window_end: datetime
    at: datetime
    expires_at: datetime
    actor: str
    level: Literal["staff", "counsel"]
    fp_day: date


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A paper that was handed in, without its bytes; its name is sealed under the key of ``day``."""

    id: str
    query_id: str
    sha256: str
    media_type: str
    size: int
    source: Literal["agency", "staff"]
    at: datetime
    day: date
    name_box: bytes


@dataclass(frozen=True, slots=True)
class OfficerDay:
    """What is on record of an officer's day, beside a query about one target, from one client, in one hour.

    ``targets`` of the day, and those of them asked about in this hour; ``last_hour``: when this one was, as
    2026-11-22T20Z. ``days_before``: on how many days before the agency asked about this target.
    ``other_hours`` of the day, and ``other_clients`` of this hour, from which the officer asked.
    """

    targets: int
    targets_this_hour: int
    last_hour: str | None
    days_before: int
    other_hours: int
    other_clients: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark that a query left, by the place of its fingerprint in the question."""

    place: int
    query_id: str
    at_ms: int
    box: bytes | None


@dataclass(frozen=True, slots=True)
class Looks:
    """How many marks are under each group of fingerprints, and of which queries the latest are."""

    counts: tuple[int, ...]
    seen: frozenset[str]


@dataclass(frozen=True, slots=True)
class SearchDay:
    """A day with searches of one officer for one target, by its place in the question (0 is today).

    ``under_this_case``: some under the case number asked about. ``refused``: how many were denied of late.
    """

    day: int
    under_this_case: bool
    under_another_case: bool
    refused: int


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is on record around a query. No looks where none were asked for."""

    searches: tuple[SearchDay, ...]
    marks: tuple[Marked, ...]
    day: OfficerDay
    looks: Looks


@dataclass(frozen=True, slots=True)
class StaffAccount:
    """A member of the city's staff. The password is kept as its hash, the codes' secret sealed.

    Both are empty for who signs in with the city's identity provider alone.
    """

    id: str
    username: str
    name: str
    role: Literal["records", "legal", "counsel", "auditor", "admin"]
    agency_id: str | None
    status: Literal["active", "removed"]
    password_hash: str = field(repr=False)
    totp_box: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A browser that a member of staff signed in with. ``proved_at``: when they last proved who they are."""

    account: StaffAccount
    began_at: datetime
    seen_at: datetime
    proved_at: datetime
    id_token_box: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PastStop:
    """A stop that was set: in force while ``lifted_at`` is None."""

    id: str
    scope: Literal["all", "agency", "kind", "camera"]
    value: str | None
    set_at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """A check of the log: entries from ``start`` up to ``size``, of which ``place`` says how far it came."""

    id: str
    actor: str
    scope: Literal["whole", "since"]
    state: Literal["running", "consistent", "inconsistent", "interrupted"]
    begun_at: datetime
    beat_at: datetime
    ended_at: datetime | None
    start: int
    size: int
    place: int
    fault: str | None
    outcome: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its own person sees it in a list; ``here``: it is the one that they look from."""

    began_at: datetime
    seen_at: datetime
    here: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account's sign-ins went: until when it is locked, if it is, and when the last one was."""

    locked_until: datetime | None
    signed_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """What a browser was sent to the identity provider for: to sign in, or with ``staff_id`` for a proof."""

    nonce: str
    verifier: str
    back: str
    staff_id: str | None
    began_at: datetime


class FigureMark(NamedTuple):
    """How far the figures have come: every entry before ``upto`` is counted, by the rules of that number."""

    upto: int
    rules: int


@dataclass(frozen=True, slots=True)
class StaffView:
    """A filter of the queue, in the filter's own words, under a name that only its owner sees."""

    id: str
    name: str
    wanted: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """One move of a review that its agency is told of, or that what it signed ends. Nothing of it is private.

    ``query_id`` is of the first, ``affirmation_id`` of the second, whose state is ``ending``.
    """

    id: str
    query_id: str | None
    agency_id: str
    event: str
    state: str
    at: datetime
    affirmation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an agency wants to be told. The address and the signing secrets are in ``box``, sealed."""

    id: str
    agency_id: str
    host: str
    status: Literal["active", "disabled"]
    box: bytes = field(repr=False)
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way to one place; ``id`` is the same at each try, ``attempts`` counts them."""

    id: str
    notice: Notice
    channel: Literal["webhook", "mail"]
    endpoint: str
    recipient: str | None
    state: Literal["waiting", "delivered", "given_up", "dropped"]
    attempts: int
    next_at: datetime
    last_code: str | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample of permits: what it was drawn from, and how many were drawn."""

    id: str
    drawn_from: str
    at: datetime
    actor: str
    first_day: date
    last_day: date
    agency_id: str | None
    category: str | None
    size: int
    population: int


@dataclass(frozen=True, slots=True)
class SampleItem:
    """One permit of a sample, by the entry that released it. ``marks`` counts how often it was marked."""

    sample_id: str
    number: int
    entry_index: int
    query_id: str
    agency_id: str
    category: str
    marks: int


@dataclass(frozen=True, slots=True)
class SampleMark:
    """One mark of one permit; why is sealed under ``ref``. The last of a permit is the one that counts."""

    sample_id: str
    number: int
    mark: int
    ref: str
    verdict: Literal["right", "wrong", "erased"]
    fault: Literal["wrong_purpose", "missing_case_number", "words_overlooked", "other"] | None
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link by which an agency's signatory signs; the link's own secret is kept as a hash alone."""

    id: str
    agency_id: str
    kind: Literal["affirmation", "declaration"]
    text_version: str
    text_sha256: str
    token_sha256: bytes = field(repr=False)
    signer_email: str
    valid_days: int
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document as it was signed on the page; the address of its receipt is kept as a hash alone."""

    affirmation_id: str
    invitation_id: str
    document: str
    ref: str
    receipt_sha256: bytes = field(repr=False)
    receipt_until: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that one person proposed and another confirms; what and why is sealed under ``ref``."""

    id: str
    agency_id: str
    act: Literal[
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
    change_sha256: str
    basis_sha256: str
    state: Literal["open", "done", "withdrawn"]
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    ref: str
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A hold on a query's private detail; ``lifted_at`` is None while it is in force."""

    id: str
    query_id: str
    placed_at: datetime
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Purge:
    """An erasure: ``first_kept`` is the first day that it keeps."""

    id: str
    first_kept: date


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A private detail as it is kept; ``event`` is the entry's with its index, ``query_id`` whose it is."""

    ref: str
    event: str
    query_id: str
    day: date
    box: bytes


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A document as it is kept: its name and its bytes, sealed under the key of ``day``."""

    id: str
    query_id: str
    day: date
    name_box: bytes
    box: bytes
