"""Clients of the profile ``fapi``, whose tokens are bound to a key or a certificate."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_BEFORE = "profile IN ('basic', 'private_key')"
_AFTER = "profile IN ('basic', 'private_key', 'fapi')"


def upgrade() -> None:
    """Let a client have the third profile; rows, keys and triggers stay as they are."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("ALTER TABLE clients DROP CONSTRAINT ck_clients_profile")
        connection.exec_driver_sql(f"ALTER TABLE clients ADD CONSTRAINT ck_clients_profile CHECK ({_AFTER})")
        return
    # What SQLite's documentation of ALTER TABLE says for a check alone (section 7): nothing that is stored
    # changes, and a table that others refer to, with its triggers, need not be made anew.
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'clients'",
        (_BEFORE, _AFTER),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def downgrade() -> None:
    """Refuse: clients of the profile would have none."""
    raise NotImplementedError
