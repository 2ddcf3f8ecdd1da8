"""Papers that agencies and staff hand in, sealed under the day's key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, then its triggers."""
    op.create_table(
        "documents",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name_box", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "media_type IN ('application/pdf', 'image/png', 'image/jpeg', 'image/tiff')",
            name=op.f("ck_documents_media_type"),
        ),
        sa.CheckConstraint("source IN ('agency', 'staff')", name=op.f("ck_documents_source")),
        sa.ForeignKeyConstraint(["query_id"], ["queries.query_id"], name=op.f("fk_documents_query_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index(op.f("ix_documents_query_id"), "documents", ["query_id"], unique=False)
    op.create_index(op.f("ix_documents_day"), "documents", ["day"], unique=False)
    dialect = op.get_bind().dialect.name
    for statement in protect(dialect, "documents", [["id"]], update=True, delete=False):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: the log names the hashes of what is kept here."""
    raise NotImplementedError
