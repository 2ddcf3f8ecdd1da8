"""JSON text to Query: the shape of a request, and every fault in it at once.

Guarantees: a ``Query`` is made only here; its times are aware UTC, its text is NFC without control
characters, its plate is normalised. What is missing or of the wrong type is refused here (422); what is
present but empty or worthless is the policy's to judge (403). No fault repeats what the caller sent, but for
an offense code that does not exist.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from rapidfuzz import process
from rapidfuzz.fuzz import ratio
from webargs import core as webargs

from gatekeeper.errors import Fault, InvalidRequest, MalformedBody
from gatekeeper.exchange.fields import Day, Moment, Plate, SafeString, StateCode, StrictBoolean, StrictInteger
from gatekeeper.exchange.offenses import SHAPE, Offenses
from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import canonical

SERVED_KINDS = ("plate", "place")
CATEGORIES = (
    "criminal_investigation",
    "stolen_vehicle",
    "missing_or_endangered_person",
    "human_trafficking",
    "wanted_person",
    "civil_immigration",
    "health_care",
    "other",
)
PROCESS_KINDS = (
    "criminal_warrant",
    "search_warrant",
    "court_order",
    "subpoena",
    "indictment",
    "administrative_warrant",
    "detainer",
)
MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 16


class _Closed(Schema):
    """Refuses fields that the contract does not name: a typo must not silently drop a limit."""

    class Meta:
        unknown = "raise"


def _distinct(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("Names the same item twice.")


class _Window(_Closed):
    kind = fields.String(required=True, validate=validate.OneOf(SERVED_KINDS))
    start = Moment(required=True, data_key="from")
    end = Moment(required=True, data_key="to")
    limit = StrictInteger(1, 500, load_default=100)

    @validates_schema
    def _runs_forward(self, data: Mapping[str, Any], **_: Any) -> None:
        start, end = data["start"], data["end"]
        for name, moment in (("from", start), ("to", end)):
            if not 2000 <= moment.year <= 2100:
                raise ValidationError("Not between the years 2000 and 2100.", name)
        if start >= end:
            raise ValidationError("Not later than from.", "to")


class PlateQuerySchema(_Window):
    """All reads of one plate in a window."""

    plate = Plate(required=True)
    plate_state = StateCode(load_default=None, allow_none=True)


class PlaceQuerySchema(_Window):
    """All reads at named cameras in a window."""

    cameras = fields.List(
        fields.String(validate=validate.Regexp(r"[A-Za-z0-9._:-]{1,64}\Z")),
        required=True,
        validate=[validate.Length(min=1, max=20), _distinct],
    )


class _QueryField(fields.Field[Mapping[str, Any]]):
    """Reads ``query`` with the schema of its kind, so that each kind names its own faults."""

    schemas: Mapping[str, Schema] = {"plate": PlateQuerySchema(), "place": PlaceQuerySchema()}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Mapping[str, Any]:
        del attr, data, kwargs
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        kind = value.get("kind")
        schema = self.schemas.get(kind) if isinstance(kind, str) else None
        if schema is None:
            raise ValidationError({"kind": [f"Not a kind served here: {', '.join(SERVED_KINDS)} are."]})
        return dict(schema.load(value))


class PurposeSchema(_Closed):
    """Why the reads are asked for, in a category and in the officer's own words."""

    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    offense = fields.String(required=True, allow_none=True, validate=validate.Regexp(SHAPE))
    statute = SafeString(120, load_default=None, allow_none=True)
    statute_state = StateCode(load_default=None, allow_none=True)
    narrative = SafeString(2000, required=True)
    case_number = SafeString(64, required=True)


class RequesterSchema(_Closed):
    """The officer who asks."""

    name = SafeString(120, required=True)
    badge = SafeString(32, required=True)
    unit = SafeString(120, load_default=None, allow_none=True)


class EndRequesterSchema(_Closed):
    """The agency and person for whom the caller asks."""

    agency = SafeString(64, required=True)
    component = SafeString(120, load_default=None, allow_none=True)
    person = SafeString(120, required=True)


class LegalProcessSchema(_Closed):
    """A paper that is said to support the request; it counts for nothing until staff have verified it."""

    kind = fields.String(required=True, validate=validate.OneOf(PROCESS_KINDS))
    form = SafeString(120, load_default=None, allow_none=True)
    court = SafeString(120, load_default=None, allow_none=True)
    judge = SafeString(120, load_default=None, allow_none=True)
    number = SafeString(64, load_default=None, allow_none=True)
    statute = SafeString(120, load_default=None, allow_none=True)
    issued_on = Day(load_default=None, allow_none=True)
    document_sha256 = fields.String(
        load_default=None, allow_none=True, validate=validate.Regexp(r"[0-9a-f]{64}\Z")
    )


class AttestationSchema(_Closed):
    """The officer's own promise, by the version of its text."""

    text_version = SafeString(32, required=True)
    accepted = StrictBoolean(required=True)


