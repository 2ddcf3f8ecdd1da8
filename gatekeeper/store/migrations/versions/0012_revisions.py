"""The law's own life cycle: revisions, what was found of them, who approved them, and what is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATES = ("draft", "checked", "replayed", "approved", "scheduled", "active", "superseded", "rejected")
_JOBS = ("running", "done", "failed", "interrupted")

# table: its unique keys, and whether an UPDATE or a DELETE of a row is refused.
_GUARDED = {
    "revision_trees": ([["tree"]], True, True),
    "revisions": ([["id"], ["serial"]], False, True),
    "revision_results": ([["revision_id", "number"]], True, True),
    "revision_approvals": ([["revision_id", "account_id", "seal"]], True, True),
    "policy_jobs": ([["id"]], False, False),
}


def upgrade() -> None:
    """Make the tables, then their triggers; the registry learns what is due."""
    for name, kind in (
        ("policy_serial", sa.BigInteger()),
        ("due_revision", sa.String(length=128)),
        ("due_ms", sa.BigInteger()),
        ("shadow_revision", sa.String(length=128)),
    ):
        op.add_column("registry", sa.Column(name, kind, nullable=True))
    op.create_table(
        "revision_trees",
        sa.Column("tree", sa.String(length=71), nullable=False),
        sa.Column("archive", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree", name=op.f("pk_revision_trees")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revisions",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("revision", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("tree", sa.String(length=71), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("base", sa.String(length=128), nullable=True),
        sa.Column("origin", sa.String(length=200), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("serial", sa.BigInteger(), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(_one_of("state", _STATES), name=op.f("ck_revisions_state")),
        sa.ForeignKeyConstraint(["tree"], ["revision_trees.tree"], name=op.f("fk_revisions_tree")),
        sa.ForeignKeyConstraint(["base"], ["revisions.id"], name=op.f("fk_revisions_base")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revisions")),
        sa.UniqueConstraint("serial", name=op.f("uq_revisions_serial")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_revisions_digest"), "revisions", ["digest"])
    op.create_index(op.f("ix_revisions_proposed_at"), "revisions", ["proposed_at"])
    _only_one("uq_revisions_active", "revisions", ["state"], "state = 'active'")
    op.create_table(
        "revision_results",
        sa.Column("revision_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.CheckConstraint(_one_of("kind", ("check", "replay")), name=op.f("ck_revision_results_kind")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_revision_results_revision_id")
        ),
        sa.PrimaryKeyConstraint("revision_id", "number", name=op.f("pk_revision_results")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revision_approvals",
        sa.Column("revision_id", sa.String(length=128), nullable=False),
        sa.Column("account_id", sa.String(length=128), nullable=False),
        sa.Column("seal", sa.String(length=71), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_one_of("role", ("legal", "counsel")), name=op.f("ck_revision_approvals_role")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_revision_approvals_revision_id")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["staff.id"], name=op.f("fk_revision_approvals_account_id")),
        sa.PrimaryKeyConstraint("revision_id", "account_id", "seal", name=op.f("pk_revision_approvals")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "policy_jobs",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("revision_id", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=128), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.CheckConstraint(_one_of("kind", ("check", "replay")), name=op.f("ck_policy_jobs_kind")),
        sa.CheckConstraint(_one_of("state", _JOBS), name=op.f("ck_policy_jobs_state")),
        sa.ForeignKeyConstraint(["revision_id"], ["revisions.id"], name=op.f("fk_policy_jobs_revision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_jobs")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_policy_jobs_revision_id"), "policy_jobs", ["revision_id"])
    _only_one("uq_policy_jobs_running", "policy_jobs", ["revision_id", "kind"], "state = 'running'")
    dialect = op.get_bind().dialect.name
    for table, (keys, update, delete) in _GUARDED.items():
        for statement in protect(dialect, table, keys, update=update, delete=delete):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: who approved the law is evidence."""
    raise NotImplementedError


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


def _only_one(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(
        name, table, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
