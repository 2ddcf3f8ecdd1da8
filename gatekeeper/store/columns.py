"""Column types that hold on both databases what the databases alone do not hold.

Guarantees: a time that is not aware is refused on the way in and comes back as aware UTC (SQLite keeps no
zone; PostgreSQL answers in the session's); a list of names or a JSON object is stored as text that any other
tool can read, and is never pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


class Utc(TypeDecorator[datetime]):
    """An instant. Stored as UTC; a naive datetime is refused, because nobody can say when it was."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC. Raises ValueError for a naive one."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is refused")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored instant as aware UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Names(TypeDecorator[tuple[str, ...]]):
    """An ordered list of short texts (scopes, contacts, provision codes), stored as a JSON array."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str | None:
        """Return the array's text. Raises TypeError for anything but texts."""
        del dialect
        if value is None:
            return None
        if isinstance(value, str) or not all(isinstance(name, str) for name in value):
            raise TypeError("a list of texts was expected")
        return json.dumps(list(value), ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """Return the stored names in their order."""
        del dialect
        return None if value is None else tuple(json.loads(value))


class Document(TypeDecorator[Mapping[str, Any]]):
    """A small JSON object (a public JWK), stored as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> str | None:
        """Return the object's text. Raises TypeError or ValueError for what JSON cannot hold."""
        del dialect
        if value is None:
            return None
        return json.dumps(dict(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Mapping[str, Any] | None:
        """Return the stored object."""
        del dialect
        if value is None:
            return None
        document: dict[str, Any] = json.loads(value)
        return document
