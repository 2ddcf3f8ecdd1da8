"""The README's table of events, made from their published schemas: what each says, and what it commits to.

Guarantees: every event of the closed list has one row, in the list's order; a field or a commitment that its
schema does not name is in no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from gatekeeper.ledger.entries import EVENTS, schema_of

COMMON: Final = ("v", "event", "ref", "hour", "commitments")
"""What every entry has."""
_NONE: Final = "\N{EN DASH}"
_HEAD: Final = ("event", "when", "in clear", "committed to")


def clear_fields(event: str) -> tuple[str, ...]:
    """Return the names of an event's own clear fields, in its schema's order."""
    return tuple(name for name in _schema(event)["properties"] if name not in COMMON)


def table() -> tuple[tuple[str, str, str, str], ...]:
    """Return a row for each event: its name, when it is written, its clear fields, its commitments.

    The exact time, which each entry commits to, is left out. A field with ``?`` is not in every such entry.
    """
    return tuple(_row(event) for event in EVENTS)


def markdown() -> str:
    """Return the table as it stands in the README."""
    rows = (_HEAD, ("---",) * len(_HEAD), *table())
    return "".join(f"{line}\n" for line in ("|" + "|".join(_cells(row)) + "|" for row in rows))


def _cells(row: tuple[str, ...]) -> Iterator[str]:
    return (cell if cell == "---" else f" {cell} " for cell in row)


def _row(event: str) -> tuple[str, str, str, str]:
    schema = _schema(event)
    commitments = schema["properties"]["commitments"]
    first = str(schema["description"]).partition(". ")[0].removesuffix(".")
    named = [_named(schema, clear_fields(event)), _named(commitments, commitments["properties"])]
    return f"`{event}`", f"{first}.", named[0], named[1]


def _named(schema: Mapping[str, Any], names: Any) -> str:
    shown = (f"`{name}`{'' if name in schema['required'] else '?'}" for name in names if name != "at")
    return ", ".join(shown) or _NONE


def _schema(event: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", schema_of(event))
