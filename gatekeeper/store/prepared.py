"""Insertions compiled once per database, for the log's transactions.

Guarantees: the statement and the conversion of each value are SQLAlchemy's own; only the work that it repeats
at each execution (cache key, parameter set, result) is left out, which was half of a commit's processor time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Dialect, insert

from gatekeeper.store.tables import metadata

_Convert = Callable[[Any], Any]


class Prepared:
    """``INSERT`` of whole rows into one table."""

    def __init__(self, table: str, dialect: Dialect) -> None:
        columns = metadata.tables[table].columns
        compiled = insert(metadata.tables[table]).compile(
            dialect=dialect, column_keys=[column.name for column in columns]
        )
        self._sql: Final = str(compiled)
        self._names: Final = tuple(compiled.positiontup or ())
        self._convert: Final[tuple[tuple[str, _Convert], ...]] = tuple(
            (column.name, convert)
            for column in columns
            if (convert := column.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        )

    def execute(self, connection: Connection, rows: Iterable[Mapping[str, object]]) -> None:
        """Insert the rows. Raises what SQLAlchemy raises."""
        connection.exec_driver_sql(self._sql, [self._parameters(dict(row)) for row in rows])

    def _parameters(self, row: dict[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        for name, convert in self._convert:
            row[name] = convert(row[name])
        return tuple([row[name] for name in self._names]) if self._names else row


_PREPARED: Final[dict[tuple[str, str], Prepared]] = {}


def insertion(table: str, connection: Connection) -> Prepared:
    """Return the insertion into *table* for this kind of database, compiled at its first use."""
    key = table, connection.dialect.name
    found = _PREPARED.get(key)
    if found is None:
        found = _PREPARED[key] = Prepared(table, connection.dialect)
    return found
