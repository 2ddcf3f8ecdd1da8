"""What the log's transactions send straight to the driver, written once per kind of database.

Guarantees: columns, quoting and the conversion of each value are SQLAlchemy's own; only the work that it
repeats at each execution (cache key, parameter set, result), three times the driver's own, is left out. All
rows of a table go in one statement: each step into SQLite lets go of the interpreter's lock, and under load
whoever lets go of it while it holds the log's lock waits milliseconds to get it back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, TypeAlias

import psycopg
from sqlalchemy import Connection, Dialect

from gatekeeper.store.tables import metadata

Driver: TypeAlias = "sqlite3.Connection | psycopg.Connection[Any]"

MOST_ROWS: Final = 256
"""In one statement: the widest table stays far below the 32,766 values that SQLite takes."""

_Convert = Callable[[Any], Any]


def driver_of(connection: Connection) -> Driver:
    """Return the driver's own connection; what it raises is the driver's too."""
    raw: Driver | None = connection.connection.driver_connection
    assert raw is not None  # noqa: S101  the type checker's question, not a check
    return raw


def marked(statement: str, dialect: str) -> str:
    """Return the statement, written with ``?``, as this database's driver marks its values."""
    return statement.replace("?", "%s") if dialect == "postgresql" else statement


class Prepared:
    """``INSERT`` of whole rows into one table."""

    def __init__(self, table: str, dialect: Dialect) -> None:
        columns = metadata.tables[table].columns
        quote = dialect.identifier_preparer.quote
        self._names: Final = tuple(column.name for column in columns)
        named = ", ".join(map(quote, self._names))
        self._insert: Final = f"INSERT INTO {quote(table)} ({named}) VALUES "  # noqa: S608  our own names
        self._row: Final = marked(f"({', '.join('?' * len(self._names))})", dialect.name)
        self._convert: Final[tuple[tuple[int, _Convert], ...]] = tuple(
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := column.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        )

    def execute(self, driver: Driver, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert the rows. Raises what the driver raises."""
        for start in range(0, len(rows), MOST_ROWS):
            some = [self._values(row) for row in rows[start : start + MOST_ROWS]]
            statement = self._insert + ", ".join([self._row] * len(some))
            driver.execute(statement, list(chain.from_iterable(some))).close()

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        values = [row[name] for name in self._names]
        for place, convert in self._convert:
            values[place] = convert(values[place])
        return values


_PREPARED: Final[dict[tuple[str, str], Prepared]] = {}


def insertion(table: str, dialect: Dialect) -> Prepared:
    """Return the insertion into *table* for this kind of database, written at its first use."""
    key = table, dialect.name
    found = _PREPARED.get(key)
    if found is None:
        found = _PREPARED[key] = Prepared(table, dialect)
    return found
