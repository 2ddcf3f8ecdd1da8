"""``/v1/queries``: HTTP to and from ``exchange``; nothing is decided here."""

from __future__ import annotations

import re
from functools import partial

from flask import Blueprint, Response, g, request
from marshmallow import Schema, fields
from marshmallow.validate import Length, OneOf
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge, UnsupportedMediaType

from gatekeeper.errors import Fault, InvalidRequest
from gatekeeper.exchange import Answer, Gate, admit, answer, covered, further_records, log, status_of
from gatekeeper.exchange.appeal import MAX_APPEAL_BYTES, appeal
from gatekeeper.exchange.letter import letter_of
from gatekeeper.exchange.reading import MAX_BODY_BYTES
from gatekeeper.web.console import letter_words as letters
from gatekeeper.web.documents import as_json
from gatekeeper.web.lease import EXPIRED, LEASE
from gatekeeper.web.limits import put
from gatekeeper.web.presented import Presenting
from gatekeeper.web.query_string import QueryStringParser
from gatekeeper.web.requests import record_unsent

_KEY = re.compile(r"[\x21-\x7e]{1,128}\Z")


class _Options(Schema):
    dry_run = fields.String(load_default="false", validate=OneOf(("true", "false")))


class _Page(Schema):
    cursor = fields.String(load_default=None, validate=Length(1, 2048))


# Made once: to make a schema takes longer than to read with it.
_OPTIONS, _PAGE, _LETTER = _Options(), _Page(), letters.Wanted()


def queries_blueprint(gate: Gate, presenting: Presenting) -> Blueprint:
    """Return the routes of queries."""
    blueprint = Blueprint("queries", __name__)
    parser: FlaskParser = QueryStringParser()

    @blueprint.post("/v1/queries")
    def ask() -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType
        options = parser.parse(_OPTIONS, request, location="query")
        given = answer(
            gate,
            presenting.of(request),
            _body(),
            dry_run=options["dry_run"] == "true",
            idempotency_key=_idempotency_key(),
        )
        return _send(gate, given)

    @blueprint.get("/v1/queries/<query_id>")
    def status(query_id: str) -> Response:
        return as_json(status_of(gate, presenting.of(request), query_id))

    @blueprint.get("/v1/queries/<query_id>/letter")
    def letter(query_id: str) -> Response:
        admitted, caller, _ = admit(gate, presenting.of(request), "reads:query")
        covered(admitted, caller, query_id)
        wanted = parser.parse(_LETTER, request, location="query")
        return letters.answer(letter_of(admitted, query_id, caller.agency_id), wanted)

    @blueprint.post("/v1/queries/<query_id>/appeal")
    def add(query_id: str) -> Response:
        if request.mimetype != "application/json":
            raise UnsupportedMediaType
        given = appeal(
            gate,
            presenting.of(request),
            query_id,
            _body(MAX_APPEAL_BYTES),
            idempotency_key=_idempotency_key(),
        )
        return _send(gate, given)

    @blueprint.get("/v1/queries/<query_id>/records")
    def records(query_id: str) -> Response:
        if request.method == "HEAD":  # a release would be logged that nobody gets
            raise MethodNotAllowed(["GET"])
        page = parser.parse(_PAGE, request, location="query")
        given = further_records(gate, presenting.of(request), query_id, page["cursor"])
        return _send(gate, given)

    return blueprint


def _send(gate: Gate, given: Answer) -> Response:
    g.query_id, g.outcome, g.provisions = given.query_id, given.outcome, given.provisions
    if given.lease is not None:
        request.environ[LEASE] = given.lease
        request.environ[EXPIRED] = partial(_not_sent, gate, given, g.request_id)
    return put(Response(given.body, status=given.status, content_type=given.content_type), given.left)


def _not_sent(gate: Gate, given: Answer, request_id: str) -> None:
    record_unsent(request_id, given.query_id)
    log.refused(gate.ledger, given.query_id, given.receiver, "lease_expired", "release")


def _body(most: int = MAX_BODY_BYTES) -> bytes:
    # Werkzeug cuts a chunked body at the limit in silence: a cut request must not be read as another one.
    g.most_bytes = most
    request.max_content_length = most + 1
    body = request.get_data(cache=False)
    if len(body) > most:
        raise RequestEntityTooLarge
    return body


def _idempotency_key() -> str | None:
    values = request.headers.getlist("Idempotency-Key")
    if not values:
        return None
    if len(values) > 1 or not _KEY.match(values[0]):
        fault = Fault(
            "Idempotency-Key:", "Not 1 to 128 printable characters.", "Send one key, such as a random UUID."
        )
        raise InvalidRequest([fault])
    return values[0]
