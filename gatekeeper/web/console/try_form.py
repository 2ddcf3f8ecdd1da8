"""The form in which a request is made up: flawless as it opens, so that one change shows what it does.

What is typed becomes a line as ``gatekeeper decide`` reads it (``exchange.lines``): nothing here judges, and
what is missing or mistyped is told by the gate's own reading of the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from flask import request
from marshmallow import fields, validate

from gatekeeper.errors import InvalidRequest
from gatekeeper.exchange.bodies import CATEGORIES, PROCESS_KINDS
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.exchange.lines import LineRefused
from gatekeeper.ledger.stops import KINDS
from gatekeeper.policy import Bundle
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults, Form
from gatekeeper.web.console.languages import later, say

MADE_UP: Final = ""
LEVELS: Final = ("", "staff", "counsel")
_LONGEST: Final = 4000
_CHOOSE: Final = later("Choose one of the list.")
_DAY: Final = later("Give a day as 2026-11-01.")
_NUMBER: Final = later("Give a whole number that is not below 0.")


def _text() -> fields.String:
    return fields.String(
        load_default="",
        validate=validate.Length(max=_LONGEST, error=later("That is longer than any request may be.")),
    )


def _one_of(*values: str) -> fields.String:
    return fields.String(load_default=values[0], validate=validate.OneOf(values, error=_CHOOSE))


def _number(least: int) -> fields.Integer:
    return fields.Integer(
        load_default=least,
        validate=validate.Range(min=0, max=10**6, error=_NUMBER),
        error_messages={"invalid": _NUMBER, "too_large": _NUMBER},
    )


def _day() -> fields.Date:
    # Not required: a field that is missing is read as no day, which is no day either.
    return fields.Date(load_default=date.min, error_messages={"invalid": _DAY})


class TryForm(Form):
    """What may be typed; the lengths of texts and what they must hold are the gate's to say."""

    candidate = _text()
    agency = _text()
    agency_kind = _one_of(*KINDS)
    agency_state = _text()
    agency_status = _one_of("active", "suspended", "closed")
    agency_affirmed = _one_of("yes", "no")
    agency_declared = _one_of("no", "yes")
    agency_287g = _one_of("no", "yes")
    category = _one_of(*CATEGORIES)
    offense = _text()
    statute = _text()
    statute_state = _text()
    narrative = _text()
    case_number = _text()
    officer = _text()
    badge = _text()
    unit = _text()
    kind = _one_of("plate", "place")
    plate = _text()
    plate_state = _text()
    cameras = _text()
    first = _day()
    last = _day()
    limit = _number(0)
    behalf_agency = _text()
    behalf_component = _text()
    behalf_person = _text()
    behalf_kind = _one_of("unknown", *KINDS)
    behalf_state = _text()
    behalf_affirmed = _one_of("yes", "no")
    paper = _one_of("", *PROCESS_KINDS)
    paper_form = _text()
    paper_court = _text()
    paper_judge = _text()
    paper_number = _text()
    paper_statute = _text()
    paper_verified = _one_of("no", "yes")
    accepted = _one_of("yes", "no")
    days_searched = _number(1)
    officer_known = _one_of("named", "proved", "suspended")
    stopped = _one_of("no", "yes")
    ruling = _one_of(*LEVELS)
    at = _day()


FORM: Final = TryForm()
_OFFICERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "named": {},
    "proved": {"proved": True, "training_age_days": 0, "session_age_hours": 0},
    "suspended": {"suspended": True},
}
"""What each choice says of the officer; who is proved was trained, and signed in, on that day."""
_FIELDS: Final[Mapping[str, str]] = {
    "/query/plate": "plate",
    "/query/plate_state": "plate_state",
    "/query/cameras": "cameras",
    "/query/from": "first",
    "/query/to": "last",
    "/query/limit": "limit",
    "/purpose/offense": "offense",
    "/purpose/statute": "statute",
    "/purpose/statute_state": "statute_state",
    "/purpose/narrative": "narrative",
    "/purpose/case_number": "case_number",
    "/requester/name": "officer",
    "/requester/badge": "badge",
    "/requester/unit": "unit",
    "/on_behalf_of/agency": "behalf_agency",
    "/on_behalf_of/component": "behalf_component",
    "/on_behalf_of/person": "behalf_person",
    "/legal_process/form": "paper_form",
    "/legal_process/court": "paper_court",
    "/legal_process/judge": "paper_judge",
    "/legal_process/number": "paper_number",
    "/legal_process/statute": "paper_statute",
}
"""The fields of the form, by where the gate finds what was typed in them."""


