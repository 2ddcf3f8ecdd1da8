"""Marks that later queries are compared with, and what an officer asked about on a day, in order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table with its triggers; both indexes of queries begin as the old ones did."""
    op.create_table(
        "marks",
        sa.Column("mark_fp", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["query_id"], ["queries.query_id"], name=op.f("fk_marks_query_id")),
        sa.PrimaryKeyConstraint("mark_fp", "at_ms", "query_id", name=op.f("pk_marks")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_marks_day"), "marks", ["day"], unique=False)
    op.create_index(
        op.f("ix_queries_officer_fp_target_fp_hour"),
        "queries",
        ["officer_fp", "target_fp", "hour"],
        unique=False,
    )
    op.drop_index(op.f("ix_queries_officer_fp"), table_name="queries")
    op.create_index(
        op.f("ix_queries_target_fp_agency_id"), "queries", ["target_fp", "agency_id"], unique=False
    )
    op.drop_index(op.f("ix_queries_target_fp"), table_name="queries")
    keys = [["mark_fp", "at_ms", "query_id"]]
    dialect = op.get_bind().dialect.name
    for statement in protect(dialect, "marks", keys, update=True, delete=False):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what was refused a moment ago would be forgotten."""
    raise NotImplementedError
