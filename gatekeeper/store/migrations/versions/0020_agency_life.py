"""The life cycle of an agency: the 287(g) flag's source, links to sign by, reminders, papers, proposals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_STATES = (
    "state IN ('queued', 'needs_information', 'escalated', 'upheld', 'permitted', 'withdrawn', 'expired', "
    "'ending')"
)
_ACTS = (
    "'add_agency', 'change_agency', 'change_287g', 'reinstate_agency', 'close_agency', 'add_client', "
    "'add_key'"
)
_REFERS = "CONSTRAINT fk_notices_affirmation_id FOREIGN KEY(affirmation_id) REFERENCES affirmations (id)"


def upgrade() -> None:
    """Add the columns, make the tables, then their triggers."""
    op.add_column("agencies", sa.Column("source_287g", sa.String(length=500), nullable=True))
    op.add_column("agencies", sa.Column("looked_up_287g", sa.Date(), nullable=True))
    op.add_column("affirmations", sa.Column("reminded_days", sa.Integer(), nullable=True))
    _reminders()
    _invitations()
    _signed()
    _proposals()
    dialect = op.get_bind().dialect.name
    for table, keys, fixed in (
        ("affirmation_invitations", [["id"], ["token_sha256"]], False),
        ("signed_documents", [["affirmation_id"], ["invitation_id"], ["receipt_sha256"]], True),
        ("agency_proposals", [["id"]], False),
    ):
        for statement in protect(dialect, table, keys, update=fixed, delete=True):
            op.get_bind().exec_driver_sql(statement)


def _reminders() -> None:
    """Let a notice be of a signature that ends; rows, keys and triggers stay as they are (as 0017 does)."""
    connection = op.get_bind()
    connection.exec_driver_sql("ALTER TABLE notices ADD COLUMN affirmation_id VARCHAR(128)")
    if connection.dialect.name != "sqlite":
        for change in (
            f"ADD {_REFERS}",
            "ALTER COLUMN query_id DROP NOT NULL",
            "DROP CONSTRAINT ck_notices_state",
            f"ADD CONSTRAINT ck_notices_state CHECK ({_STATES})",
        ):
            connection.exec_driver_sql(f"ALTER TABLE notices {change}")
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    for before, after in (
        ("query_id VARCHAR(128) NOT NULL", "query_id VARCHAR(128)"),
        ("'withdrawn', 'expired')", "'withdrawn', 'expired', 'ending')"),
        # No row has the new column yet, so there is nothing that could break the reference.
        ("REFERENCES agencies (id)", f"REFERENCES agencies (id), \n\t{_REFERS}"),
    ):
        connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'notices'",
            (before, after),
        )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def _invitations() -> None:
    name = "affirmation_invitations"
    op.create_table(
        name,
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("text_version", sa.String(length=40), nullable=False),
        sa.Column("text_sha256", sa.String(length=64), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signer_email", sa.String(length=254), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME, nullable=True),
        sa.Column("revoked_at", _TIME, nullable=True),
        sa.CheckConstraint("kind IN ('affirmation', 'declaration')", name=op.f(f"ck_{name}_kind")),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f(f"fk_{name}_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("token_sha256", name=op.f(f"uq_{name}_token_sha256")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f(f"ix_{name}_agency_id"), name, ["agency_id"], unique=False)


def _signed() -> None:
    name = "signed_documents"
    op.create_table(
        name,
        sa.Column("affirmation_id", sa.String(length=128), nullable=False),
        sa.Column("invitation_id", sa.String(length=128), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("receipt_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("receipt_until", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["affirmation_id"], ["affirmations.id"], name=op.f(f"fk_{name}_affirmation_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["affirmation_invitations.id"], name=op.f(f"fk_{name}_invitation_id")
        ),
        sa.PrimaryKeyConstraint("affirmation_id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint("invitation_id", name=op.f(f"uq_{name}_invitation_id")),
        sa.UniqueConstraint("receipt_sha256", name=op.f(f"uq_{name}_receipt_sha256")),
        sqlite_with_rowid=False,
    )


def _proposals() -> None:
    name = "agency_proposals"
    op.create_table(
        name,
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("change_sha256", sa.String(length=64), nullable=False),
        sa.Column("basis_sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("proposed_by", sa.String(length=128), nullable=False),
        sa.Column("proposed_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("ref", sa.String(length=128), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.CheckConstraint(f"act IN ({_ACTS})", name=op.f(f"ck_{name}_act")),
        sa.CheckConstraint("state IN ('open', 'done', 'withdrawn')", name=op.f(f"ck_{name}_state")),
        sa.ForeignKeyConstraint(["proposed_by"], ["staff.id"], name=op.f(f"fk_{name}_proposed_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f(f"fk_{name}_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f(f"ix_{name}_agency_id"), name, ["agency_id"], unique=False)


def downgrade() -> None:
    """Refuse: what was signed and by which link would be lost."""
    raise NotImplementedError
