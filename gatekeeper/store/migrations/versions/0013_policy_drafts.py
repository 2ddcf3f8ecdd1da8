"""What somebody is changing in the law, until they propose it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, then its triggers."""
    op.create_table(
        "policy_drafts",
        sa.Column("staff_id", sa.String(length=128), nullable=False),
        sa.Column("base", sa.String(length=128), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_policy_drafts_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_policy_drafts")),
        sqlite_with_rowid=False,
    )
    for statement in protect(
        op.get_bind().dialect.name, "policy_drafts", [["staff_id"]], update=False, delete=False
    ):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what somebody is writing would be lost."""
    raise NotImplementedError
