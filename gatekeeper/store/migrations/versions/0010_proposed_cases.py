"""Cases of the law that staff propose and others accept or reject."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, then its triggers."""
    op.create_table(
        "proposed_cases",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("provision", sa.String(length=128), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.String(length=128), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.CheckConstraint("outcome IN ('permit', 'deny')", name=op.f("ck_proposed_cases_outcome")),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'rejected')", name=op.f("ck_proposed_cases_state")
        ),
        sa.ForeignKeyConstraint(["proposed_by"], ["staff.id"], name=op.f("fk_proposed_cases_proposed_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_proposed_cases_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposed_cases")),
        sqlite_with_rowid=False,
    )
    for statement in protect(
        op.get_bind().dialect.name, "proposed_cases", [["id"]], update=False, delete=True
    ):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what was proposed is part of what the log speaks of."""
    raise NotImplementedError
