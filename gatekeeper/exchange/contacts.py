"""Contacts with bodies that enforce immigration law: what the yearly reports are made from.

The Attorney General is told of each request by or for such a body and how it was handled, and of each
detainer and civil warrant received (5 ILCS 805/25); the council of every interaction (Evanston City Code
§ 1-22-15).
The contact is sealed with the decision that it belongs to: when it was received, what was decided and what
was answered are that entry's time, its outcome and the release that names it. Whether anything is allowed is
not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.exchange.decide import Decision
from gatekeeper.ledger import Json

_BODIES = frozenset({"immigration_agency", "immigration_component"})
_PAPERS = frozenset({"immigration_form"})


def contact(decision: Decision, data: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return ``{asks, asked_for, component, named, paper}`` of a contact, or None if there was none.

    ``asks`` and ``asked_for`` are registry ids of parties that are such bodies, by the name under which they
    are registered or by the city's list; ``component`` is as the request gives it; ``named`` are the words
    that name a body or one of its papers, each with its field; ``paper`` is a civil warrant or a detainer.
    ``data`` is the bundle's: legal's lists are part of the law that decided.
    """
    query, agency, end = decision.query, decision.situation.agency, decision.situation.end_requester
    named = [*_named(decision, _BODIES | _PAPERS)]
    fields = {field for field, _ in _named(decision, _BODIES)}
    listed = _texts(data, "immigration_bodies")
    asks = agency is not None and ("agency.name" in fields or agency.id in listed)
    asked_for = end is not None and ("end_requester.name" in fields or end.id in listed)
    paper = _civil_paper(decision, data)
    if not (named or asks or asked_for or paper):
        return None
    return {
        "asks": agency.id if agency is not None and asks else None,
        "asked_for": end.id if end is not None and asked_for else None,
        "component": None if query.on_behalf_of is None else query.on_behalf_of.component,
        "named": [{"field": field, "term": term} for field, term in named],
        "paper": paper,
    }


def _named(decision: Decision, classes: frozenset[str]) -> Iterator[tuple[str, str]]:
    words = decision.facts["words"]
    matches = words["matches"] if isinstance(words, dict) else []
    for match in matches if isinstance(matches, list) else []:
        if isinstance(match, dict) and match["class"] in classes:
            yield str(match["field"]), str(match["term"])


def _civil_paper(decision: Decision, data: Mapping[str, Json]) -> dict[str, Json] | None:
    process = decision.facts["legal_process"]
    if not isinstance(process, dict):
        return None
    kind, forms = process["kind"], process["form_numbers"]
    found = [form for form in forms if form in _texts(data, "civil_forms")] if isinstance(forms, list) else []
    if not found and kind not in _texts(data, "civil_process_kinds"):
        return None
    return {"kind": kind, "forms": [*found]}


def _texts(data: Mapping[str, Json], setting: str) -> list[Json]:
    city = data.get("city")
    found = city.get(setting) if isinstance(city, dict) else None
    return found if isinstance(found, list) else []
