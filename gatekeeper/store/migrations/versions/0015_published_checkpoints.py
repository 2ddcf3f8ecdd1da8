"""The checkpoints that were published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "published_checkpoints",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_published_checkpoints")),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    for statement in protect(dialect, "published_checkpoints", [["number"]], update=True, delete=True):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what the public was told would be lost."""
    raise NotImplementedError
