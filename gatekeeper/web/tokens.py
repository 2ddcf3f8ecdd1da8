"""The authorization server: who may ask, for what, and for the next ten minutes.

Routes: ``/oauth/token`` (client credentials, RFC 6749 section 4.4), ``/oauth/revoke`` (RFC 7009),
``/oauth/introspect`` (RFC 7662), ``/oauth/jwks`` (RFC 7517) and ``/.well-known/oauth-authorization-server``
(RFC 8414).

Guarantees: a token is a JWT of RFC 9068, signed with ES256, that lives at most ten minutes, names one
audience, and carries a subset of the client's registered scopes, never none; there is no refresh token; a
revocation is committed before it is answered, and no client fills the log with them (``exchange.quotas``); a
client can revoke and look at its own tokens only. Every refusal has the shape of RFC 6749 section 5.2 and
repeats nothing that was sent, and no token, assertion or secret is logged. Addresses come from the configured
issuer, never from a Host header.

What it is trusted with: whoever controls it can name any registered agency as the caller; it cannot make a
policy permit, and each decision is still logged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Blueprint, Response, g, json, request
from werkzeug.exceptions import InternalServerError, RequestEntityTooLarge

from gatekeeper.errors import QuotaExceeded, Unauthenticated, Unavailable
from gatekeeper.exchange.authenticate import SCOPES
from gatekeeper.exchange.compact import ALGORITHMS
from gatekeeper.exchange.details import TYPE as DETAIL_TYPE
from gatekeeper.web.authorization import TokenServer, oauth_error
from gatekeeper.web.brake import Brake
from gatekeeper.web.issuing import AuthorizationServerConfig, TokenRequest
from gatekeeper.web.keys import JWKS_CACHE_SECONDS
from gatekeeper.web.metrics import BRAKED
from gatekeeper.web.presented import Presenting

__all__ = ["AuthorizationServerConfig", "metadata", "tokens_blueprint"]

_BODY_BYTES = 16 * 1024
_PARAMETERS = 20
_FAILURES = frozenset({400, 401, 413})
_FORM = "application/x-www-form-urlencoded"


def tokens_blueprint(
    config: AuthorizationServerConfig, presenting: Presenting, brake: Brake | None = None
) -> Blueprint:
    """Return the routes of the authorization server; *brake* slows who fails again and again."""
    blueprint = Blueprint("tokens", __name__)
    server = TokenServer(config)

    def answer(create: Callable[[TokenRequest], Response]) -> Response:
        ask = partial(_asked, server, presenting, create)
        return ask() if brake is None else _braked(brake, ask)

    @blueprint.post("/oauth/token")
    def token() -> Response:
        return answer(server.create_token_response)

    @blueprint.post("/oauth/revoke")
    def revoke() -> Response:
        return answer(lambda asked: server.create_endpoint_response("revocation", asked))

    @blueprint.post("/oauth/introspect")
    def introspect() -> Response:
        return answer(lambda asked: server.create_endpoint_response("introspection", asked))

    @blueprint.get("/oauth/jwks")
    def jwks() -> Response:
        return _cached(config.keys.jwks())

    @blueprint.get("/.well-known/oauth-authorization-server")
    def discovery() -> Response:
        return _cached(metadata(config))

    @blueprint.errorhandler(Unauthenticated)
    def unverified(refused: Unauthenticated) -> Response:  # a certificate that the proxy did not verify
        config.refused(refused.reason)
        return oauth_error(401, "invalid_client", "client authentication failed")

    _install_failures(blueprint)
    return blueprint


def _install_failures(blueprint: Blueprint) -> None:
    @blueprint.errorhandler(Unavailable)
    def unavailable(_: Unavailable) -> Response:
        return oauth_error(503, "temporarily_unavailable", "try again later")

    @blueprint.errorhandler(QuotaExceeded)
    def too_many(over: QuotaExceeded) -> Response:
        told = "too many revocations of this client: the token is not revoked yet"
        return oauth_error(429, "temporarily_unavailable", told, retry_after=over.wait_seconds)

    @blueprint.errorhandler(InternalServerError)
    def broken(_: InternalServerError) -> Response:
        return oauth_error(500, "server_error")


def _asked(
    server: TokenServer, presenting: Presenting, create: Callable[[TokenRequest], Response]
) -> Response:
    try:
        return create(TokenRequest(presenting.of(request), _form()))
    except OAuth2Error as refused:
        return server.handle_error_response(None, refused)


def _braked(brake: Brake, ask: Callable[[], Response]) -> Response:
    """Answer, unless this address failed too often within the minute. Raises Unavailable."""
    caller = brake.caller(request.remote_addr, request.headers.getlist("X-Forwarded-For"))
    if seconds := brake.wait(caller):
        BRAKED.inc()
        told = "too many failures from this address"
        return oauth_error(429, "temporarily_unavailable", told, retry_after=seconds)
    response = ask()
    if response.status_code in _FAILURES and not g.get("no_guess"):
        brake.failed(caller)
    return response


def metadata(config: AuthorizationServerConfig) -> dict[str, Any]:
    """Return the authorization server metadata of RFC 8414 section 2."""
    methods = [
        "private_key_jwt",
        *(["tls_client_auth"] if config.mutual_tls else []),
        *(["client_secret_basic"] if "basic" in config.profiles else []),
    ]
    document: dict[str, Any] = {
        "issuer": config.issuer,
        "jwks_uri": f"{config.issuer}/oauth/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": config.mutual_tls,
        "authorization_details_types_supported": [DETAIL_TYPE],
        "service_documentation": f"{config.issuer}/docs",
    }
    for endpoint, path in (("token", "token"), ("revocation", "revoke"), ("introspection", "introspect")):
        document |= {
            f"{endpoint}_endpoint": f"{config.issuer}/oauth/{path}",
            f"{endpoint}_endpoint_auth_methods_supported": methods,
            f"{endpoint}_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        }
    return document


def _form() -> dict[str, str]:
    """Read the request's parameters, each once. Raises InvalidRequestError."""
    if request.query_string:
        # Access logs keep addresses; RFC 6749 section 2.3.1 forbids credentials in them.
        raise InvalidRequestError("send parameters in the body, never in the address")
    if request.mimetype != _FORM or request.content_encoding not in {None, "", "identity"}:
        raise InvalidRequestError(f"the body must be {_FORM}")
    try:
        pairs = parse_qsl(
            _body(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_PARAMETERS
        )
    except ValueError as malformed:
        raise InvalidRequestError("the body is not well-formed") from malformed
    form = dict(pairs)
    if len(form) != len(pairs):
        raise InvalidRequestError("a parameter is repeated")
    if not all(name.isprintable() and value.isprintable() for name, value in pairs):
        raise InvalidRequestError("a parameter holds control characters")
    # RFC 6749 section 3.2: a parameter without a value is treated as if it were not there.
    return {name: value for name, value in pairs if value}


def _body() -> str:
    """Read the whole body, in ASCII as a form is. Raises InvalidRequestError, ValueError."""
    # One byte more: Werkzeug cuts a chunked body at the limit without a word, and half a form is not a form.
    request.max_content_length = _BODY_BYTES + 1
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        body = None
    if body is None or len(body) > _BODY_BYTES:
        raise InvalidRequestError("the body is too large", status_code=413)
    return body.decode("ascii")


def _cached(document: Mapping[str, Any]) -> Response:
    headers = {"Cache-Control": f"public, max-age={JWKS_CACHE_SECONDS}"}
    return Response(json.dumps(document), content_type="application/json", headers=headers)
