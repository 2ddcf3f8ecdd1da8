"""Category, offense and words: what agrees, what does not, and that a disagreement waits for staff."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.exchange.screen import screen
from gatekeeper.policy import load, shipped_policies
from tests.law.flawless import Desk

CRIME, CAR, MISSING = "criminal_investigation", "stolen_vehicle", "missing_or_endangered_person"
TRAFFICKING, WANTED = "human_trafficking", "wanted_person"

Triple = tuple[str, str | None, str]

AGREE: list[Triple] = [
    (CRIME, "09A", "homicide/death investigation"),
    (CRIME, "09A", "Fatal shooting at Sample and Main"),
    (CRIME, "09B", "Reckless homicide, fatal crash"),
    (CRIME, "09B", "hit and run, pedestrian struck"),
    (CRIME, "09B", "Overdose death, fentanyl"),
    (CRIME, "100", "Kidnapping, victim seen in a white van"),
    (CRIME, "11A", "sexual assault"),
    (CRIME, "11D", "Molestation of a child"),
    (CRIME, "120", "armed robbery of a shop"),
    (CRIME, "120", "carjacking"),
    (CRIME, "13A", "Shooting, driver fled"),
    (CRIME, "13A", "Attempted murder"),
    (CRIME, "13A", "hit and run with injury, hit-and-run"),
    (CRIME, "13A", "Road rage, gun pointed"),
    (CRIME, "13B", "domestic battery"),
    (CRIME, "13C", "Stalking, victim followed home"),
    (CRIME, "200", "ARSON"),
    (CRIME, "210", "Extortion, blackmail by text"),
    (CRIME, "220", "Res burg"),
    (CRIME, "220", "Residential burglary, jewelry stolen"),
    (CRIME, "23C", "Shoplifting, retail theft"),
    (CRIME, "23D", "Package theft"),
    (CRIME, "23F", "Theft from vehicle, window broken"),
    (CRIME, "23G", "catalytic converter theft"),
    (CRIME, "23H", "Stolen trailer"),
    (CRIME, "240", "MV theft"),
    (CRIME, "240", "Stolen Kia fled from police, pursuit"),
    (CRIME, "250", "Forged checks"),
    (CRIME, "26A", "Scam of an elderly victim, fraud"),
    (CRIME, "26F", "identity theft"),
    (CRIME, "280", "Receiving stolen property"),
    (CRIME, "290", "Graffiti on a church"),
    (CRIME, "290", "hit and run to parked car"),
    (CRIME, "35A", "drugs/narcotics - case followup"),
    (CRIME, "360", "failure to register, sex offender"),
    (CRIME, "370", "icac"),
    (CRIME, "40B", "Pimping, prostitution at a motel"),
    (CRIME, "520", "shots fired"),
    (CRIME, "520", "uuw"),
    (CRIME, "64A", "Sex trafficking of a minor"),
    (CRIME, "720", "animal cruelty"),
    (CRIME, "90D", "DUI crash"),
    (CRIME, "90J", "criminal trespass"),
    (CRIME, "90Z", "homicide"),
    (CRIME, "90Z", "shoplifting"),
    (CRIME, "90Z", "hit and run"),
    (CRIME, "240", "Property Crime"),
    (CRIME, "13A", "Person Crime"),
    (CRIME, "120", "violent crime"),
    (CRIME, "90Z", "Felony Person Crime"),
    (CRIME, "23H", "robo"),
    (CAR, "240", "Stolen Honda Civic, taken from Ridge Ave overnight"),
    (CAR, "120", "Carjacking, stolen SUV"),
    (CAR, "23G", "Stolen license plate"),
    (CAR, "90Z", "unauthorized use of vehicle"),
    (MISSING, None, "Missing girl, last seen at Sample Park"),
    (MISSING, "90I", "runaway juvenile"),
    (MISSING, "100", "Abducted child, amber alert"),
    (MISSING, "90Z", "missing endangered adult with dementia"),
    (TRAFFICKING, "64A", "Human trafficking at a motel"),
    (TRAFFICKING, "64B", "Forced labor"),
    (TRAFFICKING, "40B", "forced prostitution"),
    (TRAFFICKING, "90Z", "human trafficking"),
    (WANTED, "49A", "Wanted fugitive, escaped custody"),
    (WANTED, "90K", "wanted person, bail jumping"),
    (WANTED, "90Z", "Wanted for robbery"),
    (WANTED, "09A", "Wanted for murder"),
    (WANTED, "23C", "Wanted for shoplifting"),
]

CONFLICT: list[Triple] = [
    # The code says more than the words.
    (CRIME, "09A", "shoplifting"),
    (CRIME, "09A", "Stolen Honda"),
    (CRIME, "09A", "drugs/narcotics"),
    (CRIME, "09A", "Property Crime"),
    (CRIME, "09A", "drug crime"),
    (CRIME, "11A", "graffiti"),
    (CRIME, "120", "theft of a parcel"),
    (CRIME, "120", "Stolen car"),
    (CRIME, "13A", "retail theft"),
    (CRIME, "13A", "credit card fraud"),
    (CRIME, "100", "burglary"),
    (CRIME, "100", "DUI"),
    (CRIME, "64A", "package theft"),
    (CRIME, "64A", "financial crimes"),
    (CRIME, "522", "vandalism"),
    # The words say more than the code.
    (CRIME, "23C", "kidnapping"),
    (CRIME, "23H", "homicide"),
    (CRIME, "23D", "sexual assault"),
    (CRIME, "240", "shoplifting"),
    (CRIME, "240", "narcotics"),
    (CRIME, "240", "Violent felony, person crime"),
    (CRIME, "26A", "shooting"),
    (CRIME, "290", "kidnapping"),
    (CRIME, "35A", "burglary"),
    (CRIME, "35B", "stalking"),
    (CRIME, "39A", "armed robbery"),
    (CRIME, "90D", "arson"),
    (CRIME, "90G", "murder"),
    (CRIME, "720", "human trafficking"),
    # No code, none that exists in the law of a state, and treason.
    (CRIME, None, "Stolen Honda"),
    (CRIME, "", "Stolen Honda"),
    (CRIME, "101", "robbery"),
    # The category and the code.
    (CAR, "09A", "Stolen car, homicide"),
    (CAR, "35A", "Stolen car, drugs"),
    (CAR, "64A", "Stolen car, trafficking"),
    (CAR, None, "Stolen Honda"),
    (MISSING, "23C", "Missing person, shoplifting"),
    (MISSING, "35A", "missing juvenile, narcotics"),
    (MISSING, "240", "Missing person in a stolen car"),
    (TRAFFICKING, "240", "human trafficking, stolen car"),
    (TRAFFICKING, "23C", "sex trafficking, shoplifting"),
    (TRAFFICKING, None, "human trafficking"),
    # The category and the words.
    (CAR, "90Z", "burglary"),
    (CAR, "240", "drugs"),
    (CAR, "240", "Property Crime"),
    (MISSING, None, "shoplifting"),
    (MISSING, "90Z", "stolen vehicle"),
    (TRAFFICKING, "90Z", "theft"),
    (TRAFFICKING, "64A", "drug trafficker, narcotics"),
    # Codes of immigration agree with nothing.
    (CRIME, "30D", "robbery"),
    (CRIME, "49C", "wanted person, robbery"),
]


@pytest.mark.parametrize("triple", AGREE, ids=str)
def test_what_agrees_is_permitted(desk: Desk, triple: Triple) -> None:
    """Real ways of writing a reason, beside a code and a category that fit it."""
    category, offense, words = triple
    assert [] == desk.decide(words, category, offense)["provisions"]


@pytest.mark.parametrize("triple", CONFLICT, ids=str)
def test_what_disagrees_waits_for_a_person(desk: Desk, triple: Triple) -> None:
    """One of the three says something else, so that nothing leaves until somebody has looked."""
    category, offense, words = triple
    said = desk.decide(words, category, offense)
    assert "deny" == said["outcome"]
    assert "agreement" in said["provisions"]


def test_the_tables_are_large_and_say_nothing_twice() -> None:
    """No triple is on both sides."""
    assert 60 <= len(AGREE)
    assert 45 <= len(CONFLICT)
    assert len({*AGREE, *CONFLICT}) == len(AGREE) + len(CONFLICT)


def _data(name: str) -> dict[str, Any]:
    text = (shipped_policies() / "data" / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _terms(lexicon: dict[str, Any], of: dict[str, Any]) -> set[str]:
    """Return the terms of a class in every language, each set written out."""
    terms = {term for language in of["terms"].values() for term in language}
    for name, words in lexicon["sets"].items():
        hole = "{" + name + "}"
        terms = {term.replace(hole, word) for term in terms for word in (words if hole in term else [""])}
    return terms


def test_every_meaning_and_every_class_of_crime_is_placed() -> None:
    """A word of the lexicon that no code knows would agree with nothing but 90Z."""
    offenses, lexicon = _data("offenses"), _data("lexicon")
    named = {meaning for code in offenses["codes"].values() for meaning in code["agrees_with"]}
    # An attack on a place is always also what was done there.
    assert set(lexicon["crimes"]) - {"attack"} == named - {"any"}
    for term in _terms(lexicon, lexicon["crime_classes"]):
        assert any(word in term for word in offenses["classes"]), term


def test_every_word_of_an_attack_also_says_what_was_done(desk: Desk) -> None:
    """Or it would agree with no code."""
    lexicon = _data("lexicon")
    for term in _terms(lexicon, lexicon["crimes"]["attack"]):
        assert set(screen({"narrative": term.strip("*")}, desk.lexicon).means) - {"attack"}, term


def test_every_code_that_a_setting_names_exists() -> None:
    """A code that is misspelt in a table would be a rule that never holds."""
    offenses, city = _data("offenses"), _data("city")
    named = {code for codes in city["purposes_offenses"].values() for code in codes}
    named |= set(city["redaction"]["violent_offenses"]) | set(city["immigration_offenses"])
    bans = _data("restrictive_laws")["bans"].values()
    named |= {code for ban in bans for code in ban["offenses"]}
    assert named <= set(offenses["codes"])
    meanings = {m for group in city["purposes_to_be_borne_out"].values() for m in group}
    meanings |= {m for ban in bans for m in ban["meanings"]}
    assert meanings <= set(_data("lexicon")["crimes"])


def test_every_purpose_that_the_city_allows_is_in_every_table() -> None:
    """Otherwise nothing is permitted for it, and nobody would know why."""
    city = _data("city")
    tables = [city["redaction"]["withheld_by_purpose"]]
    tables += list(city["redaction"]["plates_needed"].values())
    assert all(set(city["purposes"]) <= set(table) for table in tables)
    to_be_shown = set(city["purposes"]) - set(city["purposes_taken_at_their_word"])
    assert to_be_shown == set(city["purposes_offenses"]) == set(city["purposes_to_be_borne_out"])


def test_a_code_of_violence_agrees_with_no_words_of_property_alone() -> None:
    """In a place query such a code uncovers the plates of everybody who passed."""
    offenses, city = _data("offenses")["codes"], _data("city")
    property_alone = {"theft", "vehicle_theft", "burglary", "fraud", "damage", "drugs", "society", "any"}
    # Overdose and neglect kill by negligence.
    for code in set(city["redaction"]["violent_offenses"]) - {"09B"}:
        assert property_alone.isdisjoint(offenses[code]["agrees_with"]), code


def test_the_shipped_law_names_no_code_twice() -> None:
    """The bundle loads, so every table fits its schema."""
    assert load(shipped_policies()).provisions
