"""Every error's answer, made in one place: RFC 9457 problem documents (the console shows pages instead).

Guarantees: an error that is not in the table says nothing but that the service failed (500); no answer
repeats what a caller sent, but for an offense code that does not exist; a 401 names the scheme (RFC 6750
section 3.1) and, where it is the proof of a key that is not good, says so (RFC 9449 section 7.1), a 503 says
when to ask again.
``/oauth/*`` keeps RFC 6749's shape and answers for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from gatekeeper import errors
from gatekeeper.errors import Fault, GatekeeperError
from gatekeeper.exchange.compact import ALGORITHMS
from gatekeeper.exchange.dpop import ProofFault
from gatekeeper.exchange.officer import OfficerFault
from gatekeeper.ledger import Json
from gatekeeper.web import limits
from gatekeeper.web.presented import scheme_of

PROBLEM = "application/problem+json"
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    title: str
    detail: str


_KINDS: dict[type[GatekeeperError], _Kind] = {
    errors.Unauthenticated: _Kind(
        401,
        "Not authenticated",
        "Send a valid access token in the Authorization header: DPoP <token> with a proof in the header "
        "DPoP, or Bearer <token> where it is bound to no key.",
    ),
    errors.OfficerRefused: _Kind(
        401,
        "The officer was not proved",
        "The header Officer-Assertion came with the request and is not good. Sign a new one for this "
        "request, as Officer-Assertion in openapi.yaml says.",
    ),
    errors.InsufficientScope: _Kind(
        403, "The token lacks a scope", "Ask for a token that carries the scope named in WWW-Authenticate."
    ),
    errors.TokenPinned: _Kind(
        403, "The token was asked for another purpose or case", "The fault names what differs, and its cure."
    ),
    errors.MalformedBody: _Kind(
        400, "The body is not JSON", "Send JSON in UTF-8, each name once, at most 16 levels deep."
    ),
    errors.InvalidRequest: _Kind(
        422, "The request does not have the right shape", "Each fault names a field and its cure."
    ),
    errors.InvalidCursor: _Kind(
        422, "Not a cursor of this query", "Use `next` of the last answer to this query, unchanged."
    ),
    errors.IdempotencyMismatch: _Kind(
        422,
        "The Idempotency-Key was used for another body",
        "Send a new Idempotency-Key, or the same body as before.",
    ),
    errors.IdempotencyInFlight: _Kind(
        409, "The same request is being decided", "Wait for its answer, then ask again with the same key."
    ),
    errors.QuotaExceeded: _Kind(
        429,
        "More than a limit allows",
        "Nothing was released. `violated-policies` names what is used up; ask again when Retry-After says. "
        "GET /v1/agency shows your agency's limits.",
    ),
    errors.UnknownQuery: _Kind(404, "No such query", "Use a query_id that was answered to your agency."),
    errors.NotDenied: _Kind(
        409, "The query was not denied", "There is a letter of a denial only. Read how the query stands."
    ),
    errors.AppealRefused: _Kind(409, "Nothing can be added to this query", "Nothing was recorded."),
    errors.UnknownEntry: _Kind(404, "No such entry", "Ask for an index below the checkpoint's tree size."),
    errors.UnknownTile: _Kind(
        404,
        "No such file of the log",
        "Ask for a tile of the published checkpoint, at the path that C2SP tlog-tiles gives it.",
    ),
    errors.Unavailable: _Kind(
        503, "The gatekeeper cannot answer for itself", "Nothing was released. Ask again later."
    ),
    errors.LedgerCorrupt: _Kind(
        503, "The log is not as it was signed", "Nothing was released. The city must put its log right first."
    ),
    errors.Superseded: _Kind(503, "The registry kept changing", "Nothing was released. Ask again."),
    errors.KeyErased: _Kind(503, "A day's key is missing", "Nothing was released. Ask again later."),
    errors.EntryRefused: _Kind(503, "The answer could not be logged", "Nothing was released."),
}
_SPECIFIC: dict[str, str] = {
    "clock_unreliable": "The clock of this server cannot be trusted.",
    "policy_unavailable": "The policy could not be asked.",
    "records_unavailable": "The store of plate reads did not answer as it should.",
    "over_released": "The store of plate reads returned more than was permitted.",
    "ledger_unavailable": "The decision could not be logged.",
    "store_unavailable": "The gatekeeper's own state cannot be read.",
    "no_review": "No person reviews this query: the law leaves nothing to decide, or it was permitted. "
    "Read the remedies of its decision, and send a new query.",
    "review_closed": "The review is over: fetch the records if it was permitted, else send a new query.",
    "appeals_exhausted": "As often as the city's policy allows something was added: send a new query.",
    "request_erased": "What was asked has been erased at the end of the city's retention: send a new query.",
    "lease_expired": "The answer was not sent in time.",
}
_HTTP = {
    400: ("bad_request", "Bad request"),
    404: ("not_found", "Not found"),
    405: ("method_not_allowed", "Method not allowed"),
    408: ("request_timeout", "The request took too long"),
    411: ("length_required", "Content-Length is required"),
    413: ("body_too_large", "The body is too large"),
    414: ("uri_too_long", "The address is too long"),
    415: ("unsupported_media_type", "Send application/json"),
    431: ("header_too_large", "A header is too large"),
}
_FAILED = ("internal", "The gatekeeper failed")


def problem(error: GatekeeperError) -> Response:
    """Return the problem document of one of our errors."""
    kind = _kind(error)
    if kind is None:
        return document(500, *_FAILED, "Nothing was released.")
    specific = _SPECIFIC.get(error.code)
    detail = f"{specific} {kind.detail}" if specific else kind.detail
    faults = error.faults if isinstance(error, errors.InvalidRequest) else ()
    more = limits.told(error) if isinstance(error, errors.QuotaExceeded) else {}
    response = document(kind.status, error.code, kind.title, detail, faults, more)
    if isinstance(error, errors.Unauthenticated):
        for challenge in _challenges(error.reason):
            response.headers.add("WWW-Authenticate", challenge)
    elif isinstance(error, errors.QuotaExceeded):
        limits.refuse(response, error)
    elif isinstance(error, errors.InsufficientScope):
        said = f'{_scheme()} error="insufficient_scope", scope="{error.scope}"'
        response.headers["WWW-Authenticate"] = said
    return response


def _challenges(reason: str) -> list[str]:
    """Return what a caller is told of how to come in (RFC 6750 section 3, RFC 9449 section 7.1)."""
    algorithms = f'algs="{" ".join(ALGORITHMS)}"'
    if reason in get_args(OfficerFault):
        # RFC 9470's own word: the token is good, but not who sits at the keyboard.
        return [f'{_scheme()} error="insufficient_user_authentication"']
    if reason in {"no_credentials", "wrong_scheme"}:
        return ["Bearer", f"DPoP {algorithms}"]
    if reason in get_args(ProofFault):
        error = "use_dpop_nonce" if reason == "proof_nonce" else "invalid_dpop_proof"
        return [f'DPoP error="{error}", {algorithms}']
    error = 'error="invalid_token"'
    return [f"DPoP {error}, {algorithms}" if _scheme() == "DPoP" else f"Bearer {error}"]


def _scheme() -> str:
    return "DPoP" if scheme_of(request) == "dpop" else "Bearer"


def document(
    status: int,
    code: str,
    title: str,
    detail: str,
    faults: tuple[Fault, ...] = (),
    more: Mapping[str, Json] = MappingProxyType({}),
) -> Response:
    """Return a problem document; ``code`` names its type, described under ``/docs``, *more* are its own."""
    body: dict[str, Json] = {
        "type": f"/docs#problem-{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": g.get("request_id"),
    }
    if faults:
        body["faults"] = [
            {"pointer": fault.pointer, "message": fault.message, "cure": fault.cure} for fault in faults
        ]
    body |= more
    response = Response(json.dumps(body, ensure_ascii=False), status=status, content_type=PROBLEM)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def note(error: Exception) -> tuple[int, str]:
    """Keep for the line of log and the figures what went wrong; return the answer's status and code."""
    if isinstance(error, GatekeeperError):
        g.fault = error.code
        kind = _kind(error)
        return (500 if kind is None else kind.status), error.code
    if isinstance(error, HTTPException):
        status = error.code or 500
        g.fault = _HTTP.get(status, _FAILED)[0]
        return status, g.fault
    # The type is enough to find it by the request id; its text could quote a request.
    g.fault = f"internal:{type(error).__name__}"
    g.trace = error
    return 500, "internal"


def install(app: Flask) -> None:
    """Answer every error of the application with a problem document."""

    @app.errorhandler(GatekeeperError)
    def ours(error: GatekeeperError) -> Response:
        note(error)
        return problem(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status, code = note(error)
        detail = "Nothing was released."
        if status == 413 and g.get("most_bytes") is not None:
            detail = f"At most {g.most_bytes:,} bytes are taken here. {detail}"
        response = document(status, code, _HTTP.get(status, _FAILED)[1], detail)
        for name, value in error.get_headers():
            if name in {"Allow", "Retry-After"}:
                response.headers[name] = value
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        note(error)
        return document(500, *_FAILED, "Nothing was released.")


def _kind(error: GatekeeperError) -> _Kind | None:
    return next((_KINDS[c] for c in type(error).__mro__ if c in _KINDS), None)
