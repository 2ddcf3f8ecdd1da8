"""Identity providers of agencies, whose access tokens count on the terms that the city set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its triggers: an issuer is removed by its status, and its row stays."""
    op.create_table(
        "issuers",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("url", sa.String(length=512), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.CheckConstraint("(url IS NULL) = (status = 'removed')", name=op.f("ck_issuers_named")),
        sa.CheckConstraint("status IN ('active', 'suspended', 'removed')", name=op.f("ck_issuers_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuers")),
        sa.UniqueConstraint("url", name=op.f("uq_issuers_url")),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    for statement in protect(dialect, "issuers", [["id"], ["url"]], update=False, delete=True):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what was suspended would be forgotten."""
    raise NotImplementedError
