"""Keys of clients that are fetched from their agencies: when, and those that an agency withdrew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BEFORE = "status IN ('active', 'revoked')"
_AFTER = "status IN ('active', 'revoked', 'withdrawn')"


def upgrade() -> None:
    """Make the table, and let a key be withdrawn; rows, keys and triggers stay as they are."""
    op.create_table(
        "key_sets",
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("tried_ms", sa.BigInteger(), nullable=False),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=False),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_key_sets")),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ALTER TABLE client_keys DROP CONSTRAINT ck_client_keys_status")
        connection.exec_driver_sql(
            f"ALTER TABLE client_keys ADD CONSTRAINT ck_client_keys_status CHECK ({_AFTER})"
        )
        return
    # As migration 0017 does it, and for its reasons.
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'client_keys'",
        (_BEFORE, _AFTER),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def downgrade() -> None:
    """Refuse: a key that was withdrawn would have no state."""
    raise NotImplementedError
