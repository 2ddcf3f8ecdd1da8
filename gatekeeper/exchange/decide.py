"""Query + facts to Permit or Denial: the only place that makes either.

Guarantees: facts are gathered here and judged in Rego (``gatekeeper.policy``); a ``Permit`` exists only if
the engine proved every provision that the bundle's manifest lists and gave obligations of exactly the known
shape. A denial is a value that carries every unmet provision, each with its citation and its remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from gatekeeper.errors import PolicyUnavailable
from gatekeeper.exchange.forms import form_numbers
from gatekeeper.exchange.history import History
from gatekeeper.exchange.interfaces import Affirmation, Agency, Facts
from gatekeeper.exchange.officer import Officer
from gatekeeper.exchange.parse import Query
from gatekeeper.exchange.patterns import Patterns
from gatekeeper.exchange.screen import Words
from gatekeeper.ledger import Json
from gatekeeper.ledger.rows import RegistryState, Stop
from gatekeeper.ledger.stops import Party, covers
from gatekeeper.policy import Bundle, Engine, Provision, Verdict

RECORD_FIELDS = frozenset(
    {
        "id",
        "captured_at",
        "plate",
        "plate_state",
        "confidence",
        "camera.id",
        "camera.name",
        "camera.lat",
        "camera.lon",
        "direction",
        "vehicle.make",
        "vehicle.model",
        "vehicle.color",
        "vehicle.type",
        "image_url",
    }
)
_YOUNGER = frozenset({"patterns", "officer"})
"""Facts that there were not always: a law of before goes on without them."""
SESSIONS = "officer.sessions_at_once"
"""A part of them that is younger still."""
_STRICTNESS = ("none", "counsel", "staff")


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything outside the request that its decision depends on, as it was at ``at`` (aware UTC).

    ``history``, ``patterns`` and ``officer`` have no default: what was not counted or looked up is not none.
    ``registry`` is the version of agencies, credentials, stops and policy that the facts were read at;
    without it nothing is released. ``cameras`` names every camera of the store.
    """

    agency: Agency | None
    end_requester: Agency | None
    stops: Sequence[Stop]
    at: datetime
    history: History
    registry: RegistryState | None = None
    legal_process_verified: bool = False
    ruling: Facts | None = None
    cameras: frozenset[str] = frozenset()
    patterns: Patterns = field(kw_only=True)
    officer: Officer = field(kw_only=True)

    def names(self) -> dict[str, str]:
        """Return the names under which the parties are registered: the screen hears who is asking."""
        parties = (("agency.name", self.agency), ("end_requester.name", self.end_requester))
        return {field: agency.name for field, agency in parties if agency is not None}