def flawless(bundle: Bundle, today: date) -> dict[str, Any]:
    """Return the form as it opens: a request with nothing wrong in it, by the shipped law."""
    return {
        "candidate": "",
        "agency": MADE_UP,
        "agency_kind": "local",
        "agency_state": str(_city(bundle).get("state") or ""),
        "agency_status": "active",
        "agency_affirmed": "yes",
        "agency_declared": "no",
        "agency_287g": "no",
        "category": "stolen_vehicle",
        "offense": "240",
        "statute": "",
        "statute_state": "",
        "narrative": "Stolen Example sedan, taken from Sample Avenue overnight",
        "case_number": "25-10494",
        "officer": "Pat Example",
        "badge": "4411",
        "unit": "",
        "kind": "plate",
        "plate": "SAMPLE1",
        "plate_state": "",
        "cameras": "",
        "first": today - timedelta(days=7),
        "last": today,
        "limit": 100,
        "behalf_agency": "",
        "behalf_component": "",
        "behalf_person": "",
        "behalf_kind": "unknown",
        "behalf_state": "",
        "behalf_affirmed": "yes",
        "paper": "",
        "paper_form": "",
        "paper_court": "",
        "paper_judge": "",
        "paper_number": "",
        "paper_statute": "",
        "paper_verified": "no",
        "accepted": "yes",
        "days_searched": 1,
        "officer_known": "named",
        "stopped": "no",
        "ruling": "",
        "at": today,
        "ruled": [],
    }


def ruled() -> list[str]:
    """Return the provisions that the form says were ruled on."""
    return request.form.getlist("ruled")


