"""Who is told of a review's moves: notices, webhooks, and how each delivery went."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATES = "'queued', 'needs_information', 'escalated', 'upheld', 'permitted', 'withdrawn', 'expired'"
# Each table: whether an UPDATE or a DELETE of a row is refused; all have one unique key, their id.
_GUARDED = {"notices": (False, False), "webhooks": (False, True), "deliveries": (False, False)}


def upgrade() -> None:
    """Make the tables, then their triggers."""
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spread_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_notices_state")),
        sa.ForeignKeyConstraint(["query_id"], ["reviews.query_id"], name=op.f("fk_notices_query_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_notices_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("host", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f("ck_webhooks_status")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_webhooks_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("notice_id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("endpoint", sa.String(length=128), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_code", sa.String(length=40), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('webhook', 'mail')", name=op.f("ck_deliveries_channel")),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'given_up', 'dropped')", name=op.f("ck_deliveries_state")
        ),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_deliveries_notice_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_deliveries_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sqlite_with_rowid=False,
    )
    for table, *columns in (
        ("notices", "at"),
        ("notices", "spread_at", "at"),
        ("webhooks", "agency_id"),
        ("deliveries", "notice_id"),
        ("deliveries", "state", "next_at"),
        ("deliveries", "state", "at"),
        ("deliveries", "endpoint", "state"),
        ("deliveries", "agency_id", "state"),
    ):
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns, unique=False)
    dialect = op.get_bind().dialect.name
    for table, (update, delete) in _GUARDED.items():
        for statement in protect(dialect, table, [["id"]], update=update, delete=delete):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: webhooks are part of what the log speaks of."""
    raise NotImplementedError
