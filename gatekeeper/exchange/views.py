"""The ways in which one typed text is read, each able to say where in the original a word stands.

A person who wants a word to pass unseen writes ``I.C.E.``, ``i c e``, ``1CE``, ``ICEhold``, puts an
invisible character inside it, or takes a look-alike letter from another alphabet. A *view* undoes some of
that, as a row of words between single spaces; what no view undoes is left to the speller. Nothing here
knows any word of the lexicon. Linear time: every view is one pass in C, and positions are worked out only
for what was found.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

_WORD = re.compile(r"[a-z0-9]+")
_WORD_OR_NUMBER = re.compile(r"[a-z]+|[0-9]+")
_CASED = re.compile(r"[A-Z]{2,}|[A-Z]?[a-z]+|[A-Z]|[0-9]+")
_RUN_TOGETHER = re.compile(r"[A-Z]{2}[a-z]|[a-z][A-Z]")
_BESIDE_DIGIT = re.compile(r"[a-z][0-9]|[0-9][a-z]")
_NUMBER = re.compile(r"((?<![a-z0-9@$!|])[0-9]{3,}(?![a-z0-9@$!|]))")
_TIGHT = re.compile(r"[a-z0-9](?:\x00*[a-z0-9])*")
_MARK = "."
# Letters in boxes and circles, and flags: drawn as letters, but Unicode does not decompose them.
_DRAWN = ((0x1F150, 0x1F169), (0x1F170, 0x1F189), (0x1F1E6, 0x1F1FF))
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")


@dataclass(frozen=True, slots=True)
class Shaped:
    """A text in ASCII letters, digits, spaces and marks, in its original case; ``origin`` maps back."""

    text: str
    origin: tuple[int, ...] | None
    legible: bool
    hidden: bool

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where ``text[start:end]`` stands in the original."""
        if self.origin is None:
            return start, end
        first = bisect_right(self.origin, start) - 1
        last = bisect_right(self.origin, end - 1) - 1
        return first, last + 1


class Shapes:
    """Turns any text into ASCII letters that look the same; the look-alikes and swaps are legal's data."""

    def __init__(self, look_alikes: Mapping[str, str], swaps: Mapping[str, str]) -> None:
        self._look_alikes = dict(look_alikes)
        self.swaps = str.maketrans(dict(swaps))
        self.swapped = re.compile("[" + re.escape("".join(swaps)) + "]") if swaps else re.compile(r"(?!)")
        marks = {chr(n) for n in range(33, 127) if not chr(n).isalnum()}
        self.tight = str.maketrans(dict.fromkeys(marks, "\x00"))

    def shape(self, text: str, *, hidden_as: str) -> Shaped:
        """Return ``text`` in ASCII; what is invisible becomes ``hidden_as`` (nothing, or a space)."""
        if text.isascii() and text.isprintable():
            return Shaped(text, None, legible=True, hidden=False)
        table: dict[str, str] = {}
        legible, hidden = True, False
        for character in set(text):
            drawn = self._draw(character)
            if drawn is None:
                hidden, drawn = True, hidden_as
            elif not drawn.isascii():
                legible, drawn = False, _MARK
            table[character] = drawn
        widths = list(accumulate((len(table[c]) for c in text), initial=0))
        shaped = text.translate({ord(c): drawn for c, drawn in table.items()})
        return Shaped(shaped, tuple(widths), legible=legible, hidden=hidden)

    def _draw(self, character: str) -> str | None:
        """Return how one character reads in ASCII, None if it is invisible, itself if it is unknown."""
        if character.isascii() and character.isprintable():
            return character
        if character.isspace():
            return " "
        if character in _BLANKS or unicodedata.category(character) in {
            "Cc",
            "Cf",
            "Mn",
            "Me",
            "Mc",
            "Cs",
            "Co",
            "Cn",
        }:
            return None
        for first, last in _DRAWN:
            if first <= ord(character) <= last:
                return chr(ord("a") + (ord(character) - first) % 26)
        return self._spell(character)

    def _spell(self, character: str) -> str:
        out = ""
        # Look-alikes before and after decomposition: a Greek omicron with an accent is both.
        for piece in unicodedata.normalize("NFKD", self._look_alikes.get(character.lower(), character)):
            if unicodedata.combining(piece):
                continue
            drawn = self._look_alikes.get(piece.lower(), piece)
            if not drawn.isascii():
                drawn = drawn if drawn.isalpha() else _MARK
            out += drawn
        return out or _MARK


