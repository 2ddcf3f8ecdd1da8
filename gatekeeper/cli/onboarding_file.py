"""An agency in a file, YAML or JSON: its shape, and every fault of it at once with its cure.

Guarantees: each scalar is read as the text that stands there (no date, number or truth value is guessed); a
name that nobody asks for, or that stands twice, is a fault; a path is taken from the file's own place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from gatekeeper.cli.client_credentials import certificate_of
from gatekeeper.cli.onboarding import Application, Fault, NewClient, Paper, digest, key_in, one_of
from gatekeeper.errors import OperatorError
from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.authenticate import SCOPES
from gatekeeper.ledger.stops import KINDS
from gatekeeper.settings import PROFILES
from gatekeeper.store import ClientKey

LARGEST: Final = 64_000
EXAMPLE: Final = """\
# gatekeeper agency onboard --file agency.yaml        (--check only checks it; JSON of the same shape will do)
id: sample-city-pd                  # 10 to 64 letters, digits, dots, dashes; the log's name for it, for ever
name: Sample City Police Department
kind: local                         # local, state, federal, tribal, fusion_center or private
state: IL                           # leave it out for a federal agency
ori: IL0160000                      # Originating Agency Identifier of the FBI; leave it out if it has none
contacts:                           # who is told of reviews, and reminded before a signature ends
  - records@sample-city.example
agreement_287g:                     # an agreement under 8 USC 1357(g), and where it stands
  has: no
  source: https://www.ice.gov/identify-and-arrest/287g
  looked_up: 2026-11-02
signed:                             # leave it out, and send a link: gatekeeper affirmation invite
  - kind: affirmation               # or declaration, of 625 ILCS 5/2-130(c)
    text_version: 2026-01
    signer: Pat Example
    title: Chief of Police
    signed_on: 2026-11-02
    expires_on: 2027-11-02          # the first day on which it no longer counts; without it, by the law
    document: affirmation.pdf       # the signed paper; its SHA-256 is kept
client:                             # leave it out, and add it later: gatekeeper client add
  profile: fapi                     # or private_key or basic, where the city serves them
  keys: [sample-city-pd.pem]        # public keys, PEM or JWK; or (fapi) by which name its certificate goes:
  # certificate_name: {kind: san_dns, value: gate.sample-city.example}
