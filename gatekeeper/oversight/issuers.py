"""Identity providers of agencies: taken in on terms, given other keys, suspended, reinstated, removed.

Guarantees: nothing is changed without an entry in the log, which names the agencies spoken for and commits
to provider, terms and reason; terms that would let a token count which they should not are refused
(``issuer_terms``). From the commit on each request is judged by it, in every worker. Taking one in, giving
it other keys and reinstating it are planned here and made by ``changing``, so that they take two people where
the city's law says so; to suspend and to remove takes one, always. What is fetched from an address that was
registered counts once the log tells of it, and only while that address is still the registered one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from gatekeeper.errors import OperatorError, Superseded
from gatekeeper.exchange.interfaces import Snapshot
from gatekeeper.exchange.issuer_keys import address_of, fit_keys, keys_of, thumbprint, thumbprints
from gatekeeper.exchange.key_sets import revoked
from gatekeeper.ledger import Appended, Draft, Json, Ledger, Row
from gatekeeper.ledger.canonical import canonical
from gatekeeper.oversight.changes import Act, Change, Plan, agency_as_read, unmoved
from gatekeeper.oversight.issuer_terms import (
    refuse_unfit_address,
    refuse_unfit_keys,
    refuse_unfit_terms,
    signing_keys,
)
from gatekeeper.review.reasons import fault_of, tidy

ENDINGS: Final = {"suspended": "issuer.suspended", "removed": "issuer.removed"}
OF_KEYS: Final = ("jwks", "jwks_uri", "stale_hours")
"""Which of the terms are exchanged with the keys."""
_TRIES: Final = 3


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

    @classmethod
    def of(cls, snapshot: Any, url: str) -> Known:
        """Return the issuer of that address. Raises OperatorError."""
        found = snapshot.issuer(url)
        if found is None:
            raise OperatorError("no such issuer: gatekeeper issuer list shows those registered")
        return cls(found.id, found.url, found.status, found.terms)


def adding(url: str, terms: Mapping[str, Any]) -> Change:
    """Return the change that takes an issuer in."""
    content: dict[str, Json] = {
        "issuer": f"issuer_{secrets.token_hex(12)}",
        "url": url,
        "agencies": _sorted(terms["agencies"]),
        "terms": dict(terms),
    }
    return Change("add_issuer", _first(terms), content)


def exchanging(issuer: Known, keys: Mapping[str, Any]) -> Change:
    """Return the change that gives an issuer other keys, or another address of them."""
    content: dict[str, Json] = {
        "url": issuer.url,
        "agencies": _sorted(issuer.terms["agencies"]),
        "keys": dict(keys),
    }
    return Change("change_issuer", _first(issuer.terms), content)


def reinstating(issuer: Known) -> Change:
    """Return the change that reinstates a suspended issuer."""
    content: dict[str, Json] = {"url": issuer.url, "agencies": _sorted(issuer.terms["agencies"])}
    return Change("reinstate_issuer", _first(issuer.terms), content)


@dataclass(frozen=True, slots=True)
class Issuers:
    """Plans and makes what changes which issuers count. ``own`` is our own name, which none may have."""

    ledger: Ledger
    registry: Registry
    rows: IssuerRows
    own: str

    def added(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan a new issuer. Raises OperatorError for what is unfit."""
        url, terms = str(change.content["url"]), _object(change.content["terms"])
        refuse_unfit_address(url, self.own)
        if snapshot.issuer(url) is not None:
            raise OperatorError("this issuer is registered already: gatekeeper issuer list")
        refuse_unfit_terms(terms, snapshot)
        if "jwks_uri" not in terms:
            terms = {**terms, "jwks": {"keys": _own_keys(snapshot, terms)}}
        made = Known(str(change.content["issuer"]), url, "active", terms)
        agencies, clients = terms["agencies"], terms["clients"].values()
        rests_on: Json = {
            "agencies": [agency_as_read(snapshot.agency(each)) for each in sorted(agencies)],
            "clients": [[each, _agency_of(snapshot, each)] for each in sorted(clients)],
        }
        return _plan("issuer.added", "add_issuer", change, made, self.rows.add_issuer(made), rests_on)

    def exchanged(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan other keys for an issuer: what others signed is refused from then on. Raises OperatorError."""
        found, keys = Known.of(snapshot, str(change.content["url"])), _object(change.content["keys"])
        kept = {name: value for name, value in found.terms.items() if name not in OF_KEYS}
        terms: dict[str, Any] = {**kept, **{name: keys[name] for name in OF_KEYS if name in keys}}
        refuse_unfit_keys(terms)
        if "jwks_uri" not in terms:
            terms["jwks"] = {"keys": _own_keys(snapshot, terms)}
        made = Known(found.id, found.url, found.status, terms)
        rows = self.rows.change_issuer(found, terms=terms)
        return _plan("issuer.changed", "change_issuer", change, made, rows, _as_read(found))

    def reinstated(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan that a suspended issuer counts again. Raises OperatorError."""
        found = Known.of(snapshot, str(change.content["url"]))
        if found.status != "suspended":
            raise OperatorError(f"the issuer is {found.status}; nothing was changed")
        rows = self.rows.change_issuer(found, status="active")
        return _plan("issuer.reinstated", "reinstate_issuer", change, found, rows, _as_read(found))

    def end(self, url: str, status: str, *, reason: str, by: str) -> Appended:
        """Suspend (``suspended``) or remove (``removed``): at once, by one person. Raises OperatorError."""
        if (fault := fault_of(reason)) is not None:
            raise OperatorError(f'{fault} For example --reason "Agreement with the sheriff of 3 November"')
        found = Known.of(self.registry.snapshot(), url)
        if found.status == status:
            raise OperatorError(f"the issuer is {status}; nothing was changed")
        columns: dict[str, object] = {"status": status}
        if status == "removed":
            columns["url"] = None
        private: dict[str, Json] = {**_private(found), "reason": tidy(reason), "by": by}
        draft = Draft(ENDINGS[status], found.id, _clear(found), private, {"terms": dict(found.terms)})
        return self.ledger.append(draft, self.rows.change_issuer(found, **columns))

    def take(self, url: str, address: str, said: object) -> None:
        """Keep what was fetched from an issuer's address, if it is another set than before.

        Raises KeySetRefused; Superseded if the issuer's keys are not fetched from there any more;
        LedgerUnavailable, StoreUnavailable.
        """
        for _ in range(_TRIES):
            snapshot = self.registry.snapshot()
            found = snapshot.issuer(url)
            if found is None or found.status != "active" or address_of(found) != address:
                raise Superseded
            algorithms = found.terms["algorithms"]
            barred = revoked(snapshot.clients())
            keys = [jwk for jwk in fit_keys(said, algorithms) if thumbprint(jwk, algorithms) not in barred]
            if keys == [*keys_of(found)]:
                return
            before, after = (thumbprints(each, algorithms) for each in (keys_of(found), keys))
            made = Known(found.id, found.url, found.status, {**found.terms, "jwks": {"keys": keys}})
            clear = {**_clear(made), "added": _sorted(after - before), "withdrawn": _sorted(before - after)}
            private = {**_private(made), "host": urlsplit(address).netloc}
            draft = Draft("issuer.keys_fetched", made.id, clear, private, {"terms": dict(made.terms)})
            try:
                self.ledger.append(draft, self.rows.change_issuer(found, terms=made.terms), unmoved(snapshot))
            except Superseded:
                continue  # something of the registry moved: what it is now decides
            return
        raise Superseded


def _plan(event: str, act: Act, change: Change, made: Known, rows: Sequence[Row], rests_on: Json) -> Plan:
    """Return the plan of a change. Raises OperatorError if it is of other agencies than it says."""
    agencies = _sorted(made.terms["agencies"])
    if change.content.get("agencies") != agencies or change.agency_id != agencies[0]:
        raise OperatorError("the issuer speaks for other agencies by now: gatekeeper issuer list")
    return Plan(
        event=event,
        clear=_clear(made),
        private=_private(made),
        rows=tuple(rows),
        rests_on=rests_on,
        acts=frozenset({act}),
        made={"issuer": str(made.url)},
        ref=made.id,
        detail={"terms": dict(made.terms)},
    )


def _own_keys(snapshot: Snapshot, terms: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys of a file. Raises OperatorError for one that was revoked: who stole it has it still."""
    keys, barred = signing_keys(terms["jwks"], terms["algorithms"]), revoked(snapshot.clients())
    for jwk in keys:
        owner = barred.get(thumbprint(jwk, terms["algorithms"]))
        if owner is not None:
            raise OperatorError(
                f"the key {jwk['kid']} was revoked, of the client {owner}, for good: have the provider make "
                "another pair, and give its public half"
            )
    return keys


def _agency_of(snapshot: Snapshot, client_id: str) -> str | None:
    found = snapshot.client(client_id)
    return None if found is None else found.agency_id


def _clear(issuer: Known) -> dict[str, Json]:
    return {"agencies": _sorted(issuer.terms["agencies"])}


def _private(issuer: Known) -> dict[str, Json]:
    digest = hashlib.sha256(canonical(dict(issuer.terms))).hexdigest()
    return {"url": issuer.url, "terms": digest}


def _as_read(issuer: Known) -> Json:
    """Return what a change of an issuer rests on. Keys that were fetched come and go, and are none of it."""
    terms = dict(issuer.terms)
    if "jwks_uri" in terms:
        terms["jwks"] = None
    return {"id": issuer.id, "url": issuer.url, "status": issuer.status, "terms": terms}


def _first(terms: Mapping[str, Any]) -> str:
    """Return the agency under which a change of an issuer is found. Raises OperatorError."""
    agencies = _sorted(terms["agencies"])
    if not agencies:
        raise OperatorError("name each agency that the issuer speaks for: --agency sample-city-pd")
    return str(agencies[0])


def _sorted(values: Any) -> list[Json]:
    return [*sorted(values)]


def _object(value: Json) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
