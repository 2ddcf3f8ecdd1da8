"""The entries of legal holds, found without a walk through the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_HOLDS = "event IN ('purge.held', 'purge.unheld')"


def upgrade() -> None:
    """Make an index of those entries alone: no other entry costs more to append."""
    op.create_index(
        op.f("ix_ledger_entries_holds"),
        "ledger_entries",
        ["entry_index"],
        sqlite_where=sa.text(_HOLDS),
        postgresql_where=sa.text(_HOLDS),
    )


def downgrade() -> None:
    """Refuse: a log that goes back is a log that lost entries."""
    raise NotImplementedError
