"""The city's staff: accounts, how sign-in went, recovery codes, signed-in browsers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# table: its unique keys, and whether an UPDATE or a DELETE of a row is refused.
_GUARDED = {
    "staff": ([["id"], ["username"]], False, True),
    "sign_ins": ([["staff_id"]], False, True),
    "recovery_codes": ([["staff_id", "code_sha256"]], True, False),
    "staff_sessions": ([["id_sha256"]], False, False),
}


def upgrade() -> None:
    """Make the tables, then their triggers."""
    op.create_table(
        "staff",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("totp_box", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "role IN ('records', 'legal', 'counsel', 'auditor', 'admin')", name=op.f("ck_staff_role")
        ),
        sa.CheckConstraint("status IN ('active', 'removed')", name=op.f("ck_staff_status")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_staff_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("username", name=op.f("uq_staff_username")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sign_ins",
        sa.Column("staff_id", sa.String(length=128), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sign_ins_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_sign_ins")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "recovery_codes",
        sa.Column("staff_id", sa.String(length=128), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_recovery_codes_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", "code_sha256", name=op.f("pk_recovery_codes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("staff_id", sa.String(length=128), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id")),
        sa.PrimaryKeyConstraint("id_sha256", name=op.f("pk_staff_sessions")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_staff_sessions_staff_id"), "staff_sessions", ["staff_id"], unique=False)
    dialect = op.get_bind().dialect.name
    for table, (keys, update, delete) in _GUARDED.items():
        for statement in protect(dialect, table, keys, update=update, delete=delete):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: accounts are part of what the log speaks of."""
    raise NotImplementedError
