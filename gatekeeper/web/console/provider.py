"""The city's identity provider: where a browser is sent, and who came back (OpenID Connect, code flow, PKCE).

Guarantees: what the provider publishes is believed only if it names itself as the city does, and each of its
addresses is https (or on this machine, as it is itself); no redirect of an answer is followed, none is read
beyond a cap or a deadline (``policy.wire``), and few are waited for at once: a provider that hangs does not
take the gate's threads. Whatever fails, nobody is named.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

from authlib.integrations.requests_client.oauth2_session import OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client

from gatekeeper.policy.wire import Session
from gatekeeper.web.console.id_token import Expected, Person, TokenRefused, UnknownKey, check

TIMEOUT_S: Final = 4.0
_KEPT_S: Final = 600.0
_REST_S: Final = 5.0  # after a failure, and between two looks for a new key
_AT_ONCE: Final = 2
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class ProviderFault(Exception):
    """Nobody is named. ``reason``: it did not answer as it should, it refused, or its word proves nothing."""

    def __init__(self, reason: Literal["unavailable", "refused", "unproved"]) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Published:
    """What the provider says of itself, and its keys, as of a moment."""

    metadata: Mapping[str, Any]
    keys: tuple[Mapping[str, Any], ...]
    at: float


class Provider:
    """One provider, and this gatekeeper as its client."""

    def __init__(
        self, issuer: str, *, client_id: str, client_secret: str, base_url: str, ca_file: str | None = None
    ) -> None:
        self.issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._ca_file = ca_file
        self._callback = f"{base_url}/console/oidc/callback"
        self._signed_out = f"{base_url}/console/signed-out"
        self._published: _Published | None = None
        self._failed_at = float("-inf")
        self._asking = threading.BoundedSemaphore(_AT_ONCE)

    def address(self, *, state: str, nonce: str, verifier: str, longest_ago: int, again: bool) -> str:
        """Return where to send a browser; *again*: the person is to be asked anew. Raises ProviderFault."""
        metadata = self._look().metadata
        more: dict[str, Any] = {"prompt": "login"} if again else {}
        with self._client() as client:
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                max_age=longest_ago,
                **more,
            )
        return str(address)

    def answered(self, answer: Mapping[str, str]) -> str:
        """Return the code of an answer that is this provider's (RFC 9207). Raises ProviderFault."""
        said = answer.get("iss")
        needed = self._look().metadata.get("authorization_response_iss_parameter_supported") is True
        if said != self.issuer and (said is not None or needed):
            raise ProviderFault("unproved")  # another provider's answer, mixed up with this sign-in
        if "error" in answer or not answer.get("code"):
            raise ProviderFault("refused")
        return answer["code"]

    def person(
        self, code: str, *, nonce: str, verifier: str, asked_since: datetime, now: Callable[[], datetime]
    ) -> tuple[Person, str]:
        """Return who came back with a code, and their ID token. Raises ProviderFault."""
        token = self._exchange(code, verifier)
        expected = Expected(self.issuer, self._client_id, nonce, asked_since)
        try:
            try:
                return check(token, self._look().keys, expected, now()), token
            except UnknownKey:
                return check(token, self._look(anew=True).keys, expected, now()), token
        except TokenRefused:
            raise ProviderFault("unproved") from None

    def farewell(self, id_token: str, state: str) -> str | None:
        """Return where a browser ends its session at the provider (RP-Initiated Logout 1.0), if it can."""
        try:
            endpoint = self._look().metadata.get("end_session_endpoint")
        except ProviderFault:
            return None
        if not isinstance(endpoint, str):
            return None
        query = {
            "id_token_hint": id_token,
            "client_id": self._client_id,
            "post_logout_redirect_uri": self._signed_out,
            "state": state,
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def _exchange(self, code: str, verifier: str) -> str:
        metadata = self._look().metadata
        basic = (quote(self._client_id, safe=""), quote(self._client_secret, safe=""))  # RFC 6749 2.3.1
        with self._client() as client, self._asked():
            methods = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
            auth = basic if "client_secret_basic" in methods else client.client_auth("client_secret_post")
            answer = client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                auth=auth,
                timeout=TIMEOUT_S,
            )
            token = answer["id_token"]
            if not isinstance(token, str):
                raise TypeError("an ID token is text")
        return token

    def _look(self, *, anew: bool = False) -> _Published:
        """Return what the provider publishes; *anew* if a key was not in it. Raises ProviderFault."""
        found, now = self._published, time.monotonic()
        if found is not None and now - found.at < (_REST_S if anew else _KEPT_S):
            return found
        if now - self._failed_at < _REST_S:
            raise ProviderFault("unavailable")
        try:
            with self._asked():
                metadata = self._get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                self._believe(metadata)
                keys = self._get(metadata["jwks_uri"])["keys"]
                known = tuple(key for key in keys if isinstance(key, dict))
        except ProviderFault:
            self._failed_at = time.monotonic()
            raise
        self._published = _Published(metadata, known, time.monotonic())
        return self._published

    def _get(self, address: str) -> dict[str, Any]:
        with _session(self._ca_file) as session:
            document = session.get(address, timeout=TIMEOUT_S).json()
        if not isinstance(document, dict):
            raise TypeError("a document is an object")
        return document

    def _believe(self, metadata: Mapping[str, Any]) -> None:
        """Check what the provider says of itself. Raises ValueError, KeyError, TypeError."""
        if metadata["issuer"] != self.issuer:
            raise ValueError("another issuer")
        if "S256" not in metadata.get("code_challenge_methods_supported", ["S256"]):
            raise ValueError("no PKCE")
        own = urlsplit(self.issuer)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
            if name == "end_session_endpoint" and name not in metadata:
                continue
            url = urlsplit(metadata[name])
            near = own.scheme == "http" and url.scheme == "http" and url.hostname in _LOOPBACK
            if not (url.scheme == "https" or near) or not url.hostname or "@" in url.netloc or url.fragment:
                raise ValueError("an address that is not safe")

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Ask the provider, a few at once; whatever goes wrong is one fault. Raises ProviderFault."""
        if not self._asking.acquire(timeout=TIMEOUT_S):
            raise ProviderFault("unavailable")
        try:
            yield
        except Exception:  # noqa: BLE001  what requests, urllib3, sockets and Authlib raise ends here
            raise ProviderFault("unavailable") from None
        finally:
            self._asking.release()

    @contextmanager
    def _client(self) -> Iterator[OAuth2Client]:
        with _session(self._ca_file) as session:
            yield _Client(
                session,
                client_id=self._client_id,
                client_secret=self._client_secret,
                scope="openid",
                redirect_uri=self._callback,
                code_challenge_method="S256",
            )


class _Client(OAuth2Client):  # type: ignore[misc]  # Authlib ships no types
    client_auth_class = OAuth2ClientAuth
    SESSION_REQUEST_PARAMS = ("timeout",)


def _session(ca_file: str | None) -> Session:
    return Session(unix_socket=None, ca_file=ca_file, headers={"Accept": "application/json"})
