"""An agency as it is taken in: read from a file or from answers, checked whole, and entered step by step.

Each step is one commit of rows with its entry, and the client comes last. Guarantees: nothing is entered of
what has a fault; an agency whose taking-in was cut short has no client, so it can ask nothing; doing the same
again enters what is missing and nothing twice; who is registered otherwise is never changed by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from gatekeeper.cli import affirmation, client
from gatekeeper.cli.agency import entering, known, misfits
from gatekeeper.cli.by_two import AtTheShell, make
from gatekeeper.cli.client_credentials import public_key
from gatekeeper.errors import OperatorError
from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.authenticate import SCOPES
from gatekeeper.exchange.key_sets import revoked
from gatekeeper.exchange.public_keys import thumbprint
from gatekeeper.ledger import Json
from gatekeeper.notices.told import is_address
from gatekeeper.parts import first_settings
from gatekeeper.state import State
from gatekeeper.store import Agency, ClientKey
from gatekeeper.store.values import Profile

_W = TypeVar("_W", bound=str)
MOST_CONTACTS = 10
LONGEST_SOURCE = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: where, as ``contacts/0``, and what to do about it."""

    where: str
    cure: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What the agency signed."""

    kind: str
    text_version: str
    signer: str
    title: str
    signed_on: date
    expires_on: date | None
    document_sha256: str | None


@dataclass(frozen=True, slots=True)
class NewClient:
    """The client it gets: with a secret that is made, or with these keys."""

    profile: Profile
    scopes: tuple[str, ...] = SCOPES
    keys: tuple[ClientKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Application:
    """All that is known of an agency that is to be taken in."""

    id: str
    name: str
    kind: str
    state: str | None
    ori: str | None
    contacts: tuple[str, ...]
    has_287g: bool
    source_287g: str
    looked_up_287g: date
    papers: tuple[Paper, ...] = ()
    client: NewClient | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What was entered now: lines for a person, and the client with its secret, if one was made."""

    done: tuple[str, ...]
    client_id: str | None
    secret: str | None
    proposed: bool = False
    """Whether the next step waits for a second person."""


def faults_of(
    asked: Application, today: date, city: Mapping[str, Json], served: Collection[str]
) -> Iterator[Fault]:
    """Yield everything that is wrong with the application itself, each with its cure.

    ``served`` are the profiles of clients that the city serves.
    """
    for where, cure in misfits(asked.id, asked.name, asked.kind, asked.state, asked.ori):
        yield Fault(where, cure.replace("--", ""))
    if not asked.contacts:
        yield Fault("contacts", "an agency has a contact: the e-mail address of who answers for it")
    if len(asked.contacts) > MOST_CONTACTS:
        yield Fault("contacts", f"at most {MOST_CONTACTS} contacts")
    for place, contact in enumerate(asked.contacts):
        if not is_address(contact):
            yield Fault(f"contacts/{place}", "that is no e-mail address: give one, as chief@example.gov")
    yield from _source(asked, today)
    for place, paper in enumerate(asked.papers):
        yield from (Fault(f"signed/{place}/{where}", cure) for where, cure in _paper(paper, today, city))
    if asked.client is not None:
        yield from _client(asked.client, served)


def _source(asked: Application, today: date) -> Iterator[Fault]:
    source = asked.source_287g
    if not source.strip() or not source.isprintable() or len(source) > LONGEST_SOURCE:
        yield Fault(
            "agreement_287g/source",
            "say where it stands whether the agency has an agreement under 8 USC 1357(g): an address or a "
            "document",
        )
    if asked.looked_up_287g > today:
        yield Fault("agreement_287g/looked_up", "that day is still to come: give the day somebody looked")


