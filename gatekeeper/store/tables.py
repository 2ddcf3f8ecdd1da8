"""The tables of the gatekeeper's own state, for SQLite and PostgreSQL alike.

Guarantees: what the law needs as evidence (``APPEND_ONLY``) can be inserted and read, never changed; what
expires (``ERASABLE``) can be deleted, never changed; what an operator may change is named column by column
(``CHANGEABLE``). The migration puts the same rules into triggers, ``deploy/roles.sql`` into grants, and
``writing.py`` refuses before the database is asked. A test holds the migrated schema equal to this file.

No table holds a plate, a place or a typed word in the clear: those are in ``private_details`` alone, sealed
under a key that is kept elsewhere (documents in ``documents``, in the same way; what is held beyond its day
in ``held_boxes``).
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from gatekeeper.store.columns import Document, Names, Utc

REVISION: Final = "0025"
"""The migration that this code was written for; ``Database.check`` refuses any other."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# A WITHOUT ROWID table has no second, hidden key by which INSERT OR REPLACE could overwrite a row unseen.
_KEYED: Final[dict[str, Any]] = {"sqlite_with_rowid": False}


def _choice(name: str, *words: str, nullable: bool = False) -> tuple[Column[str], CheckConstraint]:
    """Return a column that holds one of *words*, and the database's own check of it."""
    listed = ", ".join(f"'{word}'" for word in words)
    column = Column(name, String(40), nullable=nullable, info={"choices": frozenset(words)})
    return column, CheckConstraint(f"{name} IN ({listed})", name=name)


def _id(name: str = "id") -> Column[str]:
    return Column(name, String(128), primary_key=True)


def _hash(name: str, *, nullable: bool = True, primary_key: bool = False) -> Column[bytes]:
    kind: TypeEngine[bytes] = LargeBinary(32)
    return Column(name, kind, nullable=nullable, primary_key=primary_key, info={"length": 32})


# --- The registry: who may ask. Every change bumps registry.version in the same transaction. -------------

registry = Table(
    "registry",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("policy_revision", String(128)),
    Column("policy_digest", String(128)),
    # The place of the active revision in the order of activations; an older place is never taken again.
    Column("policy_serial", BigInteger),
    # What is approved for a moment to come: whoever sees it reached commits the activation first.
    Column("due_revision", String(128)),
    Column("due_ms", BigInteger),
    # What decides beside the active revision, without effect.
    Column("shadow_revision", String(128)),
    CheckConstraint("id = 1", name="single"),
    **_KEYED,
)

agencies = Table(
    "agencies",
    metadata,
    _id(),
    Column("ori", String(32), unique=True),
    Column("name", String(200), nullable=False),
    *_choice("kind", "local", "state", "federal", "tribal", "fusion_center", "private"),
    Column("state", String(2)),
    *_choice("status", "active", "suspended", "closed"),
    Column("has_287g", Boolean, nullable=False),
    Column("contacts", Names, nullable=False),
    # Where it stands whether the agency has such an agreement, and the day on which somebody looked there.
    Column("source_287g", String(500)),
    Column("looked_up_287g", Date),
    **_KEYED,
)

affirmations = Table(
    "affirmations",
    metadata,
    _id(),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False, index=True),
    *_choice("kind", "affirmation", "declaration"),
    Column("text_version", String(40), nullable=False),
    Column("signer", String(200), nullable=False),
    Column("title", String(200), nullable=False),
    Column("signed_on", Date, nullable=False),
    Column("expires_on", Date),
    Column("document_sha256", String(64)),
    # The last reminder that was sent: so many days before its end.
    Column("reminded_days", Integer),
    **_KEYED,
)

clients = Table(
    "clients",
    metadata,
    _id(),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False, index=True),
    *_choice("profile", "basic", "private_key", "fapi"),
    *_choice("status", "active", "revoked"),
    Column("secret_sha256", String(64)),
    Column("scopes", Names, nullable=False),
    **_KEYED,
)

client_keys = Table(
    "client_keys",
    metadata,
    Column("client_id", String(128), ForeignKey("clients.id"), primary_key=True),
    _id("kid"),
    Column("alg", String(16), nullable=False),
    Column("jwk", Document, nullable=False),
    # Withdrawn: its agency publishes it no more, and may again. Revoked: for good.
    *_choice("status", "active", "revoked", "withdrawn"),
    **_KEYED,
)

stops = Table(
    "stops",
    metadata,
    _id(),
    *_choice("scope", "all", "agency", "kind", "camera"),
    Column("value", String(200)),
    Column("set_at", Utc, nullable=False),
    Column("lifted_at", Utc),
    CheckConstraint("(scope = 'all') = (value IS NULL)", name="target"),
    Index(None, "lifted_at"),
    **_KEYED,
)

# --- The life cycle of an agency: what it is asked to sign, and what one person proposed to another. -------

