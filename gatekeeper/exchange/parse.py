"""JSON text to Query: the shape of a request, and every fault in it at once.

Guarantees: a ``Query`` is made only here; its times are aware UTC, its text is NFC without control
characters, its plate is normalised. What is missing or of the wrong type is refused here (422); what is
present but empty or worthless is the policy's to judge (403). No fault repeats what the caller sent, but for
an offense code that does not exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from gatekeeper.errors import InvalidRequest
from gatekeeper.exchange.bodies import KeptAppealSchema, QuerySchema
from gatekeeper.exchange.offenses import Offenses
from gatekeeper.exchange.reading import load, read_json
from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import canonical


@dataclass(frozen=True, slots=True)
class Purpose:
    """The stated purpose; see PurposeSchema."""

    category: str
    offense: str | None
    statute: str | None
    statute_state: str | None
    narrative: str
    case_number: str


@dataclass(frozen=True, slots=True)
class Requester:
    """The officer who asks; see RequesterSchema."""

    name: str
    badge: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class EndRequester:
    """For whom the caller asks; ``agency`` is an id or ORI of our registry, or it is nobody we know."""

    agency: str
    component: str | None
    person: str


@dataclass(frozen=True, slots=True)
class LegalProcess:
    """A paper that is said to support the request; see LegalProcessSchema."""

    kind: str
    form: str | None
    court: str | None
    judge: str | None
    number: str | None
    statute: str | None
    issued_on: date | None
    document_sha256: str | None


@dataclass(frozen=True, slots=True)
class Attestation:
    """The officer's own promise; see AttestationSchema."""

    text_version: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Additions:
    """What appeals added to a query: every word beside its own, and what newer facts took the place of.

    ``words`` is everything that was typed and does not stand in the query any more, or never stood there, by
    the name of its field and, behind a ``#``, the number of the appeal that it came with (0: the query's
    own). ``messages`` are the appeals' own words, in order.
    """

    words: Mapping[str, str]
    messages: tuple[str, ...]
    offenses: tuple[str, ...]
    papers: tuple[LegalProcess, ...]


NOTHING_ADDED = Additions({}, (), (), ())


@dataclass(frozen=True, slots=True)
class Query:
    """One well-formed request. ``start`` and ``end`` are aware UTC and half-open; made only by this module.

    ``body`` is the request as it was sent, parsed, with the appeals that followed, if any, as ``appeals``;
    ``digest`` is the SHA-256, in hex, of its canonical form (RFC 8785), so that what was ruled on before an
    appeal was not this. ``purpose`` and ``legal_process`` are as they now stand.
    """

    kind: str
    plate: str | None
    plate_state: str | None
    cameras: tuple[str, ...]
    start: datetime
    end: datetime
    limit: int
    purpose: Purpose
    requester: Requester
    on_behalf_of: EndRequester | None
    legal_process: LegalProcess | None
    attestation: Attestation
    body: Mapping[str, Json]
    digest: str
    added: Additions = NOTHING_ADDED

    def typed_words(self) -> dict[str, str]:
        """Return every text in which a person may have typed words, by the name the screen knows it by.

        Nothing that was ever typed is left out: ``statute#0`` is what ``statute`` was before an appeal.
        """
        typed: dict[str, str | None] = {
            "narrative": self.purpose.narrative,
            "case_number": self.purpose.case_number,
            "statute": self.purpose.statute,
            "requester.name": self.requester.name,
            "requester.badge": self.requester.badge,
            "unit": self.requester.unit,
        }
        if self.on_behalf_of is not None:
            typed |= {
                "on_behalf_of.agency": self.on_behalf_of.agency,
                "on_behalf_of.component": self.on_behalf_of.component,
                "on_behalf_of.person": self.on_behalf_of.person,
            }
        if self.legal_process is not None:
            typed |= _words_of(self.legal_process)
        typed |= self.added.words
        return {name: text for name, text in typed.items() if text}


_schema, _kept = QuerySchema(), KeptAppealSchema()


@dataclass(frozen=True, slots=True)
class Parser:
    """Reads requests; which offenses exist is the bundle's to say, so a gate has one of its own."""

    offenses: Offenses

    def parse(self, body: bytes) -> Query:
        """Read the body of a query.

        Raises MalformedBody if it is not JSON, and InvalidRequest with every fault if it is not a query.
        """
        return self.parse_document(read_json(body))

    def parse_document(self, document: Json) -> Query:
        """Read a query that is already parsed JSON; the same rules. Raises InvalidRequest."""
        unknown = self.offenses.fault(document)
        try:
            query = read_again(document)
        except InvalidRequest as refused:
            raise InvalidRequest([*refused.faults, *([unknown] if unknown else [])]) from None
        if unknown is not None:
            raise InvalidRequest([unknown])
        return query