def _paper(paper: Paper, today: date, city: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    accepted = city.get(f"{paper.kind}_texts")
    if isinstance(accepted, list) and paper.text_version not in accepted:
        yield "text_version", f"the law in force takes {', '.join(map(str, accepted))}: have that one signed"
    for where, said in (("signer", paper.signer), ("title", paper.title)):
        if not said.strip() or not said.isprintable() or len(said) > 200:
            yield where, "a paper that nobody signed is none: give the signer's name and title"
    if paper.signed_on > today:
        yield "signed_on", "that day is still to come: give the day of the signature"
    if paper.expires_on is not None and paper.expires_on <= max(paper.signed_on, today):
        yield "expires_on", "it has ended already: have it signed anew, or give the right day"
    elif (ends := affirmation.end_of(paper.signed_on, None, city)) is not None and ends <= today:
        yield "signed_on", f"the law in force takes it for too old since {ends}: have it signed anew"


def _client(asked: NewClient, served: Collection[str]) -> Iterator[Fault]:
    if asked.profile == "basic" and asked.keys:
        yield Fault("client/keys", "a client of the profile basic gets a secret: leave the keys out")
    if asked.profile not in served:
        yield Fault(
            "client/profile",
            f"this city serves {', '.join(sorted(served))}: use one of them, or set "
            f'GATEKEEPER_CLIENT_PROFILES="{" ".join(sorted({*served, asked.profile}))}"',
        )
    if asked.profile != "basic" and not asked.keys:
        yield Fault(
            "client/keys", f"a client of the profile {asked.profile} has a key: name its file (PEM or JWK)"
        )
    if asked.profile == "private_key" and any(key.alg == certificate_names.ALG for key in asked.keys):
        yield Fault("client/certificate_name", "a certificate's name is for the profile fapi: leave it out")
    kids = [key.kid for key in asked.keys]
    if len(set(kids)) < len(kids):
        yield Fault("client/keys", "two keys have one kid: each needs its own")


def clashes(state: State, asked: Application) -> Iterator[Fault]:
    """Yield what the registry has otherwise. Raises StoreUnavailable."""
    ended = revoked(state.registry.clients())
    for key in () if asked.client is None else asked.client.keys:
        if thumbprint(key.alg, key.jwk) in ended:
            yield Fault("client/keys", "a key of these was revoked here, for good: have another pair made")
    found = state.registry.agency(asked.id)
    if found is None or found.id != asked.id:
        for taken in filter(None, (found, state.registry.agency(asked.ori) if asked.ori else None)):
            yield Fault("ori", f"this ORI is registered: see gatekeeper agency show {taken.id}")
        return
    if found.status == "closed":
        yield Fault("id", "this agency was closed, for good: give another id")
    for name in ("name", "kind", "state", "ori", "contacts", "has_287g", "source_287g", "looked_up_287g"):
        if getattr(found, name) != getattr(asked, name):
            yield Fault(
                name,
                f"the agency is registered otherwise in this: see gatekeeper agency show {found.id}, and "
                f"gatekeeper agency change {found.id} --help",
            )


def take_in(state: State, asked: Application, who: AtTheShell) -> Taken:
    """Enter an application without faults: what is missing of it.

    Raises OperatorError, LedgerUnavailable, PolicyUnavailable, BundleRefused.
    """
    done: list[str] = []
    if state.registry.agency(asked.id) is None:
        change = entering(
            asked.id,
            name=asked.name,
            kind=asked.kind,
            state_code=asked.state,
            ori=asked.ori,
            has_287g=asked.has_287g,
            contacts=asked.contacts,
            source_287g=asked.source_287g,
            looked_up_287g=asked.looked_up_287g,
        )
        if make(state, change, who) is None:
            return Taken((), None, None, proposed=True)
        done.append(f"registered {asked.id}")
    found = known(state, asked.id)
    law = first_settings(state) if asked.papers else {}
    for paper in asked.papers:
        if not _has(found, paper):
            ends = affirmation.end_of(paper.signed_on, paper.expires_on, law)
            signed = affirmation.record(state, found.id, **{**_values(paper), "expires_on": ends})
            done.append(f"recorded the {paper.kind} that {paper.signer} signed ({signed.id})")
    if asked.client is None:
        return Taken(tuple(done), None, None)
    return _with_client(state, found, asked.client, done, who)


def _with_client(state: State, found: Agency, asked: NewClient, done: list[str], who: AtTheShell) -> Taken:
    alike = [one for one in state.registry.clients(found.id) if one.profile == asked.profile]
    active = [one for one in alike if one.status == "active"]
    kids = {key.kid for key in asked.keys}
    ours = next((one for one in active if not kids or kids & {key.kid for key in one.keys}), None)
    secret = None
    if ours is None:
        key = asked.keys[0] if asked.keys else None
        change = client.entering(found.id, key=key, scopes=asked.scopes, profile=asked.profile)
        made = make(state, change, who)
        if made is None:
            return Taken(tuple(done), None, None, proposed=True)
        ours, secret = client.known_client(state, made.made["client_id"]), made.made.get("client_secret")
        done.append(f"registered the client {ours.id}")
    elif not kids:
        return Taken(tuple(done), None, None)
    for key in asked.keys:
        if all(key.kid != kept.kid for kept in ours.keys):
            if make(state, client.further(ours, key), who) is None:
                return Taken(tuple(done), ours.id, secret, proposed=True)
            done.append(f"added the key {key.kid}")
    return Taken(tuple(done), ours.id, secret)


def missing(state: State, agency_id: str) -> Iterator[str]:
    """Yield what an agency still lacks before it can be let in, each as a command."""
    found = known(state, agency_id)
    if not found.contacts:
        yield f"a contact: gatekeeper agency change {found.id} --contact chief@example.gov"
    if not found.affirmations:
        yield (
            f"a signature: gatekeeper affirmation invite {found.id} --signer-email chief@example.gov (a "
            f"one-time link), or gatekeeper affirmation add {found.id} … for a paper"
        )
    if all(one.status != "active" for one in state.registry.clients(found.id)):
        yield f"a client: gatekeeper client add {found.id} --key FILE"


def digest(path: Path) -> str:
    """Return the SHA-256 of a signed paper in hex. Raises OSError."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def key_in(path: Path) -> ClientKey:
    """Return the public key in a file. Raises OperatorError if it is none, OSError."""
    return public_key(path.read_bytes())


def refuse(faults: list[Fault]) -> None:
    """Say every fault at once. Raises OperatorError if there is any."""
    if faults:
        listed = "".join(f"\n  - {fault.where}: {fault.cure}" for fault in faults)
        raise OperatorError(f"nothing was entered; {len(faults)} to cure:{listed}")


def _has(found: Agency, paper: Paper) -> bool:
    wanted = (paper.kind, paper.text_version, paper.signer, paper.title, paper.signed_on)
    return any(
        (kept.kind, kept.text_version, kept.signer, kept.title, kept.signed_on) == wanted
        for kept in found.affirmations
    )


def _values(paper: Paper) -> dict[str, Any]:
    return {name: getattr(paper, name) for name in Paper.__dataclass_fields__}


def one_of(words: tuple[_W, ...]) -> Callable[[str], _W]:
    """Return what reads one of these words; it raises ValueError, with all of them, on any other."""

    def read(text: str) -> _W:
        for word in words:
            if word == text:
                return word
        raise ValueError(f"it is one of {', '.join(words)}")

    return read
