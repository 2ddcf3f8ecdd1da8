"""A reader who knows no Rego can follow a provision: its rules are short, its helpers named in words."""

from __future__ import annotations

import re

import pytest

from gatekeeper.policy import Bundle, load, shipped_policies
from gatekeeper.policy.rehearsal import rehearse
from gatekeeper.policy.syntax import Module, module_of

LINES = 12
# A word has a vowel and three letters; 287g is the agreement that the law calls so.
WORD = re.compile(r"(?=.*[aeiouy])[a-z]{3,}|287g")
SHORT = re.compile(r"an?|as|at|be|by|if|in|is|it|no|of|on|or|so|to|up|we")
HOLLOW = frozenset({"check", "flag", "handle", "helper", "info", "process", "result", "util", "value"})


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """Return the shipped law."""
    return load(shipped_policies())


@pytest.fixture(scope="module")
def modules(bundle: Bundle) -> list[Module]:
    """Return every file of the law that a lawyer reads as law, and the facts that it looks at."""
    trees = rehearse(bundle.modules, {}, []).trees
    return [module_of(path, tree) for path, tree in trees.items() if not path.startswith("main/")]


def test_no_rule_is_longer_than_a_reader_can_hold(modules: list[Module]) -> None:
    """About ten lines, twelve at the most; its head and its brace are not counted."""
    long = {
        f"{module.path}:{rule.line} {rule.name}": lines
        for module in modules
        for rule in module.rules
        if (lines := rule.text.strip().count("\n") - 1) > LINES
    }
    assert {} == long


def test_every_helper_is_named_in_words(modules: list[Module]) -> None:
    """As a lawyer would name it (`names_a_judge`): whole words, and none that says nothing."""
    named = {(module.path, rule.name) for module in modules for rule in module.rules}
    assert [] == sorted(f"{path} {name}" for path, name in named if not _is_of_words(name))


@pytest.mark.parametrize(
    "name", ["x", "chk", "is_ok", "check2", "tmp_result", "agencyOk", "no_rslt", "helper"]
)
def test_a_name_that_is_no_words_is_found(name: str) -> None:
    """The rule above can fail."""
    assert not _is_of_words(name)


def _is_of_words(name: str) -> bool:
    parts = name.split("_")
    return all(SHORT.fullmatch(part) or WORD.fullmatch(part) for part in parts) and HOLLOW.isdisjoint(parts)


def test_no_line_runs_off_the_page(bundle: Bundle) -> None:
    """A line that has to be scrolled to is a line that is not read."""
    long = [
        f"{path}:{number}"
        for path, text in bundle.modules.items()
        for number, line in enumerate(text.splitlines(), 1)
        if len(line.expandtabs(4)) > 120
    ]
    assert [] == long
