"""What the log's transactions send to the driver, written once per kind of database.

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
from sqlalchemy import Connection, Dialect, Select

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
    """What is written to one table."""

    def __init__(self, table: str, dialect: Dialect) -> None:
        columns = metadata.tables[table].columns
        self._dialect = dialect.name
        self._quote = dialect.identifier_preparer.quote
        self._table = self._quote(table)
        self._names: Final = tuple(column.name for column in columns)
        named = ", ".join(map(self._quote, self._names))
        self._insert: Final = f"INSERT INTO {self._table} ({named}) VALUES "  # noqa: S608  our own names
        self._row: Final = marked(f"({', '.join('?' * len(self._names))})", dialect.name)
        self._convert: Final[dict[str, _Convert]] = {
            column.name: convert
            for column in columns
            if (convert := column.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        self._places: Final = tuple(
            (place, self._convert[name]) for place, name in enumerate(self._names) if name in self._convert
        )

    def insert(self, driver: Driver, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert whole rows. Raises what the driver raises."""
        for start in range(0, len(rows), MOST_ROWS):
            some = [self._values(row) for row in rows[start : start + MOST_ROWS]]
            statement = self._insert + ", ".join([self._row] * len(some))
            driver.execute(statement, list(chain.from_iterable(some))).close()

    def put(
        self,
        driver: Driver,
        rows: Sequence[Mapping[str, object]],
        key: Sequence[str],
        changed: Sequence[str],
    ) -> None:
        """Insert whole rows, or set *changed* where the key is there. Raises what the driver raises."""
        sets = ", ".join(f"{self._quote(name)} = excluded.{self._quote(name)}" for name in changed)
        named = ", ".join(map(self._quote, key))
        for start in range(0, len(rows), MOST_ROWS):
            some = [self._values(row) for row in rows[start : start + MOST_ROWS]]
            given = ", ".join([self._row] * len(some))
            statement = f"{self._insert}{given} ON CONFLICT ({named}) DO UPDATE SET {sets}"
            driver.execute(statement, list(chain.from_iterable(some))).close()

    def remove_before(self, driver: Driver, column: str, value: object) -> None:
        """Remove the rows whose *column* is less than that. Raises what the driver raises."""
        statement = f"DELETE FROM {self._table} WHERE {self._quote(column)} < ?"  # noqa: S608  our own names
        driver.execute(marked(statement, self._dialect), [self._converted(column, value)]).close()

    def claim(self, driver: Driver, row: Mapping[str, object]) -> bool:
        """Insert one row unless its key is taken; return whether it was free. Raises what the driver raises.

        Neither answer ends the transaction.
        """
        if self._dialect == "postgresql":
            free = f"{self._insert}{self._row} ON CONFLICT DO NOTHING"
            return driver.execute(free, self._values(row)).rowcount == 1
        try:
            self.insert(driver, [row])
        except sqlite3.IntegrityError:
            return False
        return True

    def change(self, driver: Driver, key: Mapping[str, object], values: Mapping[str, object]) -> int:
        """Change the rows that have exactly this key; return how many. Raises what the driver raises."""
        sets = ", ".join(f"{self._quote(name)} = ?" for name in values)
        where = " AND ".join(
            f"{self._quote(name)} {'IS NULL' if value is None else '= ?'}" for name, value in key.items()
        )
        statement = f"UPDATE {self._table} SET {sets} WHERE {where}"  # noqa: S608  our own names
        known = {name: value for name, value in key.items() if value is not None}
        bound = [self._converted(name, value) for given in (values, known) for name, value in given.items()]
        return driver.execute(marked(statement, self._dialect), bound).rowcount

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        values = [row[name] for name in self._names]
        for place, convert in self._places:
            values[place] = convert(values[place])
        return values

    def _converted(self, name: str, value: Any) -> Any:
        convert = self._convert.get(name)
        return value if convert is None else convert(value)


class Reading:
    """A ``SELECT`` of whole columns, without values of anybody's."""

    def __init__(self, select: Select[Any], dialect: Dialect) -> None:
        self._statement = str(select.compile(dialect=dialect))
        self._convert: Final[tuple[_Convert | None, ...]] = tuple(
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in select.selected_columns
        )

    def rows(self, driver: Driver) -> list[list[Any]]:
        """Return all rows. Raises what the driver raises."""
        return [
            [
                value if convert is None else convert(value)
                for value, convert in zip(row, self._convert, strict=True)
            ]
            for row in driver.execute(self._statement).fetchall()
        ]


_PREPARED: Final[dict[tuple[str, str], Prepared]] = {}


def prepared(table: str, dialect: Dialect) -> Prepared:
    """Return what is written to *table* on this kind of database, made at its first use."""
    key = table, dialect.name
    found = _PREPARED.get(key)
    if found is None:
        found = _PREPARED[key] = Prepared(table, dialect)
    return found