class View:
    """One reading of a text: ``line`` is its words between single spaces, with a space at either end.

    ``squeezed`` is the words without anything between them. Where a word stands is worked out only if asked.
    """

    def __init__(self, shaped: Shaped, words: list[str], source: str, word: re.Pattern[str]) -> None:
        self.shaped = shaped
        self.words = words
        self.line = f" {' '.join(words)} " if words else ""
        self.squeezed = "".join(words)
        self._source = source
        self._word = word

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(word) + 1 for word in self.words), initial=1))

    @cached_property
    def _squeezed_starts(self) -> list[int]:
        return list(accumulate(map(len, self.words), initial=0))

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return [found.span() for found in self._word.finditer(self._source)]

    def _original(self, first: int, last: int) -> tuple[int, int]:
        return self.shaped.span(self._spans[first][0], self._spans[last][1])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the words that ``line[start:end]`` touches stand in the original text."""
        inner = end - 1 if self.line[end - 1] == " " else end
        first = bisect_right(self._starts, start + 1) - 1
        last = bisect_right(self._starts, inner - 1) - 1
        return self._original(first, last)

    def squeezed_span(self, start: int, end: int) -> tuple[int, int]:
        """Return where the words that ``squeezed[start:end]`` touches stand in the original text."""
        first = bisect_right(self._squeezed_starts, start) - 1
        last = bisect_right(self._squeezed_starts, end - 1) - 1
        return self._original(first, last)

    def respelled(self, spelling: Mapping[str, str]) -> View:
        """Return this view with some of its words replaced."""
        return View(self.shaped, [spelling.get(word, word) for word in self.words], self._source, self._word)


@dataclass(frozen=True, slots=True)
class Text:
    """One text in all its views. ``legible`` is False if it holds letters of a script that we cannot read."""

    plain: View
    others: tuple[View, ...]
    legible: bool

    def __iter__(self) -> Iterator[View]:
        yield self.plain
        yield from self.others


def read(text: str, shapes: Shapes) -> Text:
    """Return every view of ``text`` that differs from the plain one."""
    shaped = shapes.shape(text, hidden_as="")
    plain, *others = _readings(shaped, shapes)
    if shaped.hidden:
        # An invisible character may stand inside a word or between two: read it both ways.
        others.extend(_readings(shapes.shape(text, hidden_as=" "), shapes))
    return Text(plain, tuple(others), legible=shaped.legible)


def _readings(shaped: Shaped, shapes: Shapes) -> Iterator[View]:
    lower = shaped.text.lower()
    yield View(shaped, _WORD.findall(lower), lower, _WORD)
    yield from _tight(shaped, lower, shapes)
    if shapes.swapped.search(lower):
        # A number is one: badge 404 does not say "aoa". Single digits between spaces may be spelling a word.
        parts = _NUMBER.split(lower)
        letters = "".join(part if at % 2 else part.translate(shapes.swaps) for at, part in enumerate(parts))
        yield View(shaped, _WORD.findall(letters), letters, _WORD)
        yield from _tight(shaped, letters, shapes)
    if _BESIDE_DIGIT.search(lower):
        yield View(shaped, _WORD_OR_NUMBER.findall(lower), lower, _WORD_OR_NUMBER)
    if _RUN_TOGETHER.search(shaped.text):
        yield View(shaped, [w.lower() for w in _CASED.findall(shaped.text)], shaped.text, _CASED)


def _tight(shaped: Shaped, line: str, shapes: Shapes) -> Iterator[View]:
    """Read ``i.c.e`` as ``ice``: marks inside a word are taken out of it."""
    tight = line.translate(shapes.tight)
    if tight != line:
        yield View(shaped, tight.replace("\x00", "").split(), tight, _TIGHT)
