"""Access tokens of an agency's own identity provider, by the terms on which the city took it in.

Guarantees: a token is read by the one issuer that its ``iss`` names, and by nobody else's keys; nothing that
the token brings chooses a key, an algorithm or a type: the terms do (RFC 8725). The audience is one string;
the token names itself (``jti``, or what the terms say), whom it is about (``sub``), and a client that the
terms map to a client of ours, whose agency they name: an issuer speaks for no other agency. An identity token
is no access token. What is left (whose key it is bound to, whether client and agency stand) is checked as for
tokens of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gatekeeper.errors import OfficerRefused, StoreUnavailable
from gatekeeper.exchange.compact import RS256, CompactFault, Fault, VerifyingKey, claimed, is_identifier, read
from gatekeeper.exchange.issuer_keys import KeySource, key_for
from gatekeeper.exchange.key_sets import KeysStale, is_over
from gatekeeper.exchange.officer import Assertion, said_of
from gatekeeper.exchange.registrations import Issuer

ALGORITHMS = ("ES256", "PS256", "EdDSA", RS256)
"""What an issuer may sign with; RS256 only where its terms name it, for a provider that has nothing else."""
TYPES = ("at+jwt", "application/at+jwt", "JWT")
LONGEST_LIFE = 86_400
SKEW_SECONDS = 60
OFFICER = ("name", "badge", "sid", "auth_time", "role", "training")
"""What a token may say of the officer, by the names of ``officer``'s claims."""
OFFICER_WHOLE = frozenset(OFFICER[:4])
"""What it must say, if it says anything."""

IssuerFault = Literal[
    "issuer",
    "issuer_suspended",
    "issuer_client",
    "issuer_agency",
    "issuer_claims",
    "issuer_identity_token",
    "issuer_officer",
    "issuer_keys_stale",
    "issuer_key_expired",
    "type",
    "unknown_key",
    Fault,
    "audience",
    "claims",
    "subject",
    "life_too_long",
    "not_yet_valid",
    "expired",
]

_IDENTITY = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
"""Claims that only an identity token has (OpenID Connect Core section 2)."""


class IssuerRefused(Exception):
    """The token is refused; ``fault`` says why, in our words."""

    def __init__(self, fault: IssuerFault) -> None:
        super().__init__(fault)
        self.fault: IssuerFault = fault


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an issuer's tokens count; see ``gatekeeper issuer add``.

    ``id_claim`` names the token. ``clients`` maps its names of clients to ours, ``agency_values`` its names
    of agencies to ours; ``agencies`` are all that it may speak for.
    """

    audience: str
    algorithms: tuple[str, ...]
    types: tuple[str, ...]
    max_life: int
    bearer: bool
    client_claim: str
    clients: Mapping[str, str]
    agencies: frozenset[str]
    agency_claim: str | None
    agency_values: Mapping[str, str]
    scope_claim: str
    required: Mapping[str, str]
    officer: Mapping[str, str]
    id_claim: str = "jti"

    @classmethod
    def of(cls, issuer: Issuer) -> Terms:
        """Read the terms of an issuer. Raises StoreUnavailable if they are none."""
        try:
            said = dict(issuer.terms)
            for name in ("jwks", "jwks_uri", "stale_hours"):  # of which ``issuer_keys`` makes use
                said.pop(name, None)
            for name in ("algorithms", "types"):
                said[name] = tuple(said[name])
            return cls(**{**said, "agencies": frozenset(said["agencies"])})
        except (KeyError, TypeError) as unfit:
            raise StoreUnavailable("an issuer does not have its shape") from unfit


@dataclass(frozen=True, slots=True)
class ExternalToken:
    """What a good token of an issuer says, in our terms. Made only by ``read_external``."""

    client_id: str
    agency_id: str
    scopes: frozenset[str]
    token_id: str
    iat: int
    exp: int
    kid: str
    bearer: bool
    officer: Assertion | None
    payload: Mapping[str, Any]


def claimed_issuer(token: str) -> str | None:
    """Return ``iss`` as the token claims it: good for finding who reads it, for nothing else."""
    try:
        found = claimed(token, "iss")
    except CompactFault:
        return None
    return found if isinstance(found, str) else None


def read_external(
    token: str, issuer: Issuer, source: KeySource, *, now: int, agency_of: Callable[[str], str | None]
) -> ExternalToken:
    """Check everything that the token and the issuer's terms decide, at ``now`` in seconds.

    *agency_of* names the agency of a client of ours, None if there is no such client. Raises IssuerRefused,
    StoreUnavailable.
    """
    if issuer.status != "active":
        raise IssuerRefused("issuer_suspended")
    terms = Terms.of(issuer)
    # (1) What the terms and the issuer's own keys let through; only then is the payload looked at.
    kid, claims = _signed(token, issuer, terms, source, now)
    # (2) When, by whom and for whom.
    iat, exp = _times(claims, terms, now)
    _addressed(claims, issuer, terms)
    # (3) A client of ours, of an agency that this issuer may speak for.
    client_id, agency_id = _asking(claims, terms, agency_of)
    scope = claims.get(terms.scope_claim, "")
    if not isinstance(scope, str):
        raise IssuerRefused("claims")
    digest = hashlib.sha256(f"{issuer.id}\0{claims[terms.id_claim]}".encode()).hexdigest()
    return ExternalToken(
        client_id=client_id,
        agency_id=agency_id,
        scopes=frozenset(scope.split(" ")),
        # Whatever an issuer calls its tokens, no name of one is that of another's or of ours.
        token_id=f"{issuer.id}-{digest[:32]}",
        iat=iat,
        exp=exp,
        kid=kid,
        bearer=terms.bearer,
        officer=_officer(claims, terms, now),
        payload=claims,
    )


def _signed(
    token: str, issuer: Issuer, terms: Terms, source: KeySource, now: int
) -> tuple[str, dict[str, Any]]:
    """Return the name of the key that signed the token, and what it says. Raises IssuerRefused."""
    try:
        # Three small parts, and nothing in the header but these: no crit, no key, no address of one.
        unverified = read(token, frozenset({"alg", "kid", "typ"}), rs256=RS256 in terms.algorithms)
        header = unverified.header
        if header.get("typ") not in terms.types:
            raise IssuerRefused("type")
        algorithm = "EdDSA" if header["alg"] == "Ed25519" else header["alg"]
        if algorithm not in terms.algorithms:
            raise IssuerRefused("algorithm")
        kid = header.get("kid", "")
        return kid, unverified.verified(_key(source.keys(issuer, kid), kid, algorithm, now))
    except KeysStale as stale:
        raise IssuerRefused("issuer_keys_stale") from stale
    except CompactFault as fault:
        raise IssuerRefused(fault.fault) from fault


def _addressed(claims: Mapping[str, Any], issuer: Issuer, terms: Terms) -> None:
    """Check that this is an access token for us, as the issuer's terms want it. Raises IssuerRefused."""
    if claims.get("iss") != issuer.url:
        raise IssuerRefused("issuer")
    if claims.get("aud") != terms.audience:
        raise IssuerRefused("audience")
    if not is_identifier(claims.get(terms.id_claim)) or not _text(claims.get("sub")):
        raise IssuerRefused("claims")
    if not _IDENTITY.isdisjoint(claims):
        raise IssuerRefused("issuer_identity_token")
    if any(claims.get(name) != value for name, value in terms.required.items()):
        raise IssuerRefused("issuer_claims")


