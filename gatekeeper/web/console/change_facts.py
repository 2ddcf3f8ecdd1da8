"""What a proposed change says, line by line, in the words of whoever reads it.

Guarantees: everything that the proposal's entry says of the change stands there, what is not known to this
page too, as it is; a key is told by what it is compared by, its id and its thumbprint (RFC 7638) or the name
in its certificate; what would be overwritten stands beside what it becomes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from gatekeeper.exchange.certificate_names import KINDS
from gatekeeper.exchange.interfaces import Agency
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.ledger import Json
from gatekeeper.oversight.changes import Act, Change
from gatekeeper.web.console.languages import later, say

WORDS: Final = (
    later("add agency"),
    later("change agency"),
    later("change 287g"),
    later("reinstate agency"),
    later("close agency"),
    later("add client"),
    later("add key"),
    later("add issuer"),
    later("change issuer"),
    later("reinstate issuer"),
    later("name"),
    later("kind"),
    later("state"),
    later("status"),
    later("ori"),
    later("contacts"),
    later("has 287g"),
    later("source 287g"),
    later("looked up 287g"),
    later("client"),
    later("profile"),
    later("scopes"),
    later("key"),
    later("key id"),
    later("algorithm"),
    later("thumbprint"),
    later("name in the certificate"),
    later("last day"),
    later("issuer"),
    later("url"),
    later("agencies"),
    later("audience"),
    later("algorithms"),
    later("types"),
    later("longest life in seconds"),
    later("bearer tokens"),
    later("claim that names the client"),
    later("their clients, and ours"),
    later("claim that names the agency"),
    later("their agencies, and ours"),
    later("claim of the scope"),
    later("claims that each token must have"),
    later("claims that prove the officer"),
    later("claim that names the token"),
    later("address of its keys"),
    later("hours that fetched keys count"),
    later("keys"),
    later("done"),
    later("void"),
)
"""The words of the page that are codes of ours."""

DOES: Final[Mapping[Act, str]] = {
    "add_agency": later("The agency enters the registry. Without a client it can ask nothing."),
    "change_agency": later("What is recorded of the agency changes to what stands here."),
    "change_287g": later(
        "Whether the agency has an agreement under 8 USC 1357(g) is recorded anew, and with it what "
        "stands here. The law in force may judge its requests otherwise."
    ),
    "reinstate_agency": later(
        "The agency's requests are judged again as every other's, from the next on. Stops in force stay."
    ),
    "close_agency": later(
        "The agency is closed for good, and with it its clients, keys, webhooks and links: refused from "
        "its next request on."
    ),
    "add_client": later("The agency gets one more client, by which it can ask."),
    "add_key": later("A client can prove itself by one more key."),
    "add_issuer": later("The tokens of an identity provider count, on the terms that stand here."),
    "change_issuer": later(
        "An identity provider gets other keys, or another address of them: what the old ones signed is "
        "refused."
    ),
    "reinstate_issuer": later("The tokens of a suspended identity provider count again."),
}
"""What each change comes to."""

_TERMS: Final = {
    "max_life": "longest life in seconds",
    "bearer": "bearer tokens",
    "client_claim": "claim that names the client",
    "clients": "their clients, and ours",
    "agency_claim": "claim that names the agency",
    "agency_values": "their agencies, and ours",
    "scope_claim": "claim of the scope",
    "required": "claims that each token must have",
    "officer": "claims that prove the officer",
    "id_claim": "claim that names the token",
    "jwks_uri": "address of its keys",
    "stale_hours": "hours that fetched keys count",
    "jwks": "keys",
}
"""What the terms of an identity provider are called; others have their own name."""

_ALGORITHMS: Final = {"EC": "ES256", "RSA": "PS256", "OKP": "EdDSA"}
_CODES: Final = frozenset({"kind", "status", "profile"})
_NAMED: Final = "tls_client_auth_"
_CHANGES: Final = frozenset({"change_agency", "change_287g"})


class Fact(NamedTuple):
    """One line: what it is called, what it becomes, and what it is now, if anything is overwritten."""

    name: str
    text: str
    now: str | None = None


def facts_of(change: Change, agency: Agency | None) -> list[Fact]:
    """Return the lines of a change of that agency, as the registry has it now."""
    found: list[Fact] = []
    for name, value in change.content.items():
        if name == "key":
            found += _key(value)
            continue
        if name in {"terms", "keys"} and isinstance(value, dict):
            found += [Fact(_TERMS.get(term, term), _term(term, said)) for term, said in value.items()]
            continue
        now = _text(name, getattr(agency, name, None)) if change.act in _CHANGES and agency else None
        found.append(Fact(name, _text(name, value), now))
    return list(dict.fromkeys(found))  # what an issuer's terms say again stands there once


def _key(value: Json) -> Iterator[Fact]:
    if value is None:
        yield Fact("key", say("none: a secret is made when this is confirmed, and shown once"))
        return
    jwk = value.get("jwk") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(jwk, dict):
        yield Fact("key", _text("key", value))
        return
    yield Fact("key id", _text("kid", value.get("kid")))
    if names := [f"{kind} {jwk[_NAMED + kind]}" for kind in KINDS if _NAMED + kind in jwk]:
        yield Fact("name in the certificate", ", ".join(names))
    else:
        yield Fact("algorithm", _text("alg", value.get("alg")))
        yield Fact("thumbprint", _thumbprint(str(value.get("alg")), jwk))
    if isinstance(jwk.get("exp"), int):
        yield Fact("last day", _last_day(jwk))


def _term(name: str, said: Json) -> str:
    """Return a term in words: pairs as pairs, each key by its id and thumbprint."""
    if not isinstance(said, dict):
        return _text(name, said)
    keys = said.get("keys") if name == "jwks" else None
    if isinstance(keys, list):
        told = (_held(key) if isinstance(key, dict) else _text(name, key) for key in keys)
    else:
        told = (f"{key} = {_text(name, value)}" for key, value in said.items())
    return ", ".join(told) or say("nothing")


def _held(key: Mapping[str, Any]) -> str:
    alg = _ALGORITHMS.get(str(key.get("kty")), "")  # a published key need not name its own
    return f"{_text('kid', key.get('kid'))} ({_thumbprint(alg, key)})"


def _thumbprint(alg: str, jwk: Mapping[str, Any]) -> str:
    try:
        return str(import_key(alg, jwk).thumbprint())
    except ValueError:
        return json.dumps(jwk, ensure_ascii=False)  # as it is: it proves nothing, but nothing is hidden


def _last_day(jwk: Mapping[str, Any]) -> str:
    try:
        return datetime.fromtimestamp(jwk["exp"], UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return str(jwk["exp"])


def _text(name: str, value: object) -> str:
    if value is None or value in ([], ()):
        return say("nothing")
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, list | tuple):
        return ", ".join(_text(name, one) for one in value)
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return say(value.replace("_", " ")) if name in _CODES else value
