"""Keys of identity providers, fetched as those of clients are; what of them may take two people."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_BEFORE = "'add_client', 'add_key')"
_AFTER = "'add_client', 'add_key', 'add_issuer', 'change_issuer', 'reinstate_issuer')"
_OTHERS = "'add_agency', 'change_agency', 'change_287g', 'reinstate_agency', 'close_agency'"


def upgrade() -> None:
    """Name the column after what it has now, and let more be proposed; rows and triggers stay as they are."""
    connection = op.get_bind()
    connection.exec_driver_sql("ALTER TABLE key_sets RENAME COLUMN client_id TO owner_id")
    if connection.dialect.name != "sqlite":
        check = f"CHECK (act IN ({_OTHERS}, {_AFTER})"
        connection.exec_driver_sql("ALTER TABLE agency_proposals DROP CONSTRAINT ck_agency_proposals_act")
        connection.exec_driver_sql(
            f"ALTER TABLE agency_proposals ADD CONSTRAINT ck_agency_proposals_act {check}"
        )
        return
    # As migration 0017 does it, and for its reasons.
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?",
        (_BEFORE, _AFTER, "agency_proposals"),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def downgrade() -> None:
    """Refuse: what was proposed would have no name."""
    raise NotImplementedError
