"""The queue of reviews: who looks after one, where each is found, and the views that staff keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gatekeeper.store.append_only import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# table: its unique keys, and whether an UPDATE or a DELETE of a row is refused.
_GUARDED = {
    "review_places": ([["query_id", "provision"]], False, True),
    "staff_views": ([["id"], ["staff_id", "name"]], False, False),
}
_ORDERS = {"due": ["urgency", "due_at"], "queued": ["queued_at"], "moved": ["moved_at"]}
_STATES = "'queued', 'needs_information', 'escalated', 'upheld', 'permitted', 'withdrawn', 'expired'"

# Each review that there is, as a whole and under each of its provisions. What was queued before there was an
# urgency is urgent if it is about a missing person, as the policy of that day had it.
_FILL = """
INSERT INTO review_places (query_id, provision, agency_id, category, state, level, assignee, urgency, due_at,
                           queued_at, moved_at)
SELECT r.query_id, p.code, r.agency_id, q.category, r.state, r.level, '',
       CASE q.category WHEN 'missing_or_endangered_person' THEN 0 ELSE 1 END,
       coalesce(r.due_at, r.queued_at), r.queued_at,
       coalesce((SELECT max(e.at) FROM review_events e WHERE e.query_id = r.query_id), r.queued_at)
  FROM reviews r
  JOIN queries q ON q.query_id = r.query_id
  JOIN (SELECT query_id, '' AS code FROM reviews
        UNION
        SELECT r.query_id, each.value FROM reviews r, {each} AS each) AS p ON p.query_id = r.query_id"""
_EACH = {
    "sqlite": "json_each(r.provisions)",
    "postgresql": "json_array_elements_text(CAST(r.provisions AS json))",
}


def upgrade() -> None:
    """Add the column, make and fill the tables, then their indexes and triggers."""
    connection = op.get_bind()
    connection.exec_driver_sql("ALTER TABLE reviews ADD COLUMN assignee VARCHAR(128)")
    op.create_table(
        "review_places",
        sa.Column("query_id", sa.String(length=128), nullable=False),
        sa.Column("provision", sa.String(length=128), nullable=False),
        sa.Column("agency_id", sa.String(length=128), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("assignee", sa.String(length=128), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_review_places_state")),
        sa.CheckConstraint("level IN ('staff', 'counsel')", name=op.f("ck_review_places_level")),
        sa.ForeignKeyConstraint(["query_id"], ["reviews.query_id"], name=op.f("fk_review_places_query_id")),
        sa.PrimaryKeyConstraint("query_id", "provision", name=op.f("pk_review_places")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "staff_views",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("staff_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_views_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_views")),
        sa.UniqueConstraint("staff_id", "name", name=op.f("uq_staff_views_staff_id")),
        sqlite_with_rowid=False,
    )
    connection.exec_driver_sql(_FILL.format(each=_EACH[connection.dialect.name]))
    for order, columns in _ORDERS.items():
        narrowed = [None, "agency_id", "assignee"] + (["category"] if order == "due" else [])
        for name in narrowed:
            op.create_index(
                f"ix_review_places_{order}" if name is None else f"ix_review_places_{name}_{order}",
                "review_places",
                ["provision", *([] if name is None else [name]), "state", *columns, "query_id"],
            )
    for table, (keys, update, delete) in _GUARDED.items():
        for statement in protect(connection.dialect.name, table, keys, update=update, delete=delete):
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Refuse: who looked after a review is part of what the log speaks of."""
    raise NotImplementedError
