"""The shapes of the bodies that agencies send, as marshmallow schemas; ``openapi.yaml`` says the same.

Guarantees: a field that the contract does not name is refused, and so is a value of another type; what is
present but empty or worthless is let through, for the policy to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from gatekeeper.exchange.documents import MEDIA_TYPES, MOST
from gatekeeper.exchange.fields import Day, Moment, Plate, SafeString, StateCode, StrictBoolean, StrictInteger
from gatekeeper.exchange.offenses import SHAPE

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


class AppealFactsSchema(_Closed):
    """What an appeal may state anew; null is nothing new."""

    case_number = SafeString(64, load_default=None, allow_none=True)
    offense = fields.String(load_default=None, allow_none=True, validate=validate.Regexp(SHAPE))
    statute = SafeString(120, load_default=None, allow_none=True)
    legal_process = fields.Nested(LegalProcessSchema, load_default=None, allow_none=True)


class DocumentSchema(_Closed):
    """A paper, as an appeal sends it; ``exchange.documents`` says what is taken."""

    name = fields.String(required=True, validate=validate.Length(1, 255))
    media_type = fields.String(required=True, validate=validate.OneOf(sorted(MEDIA_TYPES)))
    content_base64 = fields.String(required=True, validate=validate.Length(min=1))


class KeptDocumentSchema(_Closed):
    """A paper, as the log's sealed detail tells of it."""

    name = fields.String(required=True)
    media_type = fields.String(required=True)
    sha256 = fields.String(required=True)
    size = fields.Integer(required=True)


class AppealSchema(_Closed):
    """The body of ``POST /v1/queries/{id}/appeal``."""

    message = SafeString(2000, required=True)
    facts = fields.Nested(AppealFactsSchema, load_default=lambda: AppealFactsSchema().load({}))
    documents = fields.List(
        fields.Nested(DocumentSchema), load_default=list, validate=validate.Length(max=MOST)
    )


class KeptAppealSchema(_Closed):
    """An appeal that was recorded: the same, its documents told of by their hashes."""

    message = SafeString(2000, required=True)
    facts = fields.Nested(AppealFactsSchema, required=True)
    documents = fields.List(fields.Nested(KeptDocumentSchema), required=True)


SCHEMAS = (QuerySchema(), *_QueryField.schemas.values(), AppealSchema())
"""Every body that is sent; what it names is the contract's vocabulary."""
