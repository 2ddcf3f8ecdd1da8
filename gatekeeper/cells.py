"""One value as a cell of a CSV file (RFC 4180) that no spreadsheet takes for a formula.

Guarantees: no cell begins as a formula does, so that opening the file runs nothing of what somebody typed.
"""

from __future__ import annotations

from typing import Final

# What spreadsheets take for a formula or a command, also in the wide forms of East Asian keyboards.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    text = str(value)
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA) else text
