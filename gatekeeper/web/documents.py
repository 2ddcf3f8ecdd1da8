"""JSON answers that carry no records."""

from __future__ import annotations

import json

from flask import Response

from gatekeeper.ledger import Json


def as_json(document: Json, status: int = 200) -> Response:
    """Return the document as ``application/json``. Raises ValueError for NaN: it is not JSON."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, status=status, content_type="application/json")
