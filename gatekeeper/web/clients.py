"""How a client proves who it is to ``/oauth/*``: a signed assertion, or a secret where the city allows it.

Guarantees: exactly one method is used and it is the one the client is registered for. ``private_key_jwt``
(RFC 7523 section 3, held to FAPI 2.0): signed by an active registered key, found by ``kid``, with that key's
algorithm; issuer and subject are the client; the audience is our issuer identifier as one string, since a
list, or the token endpoint, is an assertion another server could replay here; it lives at most five minutes
and its ``jti`` is claimed in the store, so it works once on one worker. ``tls_client_auth`` (RFC 8705 section
2.1): a certificate that the proxy in front verified, which bears the name that the client registered.
``client_secret_basic`` (RFC 6749 section 2.3.1): a random secret of 256 bits, of which only the SHA-256 is
stored. A client that is revoked, or whose agency is closed, fails like one that never was.

What is told: once the signature holds, the caller owns the key and is told what is wrong with the assertion;
before that, only that authentication failed.
"""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import unquote_plus

from cryptography.x509 import Certificate

from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.assertions import AssertionRefused, Once, checked, key_named
from gatekeeper.exchange.authenticate import Reason
from gatekeeper.exchange.compact import CompactFault, Unverified, read
from gatekeeper.exchange.key_sets import KeysStale, source_of
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.exchange.registrations import Client, ClientKey, Snapshot, credentials
from gatekeeper.web.key_sets import KeySets

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_SECONDS = 300
_NAME = re.compile(r"[A-Za-z0-9._~:-]{1,128}\Z", re.ASCII)
_NO_SECRET = "0" * 64


