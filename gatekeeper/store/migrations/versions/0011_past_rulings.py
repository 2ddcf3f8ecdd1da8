"""What else an officer asked is found by an index, with a million queries as with ten."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index(op.f("ix_queries_officer_fp"), "queries", ["officer_fp"])


def downgrade() -> None:
    """Refuse: a log that goes back is a log that lost entries."""
    raise NotImplementedError
