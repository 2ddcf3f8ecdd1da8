"""Figures counted from the log, and samples of permits drawn by lot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# table: its unique keys, and whether an UPDATE of a row is refused. What is derived from the log is not among
# them: it is no evidence, and it is counted up row by row.
_GUARDED = {
    "samples": ([["id"], ["drawn_from"]], True),
    "sample_items": ([["sample_id", "number"]], False),
    "sample_marks": ([["sample_id", "number", "mark"]], True),
}


def upgrade() -> None:
    """Make the tables, the mark from which is counted, and the triggers."""
    _figures()
    _samples()
    for columns in (["state", "queued_at"], ["agency_id", "state", "queued_at"]):
        name = op.f(f"ix_reviews_{'_'.join(columns)}")
        op.create_index(name, "reviews", columns, unique=False, if_not_exists=True)
    connection = op.get_bind()
    # By no rules: the first process that counts begins anew.
    connection.exec_driver_sql("INSERT INTO figure_mark (id, upto, rules) VALUES (1, 0, 0)")
    for table, (keys, update) in _GUARDED.items():
        for statement in protect(connection.dialect.name, table, keys, update=update, delete=True):
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what was drawn and marked is evidence."""
    raise NotImplementedError


def _figures() -> None:
    op.create_table(
        "figure_mark",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_figure_mark_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_mark")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figures",
        sa.Column("scope", sa.String(length=128), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("facet", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "event", "facet", "day", "label", name=op.f("pk_figures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figure_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_entry", sa.BigInteger(), nullable=False),
        sa.Column("last_entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_figure_days")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "figure_releases",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("day", "entry_index", name=op.f("pk_figure_releases")),
        sqlite_with_rowid=False,
    )


def _samples() -> None:
    op.create_table(
        "samples",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("drawn_from", sa.String(length=250), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=True),
        sa.Column("category", sa.String(length=40), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("drawn_from", name=op.f("uq_samples_drawn_from")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sample_items",
        sa.Column("sample_id", sa.String(length=128), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("entry_index", sa.BigInteger(), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sample_id"], ["samples.id"], name=op.f("fk_sample_items_sample_id")),
        sa.PrimaryKeyConstraint("sample_id", "number", name=op.f("pk_sample_items")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sample_marks",
        sa.Column("sample_id", sa.String(length=128), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.CheckConstraint("verdict IN ('right', 'wrong', 'erased')", name=op.f("ck_sample_marks_verdict")),
        sa.CheckConstraint(
            "fault IN ('wrong_purpose', 'missing_case_number', 'words_overlooked', 'other')",
            name=op.f("ck_sample_marks_fault"),
        ),
        sa.ForeignKeyConstraint(
            ["sample_id", "number"],
            ["sample_items.sample_id", "sample_items.number"],
            name=op.f("fk_sample_marks_sample_id"),
        ),
        sa.PrimaryKeyConstraint("sample_id", "number", "mark", name=op.f("pk_sample_marks")),
        sqlite_with_rowid=False,
    )
