"""Values of entries and receipts as one line of words, safe to print whoever wrote them."""

from __future__ import annotations

from gatekeeper.ledger import Json


def shown(value: Json) -> str:
    """Return a value in one line: lists with commas, objects as ``name: value``."""
    if value is None or value in ([], {}):
        return "none"
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return printable(value)
        case list():
            return ", ".join(map(shown, value))
        case dict():
            return "; ".join(f"{printable(name)}: {shown(each)}" for name, each in value.items())
        case _:
            return str(value)


def printable(text: str) -> str:
    """Return text in which whatever would move a terminal's cursor or cannot be printed is spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
