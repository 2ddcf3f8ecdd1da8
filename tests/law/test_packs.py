"""The law of other jurisdictions, as cases: a city of each, asked by the gate's own steps.

Each city applies the shipped law with other settings in ``data/city.json``. What the pack adds comes after
what binds every city, and never instead of it.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from gatekeeper.exchange.lines import decide_line
from gatekeeper.exchange.respond import provision_json
from gatekeeper.exchange.screen import Lexicon
from gatekeeper.policy import Embedded, shipped_policies
from tests.policy.laws import STATES, city, shipped

SIGNED = {
    "signed_on": "2026-10-01",
    "expires_on": None,
    "text_version": "2026-01",
    "signer": "Pat Chief",
    "title": "Chief of Police",
}
AGENCY = {
    "id": "il-pd",
    "name": "Sampleville Police Department",
    "kind": "local",
    "status": "active",
    "affirmations": [{"kind": "affirmation", **SIGNED}],
}
LINE: dict[str, Any] = {
    "at": "2026-11-22T12:00:00Z",
    "request": {
        "query": {
            "kind": "plate",
            "plate": "DEMO123",
            "from": "2026-11-21T10:00:00Z",
            "to": "2026-11-22T10:00:00Z",
        },
        "purpose": {
            "category": "stolen_vehicle",
            "offense": "240",
            "narrative": "Stolen Honda Civic, taken from Ridge Ave overnight",
            "case_number": "25-10494",
        },
        "requester": {"name": "Pat Example", "badge": "4411"},
        "attestation": {"text_version": "2026-01", "accepted": True},
    },
}
BEHALF = {"agency": "il-other", "component": None, "person": "Lee Example"}
WARRANT = {
    "kind": "search_warrant",
    "court": "Sample County Court",
    "judge": "Judge Example",
    "number": "CR-1",
    "statute": "Sample Code 1",
}

Changes = dict[str, Any]


def line(pack: str, changes: Changes) -> dict[str, Any]:
    """Return a lawful line for a city with *pack*, with *changes* by dotted path."""
    made = copy.deepcopy({**LINE, "agency": {**AGENCY, "state": STATES[pack]}})
    if pack == "vermont":  # an agency asks the repository, which asks the city
        made["request"]["on_behalf_of"] = dict(BEHALF)
        made["end_requester"] = {**AGENCY, "id": "il-other", "state": "VT"}
    for path, value in changes.items():
        *parents, name = path.split(".")
        place = made
        for parent in parents:
            place = place[parent]
        place[name] = value
    return made


def said(pack: str, changes: Changes) -> dict[str, Any]:
    """Return what ``gatekeeper decide`` says of the line in a city with *pack*."""
    law = city(pack)
    return decide_line(json.dumps(line(pack, changes)).encode(), Embedded(law), Lexicon.of(law))


PURPOSE, QUERY, REQUESTER = "request.purpose", "request.query", "request.requester"
CRIME: Changes = {f"{PURPOSE}.category": "criminal_investigation"}
WANTED: Changes = {
    f"{PURPOSE}.category": "wanted_person",
    f"{PURPOSE}.narrative": "Wanted for burglary, left in a blue sedan",
    f"{PURPOSE}.offense": "220",
}
MISSING: Changes = {
    f"{PURPOSE}.category": "missing_or_endangered_person",
    f"{PURPOSE}.offense": None,
    f"{PURPOSE}.narrative": "Missing child, last seen in a blue sedan",
}
FEDERAL: Changes = {"agency.kind": "federal", "agency.state": None}
DECLARED = [{"kind": "declaration", **SIGNED}]
WEEK: Changes = {f"{QUERY}.from": "2026-11-15T10:00:00Z"}


def visitor(state: str) -> Changes:
    """Return an agency of another state, whose declaration is in force."""
    return {"agency.state": state, "agency.affirmations": DECLARED}


def asking_for(state: str) -> Changes:
    """Return an agency of the city's state that asks for one of another."""
    other = {**AGENCY, "id": "il-other", "state": state, "affirmations": DECLARED}
    return {"request.on_behalf_of": dict(BEHALF), "end_requester": other}


