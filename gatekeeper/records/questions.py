"""The SELECT statements of a store of reads: one for each shape of question, values always as parameters.

Guarantees: identifiers come from a checked mapping, quoted, and each column says whose it is. The last is not
decoration: SQLite takes a quoted name that is no column for a *text*, so that a mapping with a slip of the
pen would have released that text as a car's color.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from gatekeeper.records.mapping import ColumnMapping
from gatekeeper.records.rows import FIELDS

Question = sa.Select[Any] | sa.CompoundSelect[Any]

# Up to here one index walk per camera is merged, which ends after `limit` rows; above, the database plans.
_MERGED_CAMERAS = 64


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a question changes its SQL; all the rest are parameters."""

    plate: bool
    state: bool
    cameras: int | None
    after: bool


def table_of(name: str, schema: str | None, *columns: str | None) -> sa.TableClause:
    """Return a table by its exact name, with the columns that are not None; raises nothing."""
    given = dict.fromkeys(column for column in columns if column is not None)
    quoted: list[sa.ColumnClause[Any]] = [sa.column(_exactly(column)) for column in given]
    return sa.table(_exactly(name), *quoted, schema=None if schema is None else _exactly(schema))


def _exactly(name: str) -> sa.quoted_name:
    return sa.quoted_name(name, quote=True)


def question(mapping: ColumnMapping, shape: Shape) -> Question:
    """Return the SELECT of one shape of question: all of its values are parameters; raises nothing."""
    named_columns = [getattr(mapping, field) for field in FIELDS]
    table = table_of(mapping.table, mapping.schema, *named_columns, mapping.plate_key)
    ident, captured, cameras = (
        table.c[name] for name in (mapping.id, mapping.captured_at, mapping.camera_id)
    )
    selected = sa.select(*(_column(table, name).label(f"f{n}") for n, name in enumerate(named_columns)))
    selected = selected.select_from(table).where(
        captured >= sa.bindparam("start"), captured < sa.bindparam("end")
    )
    if shape.plate:
        selected = selected.where(table.c[mapping.plate_key or mapping.plate] == sa.bindparam("plate"))
    if shape.state:
        selected = selected.where(_column(table, mapping.plate_state) == sa.bindparam("state"))
    if shape.after:
        at: sa.BindParameter[Any] = sa.bindparam("at")
        selected = selected.where(captured <= at, sa.or_(captured < at, ident < sa.bindparam("after")))
    limit = sa.bindparam("limit", type_=sa.Integer)
    named: list[sa.BindParameter[Any]] = [
        sa.bindparam(f"camera{number}") for number in range(shape.cameras or 0)
    ]
    if len(named) > 1 and len(named) <= _MERGED_CAMERAS and not shape.plate:
        merged = sa.union_all(*(selected.where(cameras == one) for one in named))
        newest = [merged.selected_columns["f1"].desc(), merged.selected_columns["f0"].desc()]
        return merged.order_by(*newest).limit(limit)
    if named:
        selected = selected.where(cameras == named[0] if len(named) == 1 else cameras.in_(named))
    return selected.order_by(captured.desc(), ident.desc()).limit(limit)


def all_cameras(mapping: ColumnMapping) -> Question:
    """Return the SELECT of every camera: of their own table, or those that reads name; raises nothing."""
    if mapping.cameras is not None:
        own = mapping.cameras
        columns = (own.id, own.name, own.lat, own.lon)
        table = table_of(own.table, own.schema, *columns)
        return sa.select(*(_column(table, name) for name in columns)).select_from(table)
    named = (mapping.camera_id, mapping.camera_name, mapping.camera_lat, mapping.camera_lon)
    table = table_of(mapping.table, mapping.schema, *named)
    return sa.select(*(_column(table, name) for name in named)).distinct().select_from(table)


def _column(table: sa.TableClause, name: str | None) -> ColumnElement[Any]:
    return sa.null() if name is None else table.c[name]
