"""One denied request: what was asked, by whom, what denied it, what would cure it, what happened so far.

Guarantees: to open a request is an entry in the log, written before the page is made; a plate is masked but
on the answer to a person who gave a reason to see it; whatever an agency typed is shown as text, with the
words that the screen matched marked in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from flask import Blueprint, Response, g

from gatekeeper.errors import KeyErased, UnknownQuery
from gatekeeper.exchange.documents import name_of
from gatekeeper.exchange.rulings import permitted_until
from gatekeeper.ledger import Json
from gatekeeper.policy import Provision
from gatekeeper.policy.looked_at import facts_of
from gatekeeper.review import paper
from gatekeeper.review.accounts import Session
from gatekeeper.review.case import Case, open_case
from gatekeeper.review.queue import WAITING
from gatekeeper.review.rule import Hearing
from gatekeeper.review.viewing import viewed
from gatekeeper.web.console import precedents
from gatekeeper.web.console.assign import assignment
from gatekeeper.web.console.desk import Desk
from gatekeeper.web.console.forms import Faults
from gatekeeper.web.console.marks import meanings, typed_fields
from gatekeeper.web.console.pages import page
from gatekeeper.web.console.sessions import Sessions
from gatekeeper.web.console.timeline import Moment, moments, people

_PRIVATE: Final = (
    ("purpose", "narrative"),
    ("purpose", "case_number"),
    ("requester",),
    ("on_behalf_of",),
    ("words", "matches"),
)
"""Facts that hold what was typed: it stands above, with its marks."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came: of which act, with what was wrong, what was typed, and the version that was seen."""

    act: str = ""
    faults: Sequence[tuple[str, str]] = ()
    typed: Mapping[str, Any] | None = None
    seen: int | None = None
    stale: bool = False


class Show(Protocol):
    """Answers with a request's page, with what a form said and the plate, if somebody may see it now."""

    def __call__(
        self, query_id: str, status: int = 200, sent: Sent | None = None, plate: str | None = None
    ) -> Response:
        """Return the page. Raises LedgerUnavailable: then nothing is shown."""


def add_reviews(blueprint: Blueprint, desk: Desk, sessions: Sessions) -> Show:
    """Add the route of one request; return what answers with a request's page."""

    @blueprint.get("/reviews/<query_id>")
    @sessions.needs("read_reviews")
    def review(query_id: str) -> Response:
        return show(query_id)

    def show(
        query_id: str, status: int = 200, sent: Sent | None = None, plate: str | None = None
    ) -> Response:
        try:
            case = open_case(desk.gate, query_id)
        except UnknownQuery:
            return page("missing.html", 404, **sessions.shown())
        except KeyErased:
            case = None
        found = desk.gate.queries.review(query_id) if case is None else case.review
        if found is None:
            return page("missing.html", 404, **sessions.shown())
        seen(desk, query_id, "request")
        sent = sent or Sent()
        told = moments(desk.gate.ledger, desk.gate.ledger.entries_of(query_id))
        provisions = _provisions(desk, found.provisions, case)
        return page(
            "review.html",
            status,
            **sessions.shown(),
            query_id=query_id,
            review=found,
            version=found.version,
            agency=desk.gate.registry.snapshot().agency(found.agency_id),
            case=case,
            plate=plate,
            held=desk.holds.record.of(query_id),
            sent=sent,
            typed=sent.typed or {},
            faults=_placed(sent),
            provisions=provisions,
            gone=[code for code in found.provisions if code not in desk.gate.engine.bundle.catalogue],
            timeline=told,
            titles={code: p.title for code, p in desk.gate.engine.bundle.catalogue.items()},
            receipt=next((m for m in told if m.event == "query.decided"), None),
            names=people(told),
            assignment=assignment(desk, found),
            **({} if case is None else _of(desk, case, told, [p.provision for p in provisions])),
            meanwhile=[e for e in case.recorded if e.version > sent.seen]
            if case is not None and sent.stale and sent.seen
            else [],
        )

    return show


def seen(desk: Desk, query_id: str, what: str, reason: str | None = None) -> None:
    """Log that this person opens a request, or a part of it. Raises LedgerUnavailable: nothing is shown."""
    session: Session = g.session
    draft = viewed(session.account.id, query_id, what, reason)
    desk.gate.ledger.append(draft)


