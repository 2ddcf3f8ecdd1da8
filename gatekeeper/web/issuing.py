"""What is issued: an access token for one proved client, and what goes into it.

Guarantees: a token is signed with ES256, lives at most ten minutes, names one audience and carries registered
scopes only, never none; it is bound to the key of the DPoP proof that it was asked for with, else, for a
client of the profile ``fapi``, which gets no other, to the certificate of the connection; what it was pinned
to (``authorization_details``) is in it and in the answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from authlib.common.security import is_secure_transport
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from gatekeeper.errors import SettingsRefused
from gatekeeper.exchange import details
from gatekeeper.exchange.authenticate import SCOPES, TOKEN_LIFE_SECONDS, thumbprint_of
from gatekeeper.exchange.dpop import Proof
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.registrations import Clock
from gatekeeper.web.clients import Proved, Registry
from gatekeeper.web.key_sets import KeySets
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
    nonces: Nonces
    profiles: frozenset[str]
    mutual_tls: bool = False
    key_sets: KeySets | None = None
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

    def __init__(self, presented: Presented, form: dict[str, str]) -> None:
        headers = {} if presented.authorization is None else {"Authorization": presented.authorization}
        # The issuer's address, not the Host header's: TLS ends at the proxy, and Host is the caller's text.
        super().__init__(presented.method, presented.uri, headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self.presented = presented
        self._form = form

    @property
    def form(self) -> dict[str, str]:
        """Return the body's parameters, each once and none empty."""
        return self._form


class TokenRequester(ClientMixin):  # type: ignore[misc]  # authlib ships no types
    """A proved client, in Authlib's shape, and the proof of a key that it sent with its request."""

    def __init__(self, proved: Proved, proof: Proof | None) -> None:
        self.proved = proved
        self.proof = proof

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


class AccessTokens:
    """Signs access tokens (RFC 9068 section 2)."""

    def __init__(self, config: AuthorizationServerConfig) -> None:
        self._config = config

    def answer(self, asked: TokenRequest, client: TokenRequester, scope: str) -> dict[str, Any]:
        """Return the answer to a token request (RFC 6749 section 5.1). Raises OAuth2Error, Unavailable."""
        pinned = _pinned(asked)
        bound = _binding(asked.presented, client)
        now = self._config.now()
        claims: dict[str, Any] = {
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
            **({"cnf": bound} if bound else {}),
            **pinned,
        }
        return {
            "access_token": self._config.keys.signed(claims),
            "token_type": "DPoP" if "jkt" in bound else "Bearer",
            "expires_in": self._config.token_life_s,
            "scope": scope,
            **pinned,
        }


def _binding(presented: Presented, client: TokenRequester) -> dict[str, str]:
    """Return the token's ``cnf`` (RFC 7800): the key that was proved, else the connection's certificate.

    Raises InvalidRequestError for a client whose tokens must be bound, and that showed neither.
    """
    if client.proof is not None:
        return {"jkt": client.proof.thumbprint}
    if client.proved.client.profile != "fapi":
        return {}
    if presented.certificate is None:
        raise InvalidRequestError("send a DPoP proof, or ask over mutual TLS: the token is bound to that")
    return {"x5t#S256": thumbprint_of(presented.certificate)}


def _pinned(asked: TokenRequest) -> dict[str, Any]:
    """Return what the token is to be pinned to, as it stands in token and answer. Raises OAuth2Error."""
    if (text := asked.form.get("authorization_details")) is None:
        return {}
    try:
        return {"authorization_details": [detail.as_json() for detail in details.read(text)]}
    except details.DetailsRefused as refused:
        raise InvalidAuthorizationDetailsError(str(refused)) from None


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc]  # authlib ships no types
    """RFC 9396 section 5: details that we do not understand, or do not take."""

    error = "invalid_authorization_details"
