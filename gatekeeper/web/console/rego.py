"""Rego as pages show it: numbered lines, in pieces that are coloured by what they are.

The words are Pygments' (its lexer alone: the page escapes every piece, and the colours are in our style
sheet). Guarantees: the pieces of a file put together are the file, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, NamedTuple

from pygments.lexers.rego import RegoLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Number, String  # type: ignore[import-untyped]

_KINDS: Final = (
    (Comment, "remark"),
    (Keyword, "word"),
    (Name.Builtin, "given"),
    (Name.Function, "given"),
    (Number, "number"),
    (String, "text"),
)
_LEXER: Final = RegoLexer(stripnl=False, ensurenl=False)


class Piece(NamedTuple):
    """A part of a line; ``kind`` is "" for what has no colour of its own."""

    kind: str
    text: str


class Row(NamedTuple):
    """A line; ``unrun``: a check found that no test runs it."""

    number: int
    pieces: tuple[Piece, ...]
    unrun: bool


def rows(source: str, first: int = 1, unrun: Collection[int] = ()) -> list[Row]:
    """Return the lines of a text that begins at line *first* of its file."""
    return [Row(number, pieces, number in unrun) for number, pieces in enumerate(_lines(source), first)]


@lru_cache(maxsize=512)
def _lines(source: str) -> tuple[tuple[Piece, ...], ...]:
    lines: list[list[Piece]] = [[]]
    for kind, pieces in groupby(_pieces(source), key=lambda piece: piece.kind):
        text = "".join(piece.text for piece in pieces)
        if kind == "end":
            lines += [[] for _ in text]
        else:
            lines[-1].append(Piece(kind, text))
    if not lines[-1]:
        lines.pop()  # the last line ended, and no other began
    return tuple(map(tuple, lines))


def _pieces(source: str) -> Iterator[Piece]:
    """Yield every piece; the end of a line is one of its own kind."""
    for token, text in _LEXER.get_tokens(source):
        kind = _kind(token)
        for place, part in enumerate(text.split("\n")):
            if place:
                yield Piece("end", "\n")
            if part:
                yield Piece(kind, part)


def _kind(token: Any) -> str:
    return next((kind for parent, kind in _KINDS if token in parent), "")