def read_again(document: Json) -> Query:
    """Read a query that was accepted before. Raises InvalidRequest.

    An offense code that has left the bundle since is the policy's to deny, with its reason.
    """
    return _query(load(_schema, document), document)


def as_recorded(document: Json) -> Query:
    """Read a query as the log has it with a decision, with the appeals that it had then.

    Raises InvalidRequest.
    """
    if not isinstance(document, dict):
        return read_again(document)
    first, appeals = dict(document), document.get("appeals", [])
    first.pop("appeals", None)
    return appealed(first, appeals if isinstance(appeals, list) else [])


def appealed(document: Json, appeals: Sequence[Json]) -> Query:
    """Read a query that was accepted before, with the appeals that followed it, in order.

    What an appeal states takes the place of what was stated before; whatever was typed stays typed, and
    target, window, category and requester stay as they were. Raises InvalidRequest.
    """
    if not appeals or not isinstance(document, dict):
        return read_again(document)
    query = read_again(document)
    body: dict[str, Json] = {**document, "appeals": list(appeals)}
    stated = [_stated_first(query), *(load(_kept, appeal) for appeal in appeals)]
    facts = {name: _stated(stated, name) for name in ("case_number", "offense", "statute", "legal_process")}
    papers = [(number, LegalProcess(**paper)) for number, paper in facts["legal_process"]]
    words = {
        f"{name}#{number}": text for name in ("case_number", "statute") for number, text in facts[name][:-1]
    }
    for number, paper in papers[:-1]:
        # Its kind was chosen, not typed; a detainer is still one when another paper lies on top of it.
        typed = _words_of(paper) | {"legal_process.kind": paper.kind.replace("_", " ")}
        words |= {f"{name}#{number}": text for name, text in typed.items() if text}
    for number, appeal in enumerate(stated[1:], 1):
        words[f"narrative#{number}"] = appeal["message"]
        for place, paper in enumerate(appeal["documents"], 1):
            words[f"document#{number}.{place}"] = paper["name"]
    return replace(
        query,
        purpose=replace(
            query.purpose,
            case_number=facts["case_number"][-1][1],
            offense=facts["offense"][-1][1] if facts["offense"] else None,
            statute=facts["statute"][-1][1] if facts["statute"] else None,
        ),
        legal_process=papers[-1][1] if papers else None,
        body=body,
        digest=_digest(body),
        added=Additions(
            words=words,
            messages=tuple(appeal["message"] for appeal in stated[1:]),
            offenses=tuple(code for _, code in facts["offense"][:-1]),
            papers=tuple(paper for _, paper in papers[:-1]),
        ),
    )


def _stated_first(query: Query) -> Mapping[str, Any]:
    purpose, paper = query.purpose, query.legal_process
    facts = {name: getattr(purpose, name) for name in ("case_number", "offense", "statute")}
    return {"facts": facts | {"legal_process": None if paper is None else asdict(paper)}}


def _stated(stated: Sequence[Mapping[str, Any]], name: str) -> list[tuple[int, Any]]:
    """Return what was stated of one fact, each time it was stated anew, with the number of the appeal."""
    found: list[tuple[int, Any]] = []
    for number, one in enumerate(stated):
        value = one["facts"][name]
        if value is not None and not (found and found[-1][1] == value):
            found.append((number, value))
    return found


def _words_of(paper: LegalProcess) -> dict[str, str | None]:
    return {
        "legal_process.form": paper.form,
        "legal_process.court": paper.court,
        "legal_process.judge": paper.judge,
        "legal_process.number": paper.number,
        "legal_process.statute": paper.statute,
    }


def _digest(body: Json) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _query(loaded: Mapping[str, Any], body: Any) -> Query:
    query = loaded["query"]
    behalf, process = loaded["on_behalf_of"], loaded["legal_process"]
    return Query(
        kind=query["kind"],
        plate=query.get("plate"),
        plate_state=query.get("plate_state"),
        cameras=tuple(sorted(set(query.get("cameras", ())))),
        start=query["start"].astimezone(UTC),
        end=query["end"].astimezone(UTC),
        limit=query["limit"],
        purpose=Purpose(**loaded["purpose"]),
        requester=Requester(**loaded["requester"]),
        on_behalf_of=EndRequester(**behalf) if behalf is not None else None,
        legal_process=LegalProcess(**process) if process is not None else None,
        attestation=Attestation(**loaded["attestation"]),
        body=body,
        digest=_digest(body),
    )