PERMITTED: dict[str, tuple[str, Changes]] = {
    "california": ("california", {}),
    "california: its own state": ("california", {"agency.kind": "state"}),
    "virginia": ("virginia", {}),
    "virginia: a missing person without an offense": ("virginia", MISSING),
    "washington": ("washington", {}),
    "washington: a missing person without an offense": ("washington", MISSING),
    "new jersey": ("new_jersey", {}),
    "new jersey: another state that declared": ("new_jersey", visitor("PA")),
    "minnesota: a day": ("minnesota", {}),
    "minnesota: a week by a verified warrant": (
        "minnesota",
        {**WEEK, "request.legal_process": WARRANT, "facts": {"legal_process_verified": True}},
    ),
    "minnesota: a week for a missing person": ("minnesota", WEEK | MISSING),
    "vermont: through the repository": ("vermont", {}),
    "connecticut": ("connecticut", {}),
    "connecticut: massachusetts, which declared": ("connecticut", visitor("MA")),
}
DENIED: dict[str, tuple[str, Changes, list[str]]] = {
    # California Civil Code 1798.90.55(b), .52
    "california: by purpose": (
        "california",
        {f"{PURPOSE}.category": "other"},
        ["city_purpose", "agreement"],
    ),
    "california: another state that declared": ("california", visitor("NV"), ["california_recipient"]),
    "california: a federal agency": ("california", FEDERAL, ["california_recipient"]),
    "california: for another state": ("california", asking_for("NV"), ["california_recipient"]),
    "california: no user": ("california", {f"{REQUESTER}.badge": ""}, ["attestation", "california_record"]),
    # Code of Virginia 2.2-5517
    "virginia: by purpose": ("virginia", WANTED, ["virginia_purpose"]),
    "virginia: another state that declared": ("virginia", visitor("MD"), ["virginia_recipient"]),
    "virginia: a federal agency": ("virginia", FEDERAL, ["virginia_recipient"]),
    "virginia: for another state": ("virginia", asking_for("MD"), ["virginia_recipient"]),
    "virginia: no case": ("virginia", {f"{PURPOSE}.case_number": ""}, ["case_number", "virginia_record"]),
    # Washington SB 6002
    "washington: by purpose": ("washington", WANTED, ["washington_purpose"]),
    "washington: a code that names no crime": (
        "washington",
        {f"{PURPOSE}.offense": "90Z"},
        ["washington_purpose"],
    ),
    "washington: another state that declared": ("washington", visitor("OR"), ["washington_recipient"]),
    "washington: a federal agency": ("washington", FEDERAL, ["washington_recipient"]),
    "washington: no case": (
        "washington",
        {f"{PURPOSE}.case_number": ""},
        ["case_number", "washington_record"],
    ),
    # New Jersey Directive 2022-12
    "new jersey: a class of crime is no basis": (
        "new_jersey",
        {**CRIME, f"{PURPOSE}.narrative": "Property Crime"},
        ["new_jersey_purpose"],
    ),
    "new jersey: another state that did not declare": (
        "new_jersey",
        {"agency.state": "PA"},
        ["out_of_state_declaration"],
    ),
    "new jersey: no user": ("new_jersey", {f"{REQUESTER}.badge": ""}, ["attestation", "new_jersey_record"]),
    "new jersey: no case": (
        "new_jersey",
        {f"{PURPOSE}.case_number": "  "},
        ["case_number", "new_jersey_record"],
    ),
    # New Hampshire RSA 261:75-b
    "new hampshire: whatever is asked": ("new_hampshire", {}, ["new_hampshire_store"]),
    "new hampshire: a missing child": ("new_hampshire", MISSING, ["new_hampshire_store"]),
    "new hampshire: by a verified warrant": (
        "new_hampshire",
        {"request.legal_process": WARRANT, "facts": {"legal_process_verified": True}},
        ["new_hampshire_store"],
    ),
    # Minnesota Statutes 13.824
    "minnesota: tracking": ("minnesota", WEEK, ["minnesota_tracking"]),
    "minnesota: tracking by a warrant that nobody verified": (
        "minnesota",
        {**WEEK, "request.legal_process": WARRANT},
        ["minnesota_tracking"],
    ),
    "minnesota: an agency that the city did not name": (
        "minnesota",
        {"agency.id": "duluth-pd"},
        ["minnesota_recipient"],
    ),
    "minnesota: no case": ("minnesota", {f"{PURPOSE}.case_number": ""}, ["case_number", "minnesota_record"]),
    # 23 V.S.A. 1607
    "vermont: by purpose": ("vermont", {f"{PURPOSE}.category": "other"}, ["city_purpose", "agreement"]),
    "vermont: past the repository": (
        "vermont",
        {"agency.id": "barre-pd"},
        ["vermont_recipient"],
    ),
    "vermont: the repository for another state": (
        "vermont",
        asking_for("NH"),
        ["vermont_recipient"],
    ),
    "vermont: nobody approved": (
        "vermont",
        {"request.on_behalf_of.person": "Pat Example"},
        ["vermont_record"],
    ),
    # Connecticut, 2026
    "connecticut: by purpose": (
        "connecticut",
        {f"{PURPOSE}.category": "other"},
        ["city_purpose", "agreement"],
    ),
    "connecticut: new jersey, which declared": ("connecticut", visitor("NJ"), ["connecticut_recipient"]),
    "connecticut: massachusetts, which did not": (
        "connecticut",
        {"agency.state": "MA"},
        ["out_of_state_declaration", "connecticut_recipient"],
    ),
    "connecticut: a federal agency": ("connecticut", FEDERAL, ["connecticut_recipient"]),
    "connecticut: no case": ("connecticut", {f"{PURPOSE}.case_number": ""}, ["case_number"]),
}


