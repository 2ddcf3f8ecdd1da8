"""The first schema: registry, queries, reviews and the log, with the triggers that keep them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import forward_only, protect, refusal

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# table: its unique keys, and whether an UPDATE or a DELETE of a row is refused.
_GUARDED = {
    "ledger_entries": ([["entry_index"]], True, True),
    "ledger_tiles": ([["level", "number"]], True, True),
    "ledger_checkpoints": ([["size", "text_sha256"]], True, True),
    "queries": ([["query_id"]], True, True),
    "review_events": ([["query_id", "version"]], True, True),
    "private_details": ([["ref", "event"]], True, False),
    "idempotency_keys": ([["client_id", "key_fp"]], True, False),
    "revoked_tokens": ([["jti"]], True, False),
    "jti_seen": ([["digest"]], True, False),
    "agencies": ([["id"], ["ori"]], False, True),
    "affirmations": ([["id"]], False, True),
    "clients": ([["id"]], False, True),
    "client_keys": ([["client_id", "kid"]], False, True),
    "stops": ([["id"]], False, True),
    "reviews": ([["query_id"]], False, True),
    "registry": ([["id"]], False, True),
    "ledger_head": ([["id"]], False, True),
}


def upgrade() -> None:
    """Make every table, the two single rows, and then the triggers."""
    _tables()
    op.execute("INSERT INTO registry (id, version) VALUES (1, 1)")
    op.bulk_insert(
        sa.table("ledger_head", *(sa.column(name) for name in ("id", "size", "frontier", "at_ms"))),
        [{"id": 1, "size": 0, "frontier": b"", "at_ms": 0}],
    )
    dialect = op.get_bind().dialect.name
    statements = [*refusal(dialect), *forward_only(dialect)]
    for table, (keys, update, delete) in _GUARDED.items():
        statements += protect(dialect, table, keys, update=update, delete=delete)
    for statement in statements:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: a log that goes back is a log that lost entries."""
    raise NotImplementedError


def _tables() -> None:
    op.create_table(
        "agencies",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("ori", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("has_287g", sa.Boolean(), nullable=False),
        sa.Column("contacts", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('local', 'state', 'federal', 'tribal', 'fusion_center', 'private')",
            name=op.f("ck_agencies_kind"),
        ),
        sa.CheckConstraint("status IN ('active', 'suspended', 'closed')", name=op.f("ck_agencies_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agencies")),
        sa.UniqueConstraint("ori", name=op.f("uq_agencies_ori")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("key_fp", sa.LargeBinary(length=32), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("body_fp", sa.LargeBinary(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key_fp", name=op.f("pk_idempotency_keys")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_idempotency_keys_day"), "idempotency_keys", ["day"], unique=False)
    op.create_table(
        "jti_seen",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_jti_seen")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_jti_seen_expires_at"), "jti_seen", ["expires_at"], unique=False)
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "text_sha256", name=op.f("pk_ledger_checkpoints")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_entries",
        sa.Column(
            "entry_index",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("entry_index", name=op.f("pk_ledger_entries")),
    )
    op.create_index(op.f("ix_ledger_entries_ref"), "ledger_entries", ["ref"], unique=False)
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_ledger_head_size")),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_ledger_tiles")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "private_details",
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "event", name=op.f("pk_private_details")),
    )
    op.create_index(op.f("ix_private_details_day"), "private_details", ["day"], unique=False)
    op.create_table(
        "registry",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("policy_revision", sa.String(length=128), nullable=True),
        sa.Column("policy_digest", sa.String(length=128), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_registry_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("jti", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_tokens")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_revoked_tokens_expires_at"), "revoked_tokens", ["expires_at"], unique=False)
    op.create_table(
        "settings",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stops",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(scope = 'all') = (value IS NULL)", name=op.f("ck_stops_target")),
        sa.CheckConstraint("scope IN ('all', 'agency', 'kind', 'camera')", name=op.f("ck_stops_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stops")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_stops_lifted_at"), "stops", ["lifted_at"], unique=False)
    op.create_table(
        "affirmations",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("signer", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("document_sha256", sa.String(length=64), nullable=True),
        sa.CheckConstraint("kind IN ('affirmation', 'declaration')", name=op.f("ck_affirmations_kind")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_affirmations_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_affirmations")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_affirmations_agency_id"), "affirmations", ["agency_id"], unique=False)
    op.create_table(
        "clients",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.CheckConstraint("profile IN ('basic', 'private_key')", name=op.f("ck_clients_profile")),
        sa.CheckConstraint("status IN ('active', 'revoked')", name=op.f("ck_clients_status")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_clients_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_clients_agency_id"), "clients", ["agency_id"], unique=False)
    op.create_table(
        "client_keys",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("kid", sa.String(length=128), nullable=False),
        sa.Column("alg", sa.String(length=16), nullable=False),
        sa.Column("jwk", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.CheckConstraint("status IN ('active', 'revoked')", name=op.f("ck_client_keys_status")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_keys_client_id")),
        sa.PrimaryKeyConstraint("client_id", "kid", name=op.f("pk_client_keys")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "queries",
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("hour", sa.String(length=14), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("review", sa.String(length=40), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("policy_revision", sa.String(length=128), nullable=False),
        sa.Column("target_fp", sa.LargeBinary(length=32), nullable=True),
        sa.Column("officer_fp", sa.LargeBinary(length=32), nullable=True),
        sa.Column("body_fp", sa.LargeBinary(length=32), nullable=True),
        sa.Column("fp_day", sa.Date(), nullable=True),
        sa.CheckConstraint("outcome IN ('permit', 'deny')", name=op.f("ck_queries_outcome")),
        sa.CheckConstraint("review IN ('none', 'staff', 'counsel')", name=op.f("ck_queries_review")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_queries_agency_id")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_queries_client_id")),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_queries")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_queries_agency_id_hour"), "queries", ["agency_id", "hour"], unique=False)
    op.create_index(op.f("ix_queries_target_fp"), "queries", ["target_fp"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("provisions", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("level IN ('staff', 'counsel')", name=op.f("ck_reviews_level")),
        sa.CheckConstraint(
            "state IN ('queued', 'needs_information', 'escalated', 'upheld', 'permitted', "
            "'withdrawn', 'expired')",
            name=op.f("ck_reviews_state"),
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_reviews_agency_id")),
        sa.ForeignKeyConstraint(["query_id"], ["queries.query_id"], name=op.f("fk_reviews_query_id")),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_reviews")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reviews_state_due_at"), "reviews", ["state", "due_at"], unique=False)
    op.create_table(
        "review_events",
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("provision", sa.String(length=128), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'needs_information', 'escalated', 'upheld', 'permitted', "
            "'withdrawn', 'expired')",
            name=op.f("ck_review_events_state"),
        ),
        sa.ForeignKeyConstraint(["query_id"], ["reviews.query_id"], name=op.f("fk_review_events_query_id")),
        sa.PrimaryKeyConstraint("query_id", "version", name=op.f("pk_review_events")),
        sqlite_with_rowid=False,
    )
