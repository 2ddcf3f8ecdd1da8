"""Identity providers of agencies: taken in on terms, given other keys, suspended, reinstated, removed.

Guarantees: nothing is changed without an entry in the log, which names the agencies spoken for and commits
to provider, terms and reason; terms that would let a token count which they should not (our own issuer, a
client of an agency that is not named, an algorithm or a type that is not ours to read, a life beyond a day)
are refused, with what to give instead. From the commit on each request is judged by it, in every worker.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.issuers import ALGORITHMS, LONGEST_LIFE, OFFICER, OFFICER_WHOLE, TYPES, fit_keys
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row
from gatekeeper.ledger.canonical import canonical
from gatekeeper.review.reasons import fault_of, tidy

HOUR: Final = 3600
_CLAIM: Final = re.compile(r"[!-~]{1,128}\Z")
_EVENTS: Final = {"suspended": "issuer.suspended", "active": "issuer.reinstated", "removed": "issuer.removed"}


class IssuerRows(Protocol):
    """Makes the rows of a change, for the log to commit with its entry."""

    def add_issuer(self, issuer: Any, /) -> Sequence[Row]:
        """Return the rows of a new one."""

    def change_issuer(self, issuer: Any, /, **columns: object) -> Sequence[Row]:
        """Return the rows that change one that still stands as it was read."""


class Registry(Protocol):
    """The registry as it is now."""

    def snapshot(self) -> Any:
        """Return it. Raises StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Known:
    """An issuer as it is written."""

    id: str
    url: str | None
    status: str
    terms: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Issuers:
    """Changes which issuers count. ``own`` is our own issuer identifier, which none may have."""

    ledger: Ledger
    registry: Registry
    rows: IssuerRows
    own: str

    def add(self, url: str, terms: Mapping[str, Any], *, reason: str, by: str) -> Known:
        """Take an issuer in. Raises OperatorError for what is unfit, LedgerUnavailable."""
        why, snapshot = _reason(reason), self.registry.snapshot()
        _refuse_unfit_address(url, self.own)
        if snapshot.issuer(url) is not None:
            raise OperatorError("this issuer is registered already: gatekeeper issuer list")
        _refuse_unfit_terms(terms, snapshot)
        kept = {**terms, "jwks": {"keys": _keys(terms["jwks"])}}
        made = Known(f"issuer_{secrets.token_hex(12)}", url, "active", kept)
        self._commit("issuer.added", made, (why, by), self.rows.add_issuer(made))
        return made

    def exchange_keys(self, url: str, jwks: Mapping[str, Any], *, reason: str, by: str) -> Appended:
        """Give an issuer other keys; what the old ones signed is refused from then on.

        Raises OperatorError, Superseded, LedgerUnavailable.
        """
        why, found = _reason(reason), self.known(url)
        terms = {**found.terms, "jwks": {"keys": _keys(jwks)}}
        changed = Known(found.id, found.url, found.status, terms)
        rows = self.rows.change_issuer(found, terms=terms)
        return self._commit("issuer.changed", changed, (why, by), rows)

    def set_status(self, url: str, status: str, *, reason: str, by: str) -> Appended:
        """Suspend (``suspended``), reinstate (``active``) or remove (``removed``). Raises OperatorError."""
        why, found = _reason(reason), self.known(url)
        if found.status == status:
            raise OperatorError(f"the issuer is {status}; nothing was changed")
        columns: dict[str, object] = {"status": status}
        if status == "removed":
            columns["url"] = None
        rows = self.rows.change_issuer(found, **columns)
        return self._commit(_EVENTS[status], found, (why, by), rows)

    def known(self, url: str) -> Known:
        """Return the issuer of that address. Raises OperatorError."""
        found = self.registry.snapshot().issuer(url)
        if found is None:
            raise OperatorError("no such issuer: gatekeeper issuer list shows those registered")
        return Known(found.id, found.url, found.status, found.terms)

    def _commit(
        self, event: str, issuer: Known, why_and_who: tuple[str, str], rows: Sequence[Row]
    ) -> Appended:
        why, by = why_and_who
        digest = hashlib.sha256(canonical(dict(issuer.terms))).hexdigest()
        private: dict[str, Json] = {"url": issuer.url, "terms": digest, "reason": why, "by": by}
        clear: dict[str, Json] = {"agencies": sorted(issuer.terms["agencies"])}
        return self.ledger.append(
            Draft(event, issuer.id, clear, private, {"terms": dict(issuer.terms)}), rows
        )


def _refuse_unfit_address(url: str, own: str) -> None:
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


def _refuse_unfit_terms(terms: Mapping[str, Any], snapshot: Any) -> None:
    """Refuse terms that cannot be kept. Raises OperatorError."""
    _keys(terms["jwks"])
    if not terms["algorithms"] or not set(terms["algorithms"]) <= set(ALGORITHMS):
        raise OperatorError(f"an issuer signs with some of {', '.join(ALGORITHMS)}")
    if not terms["types"] or not set(terms["types"]) <= set(TYPES):
        raise OperatorError(f"an access token is of the type {', '.join(TYPES[:-1])}, or {TYPES[-1]}")
    if not 0 < terms["max_life"] <= LONGEST_LIFE:
        raise OperatorError(f"a token lives 1 to {LONGEST_LIFE} seconds")
    claims = [terms["client_claim"], terms["scope_claim"], *terms["required"], *terms["officer"].values()]
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


def _keys(jwks: object) -> list[dict[str, Any]]:
    try:
        return fit_keys(jwks)
    except ValueError as unfit:
        raise OperatorError(f"the keys are of no use: {unfit}") from None


def _reason(said: str) -> str:
    if (fault := fault_of(said)) is not None:
        raise OperatorError(f'{fault} For example --reason "Agreement with the sheriff of 3 November"')
    return tidy(said)
