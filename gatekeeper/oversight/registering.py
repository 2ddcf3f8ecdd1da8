"""Agencies, clients and keys are entered and changed: what each comes to in the registry as it was read.

Guarantees: no id, ORI or key id is registered twice; nothing is entered for an agency that is closed or a
client that is revoked; a key that was revoked is entered for nobody, whatever it is called; the kind and the
state of an agency stay (another kind is another agency).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from gatekeeper.errors import OperatorError
from gatekeeper.exchange.interfaces import Snapshot
from gatekeeper.exchange.key_sets import revoked
from gatekeeper.exchange.public_keys import thumbprint
from gatekeeper.exchange.registrations import Client
from gatekeeper.ledger import Json, Row
from gatekeeper.oversight.agencies import standing, told_of
from gatekeeper.oversight.changes import Act, Change, Plan, agency_as_read

RECORD: Final = ("name", "ori", "contacts")
FLAG: Final = ("has_287g", "source_287g", "looked_up_287g")


class Rows(Protocol):
    """Makes the rows of the registry."""

    def add_agency(self, agency: Any, /) -> Sequence[Row]:
        """Return the rows of a new agency."""

    def change_agency(self, agency_id: str, **columns: object) -> Sequence[Row]:
        """Return the row that changes what is recorded of one."""

    def add_client(self, client: Any, /) -> Sequence[Row]:
        """Return the rows of a new client with its keys."""

    def add_key(self, client_id: str, key: Any, /) -> Sequence[Row]:
        """Return the row of a client's new key."""


@dataclass(frozen=True, slots=True)
class NewAgency:
    """An agency that enters the registry."""

    id: str
    name: str
    kind: str
    state: str | None
    ori: str | None
    status: str
    contacts: tuple[str, ...]
    has_287g: bool
    source_287g: str | None
    looked_up_287g: date | None
    affirmations: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that enters the registry."""

    kid: str
    alg: str
    jwk: Mapping[str, Json]
    status: str = "active"


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that enters the registry."""

    id: str
    agency_id: str
    profile: str
    status: str
    secret_sha256: str | None
    scopes: tuple[str, ...]
    keys: tuple[NewKey, ...]


