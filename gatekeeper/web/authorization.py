"""What Authlib does for ``/oauth/*``, and what we do instead of it.

Authlib dispatches grants and endpoints and names the errors (RFC 6749, 7009, 7662). Ours are the parsing, the
client's proof, the scopes, the token itself and every answer.

Guarantees: a token is signed with ES256, lives at most ten minutes, names one audience and carries registered
scopes only, never none; a scope outside the grant is refused, not dropped; a client revokes and looks at its
own tokens only; a revocation is committed before it is answered; no text of the caller's comes back.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from authlib.common.security import is_secure_transport
from authlib.consts import default_json_headers
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    ClientMixin,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Response, g, json, request
from joserfc import jwt

from gatekeeper.errors import SettingsRefused, Unauthenticated
from gatekeeper.exchange.authenticate import SCOPES, TOKEN_LIFE_SECONDS, Claims, TokenVerifier, admit
from gatekeeper.exchange.registrations import Clock
from gatekeeper.web.clients import ClientProof, ClientRefused, Proved, Registry, SeveralMethods
from gatekeeper.web.keys import TokenKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationServerConfig:
    """Everything the authorization server works with.

    ``refused`` is told one of ``authenticate.REASONS`` for each client that did not prove itself. ``revoke``
    is called with jti, client id, agency id and the token's end; it returns once the revocation is committed.
    """

    issuer: str
    audience: str
    keys: TokenKeys
    registry: Registry
    clock: Clock
    refused: Callable[[str], None]
    revoke: Callable[[str, str, str, datetime], None]
    allow_basic: bool = False
    token_life_s: int = TOKEN_LIFE_SECONDS

    def __post_init__(self) -> None:
        """Refuse what would be unsafe to serve. Raises SettingsRefused."""
        parts = urlsplit(self.issuer)
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc or "?" in self.issuer:
            raise SettingsRefused("the issuer must be a scheme and host only: set GATEKEEPER_BASE_URL")
        if not is_secure_transport(self.issuer):
            raise SettingsRefused("the issuer must be https (http on loopback only): set GATEKEEPER_BASE_URL")
        if not self.audience:
            raise SettingsRefused("tokens need an audience: set GATEKEEPER_BASE_URL")
        if not 1 <= self.token_life_s <= TOKEN_LIFE_SECONDS:
            raise SettingsRefused(f"a token lives 1 to {TOKEN_LIFE_SECONDS} seconds: set its life to that")

    def now(self) -> int:
        """Return the time in whole seconds. Raises ClockUnreliable."""
        return self.clock.now_ms() // 1000


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # authlib ships no types
    """A request that we parsed: what Authlib sees is the body's form and the Authorization header."""

    def __init__(self, issuer: str, form: dict[str, str]) -> None:
        headers = {name: value for name, value in request.headers.items() if name == "Authorization"}
        # The issuer's address, not the Host header's: TLS ends at the proxy, and Host is the caller's text.
        super().__init__(request.method, issuer + request.path, headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self._form = form

    @property
    def form(self) -> dict[str, str]:
        """Return the body's parameters, each once and none empty."""
        return self._form


class TokenRequester(ClientMixin):  # type: ignore[misc]  # authlib ships no types
    """A proved client, in Authlib's shape."""

    def __init__(self, proved: Proved) -> None:
        self.proved = proved

    def get_client_id(self) -> str:
        """Return the registered id, not the one that was sent."""
        return self.proved.client.id

    def check_grant_type(self, grant_type: str) -> bool:
        """Allow the one grant there is."""
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return the scopes to issue, or None for ``invalid_scope``: never fewer than were asked for."""
        registered = [name for name in SCOPES if name in self.proved.client.scopes]
        asked = registered if scope is None else scope.split(" ")
        if not asked or not set(asked) <= set(registered):
            return None
        return " ".join(name for name in SCOPES if name in asked)


class _AccessTokens(BearerTokenGenerator):  # type: ignore[misc]  # authlib ships no types
    """Signs access tokens (RFC 9068 section 2)."""

    def __init__(self, config: AuthorizationServerConfig) -> None:
        super().__init__(self._signed, expires_generator=config.token_life_s)
        self._config = config

    def _signed(self, client: TokenRequester, grant_type: str, user: None, scope: str) -> str:  # noqa: ARG002
        kid, key = self._config.keys.signing()
        now = self._config.now()
        claims = {
            "iss": self._config.issuer,
            "aud": self._config.audience,
            "sub": client.get_client_id(),
            "client_id": client.get_client_id(),
            "agency": client.proved.client.agency_id,
            "credential": client.proved.credential,
            "scope": scope,
            "jti": secrets.token_urlsafe(18),
            "iat": now,
            "exp": now + self._config.token_life_s,
        }
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims, key, algorithms=["ES256"])


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # authlib ships no types
    """The one grant. Authlib's own answer writes the token to its debug log; this one logs nothing."""

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        token = self.generate_token(scope=self.request.payload.scope, include_refresh_token=False)
        return 200, token, default_json_headers


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # authlib ships no types
    """Authlib's dispatch and error family; our parsing, client proof, tokens and answers."""

    def __init__(self, config: AuthorizationServerConfig) -> None:
        super().__init__()
        self._config = config
        self._proof = ClientProof(
            issuer=config.issuer, allow_basic=config.allow_basic, now=config.now, registry=config.registry
        )
        self.register_grant(_ClientCredentials)
        self.register_token_generator("default", _AccessTokens(config))
        own = _OwnTokens(config)
        self.register_endpoint(_Revocation(self, own))
        self.register_endpoint(_Introspection(self, own))

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Return the request as parsed by us; Authlib's own parser also reads the query string."""
        return request

    def create_token_response(self, request: TokenRequest) -> Response:
        """Answer a token request. Raises OAuth2Error, Unavailable."""
        if request.payload.grant_type is None:
            raise InvalidRequestError("grant_type is missing")
        return cast("Response", super().create_token_response(request))

    def authenticate_client(self, request: TokenRequest, *_: object) -> TokenRequester:
        """Return the client that proved itself. Raises OAuth2Error, Unavailable."""
        try:
            proved = TokenRequester(self._proof.of(request.headers.get("Authorization"), request.form))
        except SeveralMethods as refused:
            self._config.refused(refused.reason)
            raise InvalidRequestError(refused.told) from refused
        except ClientRefused as refused:
            self._config.refused(refused.reason)
            told = refused.told or "client authentication failed"
            raise InvalidClientError(told, status_code=401) from refused
        g.client_proved = True  # whatever else is wrong with the request, it is no guess
        return proved

    def handle_response(
        self, status: int, payload: dict[str, Any] | str, headers: list[tuple[str, str]]
    ) -> Response:
        """Return the response; ``headers`` forbid keeping it."""
        body = json.dumps(payload) if isinstance(payload, dict) else payload
        return Response(body, status=status, headers=headers)

    def handle_error_response(self, _: object, error: OAuth2Error) -> Response:
        """Return a refusal. Only texts of ours: Authlib's own descriptions may quote the caller."""
        return oauth_error(error.status_code, error.error, error.description)

    def send_signal(self, *_: object, **__: object) -> None:
        """Announce nothing: what a listener does with a token is out of our hands."""


class _OwnTokens:
    """Reads a token that its own client shows us."""

    def __init__(self, config: AuthorizationServerConfig) -> None:
        self.config = config
        self._verifier = TokenVerifier(config.issuer, config.audience, config.keys)

    def claims(self, asked: TokenRequest, client: TokenRequester) -> Claims | None:
        """Return the shown token's claims, or None if it is none of ours, is over, or is another client's.

        Another client's token is answered like a random string: nothing happens, nothing is learnt.

        ``token_type_hint`` is not read: there is one type. Raises OAuth2Error, Unavailable.
        """
        if "token" not in asked.form:
            raise InvalidRequestError("token is missing")
        try:
            claims = self._verifier.verify(asked.form["token"], now=self.config.now())
        except Unauthenticated:
            return None
        return claims if claims.client_id == client.get_client_id() else None


class _Revocation(RevocationEndpoint):  # type: ignore[misc]  # authlib ships no types
    """RFC 7009. Authlib's own endpoint for JWTs answers that they cannot be revoked; ours can."""

    def __init__(self, server: TokenServer, own: _OwnTokens) -> None:
        super().__init__(server)
        self._own = own

    def authenticate_token(self, request: TokenRequest, client: TokenRequester) -> Claims | None:
        """Return what there is to revoke. Raises OAuth2Error, Unavailable."""
        claims = self._own.claims(request, client)
        if claims is None:
            return None
        # Section 2.2: revoked before, it is as useless as the client wants it; the log has its entry.
        return None if self._own.config.registry.snapshot().token_revoked(claims.jti) else claims

    def create_endpoint_response(self, request: TokenRequest) -> tuple[int, str, list[tuple[str, str]]]:
        """Answer 200 with an empty body once nothing is left to revoke. Raises OAuth2Error, Unavailable."""
        super().create_endpoint_response(request)
        return 200, "", [header for header in default_json_headers if header[0] != "Content-Type"]

    def revoke_token(self, token: Claims, request: TokenRequest) -> None:  # noqa: ARG002
        """Commit the revocation. Raises Unavailable."""
        self._own.config.revoke(token.jti, token.client_id, token.agency_id, token.expires_at)


class _Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # authlib ships no types
    """RFC 7662. Another client's token, a revoked one and a random string all look the same."""

    def __init__(self, server: TokenServer, own: _OwnTokens) -> None:
        super().__init__(server)
        self._own = own

    def authenticate_token(self, request: TokenRequest, client: TokenRequester) -> Claims | None:
        """Return the claims of a token that would be accepted now. Raises OAuth2Error, Unavailable."""
        claims = self._own.claims(request, client)
        if claims is None:
            return None
        seen = self._own.config.registry.snapshot()
        try:
            admit(
                claims,
                client=seen.client(claims.client_id),
                agency=seen.agency(claims.agency_id),
                token_revoked=seen.token_revoked(claims.jti),
            )
        except Unauthenticated:
            return None
        return claims

    def create_introspection_payload(self, token: Claims | None) -> dict[str, Any]:
        """Return the answer of section 2.2: everything of a good token, nothing of any other."""
        if token is None:
            return {"active": False}
        return {
            "active": True,
            "token_type": "Bearer",
            "iss": self._own.config.issuer,
            "aud": self._own.config.audience,
            "sub": token.client_id,
            "client_id": token.client_id,
            "agency": token.agency_id,
            "scope": " ".join(name for name in SCOPES if name in token.scopes),
            "jti": token.jti,
            "iat": token.iat,
            "exp": token.exp,
        }


def oauth_error(status: int, code: str, description: str = "", *, retry_after: int | None = None) -> Response:
    """Return an error in the shape of RFC 6749 section 5.2."""
    body = {"error": code} | ({"error_description": description} if description else {})
    headers = list(default_json_headers)
    if status == 401 and "Authorization" in request.headers:
        headers.append(("WWW-Authenticate", 'Basic realm="gatekeeper"'))
    if status == 503 or retry_after is not None:
        headers.append(("Retry-After", str(retry_after or 5)))
    return Response(json.dumps(body), status=status, headers=headers)
