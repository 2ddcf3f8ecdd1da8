"""The laws that these tests apply: a small one and the shipped one, with facts that each permits.

The shipped one also as it binds a city of each other jurisdiction: only ``data/city.json`` differs.
"""

from __future__ import annotations

import copy
import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gatekeeper.policy import Bundle, load, shipped_policies

SMALL = Path(__file__).parent / "bundles" / "small"
SMALL_PERMITTED: dict[str, Any] = {
    "agency": {"id": "a-1", "status": "active"},
    "purpose": {"category": "stolen_vehicle", "narrative": "Stolen Honda Civic"},
    "ruling": None,
}
STANDING: dict[str, Any] = {"state": "in_force", "text_version": "2026-01", "age_days": 30}
NO_STANDING: dict[str, Any] = {"state": "none", "text_version": None, "age_days": None}
AGENCY: dict[str, Any] = {
    "known": True,
    "id": "il-pd",
    "kind": "local",
    "state": "IL",
    "status": "active",
    "has_287g": False,
    "affirmation": STANDING,
    "declaration": NO_STANDING,
}
# A query with every optional part filled in, so that the walks below reach each of them.
SHIPPED_PERMITTED: dict[str, Any] = {
    "clock": {"date": "2026-11-22"},
    "agency": AGENCY,
    "end_requester": {**AGENCY, "id": "il-other"},
    "query": {
        "kind": "plate",
        "literal_characters": 7,
        "wildcards": 0,
        "plate_state": "IL",
        "window_hours": 168,
        "starts_days_ago": 21,
        "ends_in_future": False,
        "cameras": 0,
        "limit": 100,
    },
    "purpose": {
        "category": "stolen_vehicle",
        "offense": "240",
        "statute": "625 ILCS 5/4-103",
        "statute_state": "IL",
        "narrative": "Stolen Honda Civic, taken from Ridge Ave overnight",
        "case_number": "25-10494",
        "earlier_offenses": [],
    },
    "requester": {"name": "Pat Example", "badge": "4411", "unit": "Auto theft"},
    "on_behalf_of": {"agency": "il-other", "component": "Auto theft", "person": "Lee Example"},
    "legal_process": None,
    "attestation": {"text_version": "2026-01", "accepted": True},
    "words": {
        "classes": [],
        "matches": [],
        "narrative": {
            "letters": 41,
            "words": 8,
            "specific": True,
            "vague_only": False,
            "offense_class": False,
            "means": ["vehicle_theft"],
            "added_means": [],
        },
        "case_number": {"plausible": True, "call_for_service": False},
        "reviewed": True,
    },
    "stops": [],
    "history": {
        "days_searched": 1,
        "days_under_this_case": 1,
        "days_under_another_case": 0,
        "refused_in_the_last_hour": 0,
    },
    "patterns": {
        "refused_before": [],
        "more_refusals": False,
        "targets_this_hour": 1,
        "targets_today": 1,
        "days_by_agency": 1,
        "sensitive_places": [],
        "sensitive_by_officer": 0,
        "sensitive_by_agency": 0,
    },
    "officer": {
        "proved": True,
        "suspended": False,
        "role": "detective",
        "training_age_days": 30,
        "session_age_hours": 1,
        "clients_this_hour": 1,
        "hours_today": 1,
        "sessions_at_once": 1,
    },
    "ruling": None,
}
# The same query, asked by a department of another state, whose declaration is all that it has signed.
VISITOR: dict[str, Any] = {
    **AGENCY,
    "id": "wi-pd",
    "state": "WI",
    "affirmation": NO_STANDING,
    "declaration": STANDING,
}
# Every pack that adds provisions and permits something, with its state, and the one that permits nothing.
PACKS: dict[str, str] = {
    "california": "CA",
    "virginia": "VA",
    "washington": "WA",
    "new_jersey": "NJ",
    "minnesota": "MN",
    "vermont": "VT",
    "connecticut": "CT",
}
STATES = {**PACKS, "new_hampshire": "NH"}
# Whom these packs leave to the city to name.
NAMED = {"minnesota": ["il-pd", "il-other"], "vermont": ["il-pd"]}


@functools.cache
def small() -> Bundle:
    """Return the small law, loaded once."""
    return load(SMALL)


@functools.cache
def shipped() -> Bundle:
    """Return the shipped law, loaded once."""
    return load(shipped_policies())


@functools.cache
def city(pack: str) -> Bundle:
    """Return the law of a city that selected *pack*, of the small law or of the shipped one."""
    directory, state = (SMALL, "SS") if pack == "south" else (shipped_policies(), STATES[pack])
    with tempfile.TemporaryDirectory() as temporary:
        changed = Path(shutil.copytree(directory, Path(temporary, "law")))
        settings = json.loads((changed / "data/city.json").read_text())
        settings |= {"state": state, "packs": [pack]}
        settings |= {"named_recipients": {pack: NAMED[pack]}} if pack in NAMED else {}
        (changed / "data/city.json").write_text(json.dumps(settings))
        return load(changed)


def shipped_with(**settings: Any) -> Bundle:
    """Return the shipped law with other settings of the city."""
    with tempfile.TemporaryDirectory() as temporary:
        changed = Path(shutil.copytree(shipped_policies(), Path(temporary, "law")))
        file = changed / "data/city.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | settings))
        return load(changed)


def law(name: str) -> tuple[Bundle, dict[str, Any]]:
    """Return a law by name (small, shipped, or that of a city with a pack) with facts that it permits.

    The shipped law is asked by an agency of the city's own state, or, as ``visitor``, of another.
    """
    if name == "small":
        return small(), copy.deepcopy(SMALL_PERMITTED)
    if name == "south":
        return city("south"), {
            **copy.deepcopy(SMALL_PERMITTED),
            "agency": {"id": "south-1", "status": "active"},
        }
    facts = SHIPPED_PERMITTED if name != "visitor" else {**SHIPPED_PERMITTED, "agency": VISITOR}
    if name in STATES:
        own = {**AGENCY, "state": STATES[name]}
        facts = {**facts, "agency": own, "end_requester": {**own, "id": "il-other"}}
        # A day and no more, which is not yet tracking in Minnesota.
        facts["query"] = {**SHIPPED_PERMITTED["query"], "window_hours": 24}
    # Through JSON, so that no two places share one object: a change at one would be a change at both.
    return city(name) if name in STATES else shipped(), json.loads(json.dumps(facts))


def dumps(document: Any) -> str:
    """Return *document* as the text that an engine is given, without the schema's protection."""
    return json.dumps(document, ensure_ascii=False)
