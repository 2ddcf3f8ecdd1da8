"""On which terms an identity provider of agencies may be taken in: what is refused, and what to give instead.

Guarantees: nothing is changed here. Terms that would let a token count which it should not (our own issuer, a
client of an agency that is not named, an algorithm or a type that is not ours to read, a life beyond a day,
keys that are believed for more than a week unseen) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.issuer_keys import MOST_KEYS, fit_keys
from gatekeeper.exchange.issuers import ALGORITHMS, LONGEST_LIFE, OFFICER, OFFICER_WHOLE, TYPES
from gatekeeper.exchange.key_sets import KeySetRefused

HOUR: Final = 3600
STALE_HOURS: Final = 24
"""For so long keys that were fetched are believed, where the operator does not say."""
LONGEST_STALE_HOURS: Final = 168
_CLAIM: Final = re.compile(r"[!-~]{1,128}\Z")
_UNFIT: Final = {
    "not_a_key_set": 'not a JWK set: {"keys": [...]}, each an object',
    "too_many_keys": f"the set has over {MOST_KEYS} keys",
    "private_key": "the set holds a private or a shared key: give the public halves alone",
    "repeated_key": "two keys of the set have one kid",
}


def refuse_unfit_address(url: str, own: str) -> None:
    """Refuse a name that no issuer can have; *own* is ours. Raises OperatorError."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        raise OperatorError("that is no address of an issuer: give its `iss`, as https://…") from None
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > 512 or not parts.hostname:
        raise OperatorError("that is no address of an issuer: give its `iss`, as https://…")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise OperatorError("an issuer is an https address (http on this machine alone)")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise OperatorError("an issuer's address has no query, fragment or user (RFC 8414)")
    if _bare(url) == _bare(own):
        raise OperatorError(
            "this is the city's own issuer: it is not registered, and no other may have its name"
        )


def _bare(url: str) -> str:
    return url.rstrip("/").casefold()


def refuse_unfit_terms(terms: Mapping[str, Any], snapshot: Any) -> None:
    """Refuse terms that cannot be kept. Raises OperatorError."""
    if not terms["algorithms"] or not set(terms["algorithms"]) <= set(ALGORITHMS):
        raise OperatorError(f"an issuer signs with some of {', '.join(ALGORITHMS)}; RS256 if it has no other")
    refuse_unfit_keys(terms)
    if not terms["types"] or not set(terms["types"]) <= set(TYPES):
        raise OperatorError(f"an access token is of the type {', '.join(TYPES[:-1])}, or {TYPES[-1]}")
    if not 0 < terms["max_life"] <= LONGEST_LIFE:
        raise OperatorError(f"a token lives 1 to {LONGEST_LIFE} seconds")
    claims = [
        terms["client_claim"],
        terms["scope_claim"],
        terms.get("id_claim", "jti"),
        *terms["required"],
        *terms["officer"].values(),
    ]
    claims += [] if terms["agency_claim"] is None else [terms["agency_claim"]]
    if not all(_CLAIM.match(name) for name in claims) or not terms["officer"].keys() <= set(OFFICER):
        raise OperatorError(f"claims are named in ASCII; of an officer: {', '.join(OFFICER)}")
    if terms["officer"] and not terms["officer"].keys() >= OFFICER_WHOLE:
        raise OperatorError(
            f"who proves an officer proves all of {', '.join(sorted(OFFICER_WHOLE))}: an --officer for each"
        )
    if "JWT" in terms["types"] and not terms["required"]:
        raise OperatorError(
            "an identity token is of the type JWT too: name a claim that tells them apart, as "
            "--require typ=Bearer"
        )
    _refuse_unfit_parties(terms, snapshot)


def _refuse_unfit_parties(terms: Mapping[str, Any], snapshot: Any) -> None:
    agencies = set(terms["agencies"])
    if not agencies:
        raise OperatorError("name each agency that the issuer speaks for: --agency sample-city-pd")
    for agency_id in sorted(agencies):
        found = snapshot.agency(agency_id)
        if found is None or found.id != agency_id or found.status == "closed":
            raise OperatorError(f"{agency_id} is no agency in the registry: gatekeeper agency list")
    if not terms["clients"]:
        raise OperatorError("name at least one client: --client THEIR_NAME=client-…")
    for theirs, ours in sorted(terms["clients"].items()):
        client = snapshot.client(ours)
        if not theirs or not theirs.isprintable() or client is None or client.status != "active":
            raise OperatorError(f"{ours} is no active client: gatekeeper client list")
        if client.agency_id not in agencies:
            raise OperatorError(f"{ours} is of {client.agency_id}, for which this issuer does not speak")
    if (terms["agency_claim"] is None) != (not terms["agency_values"]):
        raise OperatorError("--agency-claim and --agency-value belong together")
    if not set(terms["agency_values"].values()) <= agencies:
        raise OperatorError("an --agency-value leads to an agency that is not named with --agency")


def refuse_unfit_keys(terms: Mapping[str, Any]) -> None:
    """Refuse keys, or an address of them, that cannot be kept. Raises OperatorError."""
    hours = terms.get("stale_hours", STALE_HOURS)
    if type(hours) is not int or not 1 <= hours <= LONGEST_STALE_HOURS:
        raise OperatorError(f"fetched keys are believed for 1 to {LONGEST_STALE_HOURS} hours")
    if "jwks_uri" not in terms:
        signing_keys(terms["jwks"], terms["algorithms"])
    elif not str(terms["jwks_uri"]).startswith("https://") or terms["jwks"]["keys"]:
        raise OperatorError("keys are given as a file, or fetched from an https address: one of the two")


def signing_keys(jwks: object, algorithms: Sequence[str]) -> list[dict[str, Any]]:
    """Return the keys of a set that can sign by these terms. Raises OperatorError if there are none."""
    try:
        found = fit_keys(jwks, algorithms)
    except KeySetRefused as unfit:
        raise OperatorError(f"the keys are of no use: {_UNFIT[unfit.fault]}") from None
    if not found:
        raise OperatorError(
            f"no key of the set can sign by {', '.join(algorithms)}: ES256 takes a key on P-256, PS256 and "
            "RS256 an RSA key of 2048 to 4096 bits, EdDSA one of Ed25519, each with a kid"
        )
    return found
