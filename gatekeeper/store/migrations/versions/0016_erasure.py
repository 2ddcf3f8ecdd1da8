"""Legal holds, what is kept sealed for them, and erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, then their triggers."""
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["query_id"], ["queries.query_id"], name=op.f("fk_legal_holds_query_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_legal_holds_query_id"), "legal_holds", ["query_id"], unique=False)
    op.create_index(op.f("ix_legal_holds_lifted_at"), "legal_holds", ["lifted_at"], unique=False)
    op.create_table(
        "held_boxes",
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("key_name", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ref", "event", name=op.f("pk_held_boxes")),
    )
    op.create_index(op.f("ix_held_boxes_query_id"), "held_boxes", ["query_id"], unique=False)
    op.create_index(op.f("ix_held_boxes_key_name"), "held_boxes", ["key_name"], unique=False)
    op.create_table(
        "purges",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("first_kept", sa.Date(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.BigInteger(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_purges_done_at"), "purges", ["done_at"], unique=False)
    dialect = op.get_bind().dialect.name
    for table, keys, fixed in (
        ("legal_holds", [["id"]], False),
        ("held_boxes", [["ref", "event"]], True),
        ("purges", [["id"]], False),
    ):
        for statement in protect(dialect, table, keys, update=fixed, delete=not fixed):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what is held would be lost."""
    raise NotImplementedError