@pytest.mark.parametrize("name", PERMITTED)
def test_what_the_pack_allows(name: str) -> None:
    """A lawful request of this jurisdiction is permitted."""
    pack, changes = PERMITTED[name]
    answer = said(pack, changes)
    assert ("permit", []) == (answer.get("outcome"), answer.get("provisions")), answer


@pytest.mark.parametrize("name", DENIED)
def test_what_the_pack_denies(name: str) -> None:
    """The request is denied, by what binds every city first and then by exactly what the pack adds."""
    pack, changes, expected = DENIED[name]
    answer = said(pack, changes)
    assert ("deny", expected) == (answer.get("outcome"), answer.get("provisions")), answer


def test_each_provision_of_a_pack_denies_something_alone_or_beside_what_binds_all() -> None:
    """A provision that never decides anything is not known to work; each pack but one permits something."""
    denying = {code for _, _, codes in DENIED.values() for code in codes}
    added = {code for code, provision in shipped().written.items() if provision.pack is not None}
    assert added <= denying
    assert set(STATES) - {"new_hampshire"} == {pack for pack, _ in PERMITTED.values()}


@pytest.mark.parametrize("pack", STATES)
def test_what_binds_every_city_binds_this_one(pack: str) -> None:
    """Immigration enforcement and care are closed whatever the pack says, and whoever has promised what."""
    for narrative, code in (("ICE target", "civil_immigration"), ("abortion", "health_care")):
        assert code in said(pack, {f"{PURPOSE}.narrative": narrative})["provisions"]


@pytest.mark.parametrize("pack", STATES)
def test_a_denial_says_whose_law_it_is_and_whether_anybody_compared_it(pack: str) -> None:
    """The agency reads which provisions are the pack's; what was not compared never reads like the law."""
    law = city(pack)
    added = [provision for provision in law.catalogue.values() if provision.pack is not None]
    assert [pack] * len(added) == [provision_json(provision)["pack"] for provision in added]
    for provision in added:
        assert provision_json(provision)["verified"] is provision.verified
        if not provision.verified:
            for text in (provision.message, provision.citation, provision.description):
                assert "attorney" in text, provision.code


def test_only_what_is_in_force_is_shown() -> None:
    """No city sees the provisions of a pack that it did not select."""
    assert not [code for code, provision in shipped().catalogue.items() if provision.pack is not None]
    for pack in STATES:
        assert {None, pack} == {provision.pack for provision in city(pack).catalogue.values()}


@pytest.mark.parametrize(
    ("pack", "days"), [("virginia", 21), ("washington", 21), ("vermont", 31), ("connecticut", 31)]
)
def test_the_shortest_time_of_retention_counts(pack: str, days: int) -> None:
    """Reads older than the pack allows are not released, and a pack with a longer time lengthens nothing."""
    answer = said(pack, {f"{QUERY}.from": "2026-10-01T00:00:00Z", f"{QUERY}.to": "2026-10-31T00:00:00Z"})
    assert "query_limits" not in answer["provisions"]
    start = {21: "2026-11-01T12:00:00Z", 31: "2026-10-22T12:00:00Z"}[days]
    assert start == answer["obligations"]["from"]


def test_every_shipped_pack_says_how_sure_it_is() -> None:
    """A city finds in each pack what it must have confirmed, and nobody is named who confirmed nothing."""
    packs = shipped().data["pack"]
    assert isinstance(packs, dict)
    assert {*STATES, "illinois", "evanston"} == set(packs)
    assert {path.name for path in (shipped_policies() / "packs").iterdir()} == set(packs)
    for document in packs.values():
        assert isinstance(document, dict)
        assert document["to_confirm"]
        assert (document["verified_on"] is None) == (document["verified_by"] is None)
