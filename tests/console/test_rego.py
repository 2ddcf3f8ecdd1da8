"""Rego on a page: every line with its number, and not a letter lost."""

from __future__ import annotations

import pytest

from gatekeeper.policy import files_of, shipped_policies
from gatekeeper.web.console.rego import rows

FILES = files_of(shipped_policies())[0]


@pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".rego")])
def test_the_lines_of_a_file_are_the_file(path: str) -> None:
    """Whatever the lexer makes of it."""
    shown = rows(FILES[path])
    assert FILES[path] == "".join("".join(piece.text for piece in row.pieces) + "\n" for row in shown)
    assert [*range(1, len(shown) + 1)] == [row.number for row in shown]


@pytest.mark.parametrize("text", ["x", "`a\nb` == 1", '"open\nif {', "\u2028 \x00 §", "\t\n\n# <b>", "a\n"])
def test_also_of_what_is_no_rego(text: str) -> None:
    """A draft may be anything."""
    lines = text.removesuffix("\n").split("\n")
    assert lines == ["".join(piece.text for piece in row.pieces) for row in rows(text)]


def test_words_are_told_apart() -> None:
    """By what they are, and lines by whether a test runs them."""
    first, second = rows('# so\nallow if input.x == "y"', first=7, unrun={8})
    assert (7, False, 8, True) == (first.number, first.unrun, second.number, second.unrun)
    assert [("remark", "# so")] == [*first.pieces]
    kinds = {piece.text.strip(): piece.kind for piece in second.pieces}
    assert ("word", "given", "text") == (kinds["if"], kinds["input"], kinds['"y"'])
