"""The officer behind a query: merely named in it, or proved by an assertion that the agency signs.

The header ``Officer-Assertion`` carries it: a compact JWS of its own type by an active registered key of the
calling client (RFC 7523 section 3), which says who is at the keyboard, trained when, in which session since
when. Guarantees: a query without one is asked by somebody who is merely named; one with an assertion that is
wrong in anything is refused, never taken for a query without; what is proved must be the officer that the
query names, badge and name, however they are spelled; an assertion works once, its identifier claimed in the
commit of what is decided on it; whether the officer is suspended is asked of the registry, proved or not.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, Literal

from gatekeeper.errors import Fault, InvalidRequest, OfficerRefused
from gatekeeper.exchange.assertions import SKEW_SECONDS, AssertionRefused, checked, key_named
from gatekeeper.exchange.compact import CompactFault, is_identifier, read
from gatekeeper.exchange.fingerprints import plain, who
from gatekeeper.exchange.key_sets import CurrentKeys, KeysStale
from gatekeeper.exchange.parse import Requester
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.exchange.registrations import Client
from gatekeeper.ledger import Json
from gatekeeper.ledger.canonical import canonical

HEADER = "Officer-Assertion"
TYPE = "officer-assertion+jwt"
LIFE_SECONDS = 600

OfficerFault = Literal[
    "officer_malformed",
    "officer_type",
    "officer_key",
    "officer_keys_stale",
    "officer_algorithm",
    "officer_signature",
    "officer_issuer",
    "officer_audience",
    "officer_claims",
    "officer_session",
    "officer_life",
    "officer_not_yet",
    "officer_expired",
    "officer_replayed",
    "officer_other",
]

_FAULTS: Mapping[str, OfficerFault] = {
    "malformed": "officer_malformed",
    "oversized": "officer_malformed",
    "header": "officer_malformed",
    "algorithm": "officer_algorithm",
    "signature": "officer_signature",
    "unknown_key": "officer_key",
    "credential_revoked": "officer_key",
    "credential_expired": "officer_key",
    "audience": "officer_audience",
    "claims": "officer_claims",
    "life_too_long": "officer_life",
    "not_yet_valid": "officer_not_yet",
    "expired": "officer_expired",
}
_LONGEST = {"name": 120, "badge": 32, "role": 64}
"""As long as the request's own fields; every one of them is a line of text."""
_HOUR = 3600
_NOTHING_KEPT = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a good assertion says; ``used`` is to be claimed, and remembered until ``kept_until``.

    It is "" where a token that serves many times says it. ``session_began`` is in seconds since 1970. Made
    only here, once the signature held.
    """

    name: str
    badge: str
    role: str | None
    trained_on: date | None
    session: str
    session_began: int
    used: str
    kept_until: datetime


@dataclass(frozen=True, slots=True)
class Officer:
    """What is known of the officer of a query, apart from what it says itself.

    See also ``presence`` and ``sessions``.
    """

    proved: bool
    suspended: bool
    role: str | None = None
    training_age_days: int | None = None
    session_age_hours: int | None = None
    clients_this_hour: int = 1
    hours_today: int = 1
    sessions_at_once: int = 1

    def facts(self) -> dict[str, Json]:
        """Return ``input.officer``."""
        return {
            "proved": self.proved,
            "suspended": self.suspended,
            "role": self.role,
            "training_age_days": self.training_age_days,
            "session_age_hours": self.session_age_hours,
            "clients_this_hour": self.clients_this_hour,
            "hours_today": self.hours_today,
            "sessions_at_once": self.sessions_at_once,
        }


NAMED = Officer(proved=False, suspended=False)
"""An officer who is merely named, and of whom nothing is on record."""


def officer(assertion: Assertion | None, *, at: datetime) -> Officer:
    """Return what an assertion says at that moment; whether they are suspended the registry adds."""
    if assertion is None:
        return NAMED
    trained, today = assertion.trained_on, at.astimezone(UTC).date()
    return Officer(
        proved=True,
        suspended=False,
        role=assertion.role,
        training_age_days=None if trained is None else (today - trained).days,
        session_age_hours=max(0, int(at.timestamp()) - assertion.session_began) // _HOUR,
    )


def known_before(recorded: Json) -> Officer:
    """Return the officer as a decision was made on it before, if it was made since officers are facts.

    Whether they are suspended now the registry adds.
    """
    if not isinstance(recorded, dict):
        return NAMED
    return Officer(**{**recorded, "suspended": False})  # type: ignore[arg-type]  # our own record


def proved(
    text: str | None, client: Client | None, key_sets: CurrentKeys, *, issuer: str, now: int
) -> Assertion | None:
    """Read the header of a request of that client, at ``now`` in seconds; None if there was none.

    Raises OfficerRefused for an assertion that is wrong in anything, Unavailable while the keys that the
    agency publishes are fetched.
    """
    if text is None:
        return None
    if client is None:
        raise _refusal("officer_key")
    try:
        # (1) Three small parts, and a header without crit, jwk, x5c, jku or b64.
        unverified = read(text, frozenset({"alg", "kid", "typ"}))
        # (2) Said of an officer, and nothing else that a key may have signed.
        if unverified.header.get("typ") != TYPE:
            raise _refusal("officer_type")
        # (3) A key of the very client that asks, as registered or as its agency publishes it now; (4) the
        # signature, and only then what is said.
        key = key_named(key_sets.current(client, unverified.header.get("kid")), unverified, now=now)
        claims = unverified.verified(import_key(key.alg, key.jwk))
        # (5) By whom, to whom, when, and once.
        if claims.get("iss") != client.id:
            raise _refusal("officer_issuer")
        once = checked(claims, audience=issuer, now=now, life=LIFE_SECONDS)
    except (CompactFault, AssertionRefused) as refused:
        raise _refusal(_FAULTS[refused.fault]) from refused
    except KeysStale:
        raise _refusal("officer_keys_stale") from None
    except ValueError as unusable:
        raise _refusal("officer_key") from unusable
    # (6) About whom; the subject is the agency's own name for the officer.
    if not is_identifier(claims.get("sub")):
        raise _refusal("officer_claims")
    return said_of(claims, now=now, used=f"{client.id} {once.jti}", kept_until=once.kept_until)


def agreed(assertion: Assertion | None, requester: Requester) -> None:
    """Check that the assertion is of the officer whom the query names. Raises InvalidRequest."""
    if assertion is None:
        return
    cure = "Send the assertion of the officer who asks, or name the one whom it proves."
    faults = [
        Fault(f"/requester/{name}", "Not that of the officer assertion.", cure)
        for name in ("name", "badge")
        if plain(getattr(requester, name)) != plain(getattr(assertion, name))
    ]
    if faults:
        raise InvalidRequest(faults)


def said_of(
    claims: Mapping[str, Any], *, now: int, used: str = "", kept_until: datetime = _NOTHING_KEPT
) -> Assertion:
    """Read what signed claims say of an officer; whose signature it is, the caller knows.

    Raises OfficerRefused.
    """
    said = {name: _text(claims.get(name)) for name in _LONGEST}
    texts = [name for name in _LONGEST if name != "role" or said["role"] is not None]
    if not all(_is_line(said[name], _LONGEST[name]) for name in texts):
        raise _refusal("officer_claims")
    # Letters and digits are what officers are told apart by.
    if not plain(said["name"]) or not plain(said["badge"]):
        raise _refusal("officer_claims")
    began = claims.get("auth_time")
    if not is_identifier(claims.get("sid")) or type(began) is not int:
        raise _refusal("officer_session")
    if not 0 < began <= now + SKEW_SECONDS:
        raise _refusal("officer_session")
    return Assertion(
        name=said["name"],
        badge=said["badge"],
        role=said["role"],
        trained_on=_day(claims.get("training")),
        session=claims["sid"],
        session_began=began,
        used=used,
        kept_until=kept_until,
    )


def _text(value: Any) -> Any:
    """Return a text as requests are read (NFC), and anything else as it is."""
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _is_line(text: object, longest: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= longest and text.isprintable()


def _day(text: object) -> date | None:
    """Read a day as 2026-11-22. Raises OfficerRefused."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != text or not 1950 <= day.year <= 2100:
        raise _refusal("officer_claims")
    return day


def _refusal(fault: OfficerFault) -> OfficerRefused:
    """Make the error of a fault; its type keeps the list closed."""
    return OfficerRefused(fault)


class OfficerMarks:
    """Marks that outlive a day's key: suspended officers are found by them for as long as they are suspended.

    HMAC-SHA256 under a key of its own, which is kept with the day keys and like them outside the database.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"gatekeeper officer mark v1", "sha256")
        self.key_id = sha256(b"gatekeeper officer key v1\0" + key).hexdigest()[:16]
        """Names the key: a mark that was made under another one would be found by nobody."""

    def of(self, agency_id: str, badge: str) -> bytes:
        """Return the mark of an officer of an agency; how the badge is spelled makes no difference."""
        # As in a fingerprint, wide digits and accents are what they stand for: nobody types himself past it.
        return hmac.digest(self._key, canonical({"agency": agency_id, "badge": plain(badge)}), "sha256")

    def of_requester(self, agency_id: str, requester: Requester) -> bytes:
        """Return the mark of whoever a query names; a badge of signs only is nobody's, as in ``history``."""
        return self.of(agency_id, who(requester.badge, requester.name))
