"""The threat model of deploy/README.md: each line names what stands against it, and a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DEPLOY = (HERE.parent / "deploy" / "README.md").read_text("utf-8")
SECTION = DEPLOY.split("## Threat model")[1].split("\n## ")[0]
LINES = [
    [cell.strip() for cell in line.strip().strip("|").split(" | ")]
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| who | tries")
]


@pytest.mark.parametrize("line", LINES, ids=[f"{line[0]}: {line[1]}" for line in LINES])
def test_a_line_is_whole_and_its_test_is_there(line: list[str]) -> None:
    """Whoever wrote it down showed it; a test that is renamed takes its line along."""
    assert 5 == len(line)
    assert all(line)
    named = re.fullmatch(r"`([\w/]+\.py)::(test_\w+)`", line[4])
    assert named is not None, line[4]
    module = ast.parse((HERE / named[1]).read_text("utf-8"))
    assert named[2] in {part.name for part in module.body if isinstance(part, ast.FunctionDef)}


def test_no_two_lines_lean_on_one_test() -> None:
    """One test a line: a line that needs no test of its own says nothing new."""
    assert len(LINES) == len({line[4] for line in LINES}) >= 30
