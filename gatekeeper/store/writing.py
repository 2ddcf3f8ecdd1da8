"""Which rows may be written with a log entry, checked before the database is asked.

Guarantees: a row that its table would refuse is refused here as ``StoreUnavailable``, without the row's
values, before anything is sent: a text with NUL or half a surrogate pair (PostgreSQL and UTF-8 cannot hold
them), a number beyond 64 bits, a naive time, an unknown column, a table outside the whitelist. So one bad row
fails its own request and cannot fail the commit that it shares with others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, LargeBinary, SmallInteger, String, Table

from gatekeeper.errors import StoreUnavailable
from gatekeeper.store.columns import Document, Names, Utc
from gatekeeper.store.tables import CHANGEABLE, WRITABLE, metadata

_Check = Callable[[object], bool]


def storable(value: str) -> bool:
    """Return whether both databases can hold the text exactly as it is."""
    if "\x00" in value:
        return False
    if value.isascii():
        return True
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


class TableRules:
    """What one table takes: each column's check, what must be given, how a row is told from the others."""

    __slots__ = ("_blank", "_checks", "_required", "changeable", "key", "name", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.key = frozenset(column.name for column in table.primary_key)
        self.changeable = CHANGEABLE.get(table.name, frozenset())
        self._checks = {column.name: _check_of(column) for column in table.columns}
        self._required = frozenset(column.name for column in table.columns if not column.nullable)
        self._blank: dict[str, object] = dict.fromkeys(column.name for column in table.columns)

    def insert(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a whole row, absent columns as NULL. Raises StoreUnavailable if the table refuses it."""
        if not self._required <= values.keys():
            raise self._refuse("a column is missing")
        self._check(values)
        return {**self._blank, **values}

    def alter(self, key: Mapping[str, object], values: Mapping[str, object]) -> None:
        """Check a change. Raises StoreUnavailable if it could reach another row or a kept column."""
        if not self.key <= key.keys():
            raise self._refuse("a change must name its row by the whole key")
        if not values or not values.keys() <= self.changeable:
            raise self._refuse("a column that is kept as it was")
        self._check(key)
        self._check(values)

    def _check(self, values: Mapping[str, object]) -> None:
        checks = self._checks
        for name, value in values.items():
            check = checks.get(name)
            if check is None:
                raise self._refuse("no such column")
            if not check(value):
                raise self._refuse(f"{name} cannot be stored")

    def _refuse(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(f"{self.name}: {why}")


def rules_of(table: str) -> TableRules:
    """Return the rules of a table that rows may be written to. Raises StoreUnavailable for any other."""
    rules = _RULES.get(table)
    if rules is None:
        raise StoreUnavailable("a table that rows may not be written to")
    return rules


def _check_of(column: Column[Any]) -> _Check:
    check = _plain(column)
    return (lambda value: value is None or check(value)) if column.nullable else check


def _plain(column: Column[Any]) -> _Check:
    choices = column.info.get("choices")
    if choices is not None:
        return lambda value: isinstance(value, str) and value in choices
    kind = column.type
    for known, check in _KINDS:
        if isinstance(kind, known):
            return check
    if isinstance(kind, LargeBinary):
        exact = column.info.get("length")
        return lambda value: isinstance(value, bytes) and exact in (None, len(value))
    if isinstance(kind, String):
        longest = kind.length or sys.maxsize
        return lambda value: isinstance(value, str) and len(value) <= longest and storable(value)
    raise TypeError(f"no check for {kind!r}")  # at import: a new type in tables.py needs its line here


def _names(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(name, str) and storable(name) for name in value)


def _document(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    try:
        return storable(json.dumps(dict(value), allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return False


def _between(low: int, high: int) -> _Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value < high


_KINDS: Final[tuple[tuple[type, _Check], ...]] = (
    (Utc, lambda value: isinstance(value, datetime) and value.tzinfo is not None),
    (Names, _names),
    (Document, _document),
    (Date, lambda value: isinstance(value, date) and not isinstance(value, datetime)),
    (Boolean, lambda value: isinstance(value, bool)),
    (SmallInteger, _between(-(2**15), 2**15)),
    (BigInteger, _between(-(2**63), 2**63)),
    (Integer, _between(-(2**31), 2**31)),
)
"""Narrow before wide: SmallInteger and BigInteger are Integers too."""

_RULES: Final = {name: TableRules(metadata.tables[name]) for name in sorted(WRITABLE | {"registry"})}
