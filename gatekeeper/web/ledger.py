"""``/v1/ledger/*``: the log's checkpoint and the proof of any entry, for whoever checks it."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request

from gatekeeper.errors import UnknownEntry
from gatekeeper.exchange import Gate, identify
from gatekeeper.web.documents import as_json
from gatekeeper.web.presented import Presenting

_INDEX = re.compile(r"(0|[1-9][0-9]{0,15})\Z")
_FORMS = ("application/json", "text/plain")
"""A proof's two forms; the first is the one that whoever does not say gets."""


def ledger_blueprint(gate: Gate, presenting: Presenting) -> Blueprint:
    """Return the routes of the log. What they serve is public; the token only says who asked."""
    blueprint = Blueprint("ledger", __name__)

    @blueprint.get("/v1/ledger/checkpoint")
    def checkpoint() -> Response:
        identify(gate, presenting.of(request), "ledger:read")
        return Response(gate.ledger.checkpoint(), content_type="text/plain; charset=utf-8")

    @blueprint.get("/v1/ledger/entries/<index>/proof")
    def proof(index: str) -> Response:
        identify(gate, presenting.of(request), "ledger:read")
        if not _INDEX.match(index):
            raise UnknownEntry("not an index")
        proved = gate.ledger.receipt_for(int(index))
        if request.accept_mimetypes.best_match(_FORMS, _FORMS[0]) == "text/plain":
            answer = Response(proved.tlog_proof(), content_type="text/plain; charset=utf-8")
        else:
            receipt = proved.as_json()
            del receipt["openings"]  # they belong to whoever asked, not to whoever checks
            answer = as_json(receipt)
        answer.vary.add("Accept")
        return answer

    return blueprint