class ClientRefused(Exception):
    """The client did not prove itself. ``told`` is what it may know, empty before it has proved its key."""

    def __init__(self, reason: Reason, told: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.told = told


class SeveralMethods(ClientRefused):
    """Two proofs in one request: which of them counted would be anyone's guess (RFC 6749 section 2.3)."""


class Registry(Protocol):
    """The registry, and its memory of assertions. Raises StoreUnavailable, nothing else."""

    def snapshot(self) -> Snapshot:
        """Return one consistent view for one request."""
        ...

    def claim_jti(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        """Record the jti in one atomic step shared by all workers; False if it was there."""
        ...


@dataclass(frozen=True, slots=True)
class Proved:
    """A client that proved itself just now, and the name of the credential it used. Made only here."""

    client: Client
    credential: str


@dataclass(frozen=True, slots=True)
class ClientProof:
    """Checks one request's proof of its client."""

    issuer: str
    profiles: frozenset[str]
    now: Callable[[], int]
    registry: Registry
    key_sets: KeySets | None = None

    def of(self, presented: Presented, form: Mapping[str, str]) -> Proved:
        """Return the client that this request proves. Raises ClientRefused, Unavailable."""
        proved = self._proved(presented, form)
        if proved.client.profile not in self.profiles:
            raise ClientRefused("profile", f"the profile {proved.client.profile} is not served here")
        return proved

    def _proved(self, presented: Presented, form: Mapping[str, str]) -> Proved:
        authorization = presented.authorization
        asserted = "client_assertion" in form or "client_assertion_type" in form
        if "client_secret" in form:
            raise ClientRefused("method", "client_secret in the body is not accepted")
        if authorization is not None and asserted:
            raise SeveralMethods("method", "use one client authentication method, not two")
        if authorization is not None:
            return self._by_secret(authorization, form, self.registry.snapshot())
        if asserted:
            return self._by_assertion(form, self.registry.snapshot())
        if presented.certificate is not None and "client_id" in form:
            return _by_certificate(presented.certificate, form["client_id"], self.registry.snapshot())
        raise ClientRefused("no_credentials", "no client authentication was included")

    def _by_secret(self, authorization: str, form: Mapping[str, str], seen: Snapshot) -> Proved:
        if "basic" not in self.profiles:
            raise ClientRefused("method", "client secrets are not accepted here: use private_key_jwt")
        client_id, secret = _basic(authorization)
        if form.get("client_id", client_id) != client_id:
            raise ClientRefused("subject", "client_id differs from the authenticated client")
        client = seen.client(client_id)
        stored = (client.secret_sha256 or None) if client and client.profile == "basic" else None
        # Bytes on both sides: compare_digest raises on non-ASCII text, and a 500 is an answer too.
        right = hmac.compare_digest(secret_hash(secret).encode(), (stored or _NO_SECRET).encode())
        if client is None:
            raise ClientRefused("unknown_client")
        if stored is None:
            raise ClientRefused("method")
        if not right:
            raise ClientRefused("secret")
        return _in_standing(client, credentials(client)[0], seen)

    def _by_assertion(self, form: Mapping[str, str], seen: Snapshot) -> Proved:
        # (0) The form says what it brings.
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            raise ClientRefused("method", "client_assertion_type must be jwt-bearer, with a client_assertion")
        try:
            # (1) Three small parts, and a header without crit, jwk, x5c, jku or b64.
            unverified = read(form["client_assertion"], frozenset({"alg", "kid", "typ"}))
            # (2) An assertion, not an access token or anything else that a key may have signed.
            if unverified.header.get("typ", "JWT") not in {"JWT", "client-authentication+jwt"}:
                raise ClientRefused("type")
            # (3) The client and its key, both as registered. The subject only says where to look.
            client = _claimed(unverified, form, seen)
            if source_of(client.keys) is not None:
                client = self._with_keys(client, unverified.header.get("kid"))
                seen = self.registry.snapshot()  # fetching takes its time
            key = _registered(unverified, client, self.now())
            # (4) The signature. From here on the caller has the key.
            claims = unverified.verified(import_key(key.alg, key.jwk))
        except CompactFault as fault:
            raise ClientRefused(_FAULTS[fault.fault]) from fault
        except ValueError as unusable:
            raise ClientRefused("unknown_key") from unusable
        # (5) Who, to whom, and when.
        once = self._checked(claims, client)
        proved = _in_standing(client, key.kid, seen)
        # (6) Once. Last, so that only assertions that would pass take room in the store.
        if not self.registry.claim_jti(client.id, once.jti, once.kept_until):
            raise ClientRefused("replayed", "this jti was used before: sign a new assertion")
        return proved

    def _with_keys(self, client: Client, kid: object) -> Client:
        """Return the client with the keys that its agency publishes. Raises ClientRefused, Unavailable."""
        if self.key_sets is None:
            raise ClientRefused("keys_stale")
        try:
            return self.key_sets.current(client, kid)
        except KeysStale:
            raise ClientRefused("keys_stale") from None

    def _checked(self, claims: Mapping[str, Any], client: Client) -> Once:
        """Check the signed claims; return what is used up. Raises ClientRefused, ClockUnreliable."""
        now = self.now()
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise ClientRefused("subject", "iss and sub must both be the client_id")
        try:
            return checked(claims, audience=self.issuer, now=now, life=_LIFE_SECONDS)
        except AssertionRefused as refused:
            raise ClientRefused(refused.fault, refused.told) from refused


def _by_certificate(certificate: Certificate, client_id: str, seen: Snapshot) -> Proved:
    """Find the client's registered name that the certificate bears. Raises ClientRefused."""
    client = seen.client(client_id) if _NAME.match(client_id) else None
    if client is None:
        raise ClientRefused("unknown_client")
    names = [key for key in client.keys if key.alg == certificate_names.ALG]
    if client.profile != "fapi" or not names:
        raise ClientRefused("method")
    borne = [name for name in names if certificate_names.bears(certificate, name.jwk)]
    if not borne:
        raise ClientRefused("certificate_other")
    standing = [name for name in borne if name.status == "active"]
    if not standing:
        raise ClientRefused("credential_revoked")
    return _in_standing(client, standing[0].kid, seen)


def _claimed(unverified: Unverified, form: Mapping[str, str], seen: Snapshot) -> Client:
    """Find the client that the assertion names. Raises ClientRefused."""
    # The client comes from the unverified text only to look its own keys up; `_checked` compares again.
    client_id = form.get("client_id") or unverified.claimed_subject()
    if not _NAME.match(client_id):
        raise ClientRefused("unknown_client")
    client = seen.client(client_id)
    if client is None:
        raise ClientRefused("unknown_client")
    if client.profile not in {"fapi", "private_key"}:
        raise ClientRefused("method")
    return client


def _registered(unverified: Unverified, client: Client, now: int) -> ClientKey:
    """Find the client's key that the assertion names. Raises ClientRefused."""
    try:
        return key_named(client, unverified, now=now)
    except AssertionRefused as refused:
        raise ClientRefused(refused.fault) from refused


def _in_standing(client: Client, credential: str, seen: Snapshot) -> Proved:
    """Check that the client and its agency are still registered. Raises ClientRefused."""
    if client.status != "active":
        raise ClientRefused("client_revoked")
    agency = seen.agency(client.agency_id)
    # Suspended is not closed: a suspended agency is to read why, from the good-standing provision.
    if agency is None or agency.status not in {"active", "suspended"}:
        raise ClientRefused("agency_closed")
    return Proved(client, credential)


_FAULTS: dict[str, Reason] = {
    "malformed": "malformed",
    "oversized": "oversized",
    "header": "header",
    "algorithm": "algorithm",
    "signature": "signature",
}


def make_secret() -> tuple[str, str]:
    """Make a client secret of 256 bits; return it, to be shown once, and the hash to store."""
    # The prefix lets scanners find a secret that was published; and no shell takes it for an option.
    secret = f"gks_{secrets.token_urlsafe(32)}"
    return secret, secret_hash(secret)


def secret_hash(secret: str) -> str:
    """Return what the store keeps of a secret. Fast on purpose: 256 random bits cannot be guessed."""
    return sha256(secret.encode("utf-8")).hexdigest()


def _basic(authorization: str) -> tuple[str, str]:
    """Read client id and secret from the header (RFC 7617, form-urlencoded inside). Raises ClientRefused."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise ClientRefused("wrong_scheme")
    if len(authorization) > 2048:
        raise ClientRefused("oversized")
    try:
        text = b64decode(encoded.encode("ascii"), validate=True).decode("ascii")
        client_id, colon, secret = text.partition(":")
        # RFC 6749 section 2.3.1 wants both urlencoded; a plus is a space there.
        client_id = unquote_plus(client_id, errors="strict")
        secret = unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError) as malformed:
        raise ClientRefused("malformed_header") from malformed
    if not colon or not secret or not _NAME.match(client_id):
        raise ClientRefused("malformed_header")
    return client_id, secret