"""
_NOTHING: Final = frozenset({"", "~", "null"})
_YES: Final = {"yes": True, "true": True, "no": False, "false": False}
_T = TypeVar("_T")


class _Loader(yaml.BaseLoader):
    """Reads every scalar as text, and refuses a name that stands twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = loader.construct_object(key, deep=True)
        if not isinstance(name, str) or name in found:
            raise yaml.constructor.ConstructorError(None, None, "a name stands twice", key.start_mark)
        found[name] = loader.construct_object(value, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read(path: Path) -> tuple[Application | None, list[Fault]]:
    """Return the application in a file (None if it holds none) and what of it could not be read.

    Where something could not be read, the application has a stand-in: with such a fault it is not entered.
    """
    with path.open("rb") as opened:
        content = opened.read(LARGEST + 1)
    if len(content) > LARGEST:
        return None, [Fault("the file", f"it is larger than {LARGEST} bytes: it holds one agency")]
    try:
        document = yaml.load(content.decode("utf-8"), _Loader)  # noqa: S506  BaseLoader makes nothing but texts
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as fault:
        mark = getattr(fault, "problem_mark", None)
        line = "" if mark is None else f" (line {mark.line + 1})"
        cure = "it is not YAML or JSON in UTF-8, each name once"
        return None, [Fault("the file", f"{cure}{line}: gatekeeper agency onboard --example shows one")]
    return _Reading(path.parent).application(document)


class _Reading:
    """Reads one document, and keeps every fault."""

    def __init__(self, beside: Path) -> None:
        self._beside = beside
        self._faults: list[Fault] = []

    def application(self, document: object) -> tuple[Application, list[Fault]]:
        """Return the application, and what of it could not be read."""
        top = self._object(document, "", "id name kind state ori contacts agreement_287g signed client")
        agreement = self._object(top.get("agreement_287g"), "agreement_287g", "has source looked_up")
        has = self._one(agreement, "agreement_287g/has", _truth)
        looked_up = self._one(agreement, "agreement_287g/looked_up", _day)
        papers = [self._paper(each, place) for place, each in enumerate(self._list(top, "signed"))]
        client = None if _absent(top.get("client")) else self._client(top["client"])
        state, ori = (self._one(top, name, str.upper, optional=True) for name in ("state", "ori"))
        whole = Application(
            id=self._one(top, "id", str) or "",
            name=self._one(top, "name", str) or "",
            # Where something could not be read stands what no further fault follows from.
            kind=self._one(top, "kind", one_of(KINDS)) or "private",
            state=state,
            ori=ori,
            contacts=tuple(self._texts(top, "contacts")),
            has_287g=bool(has),
            source_287g=self._one(agreement, "agreement_287g/source", str) or "",
            looked_up_287g=looked_up or date.min,
            papers=tuple(papers),
            client=client,
        )
        return whole, self._faults

    def _paper(self, each: object, place: int) -> Paper:
        at = f"signed/{place}"
        found = self._object(each, at, "kind text_version signer title signed_on expires_on document")
        kind = self._one(found, f"{at}/kind", one_of(("affirmation", "declaration")))
        version, signer, title = (
            self._one(found, f"{at}/{name}", str) for name in ("text_version", "signer", "title")
        )
        signed_on = self._one(found, f"{at}/signed_on", _day)
        expires_on = self._one(found, f"{at}/expires_on", _day, optional=True)
        paper = self._one(found, f"{at}/document", lambda text: self._file(text, digest), optional=True)
        return Paper(
            kind or "affirmation",
            version or "",
            signer or "",
            title or "",
            signed_on or date.min,
            expires_on,
            paper,
        )

    def _client(self, value: object) -> NewClient | None:
        found = self._object(value, "client", "profile keys certificate_name scopes")
        profile = self._one(found, "client/profile", one_of(PROFILES))
        keys = []
        for place, name in enumerate(self._texts(found, "keys", "client/keys")):
            key = self._tried(f"client/keys/{place}", partial(self._file, name, key_in))
            keys += [] if key is None else [key]
        keys += self._certificate(found)
        scopes = tuple(self._texts(found, "scopes", "client/scopes")) or SCOPES
        for scope in scopes:
            if scope not in SCOPES:
                self._fault("client/scopes", f"scopes are {', '.join(SCOPES)}")
        return None if profile is None else NewClient(profile, scopes, tuple(keys))

    def _certificate(self, client: Mapping[str, Any]) -> list[ClientKey]:
        at = "client/certificate_name"
        if _absent(client.get("certificate_name")):
            return []
        found = self._object(client["certificate_name"], at, "kind value")
        kind = self._one(found, f"{at}/kind", one_of(certificate_names.KINDS))
        value = self._one(found, f"{at}/value", str)
        name = self._tried(at, lambda: certificate_of(kind, value)) if kind and value else None
        return [] if name is None else [name]

    def _object(self, value: object, where: str, names: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self._fault(where or "the file", f"it names {', '.join(names.split())}: see --example")
            return {}
        for name in value:
            if name not in names.split():
                shown = name if name.isprintable() and len(name) < 40 else "a name"
                self._fault(f"{where}/{shown}".strip("/"), "nobody asks for this: leave it out")
        return value

    def _list(self, parent: Mapping[str, Any], name: str, where: str | None = None) -> list[Any]:
        value = parent.get(name)
        if _absent(value):
            return []
        if not isinstance(value, list):
            self._fault(where or name, "it is a list: one a line, each behind a dash")
            return []
        return value

    def _texts(self, parent: Mapping[str, Any], name: str, where: str | None = None) -> list[str]:
        found = []
        for place, each in enumerate(self._list(parent, name, where)):
            if isinstance(each, str):
                found.append(each.strip())
            else:
                self._fault(f"{where or name}/{place}", "it is one text")
        return found

    def _one(
        self,
        parent: Mapping[str, Any],
        where: str,
        turn: Callable[[str], _T],
        *,
        optional: bool = False,
    ) -> _T | None:
        value = parent.get(where.rpartition("/")[2])
        if _absent(value):
            if not optional and parent:
                self._fault(where, "it is missing: see --example")
            return None
        if not isinstance(value, str):
            self._fault(where, "it is one text")
            return None
        return self._tried(where, lambda: turn(value.strip()))

    def _tried(self, where: str, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except (OperatorError, ValueError) as fault:
            self._fault(where, str(fault))
        except OSError as fault:
            self._fault(where, f"the file cannot be read ({fault.strerror}): check its path")
        return None

    def _file(self, name: str, read: Callable[[Path], _T]) -> _T:
        return read(self._beside / name)

    def _fault(self, where: str, cure: str) -> None:
        self._faults.append(Fault(where, cure))


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, str) and value.strip().casefold() in _NOTHING)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("it is a day, as 2026-11-22") from None


def _truth(text: str) -> bool:
    try:
        return _YES[text.casefold()]
    except KeyError:
        raise ValueError("it is yes or no") from None
