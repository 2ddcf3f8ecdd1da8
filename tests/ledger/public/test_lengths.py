"""Counts and lengths: how many, how long and which of the hidden ones does not show in an entry's shape."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from gatekeeper.ledger import canonical
from tests.ledger.public.asked import COUNTED, Asked, One, Published

VARY = ("ref", "hour", "commitments", "decided")
"""What two entries about the like differ in by themselves: all of it in clear, or of one length."""


def _shape(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as it looks: what it says, and the names of what it commits to."""
    rest = {name: value for name, value in entry.items() if name not in VARY}
    return rest | {"commitments": sorted(entry["commitments"])}


def _length(entry: dict[str, Any]) -> int:
    """Return the length of an entry less the digits of the index that it names."""
    return len(canonical(entry)) - len(str(entry.get("decided", "")))


def _entries(public: Published, one: One) -> list[dict[str, Any]]:
    return [document for document in public.documents if document["ref"] == one.ref]


def test_an_entrys_length_follows_from_what_it_says_in_clear(public: Published) -> None:
    """With other commitments and another id it is as long: nothing private has a length here."""
    for text, document in zip(public.entries, public.documents, strict=True):
        again = document | {
            "commitments": dict.fromkeys(document["commitments"], "0" * 64),
            "ref": "x" * len(document["ref"]),
        }
        assert len(text) == len(canonical(again))
    ids = {len(d["ref"]) for d in public.documents if d["event"].startswith("query.")}
    assert 1 == len(ids)


def test_the_commitments_of_an_event_are_the_same_whatever_is_private(public: Published) -> None:
    """Their names and their number, for the same event and outcome."""
    names: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    for document in public.documents:
        key = (document["event"], str(document.get("outcome")))
        names[key].add(tuple(sorted(document["commitments"])))
    assert {"query.decided", "query.released"} <= {event for event, _ in names}
    for (event, outcome), found in names.items():
        assert 1 == len(found), (event, outcome)


def test_a_release_of_37_and_one_of_38_look_alike(public: Published, asked: Asked) -> None:
    """As do all within a band, in what is said and in how long it is; only the commitments differ."""
    for counts in ((37, 38), (10, 36), (49, 50), (1, 9)):
        pairs = [_entries(public, asked.of(f"count {count}")[0]) for count in counts]
        opened = [asked.of(f"count {count}")[0].answer["receipt"]["openings"] for count in counts]
        assert [*counts] == [each["count"]["value"] for each in opened]
        for one, other in zip(*pairs, strict=True):
            assert _shape(one) == _shape(other)
            assert _length(one) == _length(other)


def test_only_the_band_is_said(public: Published, asked: Asked) -> None:
    """Nought by itself, then 1-9, 10-99, 100+."""
    said = {count: _entries(public, asked.of(f"count {count}")[0])[-1]["count_band"] for count in COUNTED}
    bands = {0: "0", 1: "1-9", 9: "1-9"} | dict.fromkeys((10, 36, 37, 38, 49, 50), "10-99")
    assert bands == said


def _measured(asked: Asked) -> list[str]:
    return sorted(one.group.removeprefix("long ") for one in asked.queries if one.group.startswith("long "))


def test_no_private_facts_length_or_number_shows(public: Published, asked: Asked) -> None:
    """Plate, name, badge, unit, words, case, statute, limit, cameras, a court's paper: short, then long."""
    assert 12 == len(_measured(asked))
    for name in _measured(asked):
        short, long = asked.of(f"short {name}")[0], asked.of(f"long {name}")[0]
        assert short.body != long.body
        pairs = [_entries(public, one) for one in (short, long)]
        for one, other in zip(*pairs, strict=True):
            assert _shape(one) == _shape(other), name
            assert _length(one) == _length(other), name


# --- Provisions that are not public. ----------------------------------------------------------------------


def test_a_hidden_provision_beside_a_public_one_does_not_show(public: Published, asked: Asked) -> None:
    """A denial for one reason, and one for the same and a hidden one: alike in all but the commitments."""
    shapes, lengths = set(), set()
    for group, hidden in (("case", []), ("case and hidden", ["stated_reason"])):
        for one in asked.of(group):
            assert hidden == one.answer["receipt"]["openings"]["hidden_provisions"]["value"]
            (entry,) = _entries(public, one)
            shapes.add(json.dumps(_shape(entry), sort_keys=True))
            lengths.add(_length(entry))
    assert (1, 1) == (len(shapes), len(lengths))


def test_a_denial_for_a_hidden_provision_alone_tells_that_there_is_one(
    public: Published, asked: Asked
) -> None:
    """It names none, so a hidden one denied; which, and whether it was one, is not told (see the README)."""
    for one in asked.of("hidden"):
        (entry,) = _entries(public, one)
        assert ("deny", []) == (entry["outcome"], entry["provisions"])
        assert "stated_reason" not in json.dumps(entry)
    others = [d for d in public.documents if d.get("outcome") == "deny" and not d["provisions"]]
    assert len(asked.of("hidden")) == len(others)


def test_a_hidden_provision_shows_where_the_review_is_not_that_of_the_named_ones(
    public: Published, asked: Asked
) -> None:
    """No ruling reaches it, so the whole is ``none``, though staff could rule on what is named (README)."""
    reviews = {
        group: {_entries(public, one)[0]["review"] for one in asked.of(group)}
        for group in ("case", "case and hidden", "case and hidden beyond ruling")
    }
    assert [{"staff"}, {"staff"}, {"none"}] == [*reviews.values()]
    named = {repr(_entries(public, one)[0]["provisions"]) for group in reviews for one in asked.of(group)}
    assert {"['case_number']"} == named


@pytest.mark.parametrize("event", ["query.decided", "query.released"])
def test_commitments_are_all_of_one_length(public: Published, event: str) -> None:
    """Sixty-four hex digits, whatever they hide."""
    found = [d["commitments"].values() for d in public.documents if d["event"] == event]
    assert {64} == {len(each) for commitments in found for each in commitments}