class QuerySchema(_Closed):
    """The body of ``POST /v1/queries``; ``openapi.yaml`` says the same, and a test compares the two."""

    query = _QueryField(required=True)
    purpose = fields.Nested(PurposeSchema, required=True)
    requester = fields.Nested(RequesterSchema, required=True)
    on_behalf_of = fields.Nested(EndRequesterSchema, load_default=None, allow_none=True)
    legal_process = fields.Nested(LegalProcessSchema, load_default=None, allow_none=True)
    attestation = fields.Nested(AttestationSchema, required=True)


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
class Query:
    """One well-formed request. ``start`` and ``end`` are aware UTC and half-open; made only by this module.

    ``body`` is the request as it was sent, parsed; ``digest`` is the SHA-256, in hex, of its canonical form
    (RFC 8785).
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

    def typed_words(self) -> dict[str, str]:
        """Return every field in which a person may have typed words, by the name the screen knows it by."""
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
            typed |= {
                "legal_process.form": self.legal_process.form,
                "legal_process.court": self.legal_process.court,
                "legal_process.judge": self.legal_process.judge,
                "legal_process.number": self.legal_process.number,
                "legal_process.statute": self.legal_process.statute,
            }
        return {name: text for name, text in typed.items() if text}


class _BodyReader(webargs.Parser[tuple[Any]]):
    """webargs without a web framework: the request *is* the parsed document (boxed: it may be null)."""

    def load_json(self, req: tuple[Any], schema: Schema) -> Any:
        del schema
        return req[0]

    def handle_error(self, error: ValidationError, req: tuple[Any], schema: Schema, **_: Any) -> NoReturn:
        del req, schema
        messages = error.messages_dict.get("json", error.messages_dict)
        # Names that are not repeated have one pointer between them: each is told once.
        raise InvalidRequest(tuple(dict.fromkeys(_faults(messages, ""))))


_reader: _BodyReader = _BodyReader()
_schema = QuerySchema()


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
    return _query(_reader.parse(_schema, (document,), location="json"), document)


def read_json(body: bytes) -> Any:
    """Parse strict JSON: UTF-8, no duplicate names, no NaN, bounded depth and size. Raises MalformedBody."""
    if len(body) > MAX_BODY_BYTES:
        raise MalformedBody(f"the body is longer than {MAX_BODY_BYTES} bytes")
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_integer,
        )
    except (ValueError, RecursionError):
        # The parser's own message may quote the body, so it goes no further.
        raise MalformedBody("the body is not valid JSON in UTF-8 with unique names") from None
    if _depth(document) > MAX_DEPTH:
        raise MalformedBody(f"the body is nested deeper than {MAX_DEPTH} levels")
    return document


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
        digest=hashlib.sha256(canonical(body)).hexdigest(),
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Two readers of one text could each see another request: the one judged and the one logged.
        raise ValueError("duplicate name")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else None
    if number is None or abs(number) > 2**53:
        raise ValueError("an integer beyond 2**53 has no exact value for every reader")
    return number


def _depth(document: Any) -> int:
    """Count the levels of nesting, level by level: no text is deep enough to exhaust our own stack."""
    depth, level = 0, [document]
    while level:
        depth += 1
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return depth


_UNKNOWN = "Unknown field."
_CURES = {
    "Missing data for required field.": "Add this field; openapi.yaml describes it.",
    _UNKNOWN: "Remove this field, or check its spelling against openapi.yaml.",
    "Not a valid aware datetime.": "Send a date and time with its offset, as 2026-11-01T00:00:00Z.",
    "Not a valid datetime.": "Send a date and time with its offset, as 2026-11-01T00:00:00Z.",
    "Not a valid date.": "Send a date as 2026-11-01.",
}


def _faults(messages: Any, pointer: str) -> Iterator[Fault]:
    """Flatten marshmallow's nested messages into JSON pointers (RFC 6901)."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _faults(inner, pointer + _step(key, inner))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            text = str(message)
            yield Fault(pointer, text, _CURES.get(text, "See this field in openapi.yaml."))


def _step(key: Any, messages: Any) -> str:
    """Name a field, unless the caller made the name up: it could be a plate or a person's."""
    if key == "_schema" or (messages == [_UNKNOWN] and not _misspelt(str(key))):
        return ""
    return "/" + str(key).replace("~", "~0").replace("/", "~1")[:80]


def _misspelt(name: str) -> bool:
    """Say whether a name is so near to one of the contract's that it can only be that one, misspelt."""
    return len(name) <= 40 and process.extractOne(name, _NAMES, scorer=ratio, score_cutoff=80) is not None


def _names(schema: Schema) -> Iterator[str]:
    for name, field in schema.fields.items():
        yield field.data_key or name
        if isinstance(field, fields.Nested):
            yield from _names(field.schema)


_NAMES = sorted({name for schema in (_schema, *_QueryField.schemas.values()) for name in _names(schema)})