affirmation_invitations = Table(
    "affirmation_invitations",
    metadata,
    _id(),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False, index=True),
    *_choice("kind", "affirmation", "declaration"),
    Column("text_version", String(40), nullable=False),
    # The text of that version as it was when the link was made: no other is signed with it.
    Column("text_sha256", String(64), nullable=False),
    # SHA-256 of what the link holds, never that itself.
    Column("token_sha256", LargeBinary(32), nullable=False, unique=True, info={"length": 32}),
    Column("signer_email", String(254), nullable=False),
    Column("valid_days", Integer, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("used_at", Utc),
    Column("revoked_at", Utc),
    **_KEYED,
)

signed_documents = Table(
    "signed_documents",
    metadata,
    Column("affirmation_id", String(128), ForeignKey("affirmations.id"), primary_key=True),
    Column(
        "invitation_id", String(128), ForeignKey("affirmation_invitations.id"), nullable=False, unique=True
    ),
    Column("document", Text, nullable=False),
    # The entry that tells of it.
    Column("ref", String(128), nullable=False),
    # SHA-256 of what the receipt's address holds, and until when that is answered.
    Column("receipt_sha256", LargeBinary(32), nullable=False, unique=True, info={"length": 32}),
    Column("receipt_until", Utc, nullable=False),
    **_KEYED,
)

agency_proposals = Table(
    "agency_proposals",
    metadata,
    _id(),
    # An agency that is proposed is not there yet.
    Column("agency_id", String(128), nullable=False, index=True),
    *_choice(
        "act",
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
    ),
    # Of what is to be changed, which the entry of ``ref`` has sealed, and of what it rests on; in hex.
    Column("change_sha256", String(64), nullable=False),
    Column("basis_sha256", String(64), nullable=False),
    *_choice("state", "open", "done", "withdrawn"),
    Column("proposed_by", String(128), ForeignKey("staff.id"), nullable=False),
    Column("proposed_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    # The entry that tells why, whose words are sealed.
    Column("ref", String(128), nullable=False),
    Column("decided_by", String(128), ForeignKey("staff.id")),
    Column("decided_at", Utc),
    **_KEYED,
)

# --- Whose tokens count beside ours, and which officers may not ask. ---------------------------------------

issuers = Table(
    "issuers",
    metadata,
    _id(),
    # What its tokens name as their issuer; gone once it was removed, so that it may be added anew.
    Column("url", String(512), unique=True),
    *_choice("status", "active", "suspended", "removed"),
    Column("terms", Document, nullable=False),
    CheckConstraint("(url IS NULL) = (status = 'removed')", name="named"),
    **_KEYED,
)

officer_suspensions = Table(
    "officer_suspensions",
    metadata,
    _id(),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False),
    # The mark by which the officer is found, and the key that it was made under; gone once it has ended.
    Column("mark", LargeBinary(32), unique=True, info={"length": 32}),
    Column("key_id", String(16), nullable=False),
    # Badge, reason and person, sealed under a key that is kept outside the database.
    Column("box", LargeBinary),
    Column("since", Utc, nullable=False),
    Column("ended_at", Utc),
    CheckConstraint(
        "(mark IS NULL) = (ended_at IS NOT NULL) AND (box IS NULL) = (ended_at IS NOT NULL)", name="ended"
    ),
    **_KEYED,
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    _id("jti"),
    Column("expires_at", Utc, nullable=False, index=True),
    **_KEYED,
)

# --- What authentication must remember, for minutes. -----------------------------------------------------

jti_seen = Table(
    "jti_seen",
    metadata,
    _hash("digest", nullable=False, primary_key=True),
    Column("expires_at", Utc, nullable=False, index=True),
    **_KEYED,
)

# --- One row per query: no words, no plate; fingerprints are HMACs under a day's key. --------------------

queries = Table(
    "queries",
    metadata,
    _id("query_id"),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False),
    Column("client_id", String(128), ForeignKey("clients.id"), nullable=False),
    Column("hour", String(14), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("category", String(40), nullable=False),
    *_choice("outcome", "permit", "deny"),
    *_choice("review", "none", "staff", "counsel"),
    Column("dry_run", Boolean, nullable=False),
    Column("policy_revision", String(128), nullable=False),
    _hash("target_fp"),
    _hash("officer_fp"),
    _hash("body_fp"),
    Column("fp_day", Date),
    # Who searched for what, and under which case number: asked about again on each of the next days.
    _hash("search_fp"),
    _hash("case_fp"),
    Index(None, "agency_id", "hour"),
    # Whoever asked about a target, and whether this agency did.
    Index(None, "target_fp", "agency_id"),
    # Whatever an officer asked about on a day, each target once, and when last (see ``store.patterns``).
    Index(None, "officer_fp", "target_fp", "hour"),
    Index(None, "search_fp", "case_fp"),
    Index(None, "search_fp", "outcome", "hour"),
    **_KEYED,
)

