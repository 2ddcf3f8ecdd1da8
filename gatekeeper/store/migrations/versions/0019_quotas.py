"""What is used of each limit, and the failures of whoever asks for a token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "quota_buckets",
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("officer_fp", sa.LargeBinary(), nullable=False),
        sa.Column("bucket", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "officer_fp", "bucket", name=op.f("pk_quota_buckets")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_quota_buckets_day"), "quota_buckets", ["day"], unique=False)
    op.create_table(
        "failures",
        sa.Column("address_fp", sa.LargeBinary(length=32), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address_fp", name=op.f("pk_failures")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_failures_since_ms"), "failures", ["since_ms"], unique=False)


def downgrade() -> None:
    """Refuse: every quota would be full again."""
    raise NotImplementedError
