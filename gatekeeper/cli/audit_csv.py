"""A published search-audit log, read as it comes: row by row, whatever made it.

Guarantees: nothing is loaded whole; a byte-order mark, CRLF, quotes and line breaks inside a cell, a
semicolon or tab as separator, UTF-8, UTF-16 or the Windows code page are all read; what cannot be read is an
OperatorError that says what was found and what is needed. Only the time and the reason of a search are taken;
plates, names and numbers in other columns are not looked at.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gatekeeper.errors import OperatorError

_TIMES = ("searched_at", "searchdate", "search time")
_REASONS = ("reason",)
_NEEDED = "a time column (searched_at, searchDate or Search Time) and a reason column (reason or Reason)"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FORMS = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y")
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Search:
    """One row of the log: its number from 1, its time as printed there, and the reason as typed."""

    number: int
    searched_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class AuditLog:
    """A log whose header was understood: how to read it, and how many rows it has."""

    path: Path
    encoding: str
    delimiter: str
    time_column: int
    reason_column: int
    rows: int

    def __iter__(self) -> Iterator[Search]:
        """Yield each search in the file's order; raises OperatorError if the file changed or ends badly."""
        for number, cells in enumerate(_body(self.path, self.encoding, self.delimiter), 1):
            yield Search(number, _cell(cells, self.time_column).strip(), _cell(cells, self.reason_column))


def open_audit_log(path: Path) -> AuditLog:
    """Understand a log's encoding and header and count its rows; raises OperatorError if it is none."""
    encoding = _encoding(path)
    delimiter, header = _header(path, encoding)
    names = [name.strip().casefold() for name in header]
    time_column = next((names.index(name) for name in _TIMES if name in names), None)
    reason_column = next((names.index(name) for name in _REASONS if name in names), None)
    if time_column is None or reason_column is None:
        found = ", ".join(repr(name[:40]) for name in header[:_SHOWN]) or "no columns at all"
        raise OperatorError(f"{path} is not a search-audit log: found {found}; needed: {_NEEDED}")
    rows = sum(1 for _ in _body(path, encoding, delimiter))
    if not rows:
        raise OperatorError(f"{path} has a header but no searches below it")
    return AuditLog(path, encoding, delimiter, time_column, reason_column, rows)


def day_of(searched_at: str) -> datetime | None:
    """Return the printed time without its zone, or None if it is in no form that we know; raises nothing."""
    with suppress(ValueError):
        return datetime.fromisoformat(searched_at).replace(tzinfo=None)
    for form in _FORMS:
        with suppress(ValueError):
            return datetime.strptime(searched_at, form)  # noqa: DTZ007 - only its day is shown
    return None


def _encoding(path: Path) -> str:
    """Return the encoding that the whole file decodes in; raises OperatorError if it cannot be opened."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if not start:
                raise OperatorError(f"{path} is empty; needed: {_NEEDED}")
            for mark, name in _MARKS:
                if start.startswith(mark):
                    return name
            file.seek(0)
            decoder = codecs.getincrementaldecoder("utf-8")()
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"  # what spreadsheet programs write when they do not write UTF-8
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}. Name a CSV file") from None
    return "utf-8"


def _header(path: Path, encoding: str) -> tuple[str, list[str]]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        line = file.readline(65_536)
    delimiter = max(",;\t", key=line.count)
    try:
        return delimiter, next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise OperatorError(f"{path}: the header cannot be read ({error}); needed: {_NEEDED}") from None


def _body(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each row after the header that is not blank; raises OperatorError."""
    # errors="replace": five bytes of the Windows page mean nothing, and one of them must not end the replay.
    try:
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            rows = csv.reader(file, delimiter=delimiter)
            next(rows, None)
            for cells in rows:
                if any(cell.strip() for cell in cells):
                    yield cells
    except csv.Error as error:
        raise OperatorError(f"{path}, line {rows.line_num}: {error}. Correct the line") from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}. Name a CSV file") from None


def _cell(cells: list[str], column: int) -> str:
    return cells[column] if column < len(cells) else ""
