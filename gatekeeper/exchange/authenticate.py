"""Token → Caller: the first step of a query, and the only maker of a ``Caller``.

Guarantees: a caller holds an access token (RFC 9068) in one ``Authorization`` header, typed ``at+jwt``,
signed by a key of ours with ES256, made for this service, within its time; a token that is bound to a key or
to a certificate (``cnf``) comes with the proof of that very one, under the scheme ``DPoP`` (RFC 9449 section
7) or over mutual TLS (RFC 8705 section 3), and a client of the profile ``fapi`` has no other; it has not been
revoked, and neither have its client, the credential that it was got with, or its agency's registration. All
but the signature is checked on every request, against the clock and the registry as they are now: a
revocation works at once. A suspended agency passes here; the good-standing provision denies it, with reasons.
A token that names another issuer is read by that one alone, on the terms of its registration (``issuers``);
all the rest holds for it too. Each failure is ``Unauthenticated`` with a reason from ``REASONS`` and nothing
of the token.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import Certificate
from joserfc.util import urlsafe_b64encode

from gatekeeper.errors import Unauthenticated
from gatekeeper.exchange.compact import CompactFault, read
from gatekeeper.exchange.details import Detail, DetailsRefused, read_value
from gatekeeper.exchange.dpop import Proof, ProofFault, ProofRefused, prove
from gatekeeper.exchange.issuer_keys import KeySource, RegisteredKeys
from gatekeeper.exchange.issuers import IssuerFault, IssuerRefused, claimed_issuer, read_external
from gatekeeper.exchange.nonces import Nonces
from gatekeeper.exchange.officer import Assertion, OfficerFault
from gatekeeper.exchange.presented import Presented
from gatekeeper.exchange.registrations import Agency, Client, Clock, PublishedKeys, Snapshot, credentials
from gatekeeper.remembered import Remembered

TOKEN_LIFE_SECONDS = 600
SCOPES = ("reads:query", "ledger:read")
_SKEW_SECONDS = 60

# Why someone was not believed. Closed: the log counts these words, and no other text of a caller's making.
Reason = Literal[
    ProofFault,
    OfficerFault,
    IssuerFault,
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
    "keys_stale",
    "replayed",
    "method",
    "secret",
    "token_revoked",
    "unknown_client",
    "client_revoked",
    "credential_revoked",
    "credential_expired",
    "certificate_missing",
    "certificate_unverified",
    "certificate_other",
    "profile",
    "agency_changed",
    "agency_closed",
]
REASONS: frozenset[str] = frozenset(get_args(Reason))


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. Made only in this module, once the signature has been checked.

    ``credential`` is what it was got with, None for a token of another issuer: ``bearer`` says whether that
    one may come without the proof of a key.
    """

    kid: str
    client_id: str
    agency_id: str
    credential: str | None
    scopes: frozenset[str]
    thumbprint: str | None
    certificate: str | None
    details: tuple[Detail, ...]
    jti: str
    iat: int
    exp: int
    expires_at: datetime
    bearer: bool = False
    officer: Assertion | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, proved. Made only in this module; every later step starts from one.

    ``details`` are what the token is pinned to, ``officer`` is whom it proves. ``proof`` is what it was sent
    with, if it is bound to a key: whoever acts on the request claims its identifier, once.
    """

    client_id: str
    agency_id: str
    profile: str
    scopes: frozenset[str]
    token_id: str
    expires_at: datetime
    details: tuple[Detail, ...] = ()
    proof: Proof | None = None
    officer: Assertion | None = None


def authenticate(
    presented: Presented, *, verifier: TokenVerifier, snapshot: Snapshot, clock: Clock
) -> Caller:
    """Turn what a request presents into a Caller.

    Raises Unauthenticated, ClockUnreliable, StoreUnavailable.
    """
    now = clock.now_ms() // 1000
    scheme, token = _token(presented.authorization)
    claims = (
        verifier.verify(token, now=now) if not snapshot.has_issuers else _of(token, verifier, snapshot, now)
    )
    proof = _bound(claims, scheme, token, presented, nonces=verifier.nonces, now=now)
    client = snapshot.client(claims.client_id)
    return admit(
        claims,
        client=client,
        agency=None if client is None else snapshot.agency(client.agency_id),
        token_revoked=snapshot.token_revoked(claims.jti),
        profiles=verifier.profiles,
        proof=proof,
    )


def _of(token: str, verifier: TokenVerifier, snapshot: Snapshot, now: int) -> Claims:
    """Read a token by the issuer that it names. Raises Unauthenticated, StoreUnavailable."""
    named = claimed_issuer(token) if token.isascii() else None
    issuer = None if named is None or named == verifier.issuer else snapshot.issuer(named)
    if issuer is None:
        return verifier.verify(token, now=now)  # which refuses whatever is not of ours

    def agency_of(client_id: str) -> str | None:
        found = snapshot.client(client_id)
        return None if found is None else found.agency_id

    try:
        given = read_external(token, issuer, verifier.key_source, now=now, agency_of=agency_of)
    except IssuerRefused as refused:
        raise refusal(refused.fault) from refused
    bound = _confirmation(given.payload)
    return Claims(
        kid=given.kid,
        client_id=given.client_id,
        agency_id=given.agency_id,
        credential=None,
        scopes=given.scopes,
        thumbprint=bound["jkt"],
        certificate=bound["x5t#S256"],
        details=_details(given.payload),
        jti=given.token_id,
        iat=given.iat,
        exp=given.exp,
        expires_at=datetime.fromtimestamp(given.exp, UTC),
        bearer=given.bearer,
        officer=given.officer,
    )


def _bound(
    claims: Claims, scheme: str, token: str, presented: Presented, *, nonces: Nonces, now: int
) -> Proof | None:
    """Check that the token comes from whom it was given to. Raises Unauthenticated."""
    if (scheme == "dpop") != (claims.thumbprint is not None):
        # Neither way: a bound token as a bearer token is a stolen one (RFC 9449 section 7.2).
        raise refusal("wrong_scheme" if claims.thumbprint is None else "bound")
    if claims.certificate is not None:
        if presented.certificate is None:
            raise refusal("certificate_missing")
        if not hmac.compare_digest(thumbprint_of(presented.certificate), claims.certificate):
            raise refusal("certificate_other")
    if claims.thumbprint is None:
        return None
    try:
        proof = prove(presented, nonces, now=now, token=token)
    except ProofRefused as refused:
        raise refusal(refused.fault) from refused
    if not hmac.compare_digest(proof.thumbprint, claims.thumbprint):
        raise refusal("proof_key")
    return proof


def thumbprint_of(certificate: Certificate) -> str:
    """Return a certificate's ``x5t#S256`` (RFC 8705 section 3.1)."""
    return urlsafe_b64encode(certificate.fingerprint(SHA256())).decode("ascii")