@dataclass(frozen=True, slots=True)
class Registering:
    """Plans what is entered and changed."""

    rows: Rows
    secret: Callable[[], tuple[str, str]]
    """Makes a client's secret, and what is kept of it."""

    def agency(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan a new agency. Raises OperatorError if its id or ORI is registered."""
        added = _agency(change)
        for taken in filter(None, map(snapshot.agency, filter(None, (added.id, added.ori)))):
            raise OperatorError(f"this id or ORI is registered: see gatekeeper agency show {taken.id}")
        private = {name: value for name, value in change.content.items() if name not in _CLEAR}
        return Plan(
            event="agency.added",
            clear=told_of(added),
            private=private,
            rows=tuple(self.rows.add_agency(added)),
            rests_on={"agency": None},
            acts=frozenset({"add_agency"}),
        )

    def record(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan a change of what is recorded of an agency. Raises OperatorError."""
        agency, content = standing(snapshot, change.agency_id), change.content
        taken = None if content.get("ori") is None else snapshot.agency(str(content["ori"]))
        if taken is not None and taken.id != agency.id:
            raise OperatorError(f"this ORI is registered: see gatekeeper agency show {taken.id}")
        return Plan(
            event="agency.changed",
            clear=told_of(agency),
            private=dict(content),
            rows=tuple(self.rows.change_agency(agency.id, **_columns(content))),
            rests_on={"agency": agency_as_read(agency)},
            acts=frozenset(_acts(content)),
        )

    def client(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan a new client of an agency, with a key or with a secret. Raises OperatorError."""
        agency, content = standing(snapshot, change.agency_id), change.content
        key = None if content["key"] is None else _key(content["key"])
        _refuse_revoked(snapshot, key)
        secret, kept = (None, None) if key is not None else self.secret()
        added = NewClient(
            id=str(content["client"]),
            agency_id=agency.id,
            profile=str(content["profile"]),
            status="active",
            secret_sha256=kept,
            scopes=_texts(content["scopes"]),
            keys=() if key is None else (key,),
        )
        made = {"client_id": added.id} | ({} if secret is None else {"client_secret": secret})
        return Plan(
            event="credential.added",
            clear=_told_of(added),
            private={} if key is None else {"kid": key.kid},
            rows=tuple(self.rows.add_client(added)),
            rests_on={"agency": agency_as_read(agency)},
            acts=frozenset({"add_client"}),
            made=made,
        )

    def key(self, snapshot: Snapshot, change: Change) -> Plan:
        """Plan a further key of a client. Raises OperatorError."""
        agency = standing(snapshot, change.agency_id)
        key, client = _key(change.content["key"]), snapshot.client(str(change.content["client"]))
        if client is None or client.agency_id != agency.id or client.status != "active":
            raise OperatorError(f"the client is revoked: gatekeeper client add {agency.id} …")
        if any(kept.kid == key.kid for kept in client.keys):
            raise OperatorError("the client has a key of this kid already; a new key needs a new kid")
        _refuse_revoked(snapshot, key)
        return Plan(
            event="credential.key_added",
            clear=_told_of(client),
            private={"kid": key.kid},
            rows=tuple(self.rows.add_key(client.id, key)),
            rests_on={"agency": agency_as_read(agency), "client": _client_as_read(client)},
            acts=frozenset({"add_key"}),
            made={"client_id": client.id, "kid": key.kid},
        )


_CLEAR: Final = frozenset({"kind", "state", "status"})


def _agency(change: Change) -> NewAgency:
    said = change.content
    looked_up = said.get("looked_up_287g")
    return NewAgency(
        id=change.agency_id,
        name=str(said["name"]),
        kind=str(said["kind"]),
        state=_text(said.get("state")),
        ori=_text(said.get("ori")),
        status=str(said["status"]),
        contacts=_texts(said.get("contacts")),
        has_287g=said.get("has_287g") is True,
        source_287g=_text(said.get("source_287g")),
        looked_up_287g=None if looked_up is None else date.fromisoformat(str(looked_up)),
    )


def _columns(content: Mapping[str, Json]) -> dict[str, object]:
    """Return what is changed as the registry has it. Raises OperatorError for what stays."""
    if not content or not set(content) <= {*RECORD, *FLAG}:
        raise OperatorError("say what to change, as --contact chief@example.gov: see --help")
    columns: dict[str, object] = dict(content)
    if "contacts" in columns:
        columns["contacts"] = _texts(content["contacts"])
    if "looked_up_287g" in columns:
        columns["looked_up_287g"] = date.fromisoformat(str(content["looked_up_287g"]))
    return columns


def _acts(content: Mapping[str, Json]) -> set[Act]:
    found: set[Act] = set()
    if not set(RECORD).isdisjoint(content):
        found.add("change_agency")
    if not set(FLAG).isdisjoint(content):
        found.add("change_287g")
    return found


def _key(value: Json) -> NewKey:
    said = value if isinstance(value, dict) else {}
    jwk = said.get("jwk")
    return NewKey(str(said["kid"]), str(said["alg"]), jwk if isinstance(jwk, dict) else {})


def _refuse_revoked(snapshot: Snapshot, key: NewKey | None) -> None:
    """Refuse a key that was revoked, of whichever client: who stole it has it still. Raises OperatorError."""
    found = None if key is None else thumbprint(key.alg, key.jwk)
    owner = None if found is None else revoked(snapshot.clients()).get(found)
    if owner is not None:
        raise OperatorError(
            f"this key was revoked, of {owner}, for good: have the agency make another pair, on another "
            "machine, and send its public half"
        )


def _told_of(client: Client | NewClient) -> dict[str, Json]:
    return {"agency": client.agency_id, "client": client.id, "profile": client.profile}


def _client_as_read(client: Client) -> dict[str, Json]:
    keys: list[Json] = [[key.kid, key.status] for key in client.keys]
    return {"id": client.id, "profile": client.profile, "status": client.status, "keys": keys}


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
