"""The log's own pages: an index to find entries by, and what was found when the log was checked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect, verdicts

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# table: its unique keys, and whether an UPDATE or a DELETE of a row is refused.
_GUARDED = {
    "ledger_search_reach": ([["id"]], False, False),
    "ledger_checks": ([["id"]], False, True),
}


def upgrade() -> None:
    """Make the tables, then their triggers; the index is filled from the log when it is first looked at."""
    op.create_table(
        "ledger_search",
        sa.Column("agency", sa.String(length=128), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("agency", "event", "entry_index", name=op.f("pk_ledger_search")),
        sqlite_with_rowid=False,
    )
    reach = op.create_table(
        "ledger_search_reach",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_search_reach_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_search_reach")),
        sqlite_with_rowid=False,
    )
    op.bulk_insert(reach, [{"id": 1, "upto": 0}])
    op.create_table(
        "ledger_checks",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.String(length=80), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("scope IN ('whole', 'since')", name=op.f("ck_ledger_checks_scope")),
        sa.CheckConstraint(
            "state IN ('running', 'consistent', 'inconsistent', 'interrupted')",
            name=op.f("ck_ledger_checks_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_checks")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_ledger_checks_running",
        "ledger_checks",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(op.f("ix_ledger_checks_begun_at"), "ledger_checks", ["begun_at"], unique=False)
    dialect = op.get_bind().dialect.name
    for table, (keys, update, delete) in _GUARDED.items():
        for statement in protect(dialect, table, keys, update=update, delete=delete):
            op.get_bind().exec_driver_sql(statement)
    for statement in verdicts(dialect):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: what a check of the log found is kept."""
    raise NotImplementedError
