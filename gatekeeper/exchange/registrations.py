"""What a caller is checked against: its client, that client's keys, its agency, as they are registered now.

These are the shapes that ``authenticate`` and the token endpoint need; every attribute is read-only, so the
store's frozen values fit without knowing about this file. A status that is not named here lets nobody in.
"""

# ruff: noqa: D102  # an attribute's name is the whole statement

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from joserfc.jwk import ECKey


class ClientKey(Protocol):
    """A public key that a client registered."""

    @property
    def kid(self) -> str: ...
    @property
    def alg(self) -> str: ...
    @property
    def jwk(self) -> Mapping[str, Any]: ...
    @property
    def status(self) -> str: ...


class Client(Protocol):
    """An OAuth client of an agency, with what it proves itself by."""

    @property
    def id(self) -> str: ...
    @property
    def agency_id(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def secret_sha256(self) -> str | None: ...
    @property
    def scopes(self) -> Sequence[str]: ...
    @property
    def keys(self) -> Sequence[ClientKey]: ...


class Agency(Protocol):
    """The agency that a client belongs to."""

    @property
    def id(self) -> str: ...
    @property
    def status(self) -> str: ...


class Issuer(Protocol):
    """An identity provider of agencies, whose access tokens count on its terms (``exchange.issuers``)."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def terms(self) -> Mapping[str, Any]: ...


class Snapshot(Protocol):
    """The registry as one request sees it. Raises StoreUnavailable, nothing else."""

    def client(self, client_id: str, /) -> Client | None: ...
    def agency(self, agency_id: str, /) -> Agency | None: ...
    def token_revoked(self, jti: str, /) -> bool: ...
    def issuer(self, url: str, /) -> Issuer | None: ...
    @property
    def has_issuers(self) -> bool: ...


class Clock(Protocol):
    """The process's clock. Raises ClockUnreliable."""

    def now_ms(self) -> int: ...


class PublishedKeys(Protocol):
    """The public halves of the keys that sign our tokens."""

    def public(self, kid: str, /) -> ECKey | None: ...


def credentials(client: Client) -> tuple[str, ...]:
    """Name the credentials a client may use now; a token carries the name of the one it was got with.

    A key, or the name that its certificates bear, is named by its kid, a secret by a digest of its stored
    hash, so that replacing either ends the tokens it obtained.
    """
    match client.profile:
        case "fapi" | "private_key":
            return tuple(key.kid for key in client.keys if key.status == "active")
        case "basic" if client.secret_sha256:
            digest = hashlib.sha256(b"gatekeeper credential\0" + client.secret_sha256.encode()).digest()
            return (urlsafe_b64encode(digest[:18]).decode(),)
        case _:
            return ()