def line_of(desk: Desk, bundle: Bundle, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as a line of ``gatekeeper decide``, with the texts that *bundle* knows."""
    noon: datetime = datetime.fromisoformat(f"{typed['at']}T12:00:00+00:00")
    rulings = dict.fromkeys(typed["ruled"], typed["ruling"]) if typed["ruling"] else None
    return {
        "at": noon.isoformat(),
        "agency": _agency(desk, bundle, typed, noon.date()),
        "end_requester": _end_requester(desk, bundle, typed, noon.date()),
        "request": _request(bundle, typed),
        "facts": {
            "stops": [{"scope": "all", "value": None}] if typed["stopped"] == "yes" else [],
            "history": {"days_searched": typed["days_searched"]},
            "officer": _OFFICERS[typed["officer_known"]],
            "legal_process_verified": typed["paper_verified"] == "yes",
            "ruling": rulings,
        },
    }


def faults_of(refused: InvalidRequest) -> Faults:
    """Return what the gate says of the line, by the fields of the form."""
    if isinstance(refused, LineRefused):
        return [(field, say("The gate cannot read this.")) for field in _places(refused.messages)]
    return [
        (_FIELDS.get(fault.pointer, ""), f"{say(fault.message)} {say(fault.cure)}")
        for fault in refused.faults
    ]


def _places(messages: Any) -> Iterator[str]:
    known = {"history": "days_searched", "agency": "agency_state", "end_requester": "behalf_agency"}
    names = messages if isinstance(messages, Mapping) else {}
    found = [*names, *(names.get("facts") or {})]
    places = [known[name] for name in found if name in known]
    yield from places or [""]


def _request(bundle: Bundle, typed: Mapping[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = {
        "kind": typed["kind"],
        "from": f"{typed['first']}T00:00:00Z",
        "to": f"{typed['last'] + timedelta(days=1)}T00:00:00Z",
        "limit": typed["limit"],
    }
    if typed["kind"] == "plate":
        query |= {"plate": typed["plate"], "plate_state": typed["plate_state"].upper() or None}
    else:
        query |= {"cameras": typed["cameras"].replace(",", " ").split()}
    return {
        "query": query,
        "purpose": {
            "category": typed["category"],
            "offense": typed["offense"].strip() or None,
            "statute": typed["statute"] or None,
            "statute_state": typed["statute_state"].upper() or None,
            "narrative": typed["narrative"],
            "case_number": typed["case_number"],
        },
        "requester": {"name": typed["officer"], "badge": typed["badge"], "unit": typed["unit"] or None},
        "on_behalf_of": _behalf(typed),
        "legal_process": _paper(typed),
        "attestation": {
            "text_version": _last(_city(bundle).get("attestation_texts")),
            "accepted": typed["accepted"] == "yes",
        },
    }


def _behalf(typed: Mapping[str, Any]) -> dict[str, Any] | None:
    said = [typed[f"behalf_{name}"] for name in ("agency", "component", "person")]
    if not any(said):
        return None
    return {"agency": said[0], "component": said[1] or None, "person": said[2]}


def _paper(typed: Mapping[str, Any]) -> dict[str, Any] | None:
    if not typed["paper"]:
        return None
    parts = {name: typed[f"paper_{name}"] or None for name in ("form", "court", "judge", "number", "statute")}
    return {"kind": typed["paper"], **parts}


def _agency(desk: Desk, bundle: Bundle, typed: Mapping[str, Any], today: date) -> dict[str, Any] | None:
    if typed["agency"] != MADE_UP:
        registered = desk.gate.registry.snapshot().agency(typed["agency"])
        return None if registered is None else _registered(registered)
    return _made_up(
        "made-up-agency",
        typed["agency_kind"],
        typed["agency_state"],
        typed["agency_status"],
        has_287g=typed["agency_287g"] == "yes",
        signed=[
            *_signed(bundle, "affirmation", today, typed["agency_affirmed"]),
            *_signed(bundle, "declaration", today, typed["agency_declared"]),
        ],
    )


def _end_requester(
    desk: Desk, bundle: Bundle, typed: Mapping[str, Any], today: date
) -> dict[str, Any] | None:
    named = typed["behalf_agency"]
    registered = desk.gate.registry.snapshot().agency(named) if named else None
    if registered is not None:
        return _registered(registered)
    if not named or typed["behalf_kind"] == "unknown":
        return None
    signed = _signed(bundle, "affirmation", today, typed["behalf_affirmed"])
    return _made_up(
        named, typed["behalf_kind"], typed["behalf_state"], "active", has_287g=False, signed=signed
    )


def _made_up(
    agency_id: str, kind: str, state: str, status: str, *, has_287g: bool, signed: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "id": agency_id,
        "kind": kind,
        "state": state.strip().upper() or None,
        "status": status,
        "has_287g": has_287g,
        "affirmations": list(signed),
    }


def _registered(agency: Agency) -> dict[str, Any]:
    return {
        "id": agency.id,
        "ori": agency.ori,
        "name": agency.name,
        "kind": agency.kind,
        "state": agency.state,
        "status": agency.status,
        "has_287g": agency.has_287g,
        "affirmations": [
            {
                "kind": signed.kind,
                "text_version": signed.text_version,
                "signer": signed.signer,
                "title": signed.title,
                "signed_on": signed.signed_on.isoformat(),
                "expires_on": None if signed.expires_on is None else signed.expires_on.isoformat(),
            }
            for signed in agency.affirmations
        ],
    }


def _signed(bundle: Bundle, kind: str, today: date, said: str) -> list[dict[str, Any]]:
    if said != "yes":
        return []
    return [
        {
            "kind": kind,
            "text_version": _last(_city(bundle).get(f"{kind}_texts")),
            "signer": "Lee Example",
            "title": "Chief of Police",
            "signed_on": (today - timedelta(days=30)).isoformat(),
            "expires_on": None,
        }
    ]


def _city(bundle: Bundle) -> Mapping[str, Any]:
    found = bundle.data.get("city")
    return found if isinstance(found, dict) else {}


def _last(texts: Any) -> str:
    """Return the text that was written last, of a list or of an object by version."""
    return str([*texts][-1]) if isinstance(texts, list | dict) and texts else "none"
