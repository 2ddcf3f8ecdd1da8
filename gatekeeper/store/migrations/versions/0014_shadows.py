"""What a candidate would have decided beside the law."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "shadow_counts",
        sa.Column("revision_id", sa.String(length=128), nullable=False),
        sa.Column("baseline", sa.String(length=71), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("provision", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_shadow_counts_revision_id")),
        sa.PrimaryKeyConstraint(
            "revision_id", "baseline", "day", "kind", "provision", name=op.f("pk_shadow_counts")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "shadow_examples",
        sa.Column("revision_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_shadow_examples_revision_id")
        ),
        sa.ForeignKeyConstraint(["query_id"], ["queries.query_id"], name=op.f("fk_shadow_examples_query_id")),
        sa.PrimaryKeyConstraint("revision_id", "kind", "query_id", name=op.f("pk_shadow_examples")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Refuse: what was counted beside the law would be lost."""
    raise NotImplementedError
