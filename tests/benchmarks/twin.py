"""The ungated twin: the same server, the same question to the same store, the same records, and no gate.

Lives here alone and serves nothing but the benchmark: no authentication, no policy, no log. What the gate
costs is the difference between the two.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path

from flask import Flask, Response, request

from gatekeeper.cli import serving
from gatekeeper.records import Criteria, SqlReads
from gatekeeper.settings import Settings


def build(settings: Settings) -> Flask:
    """Build the twin over the sample store."""
    reads = SqlReads(settings.reads_url, timeout_s=settings.records_timeout)
    app = Flask("twin", static_folder=None)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response('{"status":"ok"}', content_type="application/json")

    @app.post("/v1/queries")
    def ask() -> Response:
        asked = json.loads(request.get_data(cache=False))["query"]
        page = reads.fetch(
            Criteria(
                plate=asked["plate"],
                plate_state=asked["plate_state"],
                cameras=None,
                start=datetime.fromisoformat(asked["from"]),
                end=datetime.fromisoformat(asked["to"]),
                limit=asked["limit"],
            )
        )
        body = json.dumps({"records": page.reads, "next": None}, ensure_ascii=False, separators=(",", ":"))
        return Response(body, content_type="application/json")

    return app


if __name__ == "__main__":
    serving.prepare()
    serving.Server(Settings(data=Path(sys.argv[1]), port=int(sys.argv[2])), build).run()