def admit(
    claims: Claims,
    *,
    client: Client | None,
    agency: Agency | None,
    token_revoked: bool,
    profiles: frozenset[str],
    proof: Proof | None = None,
) -> Caller:
    """Check verified claims against the registry as it is now. Raises Unauthenticated."""
    if token_revoked:
        raise refusal("token_revoked")
    if client is None or client.id != claims.client_id:
        raise refusal("unknown_client")
    if client.status != "active":
        raise refusal("client_revoked")
    if claims.credential is not None and claims.credential not in credentials(client):
        raise refusal("credential_revoked")
    if client.profile not in profiles:
        raise refusal("profile")  # the city has switched it off since
    if _owes_a_key(claims, client):
        raise refusal("bound")
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
        details=claims.details,
        proof=proof,
        officer=claims.officer,
    )


def _owes_a_key(claims: Claims, client: Client) -> bool:
    """Say whether the token has to be bound to a key or a certificate, and is to neither."""
    unbound = claims.thumbprint is None and claims.certificate is None
    return unbound and (client.profile == "fapi" or (claims.credential is None and not claims.bearer))


class TokenVerifier:
    """Reads access tokens of one issuer for one audience.

    A signature takes about 150 µs to check, and a token is used many times: the last ``remembered`` that were
    checked are known by their SHA-256, never beyond their end, and only while the key that signed them is
    published. Everything else is checked each time.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: PublishedKeys,
        nonces: Nonces,
        *,
        profiles: frozenset[str],
        remembered: int = 4096,
        key_source: KeySource | None = None,
    ) -> None:
        self.issuer = issuer
        self.key_source: KeySource = key_source or RegisteredKeys()
        self.nonces = nonces
        self.profiles = profiles
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
        bound = _confirmation(payload)
        return Claims(
            kid=kid,
            client_id=str(texts["client_id"]),
            agency_id=str(texts["agency"]),
            credential=str(texts["credential"]),
            scopes=frozenset(str(texts["scope"]).split(" ")),
            thumbprint=bound["jkt"],
            certificate=bound["x5t#S256"],
            details=_details(payload),
            jti=str(texts["jti"]),
            iat=iat,
            exp=exp,
            expires_at=datetime.fromtimestamp(exp, UTC),
        )


def _confirmation(payload: Mapping[str, Any]) -> dict[str, str | None]:
    """Read what the token is bound to (RFC 7800). Raises Unauthenticated for what we never write."""
    names = ("jkt", "x5t#S256")
    bound = payload.get("cnf", {})
    if not isinstance(bound, dict) or ("cnf" in payload and not bound) or not bound.keys() <= {*names}:
        raise refusal("bound")
    if not all(isinstance(value, str) and value.isascii() and value for value in bound.values()):
        raise refusal("bound")
    return {name: bound.get(name) for name in names}


def _details(payload: Mapping[str, Any]) -> tuple[Detail, ...]:
    if "authorization_details" not in payload:
        return ()
    try:
        return read_value(payload["authorization_details"])
    except DetailsRefused as refused:
        raise refusal("claims") from refused


_LAST_SECOND = 253_402_300_799 - TOKEN_LIFE_SECONDS  # the year 9999: the last that a datetime holds


def refusal(reason: Reason) -> Unauthenticated:
    """Make the error of a reason; its type keeps the list closed."""
    return Unauthenticated(reason)


def _within_time(claims: Claims, now: int) -> None:
    if now >= claims.exp:
        raise refusal("expired")
    if claims.iat > now + _SKEW_SECONDS:
        raise refusal("not_yet_valid")


_TOKEN = re.compile(r"(bearer|dpop) +([A-Za-z0-9._-]+)\Z", re.IGNORECASE | re.ASCII)


def _token(header: str | None) -> tuple[str, str]:
    """Return scheme, in small letters, and token of the one Authorization header. Raises Unauthenticated."""
    if not header:
        raise refusal("no_credentials")
    found = _TOKEN.match(header)
    if found is None:
        known = header.partition(" ")[0].lower() in {"bearer", "dpop"}
        raise refusal("malformed_header" if known else "wrong_scheme")
    return found[1].lower(), found[2]