@dataclass(frozen=True, slots=True)
class Shown:
    """A provision as the page shows it: whether it is met now, and why this person may not rule on it."""

    provision: Provision
    rule: str
    unmet: bool
    barred: str | None


def _provisions(desk: Desk, denied_by: Sequence[str], case: Case | None) -> list[Shown]:
    bundle = desk.gate.engine.bundle
    codes = [*denied_by, *(code for code in (case.unmet if case else ()) if code not in denied_by)]
    hearing = None if case is None else Hearing(desk.gate, case, g.session.account)
    return [
        Shown(
            bundle.catalogue[code],
            bundle.modules[bundle.catalogue[code].path].partition("\npackage ")[2],
            unmet=case is None or code in case.unmet,
            barred="" if hearing is None else hearing.beyond(code),
        )
        for code in codes
        if code in bundle.catalogue
    ]


def _of(desk: Desk, case: Case, told: Sequence[Moment], provisions: Sequence[Provision]) -> dict[str, Any]:
    """Return what only a request that is not erased shows."""
    bundle, facts = desk.gate.engine.bundle, case.decision.facts
    hearing = Hearing(desk.gate, case, g.session.account)
    recorded = next((m.detail.get("input") for m in told if m.event == "query.decided"), None)
    matches = _matches(facts)
    by_officer, of_target = precedents.beside(desk, case)
    offenses: Any = bundle.data.get("offenses")
    code = case.query.purpose.offense
    paper_of = case.query.legal_process
    return {
        "barred": hearing.barred(),
        "open": case.review.state in WAITING,
        "with_counsel": hearing.with_counsel,
        "level": hearing.level,
        "until": permitted_until(case.recorded, bundle.catalogue),
        "fields": typed_fields(case.query.typed_words(), matches),
        "meanings": meanings(matches, bundle.data.get("lexicon")),
        "offense": None if not code else offenses["codes"].get(code, {}).get("title"),
        "facts": {p.code: _facts(recorded, facts_of(bundle, p.code)) for p in provisions},
        "officer": case.decision.situation.officer,
        "by_officer": by_officer,
        "rephrased": precedents.rephrased(case),
        "of_target": of_target,
        "precedents": precedents.precedents(desk, case, provisions),
        "verified": case.decision.situation.legal_process_verified,
        "verification": None
        if paper_of is None or paper_of.document_sha256 is None
        else desk.gate.queries.verification(case.review.agency_id, paper_of.document_sha256),
        "documents": [*_documents(desk, case.query_id)],
        "longest_days": paper.LONGEST_DAYS,
    }


class Paper(NamedTuple):
    """A document of the request, as the page lists it."""

    id: str
    name: str
    sha256: str
    kind: str
    kibibytes: int
    source: str
    at: datetime


def _documents(desk: Desk, query_id: str) -> Iterator[Paper]:
    for kept in desk.gate.documents.of(query_id):
        with suppress(KeyErased):
            name, kind = name_of(kept, desk.gate.keys), kept.media_type.rpartition("/")[2].upper()
            yield Paper(kept.id, name, kept.sha256, kind, -(-kept.size // 1024), kept.source, kept.at)


def _matches(facts: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    words = facts["words"]
    matches = words.get("matches") if isinstance(words, dict) else None
    return [match for match in matches if isinstance(match, dict)] if isinstance(matches, list) else []


def _facts(recorded: Json, paths: Sequence[Sequence[str]]) -> list[tuple[str, str | None]]:
    """Return the facts at these paths as text; None for one that holds what was typed."""
    return [
        (".".join(path), None if any(tuple(path[: len(p)]) == p for p in _PRIVATE) else _at(recorded, path))
        for path in paths
    ]


def _at(value: Json, path: Sequence[str]) -> str:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return json.dumps(value, ensure_ascii=False)


def _placed(sent: Sent) -> Faults:
    """Return the faults by the ids of their fields: each act's form has ids of its own."""
    return [(f"{sent.act}-{field}" if field else "", message) for field, message in sent.faults]
