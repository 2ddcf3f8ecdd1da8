"""A recorded decision, written down as the line that decides it, with other words in the place of its own.

Guarantees: of the record only what the policy judges goes into the line, and each part of it is named here: a
fact that is added to the record stays out until somebody has thought about it. Times are moved to the day of
the proposal, each as far from it as it was from the day of the decision.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from gatekeeper.exchange.decide import timestamp
from gatekeeper.exchange.parse import Query
from gatekeeper.ledger import Json
from gatekeeper.review.stand_ins import Original, Texts

_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision, as it was when its review was ruled on, and what the policy answers to it.

    ``answers`` begins with what it answers to the whole; where people ruled, what it answers without their
    rulings comes next: a case that needs none would not show what they ruled on.
    """

    facts: Mapping[str, Any]
    query: Query
    original: Original
    answers: tuple[Mapping[str, Json] | None, ...]
    provision: str
    today: date

    @property
    def expected(self) -> Mapping[str, Json]:
        """Return what the case expects."""
        return self.answers[0] or {}

    def document(self, texts: Texts) -> dict[str, Json]:
        """Return the line that decides it, with these words in the place of its own."""
        facts, at = self.facts, datetime(self.today.year, self.today.month, self.today.day, 12, tzinfo=UTC)
        agency = end = None
        if facts["agency"]["known"]:
            agency = self._agency(facts["agency"], texts["agency.id"], texts["agency.name"])
        if self.query.on_behalf_of is not None and facts["end_requester"]["known"]:
            end = self._agency(
                facts["end_requester"], texts["on_behalf_of.agency"], texts["end_requester.name"]
            )
        return {
            "agency": agency,
            **({} if end is None else {"end_requester": end}),
            "request": self._request(texts, at),
            "at": timestamp(at),
            "facts": _on_record(facts, texts),
        }

    def _request(self, texts: Texts, at: datetime) -> dict[str, Json]:
        facts, behalf = self.facts, self.query.on_behalf_of
        purpose, version = facts["purpose"], facts["attestation"]["text_version"]
        return {
            "query": _query(facts["query"], texts, at),
            "purpose": {
                "category": purpose["category"],
                "offense": purpose["offense"],
                "statute": texts.get("statute", purpose["statute"]),
                "statute_state": purpose["statute_state"],
                "narrative": texts.get("narrative", ""),
                "case_number": texts.get("case_number", ""),
            },
            "requester": {
                "name": texts.get("requester.name", ""),
                "badge": texts.get("requester.badge", ""),
                "unit": texts.get("unit"),
            },
            "on_behalf_of": None
            if behalf is None
            else {
                "agency": texts.get("on_behalf_of.agency", ""),
                "component": texts.get("on_behalf_of.component"),
                "person": texts.get("on_behalf_of.person", ""),
            },
            "legal_process": self._paper(texts),
            "attestation": {
                "text_version": _version(version),
                "accepted": facts["attestation"]["accepted"],
            },
        }

    def _agency(self, standing: Mapping[str, Any], agency_id: str, name: str) -> dict[str, Json]:
        return {
            "id": agency_id,
            "name": name,
            "kind": standing["kind"],
            "state": standing["state"],
            "status": standing["status"],
            "has_287g": standing["has_287g"],
            "affirmations": [
                self._signed(kind, standing[kind])
                for kind in ("affirmation", "declaration")
                if standing[kind]["state"] != "none"
            ],
        }

    def _signed(self, kind: str, standing: Mapping[str, Any]) -> dict[str, Json]:
        """Return a statement that stands as the recorded one did."""
        lapsed = standing["state"] == "lapsed"
        return {
            "kind": kind,
            "signed_on": (self.today - timedelta(days=standing["age_days"])).isoformat(),
            "expires_on": self.today.isoformat() if lapsed else None,
            "text_version": _version(standing["text_version"]),
            "signer": "" if lapsed and standing["age_days"] < 0 else "Jo Signer",
            "title": "Chief (sample)",
        }

    def _paper(self, texts: Texts) -> dict[str, Json] | None:
        process = self.facts["legal_process"]
        if process is None:
            return None
        issued = process["issued_on"]
        if issued is not None:
            age = date.fromisoformat(self.facts["clock"]["date"]) - date.fromisoformat(issued)
            issued = (self.today - age).isoformat()
        said = {
            name: texts.get(f"legal_process.{name}")
            for name in ("form", "court", "judge", "number", "statute")
        }
        return {"kind": process["kind"], **said, "issued_on": issued}


def _version(text: str) -> str:
    """Return a version of a statement's text; what is not written as one could say anything."""
    return text if _VERSION.fullmatch(text) else "unknown"


def _query(derived: Mapping[str, Any], texts: Texts, at: datetime) -> dict[str, Json]:
    start, end = _window(derived, at)
    target: dict[str, Json]
    if "plate" in texts:
        target = {"plate": texts["plate"], "plate_state": derived["plate_state"]}
    else:
        target = {"cameras": [f"sample-camera-{number + 1}" for number in range(derived["cameras"])]}
    return {
        "kind": derived["kind"],
        **target,
        "from": timestamp(start),
        "to": timestamp(end),
        "limit": derived["limit"],
    }


def _window(derived: Mapping[str, Any], at: datetime) -> tuple[datetime, datetime]:
    """Return a window as long, as old in days, and ending on the same side of tomorrow."""
    length = timedelta(hours=derived["window_hours"])
    earliest = at - timedelta(days=derived["starts_days_ago"])
    starts = [earliest + timedelta(hours=hour) for hour in range(24)]
    tomorrow = at + timedelta(days=1)
    start = next((s for s in starts if (s + length > tomorrow) == derived["ends_in_future"]), earliest)
    return start, start + length


def _on_record(facts: Mapping[str, Any], texts: Texts) -> dict[str, Json]:
    """Return what the gate found on record; what a stop names is named as the case names it."""
    stops: list[Json] = []
    for stop in facts["stops"]:
        value = stop["value"]
        if stop["scope"] == "agency":
            own = value == facts["agency"]["id"]
            value = texts.get("agency.id" if own else "on_behalf_of.agency")
        elif stop["scope"] == "camera":
            value = "sample-camera-1"
        stops.append({"scope": stop["scope"], "value": value})
    paper = facts["legal_process"]
    return {
        "stops": stops,
        "history": dict(facts["history"]),
        "patterns": _patterns(facts.get("patterns")),
        "officer": _officer(facts.get("officer")),
        "legal_process_verified": paper is not None and paper["verified"],
        "ruling": facts["ruling"],
    }


def _patterns(found: Mapping[str, Any] | None) -> dict[str, Json]:
    """Return what others asked, in counts and codes; no camera of a case stands at a sensitive place."""
    if found is None:  # decided before anybody asked
        return {}
    counts = ("more_refusals", "targets_this_hour", "targets_today", "days_by_agency")
    return {name: found[name] for name in counts} | {
        "refused_before": [
            {
                part: one[part]
                for part in ("minutes_ago", "provisions", "category", "classes_gone", "taken_back")
            }
            for one in found["refused_before"]
        ]
    }


def _officer(found: Mapping[str, Any] | None) -> dict[str, Json]:
    """Return what was known of the officer but the role, which is a word of the agency's own."""
    if found is None:  # decided before officers were facts
        return {}
    return {name: value for name, value in found.items() if name != "role"}