def _asking(
    claims: Mapping[str, Any], terms: Terms, agency_of: Callable[[str], str | None]
) -> tuple[str, str]:
    """Return the client and the agency that ask, by our names. Raises IssuerRefused."""
    client_id = _mapped(terms.clients, claims.get(terms.client_claim))
    if client_id is None:
        raise IssuerRefused("issuer_client")
    agency = agency_of(client_id)
    if agency is None or agency not in terms.agencies:
        raise IssuerRefused("issuer_agency")
    named = (
        agency if terms.agency_claim is None else _mapped(terms.agency_values, claims.get(terms.agency_claim))
    )
    if named != agency:
        raise IssuerRefused("issuer_agency")
    return client_id, agency


def _key(keys: Sequence[Mapping[str, Any]], kid: str, algorithm: str, now: int) -> VerifyingKey:
    named = [jwk for jwk in keys if kid and jwk.get("kid") == kid]
    if len(named) != 1:
        raise IssuerRefused("unknown_key")
    if is_over(named[0], now):
        raise IssuerRefused("issuer_key_expired")
    try:
        return key_for(named[0], algorithm)
    except ValueError as unfit:
        raise IssuerRefused("algorithm") from unfit


def _times(claims: Mapping[str, Any], terms: Terms, now: int) -> tuple[int, int]:
    iat, exp = claims.get("iat"), claims.get("exp")
    nbf = claims.get("nbf", iat)
    # ``type(…) is int``: neither true, nor 1e300, nor "1e300" is a time.
    if type(iat) is not int or type(exp) is not int or type(nbf) is not int:
        raise IssuerRefused("claims")
    if not 0 < exp - iat <= terms.max_life or iat <= 0:
        raise IssuerRefused("life_too_long")
    if now >= exp:
        raise IssuerRefused("expired")
    if max(iat, nbf) > now + SKEW_SECONDS:
        raise IssuerRefused("not_yet_valid")
    return iat, exp


def _mapped(names: Mapping[str, str], value: object) -> str | None:
    return names.get(value) if isinstance(value, str) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value and value.isprintable() else None


def _officer(claims: Mapping[str, Any], terms: Terms, now: int) -> Assertion | None:
    """Return the officer whom the token proves, None if it says nothing of one. Raises IssuerRefused."""
    said = {ours: claims.get(theirs) for ours, theirs in terms.officer.items()}
    if said.get("badge") is None and said.get("name") is None:
        return None  # a token of the client itself
    try:
        return said_of(said, now=now)
    except OfficerRefused as refused:
        raise IssuerRefused("issuer_officer") from refused
