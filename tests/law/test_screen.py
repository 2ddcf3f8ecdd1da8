"""The screen: what it finds, where, what it leaves alone, and that it says so when it could not read."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import BundleRefused
from gatekeeper.exchange.screen import Lexicon, Words, screen
from gatekeeper.ledger import Json
from gatekeeper.policy import shipped_policies

DOCUMENT = json.loads((shipped_policies() / "data" / "lexicon.json").read_text(encoding="utf-8"))
LEXICON = Lexicon.load(DOCUMENT)
IMMIGRATION = {"immigration_agency", "immigration_enforcement", "immigration_component"}


def read(text: str) -> Words:
    """Screen one narrative."""
    return screen({"narrative": text}, LEXICON)


@pytest.mark.parametrize(
    "text",
    [
        "ICE",
        "I C E",
        "i/c/e",
        "I.C.E.",
        "I-C-E",
        "i,c,e",
        "1CE",
        "ic3",
        "!CE",
        "lCE",
        "1.C.E.",
        "\u0406\u0421\u0415",
        "i\u0441e",
        "\uff29\uff23\uff25",
        "\U0001d408\U0001d402\U0001d404",
        "\U0001f1ee\U0001f1e8\U0001f1ea",
        "\u026a\u1d04\u1d07",
        "I\u200bC\u200bE",
        "I\u00adCE",
        "\u202eICE",
        "theft\u200bICE",
        "ICEhold",
        "icehold",
        "ICE_hold",
        "ICE2026",
        "(ICE)",
        "ICE's",
        "theft|ICE",
        "I\u0301CE",
        "hsi",
        "H S I",
        "h.s.i",
        "H$I",
        "assisthsi",
        "Homeland Security",
        "home land security",
        "CBP",
        "Border Patrol",
        "USCIS",
        "ERO",
        "deport",
        "d e p o r t",
        "de-port",
        "deportatoin",
        "immgration",
        "1mmigration",
        "im migration",
        "IMMIGRATIONHOLD",
        "inmigraci\u00f3n",
        "inmigracio\u0301n",
        "la migra",
        "deportaci\u00f3n",
        "sin papeles",
        "undocumentd",
        "NTA",
        "green card",
        "greencard",
        "visa overstay",
        "final order of removal",
    ],
)
def test_no_way_of_writing_hides_immigration_enforcement(text: str) -> None:
    """However it is written, beside a crime or alone."""
    for narrative in (text, f"stolen vehicle, {text}", f"{text} theft", f"theft/{text}"):
        assert IMMIGRATION & set(read(narrative).classes), narrative


@pytest.mark.parametrize(
    "text",
    [
        "Off. Alice Hernandez",
        "hero",
        "justice",
        "device theft",
        "office",
        "HSIAO",
        "Zero St",
        "ice cream truck",
        "black ice",
        "ice (meth)",
        "removal of catalytic converter",
        "customs Harley",
        "migraine",
        "reported stolen",
        "departed north",
        "Romero",
        "posing as ICE agents",
        "vice unit",
        "officer",
        "notice",
        "iceberg lettuce",
        "heroin",
        "transit",
        "Trans Am",
        "escaped custody",
        "importation",
        "parole detainer",
        "U visa victim",
    ],
)
def test_words_that_only_look_alike_are_left_alone(text: str) -> None:
    """Words are matched, not letters; a context in which a term means something else excuses it."""
    assert not (IMMIGRATION | {"profiling", "unexplained", "health_care"}) & set(
        read(f"{text}, robbery").classes
    )


def test_a_context_excuses_its_own_occurrence_only() -> None:
    """An ice cream does not lend its innocence to the next word."""
    assert "immigration_agency" not in read("ice cream truck robbery").classes
    assert "immigration_agency" in read("ice cream truck robbery, ICE").classes


@pytest.mark.parametrize("apart", [", ", " / ", "; ", " - ", ". ", " | ", "\n"])
def test_a_context_never_reaches_over_what_parts_two_statements(apart: str) -> None:
    """The drug is "ice meth"; "ice, meth" is an agency and a drug."""
    assert "immigration_agency" not in read("ice meth sales").classes
    assert "immigration_agency" in read(f"ice{apart}meth sales").classes
    assert "protest_expression" not in read("protest shooting").classes
    assert "protest_expression" in read(f"protest{apart}shooting").classes


@pytest.mark.parametrize(
    ("excused", "accused"),
    [
        ("stabbing at the rally", "stabbing, rally"),
        ("journalist threatened", "journalist sources"),
        ("battery by ex boyfriend", "battery, ex boyfriend"),
        ("home invasion by men posing as ICE agents", "home invasion, ICE agents"),
        ("landlord shot", "landlord theft"),
        ("Asian female victim", "Asians"),
        ("arson at the synagogue", "synagogue attendees"),
    ],
)
def test_a_context_for_any_term_of_a_class_excuses_it(excused: str, accused: str) -> None:
    """What was attacked, or only named by an impostor, is not what is asked about."""
    accusing = set(DOCUMENT["classes"]) - {"care_person", "vague"}
    assert not accusing & set(read(f"robbery; {excused}").classes)
    assert accusing & set(read(f"robbery; {accused}").classes)


@pytest.mark.parametrize(
    ("text", "vague"),
    [
        ("investigation 25-1234", True),
        ("Follow up, suspicious vehicle", True),
        ("", True),
        ("25-10494", True),
        ("investigation of a burglary", False),
        ("Taylor", False),
    ],
)
def test_a_reason_is_vague_if_nothing_remains_without_generic_words(text: str, vague: bool) -> None:  # noqa: FBT001 - a table
    """Numbers and words that fit any search leave nothing."""
    assert vague is read(text).vague


@pytest.mark.parametrize("text", ["immmigraaation", "iceee", "I CE", "IC E", "deeeport", "immigrationnn"])
def test_stretched_and_torn_words_are_found(text: str) -> None:
    """A letter held down, or a short name torn in two, hides nothing."""
    assert IMMIGRATION & set(read(f"theft, {text}").classes)


def test_a_term_may_name_a_set_that_exists() -> None:
    """A set that is not there, or one inside itself, refuses the lexicon; it never means no words."""
    endless: list[Json] = ["{partner} x"]
    for words in ([], endless):
        with pytest.raises(BundleRefused):
            Lexicon.load({**DOCUMENT, "sets": {**DOCUMENT["sets"], "partner": words}})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Theft, I.C.E. hold", "I.C.E"),
        ("robo, deportaci\u00f3n", "deportaci\u00f3n"),
        ("\ufb01ght \u0406\u0421\u0415 now", "\u0406\u0421\u0415"),
    ],
)
def test_a_match_says_where_it_stands_in_the_original(text: str, found: str) -> None:
    """Offsets are into the text as typed, before any normalisation."""
    assert found in {text[m.start : m.end] for m in read(text).matches}


@given(st.text(max_size=200))
def test_every_match_lies_inside_its_text(text: str) -> None:
    """No offset ever points outside, whatever Unicode holds."""
    for match in read(text).matches:
        assert 0 <= match.start < match.end <= len(text)


@given(st.text(alphabet="abiceI .,-/+1\u200b\u0441\u00e9", max_size=60))
def test_more_words_never_take_an_accusation_away(text: str) -> None:
    """What is appended after a full stop and a new sentence cannot excuse what stands before it."""
    before = set(read(f"{text} deportation").classes)
    assert "immigration_enforcement" in before


def test_a_script_we_cannot_read_is_said_to_be_unread() -> None:
    """Chinese, Arabic, Russian: denied by the policy until somebody has read it."""
    for text in ("\u79fb\u6c11 theft", "\u0647\u062c\u0631\u0629", "\u0436\u0443\u043a theft"):
        assert read(text).reviewed is False
    assert read("theft at the caf\u00e9").reviewed is True


def test_a_text_too_long_to_read_whole_is_said_to_be_unread() -> None:
    """Padding does not push a word out of sight."""
    assert read("theft " * 5_000 + "ICE").reviewed is False
    assert read(" ".join(f"word{n:06x}ing" for n in range(2_000))).reviewed is False


@pytest.mark.parametrize(
    "unit", ["ICE ", "stolen honda-civic 25-1234, ", "\u00e9", "1", ".", "a.", "\u200b", "deportatoin "]
)
def test_time_is_bounded(unit: str) -> None:
    """100 KB of anything takes milliseconds; the bound here allows for a busy machine."""
    text = (unit * 100_000)[:100_000]
    fastest = min(_seconds(text) for _ in range(3))
    assert fastest < 0.05


def _seconds(text: str) -> float:
    begun = time.perf_counter()
    read(text)
    return time.perf_counter() - begun


def test_only_the_narrative_says_what_happened() -> None:
    """A unit called Homicide, or a case number ROBBERY-1, supplies no reason."""
    words = screen({"narrative": "investigation", "unit": "Homicide", "case_number": "ROBBERY-1234"}, LEXICON)
    assert words.means == ()
    assert words.facts()["narrative"]["specific"] is False  # type: ignore[index,call-overload]


def test_an_officers_name_accuses_only_of_being_an_agency() -> None:
    """Officer Roma Traveler may be called so; agent Smith of HSI may not pass as an officer."""
    assert screen({"requester.name": "Roma Traveler"}, LEXICON).classes == ()
    assert screen({"requester.name": "SA Smith/HSI"}, LEXICON).classes == ("immigration_component",)


@pytest.mark.parametrize(
    ("typed", "plausible", "call"),
    [
        ("25-10494", True, False),
        ("CFS 2514277", True, True),
        ("CFS2514277", True, True),
        ("2025CR000123", True, False),
        ("n/a", False, False),
        ("", False, False),
        ("pending", False, False),
        ("12345", False, False),
        ("000000", False, False),
        ("99", False, False),
        ("call for service 2514277", True, True),
        ("9" * 60, False, False),
    ],
)
def test_a_case_number_is_plausible_or_not(typed: str, plausible: bool, call: bool) -> None:  # noqa: FBT001 - a table
    """Placeholders are not numbers, and a call for service is not a case."""
    facts = screen({"case_number": typed}, LEXICON).facts()
    assert facts["case_number"] == {"plausible": plausible, "call_for_service": call}


@pytest.mark.parametrize(
    ("part", "broken"),
    [
        ("classes", None),
        ("acronyms", {}),
        ("sets", {"partner": [7]}),
        ("sets", {}),
        ("fuzzy", {"shortest": "6"}),
        ("crimes", []),
        ("look_alikes", {"a": 1}),
    ],
)
def test_a_broken_lexicon_is_refused(part: str, broken: Json) -> None:
    """A lexicon without a part would find nothing of that part: no gate is built on it."""
    with pytest.raises(BundleRefused):
        Lexicon.load({**DOCUMENT, part: broken})
    with pytest.raises(BundleRefused):
        Lexicon.load({name: value for name, value in DOCUMENT.items() if name != part})


@pytest.mark.parametrize("field", ["narrative", "case_number", "badge", "unit"])
@pytest.mark.parametrize("text", ["404", "4411-404", "26-404", "Room 404, unit 1325"])
def test_a_number_spells_no_word(field: str, text: str) -> None:
    """Badge 404 does not say AOA ("assist other agency"), nor does any other number say another word."""
    assert "other_requester" not in screen({field: text}, LEXICON).classes


@pytest.mark.parametrize(
    "text", ["4o4", "4 0 4", "4.0.4", "40@", "!MM1GR4T10N h0ld", "1 m m 1 g r a t 1 o n"]
)
def test_digits_among_letters_still_spell_one(text: str) -> None:
    """Nor does one between spaces or marks stop to be a letter."""
    assert {"other_requester", "immigration_enforcement", "immigration_form"} & {*read(text).classes}


def test_of_all_numbers_none_is_found_by_its_shape() -> None:
    """What is found of a number is what is listed as a number."""
    numbers = [str(number) for number in range(100, 10_000)]
    found = {match.term for number in numbers for match in screen({"badge": number}, LEXICON).matches}
    assert [] == sorted(term for term in found if not any(letter.isdigit() for letter in term))
