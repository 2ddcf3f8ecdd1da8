"""Two texts, line by line: what a reader of a change sees, with three lines around each.

Guarantees: what is shown as added and removed is exactly the difference, however long the files are: where
the two differ in so many lines that comparing each with each would take minutes, the whole block is shown as
removed and added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

_AROUND: Final = 3
_MOST: Final = 4_000_000  # pairs of lines that are compared with each other

_Code = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """One line: kept, added or removed; ``before`` and ``after`` are its numbers, None where it is not.

    ``kind`` ``"gap"`` stands for lines that both have and that are not shown.
    """

    kind: Literal["same", "added", "removed", "gap"]
    before: int | None
    after: int | None
    text: str


def line_changes(before: str, after: str) -> tuple[tuple[Line, ...], int, int]:
    """Return the lines to show, and how many were added and removed."""
    old, new = before.splitlines(), after.splitlines()
    codes = list(_codes(old, new))
    added = sum(high - low for kind, _, _, low, high in codes if kind != "equal")
    removed = sum(high - low for kind, low, high, _, _ in codes if kind != "equal")
    return tuple(_shown(old, new, codes)), added, removed


def _codes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Code]:
    """Yield what became of each block of lines, in order."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    if start:
        yield "equal", 0, start, 0, start
    inner_old, inner_new = old[start : len(old) - end], new[start : len(new) - end]
    if len(inner_old) * len(inner_new) > _MOST:
        yield "replace", start, len(old) - end, start, len(new) - end
    else:
        matcher = SequenceMatcher(None, inner_old, inner_new, autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            yield kind, a + start, b + start, c + start, d + start
    if end:
        yield "equal", len(old) - end, len(old), len(new) - end, len(new)


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _shown(old: Sequence[str], new: Sequence[str], codes: Sequence[_Code]) -> Iterator[Line]:
    for place, (kind, a, b, c, d) in enumerate(codes):
        if kind != "equal":
            for number in range(a, b):
                yield Line("removed", number + 1, None, old[number])
            for number in range(c, d):
                yield Line("added", None, number + 1, new[number])
            continue
        head = _AROUND if place else 0
        tail = _AROUND if place < len(codes) - 1 else 0
        if b - a <= head + tail + 1:
            head, tail = b - a, 0
        for offset in range(head):
            yield Line("same", a + offset + 1, c + offset + 1, old[a + offset])
        if b - a > head + tail and len(codes) > 1:
            yield Line("gap", None, None, "")
        for number in range(b - tail, b):
            yield Line("same", number + 1, number - a + c + 1, old[number])
