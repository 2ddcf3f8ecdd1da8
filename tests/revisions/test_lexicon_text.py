"""The text of the lexicon, changed by one term: what it says else, and how it looks, stays."""

from __future__ import annotations

import difflib
import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.errors import NotDone
from gatekeeper.policy import shipped_policies
from gatekeeper.revisions.lexicon_text import PATH, SCHEMA, Term, changed, document_of, terms_of, tidy

RELIGION = Term("classes", "religion", "en", "zebra temple")


@cache
def _text(path: str = PATH) -> str:
    return (shipped_policies() / path).read_text()


def _lines(new: str) -> list[str]:
    """Return the lines that differ."""
    found = difflib.unified_diff(_text().splitlines(), new.splitlines(), lineterm="", n=0)
    return [line for line in found if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def test_every_list_of_the_shipped_lexicon_is_found() -> None:
    """Classes, crimes and classes of crimes; words of both languages, and contexts."""
    places = {term.place for term in terms_of(document_of(_text()))}
    assert ("classes", "religion", "terms", "en") in places
    assert ("crimes", "homicide", "terms", "en") in places
    assert ("crime_classes", "terms", "es") in places


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_what_is_added_and_taken_out_again_leaves_the_file_as_it_was(data: st.DataObject) -> None:
    """Byte by byte, in every list: only that list was written anew, in the file's own manner."""
    old = data.draw(st.sampled_from(sorted({t.place: t for t in terms_of(document_of(_text()))}.values())))
    term = Term(old.group, old.name, old.list, "zebra crossing")
    added = changed(_text(), _text(SCHEMA), None, term)
    assert len(_lines(added)) <= 3
    assert _text() == changed(added, _text(SCHEMA), term, None)


def test_a_term_that_is_changed_stays_in_its_place() -> None:
    """The others keep their order."""
    first = next(t for t in terms_of(document_of(_text())) if t.name == "religion")
    new = json.loads(changed(_text(), _text(SCHEMA), first, RELIGION))
    assert "zebra temple" == new["classes"]["religion"]["terms"]["en"][0]


def test_a_term_moves_to_another_class() -> None:
    """Out of the one, to the end of the other, in one step."""
    first = next(t for t in terms_of(document_of(_text())) if t.name == "religion")
    moved = Term("classes", "personal_use", "es", first.text)
    new = json.loads(changed(_text(), _text(SCHEMA), first, moved))
    assert first.text not in new["classes"]["religion"]["terms"]["en"]
    assert first.text == new["classes"]["personal_use"]["terms"]["es"][-1]


def test_what_is_typed_is_written_as_the_lexicon_writes() -> None:
    """Small letters, no accents, single spaces."""
    assert "orden de deportacion" == tidy("  Orden  de\tDeportación ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Term("classes", "immigration_enforcement", "en", "deport*")),  # there already
        (None, Term("classes", "no such", "en", "zebra")),
        (None, Term("crimes", "", "en", "zebra")),
        (None, Term("classes", "religion", "en", "a.b")),
        (None, Term("classes", "religion", "en", "*")),
        (None, Term("classes", "religion", "en", "{no such}")),
        (None, Term("classes", "religion", "en", "~ zebra")),  # a context among the terms
        (None, Term("classes", "religion", "en", "x" * 81)),
        (None, Term("classes", "religion", "not_in", "~")),
        (Term("classes", "religion", "en", "zebra"), None),  # gone meanwhile
        (None, None),
    ],
)
def test_what_would_be_no_lexicon_is_refused(before: Term | None, after: Term | None) -> None:
    """With a reason; nothing comes out."""
    with pytest.raises(NotDone) as refused:
        changed(_text(), _text(SCHEMA), before, after)
    assert all(message for _, message in refused.value.faults)


def test_the_last_english_term_of_a_class_stays() -> None:
    """The schema wants one: a class without words is a rule that nobody breaks."""
    document = document_of(_text())
    document["classes"]["religion"]["terms"]["en"] = ["church"]
    text = json.dumps(document)
    with pytest.raises(NotDone):
        changed(text, _text(SCHEMA), Term("classes", "religion", "en", "church"), None)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"classes": 3}', "[" * 100_000])
def test_a_lexicon_that_is_none_is_refused(text: str) -> None:
    """The editor is where it is mended."""
    with pytest.raises(NotDone):
        changed(text, None, None, RELIGION)


def test_a_text_that_looks_like_a_key_is_no_key() -> None:
    """The list is found by the parser's own reading, not by its letters."""
    document = document_of(_text())
    document["about"] = '"religion": {"terms": {"en": ["a"]}} [ ] { "classes": [1] }'
    text = json.dumps(document, indent=1)
    new = json.loads(changed(text, _text(SCHEMA), None, RELIGION))
    document["classes"]["religion"]["terms"]["en"].append("zebra temple")
    assert document == new
