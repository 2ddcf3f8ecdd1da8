"""A data file that breaks its schema is refused by file, line, rule and cure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.errors import BundleRefused
from gatekeeper.policy import load, shipped_policies
from gatekeeper.policy.misfits import line_of

LEXICON = (shipped_policies() / "data" / "lexicon.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("written", "miswritten", "said"),
    [
        ('"deport*"', '"Deport!"', '"Deport!" is not written as it must be; to mend it: A word or phrase'),
        ('"deport*"', "7", '7 is not of type "string"; to mend it: A word or phrase'),
        ('"longest_text"', '"longest_txt"', 'take "longest_txt" out, or was "longest_text" meant?'),
        ('"shortest": 6', '"shortest": "six"', "to mend it: Letters a word needs for one error"),
        ('"redada"', '"redada", "redada"', "to mend it: write each item once"),
    ],
)
def test_a_lexicon_that_breaks_its_schema_stops_the_start(
    tmp_path: Path, written: str, miswritten: str, said: str
) -> None:
    """The fault names the line of the file as legal sees it, the rule, and how to mend it."""
    broken = _edited(tmp_path, LEXICON.replace(written, miswritten, 1))
    line = LEXICON[: LEXICON.index(written)].count("\n") + 1
    with pytest.raises(BundleRefused) as refused:
        load(broken)
    faults = [fault for fault in refused.value.faults if said in fault]
    assert 1 == len(faults), refused.value.faults
    if "redada" not in written:  # of two equal items, the list is what is wrong
        assert faults[0].startswith(f"data/lexicon.json:{line}: /")


def test_what_is_missing_is_named_where_it_should_stand(tmp_path: Path) -> None:
    """A class without its misspellings is said on the line of the class."""
    document = json.loads(LEXICON)
    del document["classes"]["religion"]["misspellings_of"]
    text = json.dumps(document, indent=1)
    line = text[: text.index('"religion": {')].count("\n") + 1
    with pytest.raises(BundleRefused) as refused:
        load(_edited(tmp_path, text))
    assert any(
        fault.startswith(f"data/lexicon.json:{line}: /classes/religion: ")
        and fault.endswith('to mend it: add "misspellings_of"')
        for fault in refused.value.faults
    )


@pytest.mark.parametrize("indent", [None, 1])
def test_every_place_of_a_document_has_a_line(indent: int | None) -> None:
    """No path into the lexicon is lost, however the file is laid out."""
    document = json.loads(LEXICON)
    text = json.dumps(document, indent=indent)
    lines = text.splitlines()
    for path in list(_paths(document, []))[:400]:
        last = path[-1]
        expected = json.dumps(last) if isinstance(last, str) else ""
        assert expected in lines[line_of(text, path) - 1], path


def test_a_place_that_does_not_exist_is_the_first_line() -> None:
    """A fault is said even where the file has nothing to point at."""
    assert 1 == line_of('{\n"a": [1,\n2]}', ["b"])
    assert 3 == line_of('{\n"a": [1,\n2]}', ["a", 1])


def _edited(tmp_path: Path, text: str) -> Path:
    copied = tmp_path / "policies"
    shutil.copytree(shipped_policies(), copied)
    (copied / "data" / "lexicon.json").write_text(text, encoding="utf-8")
    return copied


def _paths(document: Any, path: list[str | int]) -> Iterator[list[str | int]]:
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in inner:
        yield [*path, key]
        if isinstance(value, dict | list):
            yield from _paths(value, [*path, key])