marks = Table(
    "marks",
    metadata,
    # What a later query is compared with, or staff are told of: refusals, looks at sensitive places, sessions
    # of a badge, what came by waiting, badges that two share.
    _hash("mark_fp", nullable=False, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("query_id", String(128), ForeignKey("queries.query_id"), primary_key=True),
    Column("day", Date, nullable=False, index=True),
    # Of a session: its fingerprint. Of others: what was refused and said, or whose it is, sealed under the
    # day's key. Of a look at a place: nothing.
    Column("box", LargeBinary),
    **_KEYED,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("client_id", String(128), primary_key=True),
    _hash("key_fp", nullable=False, primary_key=True),
    Column("query_id", String(128), nullable=False),
    _hash("body_fp", nullable=False),
    Column("day", Date, nullable=False, index=True),
    **_KEYED,
)

# --- What is used of each limit. -------------------------------------------------------------------------

quota_buckets = Table(
    "quota_buckets",
    metadata,
    Column("agency_id", String(128), primary_key=True),
    # Empty: the agency's own. Else an officer's fingerprint under the key of `day`, which goes with that key.
    Column("officer_fp", LargeBinary, primary_key=True),
    Column("bucket", String(40), primary_key=True),
    Column("day", Date, nullable=True, index=True),
    Column("used", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    **_KEYED,
)

failures = Table(
    "failures",
    metadata,
    # Of a client's address: a fingerprint under the day's key. Gone after minutes.
    _hash("address_fp", nullable=False, primary_key=True),
    Column("since_ms", BigInteger, nullable=False, index=True),
    Column("number", BigInteger, nullable=False),
    **_KEYED,
)

key_sets = Table(
    "key_sets",
    metadata,
    # A client, or an identity provider, whose keys are fetched: when that was tried and when it was done last
    # (0: never), what failed.
    Column("owner_id", String(128), primary_key=True),
    Column("tried_ms", BigInteger, nullable=False),
    Column("fetched_ms", BigInteger, nullable=False),
    Column("fault", String(40)),
    **_KEYED,
)

private_details = Table(
    "private_details",
    metadata,
    _id("ref"),
    # The entry's event and index: a query may be released more than once.
    Column("event", String(80), primary_key=True),
    Column("day", Date, nullable=False, index=True),
    # With a row id, so that boxes of kilobytes are written side by side and not all over the key's tree; a
    # replacement by row id is a deletion, which purge may do anyway.
    Column("box", LargeBinary, nullable=False),
)

# --- Reviews: one row that moves, and every move kept. ---------------------------------------------------

_REVIEW_STATES: Final = (
    "queued",
    "needs_information",
    "escalated",
    "upheld",
    "permitted",
    "withdrawn",
    "expired",
)

reviews = Table(
    "reviews",
    metadata,
    Column("query_id", String(128), ForeignKey("queries.query_id"), primary_key=True),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False),
    *_choice("state", *_REVIEW_STATES),
    *_choice("level", "staff", "counsel"),
    Column("provisions", Names, nullable=False),
    Column("queued_at", Utc, nullable=False),
    Column("due_at", Utc),
    Column("version", Integer, nullable=False),
    # The member of staff who looks after it; like an event's actor, no key: an account may come from outside.
    Column("assignee", String(128)),
    Index(None, "state", "due_at"),
    Index(None, "state", "queued_at"),
    Index(None, "agency_id", "state", "queued_at"),
    **_KEYED,
)

# Where a review is found in the queue: once as a whole (provision ''), and once under each provision that it
# failed. The narrowings that may come first, in each order that the queue can be read in, are an index each.
_ORDERS: Final = {"due": ("urgency", "due_at"), "queued": ("queued_at",), "moved": ("moved_at",)}
_NARROWINGS: Final = [
    *((name, order) for name in (None, "agency_id", "assignee") for order in _ORDERS),
    ("category", "due"),
]

review_places = Table(
    "review_places",
    metadata,
    Column("query_id", String(128), ForeignKey("reviews.query_id"), primary_key=True),
    Column("provision", String(128), primary_key=True),
    Column("agency_id", String(128), nullable=False),
    Column("category", String(40), nullable=False),
    *_choice("state", *_REVIEW_STATES),
    *_choice("level", "staff", "counsel"),
    # '' is nobody: a NULL would have no place in the order of an index.
    Column("assignee", String(128), nullable=False),
    # 0 goes before 1, whatever is due: somebody is missing.
    Column("urgency", SmallInteger, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("queued_at", Utc, nullable=False),
    Column("moved_at", Utc, nullable=False),
    *(
        Index(
            f"ix_review_places_{order}" if name is None else f"ix_review_places_{name}_{order}",
            "provision",
            *([] if name is None else [name]),
            "state",
            *_ORDERS[order],
            "query_id",
        )
        for name, order in _NARROWINGS
    ),
    **_KEYED,
)

review_events = Table(
    "review_events",
    metadata,
    Column("query_id", String(128), ForeignKey("reviews.query_id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("ref", String(128), nullable=False),
    Column("event", String(40), nullable=False),
    *_choice("state", *_REVIEW_STATES),
    Column("at", Utc, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("provision", String(128)),
    Column("expires_at", Utc),
    # Of a ruling: the level of the person who ruled, and the body that was ruled on (see ``queries``).
    *_choice("level", "staff", "counsel", nullable=True),
    _hash("body_fp"),
    Column("fp_day", Date),
    **_KEYED,
)

# --- Who is told of a review's moves: what happened, where to, and how each delivery went. ----------------

notices = Table(
    "notices",
    metadata,
    _id(),
    # Of a review that has moved; a reminder has none.
    Column("query_id", String(128), ForeignKey("reviews.query_id")),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False),
    Column("event", String(40), nullable=False),
    *_choice("state", *_REVIEW_STATES, "ending"),
    Column("at", Utc, nullable=False, index=True),
    # When its deliveries were made; until then nobody has been told.
    Column("spread_at", Utc),
    # Of a reminder: what ends.
    Column("affirmation_id", String(128), ForeignKey("affirmations.id")),
    Index(None, "spread_at", "at"),
    **_KEYED,
)

webhooks = Table(
    "webhooks",
    metadata,
    _id(),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False, index=True),
    Column("host", String(300), nullable=False),
    *_choice("status", "active", "disabled"),
    # The address and the secrets that sign what is sent there, sealed under a key outside the database.
    Column("box", LargeBinary, nullable=False),
    Column("added_at", Utc, nullable=False),
    **_KEYED,
)

deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("notice_id", String(128), ForeignKey("notices.id"), nullable=False, index=True),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False),
    *_choice("channel", "webhook", "mail"),
    # What one delivery at a time goes to: a webhook, or the city's mail server.
    Column("endpoint", String(128), nullable=False),
    Column("recipient", String(320)),
    *_choice("state", "waiting", "delivered", "given_up", "dropped"),
    Column("attempts", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("next_at", Utc, nullable=False),
    Column("held_until", Utc),
    Column("last_code", String(40)),
    Column("last_at", Utc),
    Index(None, "state", "next_at"),
    Index(None, "state", "at"),
    Index(None, "endpoint", "state"),
    Index(None, "agency_id", "state"),
    **_KEYED,
)

# --- Legal process that staff have seen. Who and what it is for are HMACs under the key of fp_day. -------

verifications = Table(
    "verifications",
    metadata,
    _id(),
    Column("agency_id", String(128), ForeignKey("agencies.id"), nullable=False),
    Column("document_sha256", String(64), nullable=False),
    _hash("paper_fp", nullable=False),
    Column("targets", Names, nullable=False),
    Column("window_start", Utc, nullable=False),
    Column("window_end", Utc, nullable=False),
    Column("at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
    Column("actor", String(128), nullable=False),
    *_choice("level", "staff", "counsel"),
    Column("fp_day", Date, nullable=False),
    Index(None, "agency_id", "document_sha256", "at"),
    **_KEYED,
)

# --- Papers that were handed in. Name and bytes are sealed: the key of the day erases them. ---------------

documents = Table(
    "documents",
    metadata,
    _id(),
    Column("query_id", String(128), ForeignKey("queries.query_id"), nullable=False, index=True),
    Column("sha256", String(64), nullable=False),
    *_choice("media_type", "application/pdf", "image/png", "image/jpeg", "image/tiff"),
    Column("size", Integer, nullable=False),
    *_choice("source", "agency", "staff"),
    Column("at", Utc, nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("name_box", LargeBinary, nullable=False),
    # With a row id, as ``private_details``: megabytes do not belong into the key's tree.
    Column("box", LargeBinary, nullable=False),
)

# --- Erasure: what is held beyond its time, and the erasures themselves. ----------------------------------

legal_holds = Table(
    "legal_holds",
    metadata,
    _id(),
    Column("query_id", String(128), ForeignKey("queries.query_id"), nullable=False, index=True),
    Column("placed_at", Utc, nullable=False),
    Column("lifted_at", Utc),
    Index(None, "lifted_at"),
    **_KEYED,
)

# What was sealed anew before its day's key was destroyed: each row stands for one of ``private_details``, or
# for the name or the bytes of a document, and is read in its place. The key is that of its query.
held_boxes = Table(
    "held_boxes",
    metadata,
    _id("ref"),
    Column("event", String(80), primary_key=True),
    Column("query_id", String(128), nullable=False, index=True),
    Column("key_name", String(32), nullable=False, index=True),
    Column("day", Date, nullable=False),
    # With a row id, as ``private_details``.
    Column("box", LargeBinary, nullable=False),
)

purges = Table(
    "purges",
    metadata,
    _id(),
    Column("first_kept", Date, nullable=False),
    Column("begun_at", Utc, nullable=False),
    Column("done_at", Utc),
    # What was erased so far, counted in the commits that erase it.
    Column("days", BigInteger, nullable=False),
    Column("details", BigInteger, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Index(None, "done_at"),
    **_KEYED,
)

# --- The city's staff. -----------------------------------------------------------------------------------

staff = Table(
    "staff",
    metadata,
    _id(),
    Column("username", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    *_choice("role", "records", "legal", "counsel", "auditor", "admin"),
    # The agency that the person belongs to: nobody rules on what their own agency asked.
    Column("agency_id", String(128), ForeignKey("agencies.id")),
    *_choice("status", "active", "removed"),
    Column("password_hash", String(200), nullable=False),
    # The secret of the time-based codes, sealed under a key outside the database.
    Column("totp_box", LargeBinary, nullable=False),
    **_KEYED,
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("staff_id", String(128), ForeignKey("staff.id"), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Utc),
    Column("last_step", BigInteger, nullable=False),
    Column("signed_in_at", Utc),
    **_KEYED,
)

# Who an account is at the city's identity provider. Such an account has no password and no codes of ours.
identities = Table(
    "identities",
    metadata,
    Column("issuer", String(255), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column(
        "staff_id",
        String(128),
        # Checked at the commit: a change is sent before the account that it names is inserted.
        ForeignKey("staff.id", deferrable=True, initially="DEFERRED"),
        nullable=False,
        unique=True,
    ),
    **_KEYED,
)

# A sign-in, or with `staff_id` a proof, that this browser was sent to the provider for.
provider_sign_ins = Table(
    "provider_sign_ins",
    metadata,
    _hash("state_sha256", nullable=False, primary_key=True),
    _hash("browser_sha256", nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("back", String(2000), nullable=False),
    Column("staff_id", String(128), ForeignKey("staff.id")),
    Column("began_at", Utc, nullable=False, index=True),
    **_KEYED,
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("staff_id", String(128), ForeignKey("staff.id"), primary_key=True),
    _hash("code_sha256", nullable=False, primary_key=True),
    **_KEYED,
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    _hash("id_sha256", nullable=False, primary_key=True),
    Column("staff_id", String(128), ForeignKey("staff.id"), nullable=False, index=True),
    Column("began_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("proved_at", Utc, nullable=False),
    # What the provider said of the person, to end the session there too; sealed under the staff key.
    Column("id_token_box", LargeBinary),
    **_KEYED,
)

# --- Cases of the law that staff propose: made-up words only, and nothing that leads back to a query. ------

proposed_cases = Table(
    "proposed_cases",
    metadata,
    _id(),
    Column("name", String(200), nullable=False),
    Column("provision", String(128), nullable=False),
    *_choice("outcome", "permit", "deny"),
    Column("document", Text, nullable=False),
    *_choice("state", "proposed", "accepted", "rejected"),
    Column("proposed_at", Utc, nullable=False),
    Column("proposed_by", String(128), ForeignKey("staff.id"), nullable=False),
    Column("decided_at", Utc),
    Column("decided_by", String(128), ForeignKey("staff.id")),
    **_KEYED,
)

# What a person looks at again and again: the filter by its own words, under a name that only they see.
staff_views = Table(
    "staff_views",
    metadata,
    _id(),
    Column("staff_id", String(128), ForeignKey("staff.id"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("wanted", Document, nullable=False),
    UniqueConstraint("staff_id", "name"),
    **_KEYED,
)

# What somebody is changing in the law, until they propose it: the files that differ from those of a revision
# (null: taken out). Not law, and nothing that the log speaks of.
policy_drafts = Table(
    "policy_drafts",
    metadata,
    Column("staff_id", String(128), ForeignKey("staff.id"), primary_key=True),
    Column("base", String(128), nullable=False),
    Column("changes", Document, nullable=False),
    Column("version", Integer, nullable=False),
    Column("begun_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    **_KEYED,
)

# --- The log. --------------------------------------------------------------------------------------------

_HOLDS: Final = text("event IN ('purge.held', 'purge.unheld')")

ledger_entries = Table(
    "ledger_entries",
    metadata,
    # INTEGER on SQLite, so that the key is the row id itself and no second one exists.
    Column(
        "entry_index",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("event", String(40), nullable=False),
    Column("ref", String(128), nullable=False, index=True),
    Column("entry", LargeBinary, nullable=False),
    _hash("leaf_hash", nullable=False),
    # An erasure looks at these before each key that it destroys, under the log's lock.
    Index("ix_ledger_entries_holds", "entry_index", sqlite_where=_HOLDS, postgresql_where=_HOLDS),
)

ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    **_KEYED,
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    _hash("text_sha256", nullable=False, primary_key=True),
    _hash("root", nullable=False),
    Column("text", Text, nullable=False),
    **_KEYED,
)

# What the public was told, in order.
published_checkpoints = Table(
    "published_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Utc, nullable=False),
    **_KEYED,
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    CheckConstraint("size >= 0", name="size"),
    CheckConstraint("id = 1", name="single"),
    **_KEYED,
)

# --- What is derived from the log to find an entry by, and what was found when it was checked. -----------

ledger_search = Table(
    "ledger_search",
    metadata,
    # "" for every entry; the agencies that the entry names have a row each besides.
    Column("agency", String(128), primary_key=True),
    Column("event", String(40), primary_key=True),
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    **_KEYED,
)

ledger_search_reach = Table(
    "ledger_search_reach",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("upto", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
    **_KEYED,
)

ledger_checks = Table(
    "ledger_checks",
    metadata,
    _id(),
    Column("actor", String(128), nullable=False),
    *_choice("scope", "whole", "since"),
    *_choice("state", "running", "consistent", "inconsistent", "interrupted"),
    Column("begun_at", Utc, nullable=False),
    Column("beat_at", Utc, nullable=False),
    Column("ended_at", Utc),
    # The entries from `start` up to `size` are read; `place` is how far that has come.
    Column("start", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("fault", String(80)),
    # What was found wrong; of a sound log, what the next check may go on from.
    Column("outcome", Document),
    Index(
        "uq_ledger_checks_running",
        "state",
        unique=True,
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
    Index(None, "begun_at"),
    **_KEYED,
)

# --- Figures: the public entries, counted. Derived, so it can be emptied and counted anew at any time. -----

figure_mark = Table(
    "figure_mark",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    # Every entry before this one is counted, by the rules of that number.
    Column("upto", BigInteger, nullable=False),
    Column("rules", Integer, nullable=False),
    CheckConstraint("id = 1", name="single"),
    **_KEYED,
)

figures = Table(
    "figures",
    metadata,
    _id("scope"),
    Column("event", String(40), primary_key=True),
    Column("facet", String(40), primary_key=True),
    Column("day", Date, primary_key=True),
    _id("label"),
    Column("number", BigInteger, nullable=False),
    **_KEYED,
)

figure_days = Table(
    "figure_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("first_entry", BigInteger, nullable=False),
    Column("last_entry", BigInteger, nullable=False),
    **_KEYED,
)

figure_releases = Table(
    "figure_releases",
    metadata,
    Column("day", Date, primary_key=True),
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("agency_id", String(128), nullable=False),
    Column("category", String(40), nullable=False),
    **_KEYED,
)

# --- Samples of permits, drawn by lot for a supervisor to judge. -----------------------------------------

samples = Table(
    "samples",
    metadata,
    _id(),
    # What it is drawn from, and which draw of that it is: two at once cannot both be the next.
    Column("drawn_from", String(250), nullable=False, unique=True),
    Column("at", Utc, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("agency_id", String(128)),
    Column("category", String(40)),
    Column("size", Integer, nullable=False),
    Column("population", BigInteger, nullable=False),
    **_KEYED,
)

sample_items = Table(
    "sample_items",
    metadata,
    Column("sample_id", String(128), ForeignKey("samples.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry_index", BigInteger, nullable=False),
    # As the public entry names them.
    Column("query_id", String(128), nullable=False),
    Column("agency_id", String(128), nullable=False),
    Column("category", String(40), nullable=False),
    # How often it was marked: of two who mark it at once, one is told.
    Column("marks", Integer, nullable=False),
    **_KEYED,
)

sample_marks = Table(
    "sample_marks",
    metadata,
    Column("sample_id", String(128), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("mark", Integer, primary_key=True, autoincrement=False),
    Column("ref", String(128), nullable=False),
    *_choice("verdict", "right", "wrong", "erased"),
    *_choice("fault", "wrong_purpose", "missing_case_number", "words_overlooked", "other", nullable=True),
    Column("at", Utc, nullable=False),
    Column("actor", String(128), nullable=False),
    ForeignKeyConstraint(["sample_id", "number"], ["sample_items.sample_id", "sample_items.number"]),
    **_KEYED,
)

# --- The law's own life cycle: every text of it that was ever proposed, and who said what of it. ----------

# By the digest of all its files: the same text is kept once.
revision_trees = Table(
    "revision_trees",
    metadata,
    Column("tree", String(71), primary_key=True),
    Column("archive", LargeBinary, nullable=False),
    **_KEYED,
)

revisions = Table(
    "revisions",
    metadata,
    _id(),
    Column("revision", String(128), nullable=False),
    Column("digest", String(71), nullable=False, index=True),
    Column("tree", String(71), ForeignKey("revision_trees.tree"), nullable=False),
    Column("label", String(40), nullable=False),
    Column("base", String(128), ForeignKey("revisions.id")),
    # founding, editor, directory, git:COMMIT or rollback:REVISION
    Column("origin", String(200), nullable=False),
    # An account's id, or operator:NAME
    Column("author", String(128), nullable=False),
    Column("reason", String(2000), nullable=False),
    *_choice(
        "state",
        "draft",
        "checked",
        "replayed",
        "approved",
        "scheduled",
        "active",
        "superseded",
        "rejected",
    ),
    Column("proposed_at", Utc, nullable=False, index=True),
    Column("effective_at", Utc),
    Column("serial", BigInteger, unique=True),
    Column("activated_at", Utc),
    # The text of .signatures.json, in OPA's format.
    Column("signature", Text),
    # Raised by every change: of two people who act on the same reading, one is told.
    Column("version", Integer, nullable=False),
    Index(
        "uq_revisions_active",
        "state",
        unique=True,
        sqlite_where=text("state = 'active'"),
        postgresql_where=text("state = 'active'"),
    ),
    **_KEYED,
)

# What checks and replays of a revision came to; the last of a kind counts.
revision_results = Table(
    "revision_results",
    metadata,
    Column("revision_id", String(128), ForeignKey("revisions.id"), primary_key=True),
    *_choice("kind", "check", "replay"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Utc, nullable=False),
    Column("digest", String(71), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("document", Text, nullable=False),
    **_KEYED,
)

revision_approvals = Table(
    "revision_approvals",
    metadata,
    Column("revision_id", String(128), ForeignKey("revisions.id"), primary_key=True),
    Column("account_id", String(128), ForeignKey("staff.id"), primary_key=True),
    # What the person saw: a digest over text, base, results and planned time.
    Column("seal", String(71), primary_key=True),
    *_choice("role", "legal", "counsel"),
    Column("at", Utc, nullable=False),
    **_KEYED,
)

# Checks and replays under way, and how far they have come; of no value as evidence.
policy_jobs = Table(
    "policy_jobs",
    metadata,
    _id(),
    Column("revision_id", String(128), ForeignKey("revisions.id"), nullable=False, index=True),
    *_choice("kind", "check", "replay"),
    Column("by", String(128), nullable=False),
    Column("options", Document, nullable=False),
    *_choice("state", "running", "done", "failed", "interrupted"),
    Column("begun_at", Utc, nullable=False),
    Column("beat_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("place", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("progress", Document),
    Column("fault", Text),
    Index(
        "uq_policy_jobs_running",
        "revision_id",
        "kind",
        unique=True,
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
    **_KEYED,
)

# What a candidate would have decided beside the law; counts, of no value as evidence.
shadow_counts = Table(
    "shadow_counts",
    metadata,
    Column("revision_id", String(128), ForeignKey("revisions.id"), primary_key=True),
    # The digest of the law that decided.
    Column("baseline", String(71), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("provision", String(64), primary_key=True),
    Column("number", BigInteger, nullable=False),
    **_KEYED,
)

shadow_examples = Table(
    "shadow_examples",
    metadata,
    Column("revision_id", String(128), ForeignKey("revisions.id"), primary_key=True),
    Column("kind", String(40), primary_key=True),
    Column("query_id", String(128), ForeignKey("queries.query_id"), primary_key=True),
    **_KEYED,
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("value", Text, nullable=False),
    **_KEYED,
)

# --- Who may do what to which table. ---------------------------------------------------------------------

APPEND_ONLY: Final = (
    "ledger_entries",
    "ledger_tiles",
    "ledger_checkpoints",
    "published_checkpoints",
    "queries",
    "review_events",
    "verifications",
    "samples",
    "sample_marks",
    "revision_trees",
    "revision_results",
    "revision_approvals",
    "signed_documents",
)
"""Inserted and read; never updated, deleted, replaced or truncated."""

ERASABLE: Final = (
    "private_details",
    "documents",
    "held_boxes",
    "idempotency_keys",
    "marks",
    "revoked_tokens",
    "jti_seen",
    "recovery_codes",
    "provider_sign_ins",
)
"""Inserted, read and deleted when they have expired; never updated or replaced."""

KEPT: Final = (
    "agencies",
    "affirmations",
    "clients",
    "client_keys",
    "stops",
    "issuers",
    "officer_suspensions",
    "reviews",
    "review_places",
    "staff",
    "sign_ins",
    "identities",
    "sample_items",
    "webhooks",
    "registry",
    "ledger_head",
    "ledger_checks",
    "proposed_cases",
    "revisions",
    "legal_holds",
    "purges",
    "affirmation_invitations",
    "agency_proposals",
)
"""Changed in the columns of ``CHANGEABLE``; never deleted or replaced: a log entry speaks of them."""

PASSING: Final = (
    "staff_sessions",
    "staff_views",
    "policy_drafts",
    "ledger_search",
    "ledger_search_reach",
    "figure_mark",
    "figures",
    "figure_days",
    "figure_releases",
    "notices",
    "deliveries",
    "policy_jobs",
    "shadow_counts",
    "shadow_examples",
    "quota_buckets",
    "failures",
    "key_sets",
)
"""Inserted, changed in the columns of ``CHANGEABLE``, and deleted: of no value as evidence."""

REGISTRY: Final = frozenset(
    {
        "registry",
        "agencies",
        "affirmations",
        "clients",
        "client_keys",
        "stops",
        "issuers",
        "officer_suspensions",
        "revoked_tokens",
    }
)
"""A write to any of these moves ``registry.version`` in the same transaction: by one for each token that is
revoked, and by one more for whatever else changes."""

WRITABLE: Final = frozenset(
    {
        "agencies",
        "affirmations",
        "clients",
        "client_keys",
        "stops",
        "issuers",
        "officer_suspensions",
        "revoked_tokens",
        "queries",
        "idempotency_keys",
        "marks",
        "jti_seen",
        "private_details",
        "documents",
        "reviews",
        "review_places",
        "review_events",
        "verifications",
        "settings",
        "staff",
        "sign_ins",
        "proposed_cases",
        "identities",
        "samples",
        "sample_items",
        "sample_marks",
        "notices",
        "webhooks",
        "revision_trees",
        "revisions",
        "revision_results",
        "revision_approvals",
        "legal_holds",
        "purges",
        "affirmation_invitations",
        "signed_documents",
        "agency_proposals",
    }
)
"""What a row committed with a log entry may be inserted into; the log's own tables are not among them."""

CHANGEABLE: Final[dict[str, frozenset[str]]] = {
    "registry": frozenset(
        {"policy_revision", "policy_digest", "policy_serial", "due_revision", "due_ms", "shadow_revision"}
    ),
    "agencies": frozenset(
        {
            "ori",
            "name",
            "kind",
            "state",
            "status",
            "has_287g",
            "contacts",
            "source_287g",
            "looked_up_287g",
        }
    ),
    # A link is used once or revoked once; what was proposed is decided once.
    "affirmation_invitations": frozenset({"used_at", "revoked_at"}),
    "agency_proposals": frozenset({"state", "decided_by", "decided_at"}),
    # A signature is evidence: who signed what, and when, stays; only its end may be brought forward, and that
    # somebody was reminded of it be noted.
    "affirmations": frozenset({"expires_on", "reminded_days"}),
    "clients": frozenset({"status"}),
    "client_keys": frozenset({"status"}),
    "stops": frozenset({"lifted_at"}),
    "issuers": frozenset({"url", "status", "terms"}),
    "officer_suspensions": frozenset({"mark", "box", "ended_at"}),
    "legal_holds": frozenset({"lifted_at"}),
    "purges": frozenset({"done_at", "days", "details", "documents"}),
    "reviews": frozenset({"state", "level", "due_at", "provisions", "version", "assignee"}),
    "review_places": frozenset({"state", "level", "assignee", "due_at", "moved_at"}),
    "settings": frozenset({"value"}),
    "staff": frozenset({"name", "role", "agency_id", "status", "password_hash", "totp_box"}),
    "sign_ins": frozenset({"failures", "locked_until", "last_step", "signed_in_at"}),
    # Who returns to the city has another account, and is the same person at the provider.
    "identities": frozenset({"staff_id"}),
    "staff_sessions": frozenset({"seen_at", "proved_at"}),
    "proposed_cases": frozenset({"state", "decided_at", "decided_by"}),
    "ledger_search_reach": frozenset({"upto"}),
    "ledger_checks": frozenset({"state", "beat_at", "ended_at", "size", "place", "fault", "outcome"}),
    "figure_mark": frozenset({"upto", "rules"}),
    "figures": frozenset({"number"}),
    "figure_days": frozenset({"last_entry"}),
    "sample_items": frozenset({"marks"}),
    "staff_views": frozenset({"name"}),
    "policy_drafts": frozenset({"base", "changes", "version", "changed_at"}),
    "notices": frozenset({"spread_at"}),
    "webhooks": frozenset({"status", "box"}),
    "revisions": frozenset({"state", "effective_at", "serial", "activated_at", "signature", "version"}),
    "shadow_counts": frozenset({"number"}),
    "policy_jobs": frozenset({"state", "beat_at", "ended_at", "place", "size", "progress", "fault"}),
    "quota_buckets": frozenset({"used", "at_ms"}),
    "failures": frozenset({"since_ms", "number"}),
    "key_sets": frozenset({"tried_ms", "fetched_ms", "fault"}),
    "deliveries": frozenset({"state", "attempts", "next_at", "held_until", "last_code", "last_at"}),
}
"""The columns that an ``Alter`` may set; every other table refuses one."""

BUMP: Final = text("UPDATE registry SET version = version + 1 WHERE id = 1")