@dataclass(frozen=True, slots=True)
class Policy:
    """The exact policy that decided."""

    revision: str
    digest: str

    def as_json(self) -> dict[str, Json]:
        """Return ``{revision, digest}``."""
        return {"revision": self.revision, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class Obligations:
    """What a permit allows, and no more. ``cameras`` None means every camera; the window is half-open."""

    fields: frozenset[str]
    max_records: int
    start: datetime
    end: datetime
    cameras: tuple[str, ...] | None
    coordinate_decimals: int
    mask_other_plates: bool
    terms: str

    def as_json(self) -> dict[str, Json]:
        """Return the obligations in the shape of the HTTP contract."""
        return {
            "fields": [*sorted(self.fields)],
            "max_records": self.max_records,
            "from": timestamp(self.start),
            "to": timestamp(self.end),
            "cameras": None if self.cameras is None else list(self.cameras),
            "coordinate_decimals": self.coordinate_decimals,
            "mask_other_plates": self.mask_other_plates,
            "terms": self.terms,
        }


@dataclass(frozen=True, slots=True)
class Permit:
    """The only value that says "permitted"; ``fetch`` takes nothing else. Made only by ``decide``."""

    query: Query
    situation: Situation
    facts: Facts
    policy: Policy
    obligations: Obligations

    outcome = "permit"
    review = "none"

    @property
    def unmet(self) -> tuple[Provision, ...]:
        """Return the provisions that were not proved: none, or this would not be a permit."""
        return ()


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal with every reason at once, in the order of the manifest. Made only by ``decide``.

    ``review`` is ``none`` if any unmet provision is final, else the strictest that any of them asks for.
    """

    query: Query
    situation: Situation
    facts: Facts
    policy: Policy
    unmet: tuple[Provision, ...]

    outcome = "deny"

    @property
    def review(self) -> str:
        """Say who may supply what is missing: none, staff or counsel."""
        return strictest(provision.review for provision in self.unmet)


Decision = Permit | Denial


def parties(decision: Decision) -> tuple[Party, ...]:
    """Name every registered agency that the reads would reach: the caller's and the end requester's."""
    found = (decision.situation.agency, decision.situation.end_requester)
    return tuple(Party(agency.id, agency.kind) for agency in found if agency is not None)


def decide(query: Query, words: Words, situation: Situation, engine: Engine) -> Decision:
    """Judge the query by the policy.

    Raises PolicyUnavailable if the engine fails or its answer is not exactly a decision.
    """
    facts = known_to(engine.bundle, gather(query, words, situation))
    verdict = engine.evaluate(facts)
    policy = Policy(verdict.revision, verdict.digest)
    if verdict.permit is True and not verdict.unmet:
        return Permit(query, situation, facts, policy, _obligations(verdict, query, situation))
    catalogue = engine.bundle.catalogue
    unmet = tuple(catalogue[code] for code in verdict.unmet)
    if not unmet:
        raise PolicyUnavailable("a denial that names no provision")
    return Denial(query, situation, facts, policy, unmet)


def known_to(bundle: Bundle, facts: dict[str, Json]) -> dict[str, Json]:
    """Return the facts, without those that are younger than the law: it goes on.

    Raises PolicyUnavailable where such a law could not deny what has to be denied.
    """
    officer = facts.get("officer")
    if isinstance(officer, dict) and officer["suspended"] is not False and not knows(bundle, "officer"):
        raise PolicyUnavailable(
            "the law in force knows nothing of suspended officers: activate one that does"
        )
    if isinstance(officer, dict) and not knows(bundle, SESSIONS):
        part = SESSIONS.partition(".")[2]
        facts = {**facts, "officer": {name: fact for name, fact in officer.items() if name != part}}
    return {name: fact for name, fact in facts.items() if name not in _YOUNGER or knows(bundle, name)}


def knows(bundle: Bundle, fact: str) -> bool:
    """Say whether a law was made since this is a fact (``patterns``, ``officer``), by what its schema says.

    A part of one is named as ``officer.sessions_at_once``.
    """
    schema: Any = bundle.schemas.get("input")
    for name in fact.split("."):
        schema = schema.get("properties", {}).get(name) if isinstance(schema, dict) else None
    return schema is not None


def strictest(reviews: Iterable[str]) -> str:
    """Combine the reviews of unmet provisions: one final provision makes the whole final."""
    found = set(reviews)
    return next((review for review in _STRICTNESS if review in found), "none")


def gather(query: Query, words: Words, situation: Situation) -> dict[str, Json]:
    """Write down the facts that the policy judges (``policies/schema/input.json``); derive, never judge."""
    at = situation.at.astimezone(UTC)
    process = query.legal_process
    papers = [*query.added.papers, *([process] if process is not None else [])]
    behalf = query.on_behalf_of
    facts: dict[str, Json] = {
        "clock": {"date": at.date().isoformat()},
        "agency": _agency(situation.agency, at.date()),
        "end_requester": None if behalf is None else _agency(situation.end_requester, at.date()),
        "query": _query(query, at),
        "purpose": {
            "category": query.purpose.category,
            "offense": query.purpose.offense,
            "statute": query.purpose.statute,
            "statute_state": query.purpose.statute_state,
            "narrative": _narrative(query),
            "case_number": query.purpose.case_number,
            "earlier_offenses": [*query.added.offenses],
        },
        "requester": {
            "name": query.requester.name,
            "badge": query.requester.badge,
            "unit": query.requester.unit,
        },
        "on_behalf_of": None
        if behalf is None
        else {"agency": behalf.agency, "component": behalf.component, "person": behalf.person},
        "legal_process": None
        if process is None
        else {
            "kind": process.kind,
            "form": process.form,
            # Of every paper that was shown: one that lies beneath another is still there.
            "form_numbers": [*sorted({n for paper in papers for n in form_numbers(paper.form)})],
            "earlier_kinds": [*sorted({paper.kind for paper in query.added.papers})],
            "court": process.court,
            "judge": process.judge,
            "number": process.number,
            "statute": process.statute,
            "issued_on": None if process.issued_on is None else process.issued_on.isoformat(),
            "verified": situation.legal_process_verified,
        },
        "attestation": {
            "text_version": query.attestation.text_version,
            "accepted": query.attestation.accepted,
        },
        "words": words.facts(),
        "stops": [{"scope": stop.scope, "value": stop.value} for stop in _stops_that_match(query, situation)],
        "history": situation.history.facts(),
        "officer": situation.officer.facts(),
        "ruling": None if situation.ruling is None else dict(situation.ruling),
    }
    return facts | {"patterns": situation.patterns.facts(facts)}


def timestamp(moment: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC, milliseconds only where there are any. Raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _query(query: Query, at: datetime) -> dict[str, Json]:
    window = query.end - query.start
    return {
        "kind": query.kind,
        "literal_characters": len(query.plate or ""),
        "wildcards": 0,
        "plate_state": query.plate_state,
        # Rounded up, so that a window of 7 days and 1 second is more than 168 hours.
        "window_hours": -(-window // timedelta(hours=1)),
        "starts_days_ago": -((query.start - at) // timedelta(days=1)),
        # "Until the end of today" is an ordinary question, in any time zone; what is released ends now.
        "ends_in_future": query.end > at + timedelta(days=1),
        "cameras": len(query.cameras),
        "limit": query.limit,
    }


def _narrative(query: Query) -> str:
    """Return all that was said of what happened; what the query left empty nothing fills later."""
    own = query.purpose.narrative
    return "\n".join([own, *query.added.messages]) if own.strip() else own


def _agency(agency: Agency | None, today: date) -> dict[str, Json]:
    if agency is None:
        return {
            "known": False,
            "id": None,
            "kind": None,
            "state": None,
            "status": None,
            "has_287g": None,
            "affirmation": None,
            "declaration": None,
        }
    return {
        "known": True,
        "id": agency.id,
        "kind": agency.kind,
        "state": agency.state,
        "status": agency.status,
        "has_287g": agency.has_287g,
        "affirmation": _standing(agency.affirmations, "affirmation", today),
        "declaration": _standing(agency.affirmations, "declaration", today),
    }


def _standing(affirmations: Sequence[Affirmation], kind: str, today: date) -> dict[str, Json]:
    """Say how the agency's statement of this kind stands: the one in force, else the one signed last."""
    signed = sorted((a for a in affirmations if a.kind == kind), key=lambda a: a.signed_on)
    best = next((a for a in reversed(signed) if affirmation_state(a, today) == "in_force"), None)
    best = best or next(reversed(signed), None)
    if best is None:
        return {"state": "none", "text_version": None, "age_days": None}
    return {
        "state": affirmation_state(best, today),
        "text_version": best.text_version,
        "age_days": (today - best.signed_on).days,
    }


def affirmation_state(affirmation: Affirmation, today: date) -> str:
    """Say ``in_force``, ``not_yet`` or ``lapsed``: ``expires_on`` is the first day it no longer counts.

    What nobody is named to have signed was never in force.
    """
    if not affirmation.signer.strip() or not affirmation.title.strip():
        return "lapsed"
    if affirmation.signed_on > today:
        return "not_yet"
    if affirmation.expires_on is not None and affirmation.expires_on <= today:
        return "lapsed"
    return "in_force"


def _stops_that_match(query: Query, situation: Situation) -> list[Stop]:
    """Return the stops that forbid the whole query; a plate query only loses a stopped camera."""
    found = [Party(a.id, a.kind) for a in (situation.agency, situation.end_requester) if a is not None]
    return [stop for stop in situation.stops if covers(stop, found, query.cameras)]


def _obligations(verdict: Verdict, query: Query, situation: Situation) -> Obligations:
    """Read what the policy obliges us to, and narrow it by the query. Raises PolicyUnavailable."""
    said = dict(verdict.obligations)
    fields, terms = said.pop("fields", None), said.pop("terms", None)
    most, decimals = said.pop("max_records", None), said.pop("coordinate_decimals", None)
    days, mask = said.pop("retention_days", None), said.pop("mask_other_plates", None)
    if (
        said  # an obligation that this code does not know could not be enforced by it
        or not isinstance(fields, list)
        or not fields
        or not all(isinstance(name, str) and name in RECORD_FIELDS for name in fields)
        or not (isinstance(terms, str) and terms)
        or not (type(most) is int and most > 0)
        or not (type(decimals) is int and 0 <= decimals <= 6)
        or not (type(days) is int and days > 0)
        or not isinstance(mask, bool)
    ):
        raise PolicyUnavailable("obligations that are not of the known shape")
    start = max(query.start, situation.at - timedelta(days=days))
    return Obligations(
        fields=frozenset(str(name) for name in fields),
        max_records=min(query.limit, most),
        start=start,
        end=max(start, min(query.end, situation.at)),
        cameras=_cameras(query, situation),
        coordinate_decimals=decimals,
        mask_other_plates=mask,
        terms=terms,
    )


def _cameras(query: Query, situation: Situation) -> tuple[str, ...] | None:
    stopped = {stop.value for stop in situation.stops if stop.scope == "camera"}
    if query.kind == "place":
        return tuple(camera for camera in query.cameras if camera not in stopped)
    if stopped:
        return tuple(sorted(situation.cameras - stopped))
    return None
