"""What rulings, legal process and history are judged by: bindings of a ruling, verifications, searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Added by name and with its check in place: both databases then leave the table, its rows and its triggers
# as they are. Rows from before have none of these, and so never bind a request or count as a search.
_LEVEL = "VARCHAR(40) CONSTRAINT ck_review_events_level CHECK (level IN ('staff', 'counsel'))"
_ADDED = (
    ("queries", "search_fp", "{binary}"),
    ("queries", "case_fp", "{binary}"),
    ("review_events", "level", _LEVEL),
    ("review_events", "body_fp", "{binary}"),
    ("review_events", "fp_day", "DATE"),
)


def upgrade() -> None:
    """Add the columns, their indexes and the table of verifications with its triggers."""
    connection = op.get_bind()
    binary = "BLOB" if connection.dialect.name == "sqlite" else "BYTEA"
    for table, column, kind in _ADDED:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column} {kind.format(binary=binary)}")
    op.create_index(op.f("ix_queries_search_fp_case_fp"), "queries", ["search_fp", "case_fp"])
    op.create_index(op.f("ix_queries_search_fp_outcome_hour"), "queries", ["search_fp", "outcome", "hour"])
    _verifications()
    keys = [["id"]]
    for statement in protect(connection.dialect.name, "verifications", keys, update=True, delete=True):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: a log that goes back is a log that lost entries."""
    raise NotImplementedError


def _verifications() -> None:
    op.create_table(
        "verifications",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=False),
        sa.Column("paper_fp", sa.LargeBinary(length=32), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("fp_day", sa.Date(), nullable=False),
        sa.CheckConstraint("level IN ('staff', 'counsel')", name=op.f("ck_verifications_level")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_verifications_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_verifications_agency_id_document_sha256_at"),
        "verifications",
        ["agency_id", "document_sha256", "at"],
    )
