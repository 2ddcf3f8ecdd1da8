"""What one text of the law changes in another: in files, in data, and for each provision."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import Json, files_of, tree_digest
from gatekeeper.revisions.changes import Changes, FieldChange, changes
from gatekeeper.revisions.data_changes import data_changes
from gatekeeper.revisions.line_changes import line_changes

CITY, LEXICON = "data/city.json", "data/lexicon.json"
RULE = "sharing/case_number/case_number.rego"
FILES = files_of(shipped_policies())[0]


def _changed(**edits: tuple[str, str, str]) -> Changes:
    """Return what changes when in each file (path, old, new) one text takes the place of another."""
    after = dict(FILES)
    for path, old, new in edits.values():
        assert old in after[path]
        after[path] = after[path].replace(old, new, 1)
    return changes(FILES, after)


def _data(before: Json, after: Json) -> list[tuple[str, str, Json, Json]]:
    found = data_changes(json.dumps(before), json.dumps(after))
    return [(one.how, one.pointer, one.before, one.after) for one in found]


def test_nothing_changes_nothing() -> None:
    """Both sides have one digest, and no decision could change."""
    same = changes(FILES, dict(FILES))
    assert (tree_digest(FILES), (), (), False) == (same.after, same.files, same.provisions, same.decide)


def test_a_number_is_a_number_and_says_who_reads_it() -> None:
    """A setting is named by itself, with its line; so are the provisions whose rules read that setting."""
    found = _changed(a=(CITY, '"affirmation_max_age_days": 730', '"affirmation_max_age_days": 365'))
    (file,) = found.files
    ((change),) = file.data
    assert ("/affirmation_max_age_days", "changed", 730, 365) == (
        *(change.pointer, change.how),
        *(change.before, change.after),
    )
    assert (
        '"affirmation_max_age_days": 365' in FILES[CITY].replace("730", "365").splitlines()[change.line - 1]
    )
    touched = {one.code: one for one in found.provisions}
    assert ("reads", (f"{CITY}#/affirmation_max_age_days",)) == (
        touched["affirmation"].how,
        touched["affirmation"].through,
    )
    assert "query_limits" not in touched
    assert found.decide


def test_a_word_is_one_word() -> None:
    """A term that was added is that term, though its line holds eight; what reads words is touched."""
    found = _changed(a=(LEXICON, '"immig",', '"immig", "made up raid",'))
    ((change),) = found.files[0].data
    assert ("added", "made up raid") == (change.how, change.after)
    assert (
        "made up raid"
        in FILES[LEXICON].replace('"immig",', '"immig", "made up raid",').splitlines()[change.line - 1]
    )
    assert ("data/lexicon.json",) == {one.code: one.through for one in found.provisions}["civil_immigration"]


def test_metadata_is_named_field_by_field() -> None:
    """A citation, a review, a date: what approvers must not overlook in a comment."""
    rule = FILES[RULE]
    assert "#   review: staff" in rule
    found = _changed(
        a=(RULE, "#   review: staff", "#   review: counsel"),
        b=(RULE, "#   verified: false", "#   verified: true"),
        c=("sharing/case_number/case_number_test.rego", "\n", "\n# looked at\n"),
    )
    (touched,) = found.provisions
    assert ("case_number", "changed", True, True) == (touched.code, touched.how, touched.rule, touched.tests)
    assert (
        FieldChange("verified", False, True),
        FieldChange("review", "staff", "counsel"),
    ) == touched.metadata


def test_a_provision_comes_and_goes() -> None:
    """By the manifest, which alone says what must be proved: its file may still be there."""
    manifest = json.loads(FILES[".manifest"])
    manifest["provisions"].remove("case_number")
    without = {**FILES, ".manifest": json.dumps(manifest)}
    gone, come = changes(FILES, without), changes(without, FILES)
    assert [("case_number", "removed")] == [(one.code, one.how) for one in gone.provisions]
    assert [("case_number", "added")] == [(one.code, one.how) for one in come.provisions]
    assert {"citation", "message"} <= {one.field for one in come.provisions[0].metadata}


def test_what_speaks_about_decisions_changes_none() -> None:
    """A case, a test, a README: named, and said to decide nothing."""
    after = {**FILES, "README.md": "# Another\n", "cases/denied/EV-7-made-up.json": "{}\n"}
    found = changes(FILES, after)
    assert not found.decide
    assert [("README.md", "changed", "aside"), ("cases/denied/EV-7-made-up.json", "added", "case")] == [
        (file.path, file.how, file.role) for file in found.files
    ]


def test_what_cannot_be_read_is_compared_all_the_same() -> None:
    """Broken METADATA, a manifest that is no JSON, a file that belongs nowhere: the lines say it."""
    after = {
        **FILES,
        RULE: FILES[RULE].replace("# METADATA", "# METADATA\n# [", 1),
        ".manifest": "{",
        "x.sh": "a\n",
        CITY: "[" * 900 + "]" * 900,
    }
    found = changes(FILES, after)
    assert {".manifest", CITY, RULE, "x.sh"} == {file.path for file in found.files}
    assert [] == [file.path for file in found.files if file.data]
    assert {"removed"} == {one.how for one in found.provisions}
    json.dumps(found.as_json())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": True}, [("changed", "/a", 1, True)]),
        ({"a": 1}, {"a": 1.0}, [("changed", "/a", 1, 1.0)]),
        ({"a": None}, {}, [("removed", "/a", None, None)]),
        ({}, {"a/b~": []}, [("added", "/a~1b~0", None, [])]),
        ({"a": {"b": 1}}, {"a": [1]}, [("changed", "/a", {"b": 1}, [1])]),
        (["x", "y"], ["y", "x"], [("order", "", ["x", "y"], ["y", "x"])]),
        (["x", "x"], ["x"], [("removed", "/1", "x", None)]),
        (["x", "z"], ["x", "y"], [("removed", "/1", "z", None), ("added", "/1", None, "y")]),
        ([{"id": "p", "n": 1}, {"id": "q"}], [{"id": "q"}, {"id": "p", "n": 2}], None),
    ],
)
def test_data_is_compared_as_what_it_says(before: Json, after: Json, expected: Any) -> None:
    """Types are told apart, lists are the values they hold, and items that have a name are found by it."""
    if expected is None:
        order = ("order", "", before, after)
        expected = [("changed", "/1/n", 1, 2), order]
    assert expected == _data(before, after)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab~/é", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON, _JSON)
def test_equal_data_is_no_change_and_other_data_is_one(before: Json, after: Json) -> None:
    """Whatever the layout, and whatever the data."""
    assert () == data_changes(json.dumps(before), json.dumps(before, indent=3))
    differs = json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True)
    assert differs == bool(_data(before, after))


_TEXT = st.lists(st.sampled_from(["a", "b", "c", "", "d d"]), max_size=30).map("\n".join)


@given(_TEXT, _TEXT)
def test_the_lines_are_the_difference(before: str, after: str) -> None:
    """Whoever applies what is shown has the other text; what is not shown is equal in both."""
    lines, added, removed = line_changes(before, after)
    old, new = before.splitlines(), after.splitlines()
    assert [line.text for line in lines if line.kind == "added"] == [
        new[line.after - 1] for line in lines if line.kind == "added" and line.after
    ]
    assert (added, removed) == tuple(sum(x.kind == kind for x in lines) for kind in ("added", "removed"))
    shown_old = {line.before: line.text for line in lines if line.before}
    shown_new = {line.after: line.text for line in lines if line.after}
    assert all(old[number - 1] == text for number, text in shown_old.items())
    assert all(new[number - 1] == text for number, text in shown_new.items())
    gone = {line.before for line in lines if line.kind == "removed"}
    come = {line.after for line in lines if line.kind == "added"}
    assert [text for number, text in enumerate(old, 1) if number not in gone] == [
        text for number, text in enumerate(new, 1) if number not in come
    ]


def test_long_files_that_have_nothing_in_common_are_shown_at_once() -> None:
    """Minutes of comparing would be a way to hold up a page."""
    before, after = "\n".join(map(str, range(20_000))), "\n".join(f"x{n}" for n in range(20_000))
    lines, added, removed = line_changes(before, after)
    assert (40_000, 20_000, 20_000) == (len(lines), added, removed)
