"""Token → Caller: the first step of a query, and the only maker of a ``Caller``.

Guarantees: a caller holds an access token (RFC 9068) in one ``Authorization: Bearer`` header (RFC 6750
section 2.1), typed ``at+jwt``, signed by a key of ours with ES256, made for this service, within its time; it
has not been revoked, and neither have its client, the credential that it was got with, or its agency's
registration. All but the signature is checked on every request, against the clock and the registry as they
are now: a revocation works at once. A suspended agency passes here; the good-standing provision denies it,
with reasons. Each failure is ``Unauthenticated`` with a reason from ``REASONS`` and nothing of the token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange.compact import CompactFault, read
from gatekeeper.exchange.registrations import Agency, Client, Clock, PublishedKeys, Snapshot, credentials
from gatekeeper.remembered import Remembered

TOKEN_LIFE_SECONDS = 600
SCOPES = ("reads:query", "ledger:read")
_SKEW_SECONDS = 60

# Why someone was not believed. Closed: the log counts these words, and no other text of a caller's making.
Reason = Literal[
    "no_credentials",
    "malformed_header",
    "wrong_scheme",
    "malformed",
    "oversized",
    "header",
    "algorithm",
    "signature",
    "type",
    "unknown_key",
    "claims",
    "issuer",
    "audience",
    "bound",
    "expired",
    "not_yet_valid",
    "life_too_long",
    "subject",
    "replayed",
    "method",
    "secret",
    "token_revoked",
    "unknown_client",
    "client_revoked",
    "credential_revoked",
    "agency_changed",
    "agency_closed",
]
REASONS: frozenset[str] = frozenset(get_args(Reason))


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says. Made only by ``TokenVerifier``, once the signature has been checked."""

    kid: str
    client_id: str
    agency_id: str
    credential: str
    scopes: frozenset[str]
    jti: str
    iat: int
    exp: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, proved. Made only in this module; every later step starts from one."""

    client_id: str
    agency_id: str
    profile: str
    scopes: frozenset[str]
    token_id: str
    expires_at: datetime


def authenticate(header: str | None, *, verifier: TokenVerifier, snapshot: Snapshot, clock: Clock) -> Caller:
    """Turn the request's Authorization header into a Caller.

    ``header`` is the field's whole value: a server joins repeated fields with a comma, which no token holds,
    so a doubled header is refused. Raises Unauthenticated, ClockUnreliable, StoreUnavailable.
    """
    claims = verifier.verify(_bearer(header), now=clock.now_ms() // 1000)
    client = snapshot.client(claims.client_id)
    return admit(
        claims,
        client=client,
        agency=None if client is None else snapshot.agency(client.agency_id),
        token_revoked=snapshot.token_revoked(claims.jti),
    )


def admit(claims: Claims, *, client: Client | None, agency: Agency | None, token_revoked: bool) -> Caller:
    """Check verified claims against the registry as it is now. Raises Unauthenticated."""
    if token_revoked:
        raise refusal("token_revoked")
    if client is None or client.id != claims.client_id:
        raise refusal("unknown_client")
    if client.status != "active":
        raise refusal("client_revoked")
    if claims.credential not in credentials(client):
        raise refusal("credential_revoked")
    if client.agency_id != claims.agency_id:
        raise refusal("agency_changed")
    if agency is None or agency.id != client.agency_id or agency.status not in {"active", "suspended"}:
        raise refusal("agency_closed")
    return Caller(
        client_id=client.id,
        agency_id=agency.id,
        profile=client.profile,
        scopes=claims.scopes.intersection(client.scopes),  # a scope that was withdrawn since is gone
        token_id=claims.jti,
        expires_at=claims.expires_at,
    )


class TokenVerifier:
    """Reads access tokens of one issuer for one audience.

    A signature takes about 150 µs to check, and a token is used many times: the last ``remembered`` that were
    checked are known by their SHA-256, never beyond their end, and only while the key that signed them is
    published. Everything else is checked each time.
    """

    def __init__(self, issuer: str, audience: str, keys: PublishedKeys, *, remembered: int = 4096) -> None:
        self.issuer = issuer
        self._audience = audience
        self._keys = keys
        self._checked: Remembered[Claims] = Remembered(remembered)

    def verify(self, token: str, *, now: int) -> Claims:
        """Return what the token says, at ``now`` in seconds. Raises Unauthenticated, StoreUnavailable."""
        if not token.isascii():
            raise refusal("malformed")
        claims = self._checked.get(token)
        if claims is None or self._keys.public(claims.kid) is None:
            claims = self._read(token)
            _within_time(claims, now)
            self._checked.keep(token, claims)
        else:
            _within_time(claims, now)
        return claims

    def _read(self, token: str) -> Claims:
        """Check everything that the token itself decides. Raises Unauthenticated."""
        try:
            # (1) Three parts, small, and nothing in the header but these: no crit, no embedded key.
            unverified = read(token, frozenset({"alg", "kid", "typ"}))
            header = unverified.header
            # (2) An access token and nothing else that we or a client might sign (RFC 9068 section 4).
            if header.get("typ") != "at+jwt":
                raise refusal("type")
            # (3) The one algorithm we sign with.
            if header["alg"] != "ES256":
                raise refusal("algorithm")
            # (4) A key of ours, found by name, never one that the token brings.
            kid = header.get("kid", "")
            key = self._keys.public(kid)
            if key is None:
                raise refusal("unknown_key")
            # (5) The signature; only then is the payload looked at.
            return self._claims(kid, unverified.verified(key))
        except CompactFault as fault:
            raise Unauthenticated(fault.fault) from fault

    def _claims(self, kid: str, payload: Mapping[str, Any]) -> Claims:
        """Check the signed claims' shape and destination. Raises Unauthenticated."""
        # A sender-constrained token without its proof is a stolen token (RFC 9449 section 7.2, RFC 8705).
        if "cnf" in payload:
            raise refusal("bound")
        # Equal as strings: a list that also names us is a token for someone else as well.
        if payload.get("iss") != self.issuer:
            raise refusal("issuer")
        if payload.get("aud") != self._audience:
            raise refusal("audience")
        names = ("sub", "client_id", "agency", "credential", "jti", "scope")
        texts = {name: payload.get(name) for name in names}
        if not all(isinstance(text, str) and text and text.isprintable() for text in texts.values()):
            raise refusal("claims")
        if texts["sub"] != texts["client_id"]:
            raise refusal("subject")
        iat, exp = payload.get("iat"), payload.get("exp")
        nbf = payload.get("nbf", iat)
        # ``type(…) is int``: neither true, nor 1e300, nor "1e300" is a time.
        if type(iat) is not int or type(exp) is not int or type(nbf) is not int or nbf > iat:
            raise refusal("claims")
        if not 0 < exp - iat <= TOKEN_LIFE_SECONDS or not 0 < iat < _LAST_SECOND:
            raise refusal("life_too_long")
        return Claims(
            kid=kid,
            client_id=str(texts["client_id"]),
            agency_id=str(texts["agency"]),
            credential=str(texts["credential"]),
            scopes=frozenset(str(texts["scope"]).split(" ")),
            jti=str(texts["jti"]),
            iat=iat,
            exp=exp,
            expires_at=datetime.fromtimestamp(exp, UTC),
        )


_LAST_SECOND = 253_402_300_799 - TOKEN_LIFE_SECONDS  # the year 9999: the last that a datetime holds


def refusal(reason: Reason) -> Unauthenticated:
    """Make the error of a reason; its type keeps the list closed."""
    return Unauthenticated(reason)


def _within_time(claims: Claims, now: int) -> None:
    if now >= claims.exp:
        raise refusal("expired")
    if claims.iat > now + _SKEW_SECONDS:
        raise refusal("not_yet_valid")


_BEARER = re.compile(r"bearer +([A-Za-z0-9._-]+)\Z", re.IGNORECASE | re.ASCII)


def _bearer(header: str | None) -> str:
    """Return the token of the one Authorization header. Raises Unauthenticated."""
    if not header:
        raise refusal("no_credentials")
    found = _BEARER.match(header)
    if found is None:
        # A DPoP token must not be downgraded to a bearer token by a server that ignores the scheme.
        raise refusal("malformed_header" if header[:7].lower() == "bearer " else "wrong_scheme")
    return found[1]
