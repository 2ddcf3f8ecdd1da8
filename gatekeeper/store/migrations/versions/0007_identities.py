"""Sign-in by the city's identity provider: who is whom there, sign-ins under way, when one was last in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and columns, then the triggers."""
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("staff_id", sa.String(length=128), nullable=False),
        # Checked at the commit: a change is sent before the account that it names is inserted.
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
            name=op.f("fk_identities_staff_id"),
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_identities_staff_id")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provider_sign_ins",
        sa.Column("state_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("browser_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("back", sa.String(length=2000), nullable=False),
        sa.Column("staff_id", sa.String(length=128), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_provider_sign_ins_staff_id")),
        sa.PrimaryKeyConstraint("state_sha256", name=op.f("pk_provider_sign_ins")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_provider_sign_ins_began_at"), "provider_sign_ins", ["began_at"], unique=False)
    op.add_column("staff_sessions", sa.Column("id_token_box", sa.LargeBinary(), nullable=True))
    op.add_column("sign_ins", sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True))
    dialect = op.get_bind().dialect.name
    for table, keys, update, delete in (
        ("identities", [["issuer", "subject"], ["staff_id"]], False, True),
        ("provider_sign_ins", [["state_sha256"]], True, False),
    ):
        for statement in protect(dialect, table, keys, update=update, delete=delete):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: accounts are part of what the log speaks of."""
    raise NotImplementedError
