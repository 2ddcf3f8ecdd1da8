"""Officers who may not ask, found by a mark that outlives a day's key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its triggers: a suspension is ended, never removed."""
    op.create_table(
        "officer_suspensions",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=32), nullable=True),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(mark IS NULL) = (ended_at IS NOT NULL) AND (box IS NULL) = (ended_at IS NOT NULL)",
            name=op.f("ck_officer_suspensions_ended"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agencies.id"], name=op.f("fk_officer_suspensions_agency_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officer_suspensions")),
        sa.UniqueConstraint("mark", name=op.f("uq_officer_suspensions_mark")),
        sqlite_with_rowid=False,
    )
    dialect = op.get_bind().dialect.name
    for statement in protect(dialect, "officer_suspensions", [["id"], ["mark"]], update=False, delete=True):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: whoever is suspended would ask again."""
    raise NotImplementedError
