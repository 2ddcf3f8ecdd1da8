"""``/ledger/*``: the published log as static files, for whoever wants to check it (C2SP tlog-tiles).

Guarantees: nobody is asked who they are, and nothing is here that is not public; a file that can never change
may be kept by caches for ever, the checkpoint has to be asked for again; what is not there yet is not kept.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from gatekeeper.ledger import Published
from gatekeeper.ledger.published import CHECKPOINT


def published_blueprint(published: Published) -> Blueprint:
    """Return the routes of the published log."""
    blueprint = Blueprint("published", __name__)

    @blueprint.get("/ledger/checkpoint")
    def checkpoint() -> Response:
        return _open(published.file(CHECKPOINT), "text/plain; charset=utf-8", "public, no-cache")

    @blueprint.get("/ledger/tile/<path:tile>")
    def tile(tile: str) -> Response:
        lasting = "public, max-age=31536000, immutable"
        return _open(published.file(f"tile/{tile}"), "application/octet-stream", lasting)

    return blueprint


def _open(body: bytes, content_type: str, caching: str) -> Response:
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = caching
    response.headers["Access-Control-Allow-Origin"] = "*"  # a verifier may run in anybody's page
    response.add_etag()
    response.make_conditional(request)
    return response
