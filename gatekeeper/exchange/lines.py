"""One line that says all that a decision depends on: agency, request, moment, and what is on record.

``gatekeeper decide`` reads such lines, and a case of the law is one (``{"agency": …, "request": …}``);
parse, screen and decide are those of the gate, so the answer is the gate's. Only here do absent facts mean
none, and an absent ``at`` now. What is on record may be given as ``facts``: ``stops``, ``history``
(``{"days_searched": 6}``), ``patterns`` (``{"targets_today": 81}``), ``officer`` (``{"proved": true}``),
``legal_process_verified``, and ``ruling``: null, or the provisions ruled on, each with the level of who ruled
(``{"stated_reason": "staff"}``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from gatekeeper.errors import GatekeeperError, InvalidRequest, MalformedBody
from gatekeeper.exchange.decide import Decision, Permit, Situation
from gatekeeper.exchange.decide import decide as judge
from gatekeeper.exchange.fields import SafeString, StrictBoolean, StrictInteger
from gatekeeper.exchange.history import FIRST, History
from gatekeeper.exchange.offenses import Offenses
from gatekeeper.exchange.officer import NAMED, Officer
from gatekeeper.exchange.parse import Parser
from gatekeeper.exchange.patterns import MOST_COUNTED, MOST_REFUSALS, Patterns, places_of
from gatekeeper.exchange.presence import Presence
from gatekeeper.exchange.reading import read_json
from gatekeeper.exchange.rephrased import PARTS
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger import Json
from gatekeeper.ledger.stops import KINDS, SCOPES
from gatekeeper.policy import Engine


class LineRefused(InvalidRequest):
    """What is said beside the request does not have the right shape; ``messages`` says what, by field."""

    def __init__(self, messages: object) -> None:
        super().__init__(())
        self.messages = messages


@dataclass(frozen=True, slots=True)
class _Affirmation:
    kind: str
    text_version: str
    signer: str
    title: str
    signed_on: date
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class _Agency:
    id: str
    ori: str | None
    name: str
    kind: str
    state: str | None
    status: str
    has_287g: bool
    affirmations: tuple[_Affirmation, ...]


class _AffirmationSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(["affirmation", "declaration"]))
    text_version = SafeString(40, required=True)
    signer = SafeString(200, required=True)
    title = SafeString(200, required=True)
    signed_on = fields.Date(required=True)
    expires_on = fields.Date(load_default=None, allow_none=True)


class _AgencySchema(Schema):
    id = SafeString(64, required=True)
    ori = SafeString(32, load_default=None, allow_none=True)
    name = SafeString(200, load_default="")
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    state = SafeString(2, load_default=None, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(["active", "suspended", "closed"]))
    has_287g = StrictBoolean(load_default=False)
    affirmations = fields.List(fields.Nested(_AffirmationSchema), load_default=list)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> _Agency:
        signed = tuple(_Affirmation(**one) for one in loaded.pop("affirmations"))
        return _Agency(affirmations=signed, **loaded)


class _StopSchema(Schema):
    scope = fields.String(required=True, validate=validate.OneOf(SCOPES))
    value = SafeString(200, load_default=None, allow_none=True)

    class Meta:
        unknown = "exclude"


class _HistorySchema(Schema):
    days_searched = StrictInteger(1, 1000, load_default=FIRST.days_searched)
    days_under_this_case = StrictInteger(1, 1000, load_default=FIRST.days_under_this_case)
    days_under_another_case = StrictInteger(0, 1000, load_default=FIRST.days_under_another_case)
    refused_in_the_last_hour = StrictInteger(0, 1000, load_default=FIRST.refused_in_the_last_hour)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> History:
        return History(**loaded)


@dataclass(frozen=True, slots=True)
class _Stated:
    """An earlier refusal as a line states it, already compared."""

    stated: Mapping[str, Json]
    query_id: str = ""

    def against(self, _now: Mapping[str, Any]) -> dict[str, Json]:
        return dict(self.stated)


class _EarlierSchema(Schema):
    minutes_ago = StrictInteger(0, 1441, load_default=0)
    provisions = fields.List(SafeString(64), required=True)
    category = SafeString(40, load_default="criminal_investigation")
    classes_gone = fields.List(SafeString(64), load_default=list)
    taken_back = fields.List(fields.String(validate=validate.OneOf([*PARTS])), load_default=list)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> _Stated:
        return _Stated(loaded)


class _PatternsSchema(Schema):
    refused_before = fields.List(
        fields.Nested(_EarlierSchema), load_default=list, validate=validate.Length(max=MOST_REFUSALS)
    )
    more_refusals = StrictBoolean(load_default=False)
    targets_this_hour = StrictInteger(1, 201, load_default=1)
    targets_today = StrictInteger(1, 201, load_default=1)
    days_by_agency = StrictInteger(1, 30, load_default=1)
    sensitive_by_officer = StrictInteger(1, MOST_COUNTED, load_default=1)
    sensitive_by_agency = StrictInteger(1, MOST_COUNTED, load_default=1)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Patterns:
        return Patterns(
            refused=tuple(loaded["refused_before"]),
            more_refusals=loaded["more_refusals"],
            presence=Presence(
                targets_this_hour=loaded["targets_this_hour"],
                days_by_agency=loaded["days_by_agency"],
                targets_today=max(loaded["targets_this_hour"], loaded["targets_today"]),
            ),
            at_places=(loaded["sensitive_by_officer"], loaded["sensitive_by_agency"]),
        )


class _OfficerSchema(Schema):
    proved = StrictBoolean(load_default=False)
    suspended = StrictBoolean(load_default=False)
    role = SafeString(64, load_default=None, allow_none=True)
    training_age_days = StrictInteger(-100_000, 100_000, load_default=None, allow_none=True)
    session_age_hours = StrictInteger(0, 1_000_000, load_default=None, allow_none=True)

    clients_this_hour = StrictInteger(1, 1_000_000, load_default=1)
    hours_today = StrictInteger(1, 24, load_default=1)
    sessions_at_once = StrictInteger(1, 1_000_000, load_default=1)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Officer:
        return Officer(**loaded)


class _FactsSchema(Schema):
    stops = fields.List(fields.Nested(_StopSchema), load_default=list)
    history = fields.Nested(_HistorySchema, load_default=FIRST)
    patterns = fields.Nested(_PatternsSchema, load_default=lambda: _PatternsSchema().load({}))
    legal_process_verified = StrictBoolean(load_default=False)
    officer = fields.Nested(_OfficerSchema, load_default=NAMED)
    ruling = fields.Dict(
        keys=fields.String(),
        values=fields.String(validate=validate.OneOf(["staff", "counsel"])),
        load_default=None,
        allow_none=True,
    )


def _within_time(at: datetime) -> None:
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise ValidationError("No such moment in UTC.") from None


class _LineSchema(Schema):
    agency = fields.Nested(_AgencySchema, load_default=None, allow_none=True)
    request = fields.Raw(required=True)
    at = fields.AwareDateTime(load_default=None, allow_none=True, format="iso", validate=_within_time)
    end_requester = fields.Nested(_AgencySchema, load_default=None, allow_none=True)
    facts = fields.Nested(_FactsSchema, load_default=None, allow_none=True)

    class Meta:
        unknown = "exclude"  # a case file may carry what it expects


@dataclass(frozen=True, slots=True)
class _Stop:
    id: str
    scope: str
    value: str | None


def decide_line(line: bytes, engine: Engine, lexicon: Lexicon) -> dict[str, Any]:
    """Return ``{outcome, provisions, review, obligations, policy}`` for one line, or ``{error}``."""
    try:
        decision = decide_document(read_json(line), engine, lexicon)
    except LineRefused as error:
        return {"error": "the line does not have the right shape", "faults": error.messages}
    except MalformedBody:
        return {"error": "the line is not JSON in UTF-8 with unique names"}
    except InvalidRequest as error:
        faults = [{"pointer": f"/request{f.pointer}", "message": f.message} for f in error.faults]
        return {"error": "the request does not have the right shape", "faults": faults}
    except GatekeeperError as error:
        return {"error": f"{error.code}: {error}"}
    return {
        "outcome": decision.outcome,
        "provisions": [provision.code for provision in decision.unmet],
        "review": decision.review,
        "obligations": decision.obligations.as_json() if isinstance(decision, Permit) else None,
        "policy": decision.policy.as_json(),
    }


def decide_document(document: Json, engine: Engine, lexicon: Lexicon) -> Decision:
    """Decide one line, already parsed. Raises InvalidRequest (LineRefused), PolicyUnavailable."""
    try:
        line: dict[str, Any] = _LineSchema().load(document)  # type: ignore[arg-type]  # it refuses others
    except ValidationError as error:
        raise LineRefused(error.messages) from None
    query, end = Parser(Offenses.of(engine.bundle)).parse_document(line["request"]), line["end_requester"]
    facts = line["facts"] or _FactsSchema().load({})
    behalf = query.on_behalf_of
    if end is not None and (behalf is None or behalf.agency not in {end.id, end.ori}):
        end = None  # as in the gate: whoever is not the agency named is not the end requester
    situation = Situation(
        agency=line["agency"],
        end_requester=end,
        stops=[_Stop("stop", stop["scope"], stop["value"]) for stop in facts["stops"]],
        at=(line["at"] or datetime.now(UTC)).astimezone(UTC),
        history=facts["history"],
        legal_process_verified=facts["legal_process_verified"],
        ruling=facts["ruling"],
        patterns=_at(places_of(engine.bundle.data, query.cameras), facts["patterns"]),
        officer=facts["officer"],
    )
    return judge(query, screen(query.typed_words() | situation.names(), lexicon), situation, engine)


def _at(places: tuple[str, ...], stated: Patterns) -> Patterns:
    """Return the patterns of a line whose query looks at these places: which they are, the law says."""
    return replace(stated, places=places, at_places=stated.at_places if places else (0, 0))
