"""The HTTP side of a witness: ``POST /add-checkpoint``, a page that says what is watched, and a health check.

Guarantees: every answer is plain text; no more of a request is read than a request may have; nothing that was
sent is repeated; what went wrong inside is said in no answer.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from gatekeeper.errors import Unavailable
from gatekeeper.witness.directory import Watched
from gatekeeper.witness.keeper import Keeper
from gatekeeper.witness.protocol import MOST_BYTES, SIZE_TYPE, SubmissionRefused

_RETRY_S = int(timedelta(seconds=10).total_seconds())


def create_app(keeper: Keeper) -> Flask:
    """Build the application of one witness."""
    app = Flask(__name__, static_folder=None)
    # One more than may be: a body that is sent in pieces is cut there, and then refused as too long.
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES + 1

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        return _plain(keeper.add_checkpoint(request.get_data(cache=False)))

    @app.get("/")
    def about() -> Response:
        return _plain(_about(keeper, keeper.logs()))

    @app.get("/healthz")
    def health() -> Response:
        keeper.logs()
        return _plain("ok\n")

    @app.errorhandler(SubmissionRefused)
    def refused(error: SubmissionRefused) -> Response:
        if error.size is not None:
            answer = _plain(f"{error.size}\n", error.status)
            answer.headers["Content-Type"] = SIZE_TYPE
            return answer
        return _plain(f"{error}\n", error.status)

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        app.logger.error("%s", error)
        answer = _plain("this witness cannot keep what it sees at the moment: nothing was cosigned\n", 503)
        answer.headers["Retry-After"] = str(_RETRY_S)
        return answer

    @app.errorhandler(HTTPException)
    def misdirected(error: HTTPException) -> Response:
        status = error.code or 500
        answer = _plain(f"{HTTPStatus(status).phrase}\n", status)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            answer.headers["Allow"] = "POST" if request.path == "/add-checkpoint" else "GET"
        return answer

    return app


def _plain(text: str, status: int = 200) -> Response:
    answer = Response(text, status, mimetype="text/plain")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _about(keeper: Keeper, logs: list[Watched]) -> str:
    """Return what a person who opens the address should know."""
    watched = "\n".join(_one(log) for log in logs) or "none yet\n"
    return (
        f"{keeper.key.name}\n\n"
        "This is a witness of transparency logs (C2SP tlog-witness). It remembers the largest tree that it\n"
        "saw of each log below, and signs a checkpoint only if everything it saw before is still in there.\n"
        "Who finds its signature under a checkpoint knows that this witness was shown that very history.\n\n"
        f"Its key, to be compared with the one that its operator published:\n\n{keeper.key}\n\n"
        f"Logs:\n\n{watched}\n"
        "To check a checkpoint: verify the log's signature and, with the key above, this witness's\n"
        "cosignature (C2SP tlog-cosignature, type 0x04). `gatekeeper witness ask` does both.\n"
        "Logs submit to POST add-checkpoint; whether the witness can answer is at GET healthz.\n"
    )


def _one(log: Watched) -> str:
    keys = "".join(f"  key  {key}\n" for key in log.keys)
    forked = "  FORKED: this log signed two trees of one size; the witness keeps both checkpoints\n"
    state = f"{log.origin}\n  size {log.last.size}\n  root {log.last.root.hex()}\n"
    return state + keys + (forked if log.forked else "")
