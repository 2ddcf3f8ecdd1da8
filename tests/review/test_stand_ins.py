"""Nothing private survives: whatever was typed, only the law's own words stay in a case."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.policy import load, shipped_policies
from gatekeeper.review.stand_ins import Original, Private

LEXICON: Lexicon = Lexicon.of(load(shipped_policies()))
NAMES = ("requester.name", "on_behalf_of.person", "legal_process.judge", "agency.name", "unit")
TERMS = (
    "ICE", "H.S.I.", "deportation", "1mmigration", "homicide", "stolen vehicle", "investigation", "cbp",
    "hit and run", "abortion clinic", "traffic stop", "administrative warrant", "robbery", "d e p o r t",
)  # fmt: skip
word = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=12)
marks = st.sampled_from([",", ".", "-", "/", "…", "😀"])
typed = st.lists(st.one_of(word, st.sampled_from(TERMS), marks), max_size=14)
# Words of every office's name, which are let stand.
COMMON = {"agency", "and", "court", "for", "the"}


def _original(**texts: str) -> Original:
    said = {name.replace("__", "."): text for name, text in texts.items()}
    screened = {name: text for name, text in said.items() if name not in {"plate", "agency.id"}}
    return Original(said, screen(screened, LEXICON).matches)


def _kept(original: Original, name: str) -> str:
    """Return the letters and digits of the terms that a provision may have judged."""
    inside = {at for start, end, _ in original.spans(name) for at in range(start, end)}
    return "".join(letter if at in inside else " " for at, letter in enumerate(original.texts[name]))


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


@settings(max_examples=400, deadline=None)
@given(typed, typed, typed, word, st.from_regex(r"[A-Z0-9]{2,8}", fullmatch=True))
def test_nothing_private_survives(
    narrative: list[str], name: list[str], unit: list[str], badge: str, plate: str
) -> None:
    """What is left of a field is a term of the lexicon, or was not in the request at all."""
    original = _original(
        narrative=" ".join(narrative),
        requester__name=" ".join(name),
        unit=" ".join(unit),
        requester__badge=badge,
        plate=plate,
        agency__id="north-harbor-pd",
        agency__name="North Harbor Police Department",
    )
    made = original.stand_ins(LEXICON)
    assert made.keys() == original.texts.keys()
    assert made["plate"].casefold() != plate.casefold()
    assert len(made["plate"]) == len(plate)
    kept = {_bare(word) for name in original.texts for word in re.split(r"\W+", _kept(original, name))}
    lawful = {_bare(term) for name in original.texts for _, _, term in original.spans(name)}
    for field, text in original.texts.items():
        if field == "plate":
            continue
        words = {w for w in map(_bare, re.findall(r"[^\W_]+", text)) if len(w) > 2}
        for left in words & {_bare(w) for w in re.findall(r"[^\W_]+", made[field])}:
            assert left in kept or any(left in term for term in lawful), (field, left, text, made[field])


@settings(max_examples=300, deadline=None)
@given(typed, st.lists(word, min_size=1, max_size=3))
def test_what_is_typed_back_is_found(narrative: list[str], name: list[str]) -> None:
    """A name, a number or three words in a row, whatever stands around them and however they are written."""
    original = _original(narrative=" ".join(narrative), requester__name=" ".join(name), plate="QZX8841")
    private = Private(original)
    words = re.findall(r"[^\W_]+", " ".join(name))
    lawful = {w.casefold() for w in re.findall(r"[^\W_]+", _kept(original, "narrative"))}
    lawful |= {w.casefold() for w in re.findall(r"[^\W_]+", _kept(original, "requester.name"))}
    for one in words:
        if len(one.casefold()) > 2 and one.casefold() not in lawful | COMMON:
            for written in (one, one.upper(), f"({one})", f"x {one},y"):
                if one.casefold() == written.casefold().strip("(),xy "):
                    assert [*private.left_in({"narrative": written})], written
    assert [*private.left_in({"title": "q-z-x 88.41"})]


@pytest.mark.parametrize(
    ("narrative", "again"),
    [
        ("looking for the boy with that kite", "THE BOY, with"),
        ("looking for the boy with that kite", "boy\u200b with that"),
        ("met him at 1400 Oak", "\uff11\uff14\uff10\uff10"),
        ("met Gonzalez there", "GONZALEZ"),
        ("Gonzalez was there", "gonzalez"),
    ],
)
def test_other_spellings_are_found(narrative: str, again: str) -> None:
    """Case, punctuation, wide digits and invisible characters change nothing."""
    assert [*Private(_original(narrative=narrative)).left_in({"narrative": again})]


def test_the_terms_themselves_are_lawful() -> None:
    """They are in a file that the city publishes."""
    original = _original(narrative="HSI administrative warrant, removal of Ann Example-Quill")
    made = original.stand_ins(LEXICON)
    assert "HSI" in made["narrative"]
    assert "Quill" not in made["narrative"]
    assert [] == [*Private(original).left_in(made)]


@pytest.mark.parametrize("number", ["n/a", "none", "TBD", "pending"])
def test_a_case_number_that_says_nothing_says_it_still(number: str) -> None:
    """The policy judged that it is none."""
    original = _original(narrative="robbery", case_number=number)
    assert number == original.stand_ins(LEXICON)["case_number"]


@pytest.mark.parametrize("number", ["25-10494", "CFS 2026-1771", "RD 22-008731", "7", "000000"])
def test_a_case_number_is_replaced_by_one_of_the_same_worth(number: str) -> None:
    """A good one by a good one, a call for service by one, a worthless one by a worthless one."""
    original = _original(narrative="robbery", case_number=number)
    made = original.stand_ins(LEXICON)["case_number"]
    assert [] == [*Private(original).left_in({"case_number": made})]
    before, after = (screen({"narrative": "robbery", "case_number": n}, LEXICON) for n in (number, made))
    assert (before.plausible_case, before.call_for_service) == (after.plausible_case, after.call_for_service)
    assert json.dumps(number) not in json.dumps(made)
