"""What Authlib does for ``/oauth/*``, and what we do instead of it.

Authlib dispatches grants and endpoints and names the errors (RFC 6749, 7009, 7662). Ours are the parsing, the
client's proof, the scopes, the token itself (``issuing``) and every answer.

Guarantees: a scope outside the grant is refused, not dropped; the proof of a key is looked at before the
client's, which works only once; a client revokes and looks at its own tokens only; a revocation is committed
before it is answered; no text of the caller's comes back.
"""

from __future__ import annotations

from typing import Any, cast

from authlib.consts import default_json_headers
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
)
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Response, g, json, request

from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange.authenticate import (
    SCOPES,
    Claims,
    TokenVerifier,
    admit,
)
from gatekeeper.exchange.dpop import Proof, ProofRefused, prove
from gatekeeper.exchange.presented import Presented
from gatekeeper.web.clients import ClientProof, ClientRefused, SeveralMethods
from gatekeeper.web.issuing import AccessTokens, AuthorizationServerConfig, TokenRequest, TokenRequester


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # authlib ships no types
    """RFC 8707 section 2: a resource that no token of ours is for."""

    error = "invalid_target"


class InvalidProofError(OAuth2Error):  # type: ignore[misc]  # authlib ships no types
    """RFC 9449 section 5: the DPoP proof is not good."""

    error = "invalid_dpop_proof"


class NonceWantedError(OAuth2Error):  # type: ignore[misc]  # authlib ships no types
    """RFC 9449 section 8: the proof must carry the nonce of this answer's header."""

    error = "use_dpop_nonce"


class _ClientCredentials(ClientCredentialsGrant):  # type: ignore[misc]  # authlib ships no types
    """The one grant. Authlib's own answer writes the token to its debug log; this one logs nothing."""

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        client = self.request.client
        scope = client.get_allowed_scope(self.request.payload.scope)
        if scope is None:
            raise InvalidScopeError
        return 200, self.server.tokens.answer(self.request, client, scope), default_json_headers


class TokenServer(AuthorizationServer):  # type: ignore[misc]  # authlib ships no types
    """Authlib's dispatch and error family; our parsing, client proof, tokens and answers."""

    def __init__(self, config: AuthorizationServerConfig) -> None:
        super().__init__()
        self._config = config
        self._clients = ClientProof(
            issuer=config.issuer, profiles=config.profiles, now=config.now, registry=config.registry
        )
        self.tokens = AccessTokens(config)
        self.register_grant(_ClientCredentials)
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
        if request.form.get("resource", self._config.audience) != self._config.audience:
            raise InvalidTargetError(f"tokens are for {self._config.audience} alone")
        return cast("Response", super().create_token_response(request))

    def authenticate_client(self, request: TokenRequest, *_: object) -> TokenRequester:
        """Return the client that proved itself. Raises OAuth2Error, Unavailable."""
        # First the proof of the key, which says when a nonce is wanted: an assertion works only once.
        proof = self._proved_key(request.presented)
        try:
            proved = self._clients.of(request.presented, request.form)
        except SeveralMethods as refused:
            self._config.refused(refused.reason)
            raise InvalidRequestError(refused.told) from refused
        except ClientRefused as refused:
            self._config.refused(refused.reason)
            told = refused.told or "client authentication failed"
            raise InvalidClientError(told, status_code=401) from refused
        g.no_guess = True  # the client is proved, whatever else is wrong with the request
        if proof is not None and not self._config.registry.claim_jti("dpop", proof.used, proof.kept_until):
            self._config.refused("proof_replayed")
            raise InvalidProofError("this proof was used before: sign another")
        return TokenRequester(proved, proof)

    def _proved_key(self, presented: Presented) -> Proof | None:
        if presented.dpop is None:
            return None
        try:
            return prove(presented, self._config.nonces, now=self._config.now())
        except ProofRefused as refused:
            self._config.refused(refused.fault)
            if refused.fault == "proof_nonce":
                g.no_guess = True  # every client's first request: it has no nonce yet
                raise NonceWantedError("put the nonce of the header DPoP-Nonce into the proof") from None
            raise InvalidProofError("the proof is not good for this request (RFC 9449 section 4.3)") from None

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
        self._verifier = TokenVerifier(
            config.issuer, config.audience, config.keys, config.nonces, profiles=config.profiles
        )

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
                profiles=self._own.config.profiles,
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
            "token_type": "Bearer" if token.thumbprint is None else "DPoP",
            "iss": self._own.config.issuer,
            "aud": self._own.config.audience,
            "sub": token.client_id,
            "client_id": token.client_id,
            "agency": token.agency_id,
            "scope": " ".join(name for name in SCOPES if name in token.scopes),
            "jti": token.jti,
            "iat": token.iat,
            "exp": token.exp,
            **_confirmed(token),
        }


def _confirmed(token: Claims) -> dict[str, Any]:
    bound = {"jkt": token.thumbprint, "x5t#S256": token.certificate}
    said = {name: value for name, value in bound.items() if value is not None}
    pinned = [detail.as_json() for detail in token.details]
    return ({"cnf": said} if said else {}) | ({"authorization_details": pinned} if pinned else {})


def oauth_error(status: int, code: str, description: str = "", *, retry_after: int | None = None) -> Response:
    """Return an error in the shape of RFC 6749 section 5.2."""
    body = {"error": code} | ({"error_description": description} if description else {})
    headers = list(default_json_headers)
    if status == 401 and "Authorization" in request.headers:
        headers.append(("WWW-Authenticate", 'Basic realm="gatekeeper"'))
    if status == 503 or retry_after is not None:
        headers.append(("Retry-After", str(retry_after or 5)))
    return Response(json.dumps(body), status=status, headers=headers)
