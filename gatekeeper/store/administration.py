"""The operator's side: the rows that change who may ask and what may leave.

Guarantees: nothing is written here. Each function returns rows, and the log commits them together with the
entry that tells of them, so no agency, key, affirmation or stop exists that the log does not know. Rows are
never removed: an agency is closed, a key revoked, a stop lifted. A wrong row is refused when it is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from gatekeeper.ledger.rows import Alter, Insert, Row
from gatekeeper.store.values import Affirmation, Agency, Client, ClientKey, Issuer, Stop


def add_agency(agency: Agency) -> tuple[Row, ...]:
    """Return the rows of a new agency and of what it has signed."""
    values = {
        "id": agency.id,
        "ori": agency.ori,
        "name": agency.name,
        "kind": agency.kind,
        "state": agency.state,
        "status": agency.status,
        "has_287g": agency.has_287g,
        "contacts": agency.contacts,
        "source_287g": agency.source_287g,
        "looked_up_287g": agency.looked_up_287g,
    }
    signed = [row for affirmation in agency.affirmations for row in affirm(affirmation)]
    return Insert("agencies", values), *signed


def change_agency(agency_id: str, **columns: object) -> tuple[Row, ...]:
    """Return the row that changes what is recorded of an agency (name, ori, kind, state, contacts, …)."""
    return (Alter("agencies", {"id": agency_id}, columns),)


def set_agency_status(agency: Agency, status: str) -> tuple[Row, ...]:
    """Return the row that suspends, reinstates or closes an agency that is still as it was read."""
    return (Alter("agencies", {"id": agency.id, "status": agency.status}, {"status": status}),)


def affirm(affirmation: Affirmation) -> tuple[Row, ...]:
    """Return the row of an affirmation or declaration that an agency signed."""
    values = {
        "id": affirmation.id,
        "agency_id": affirmation.agency_id,
        "kind": affirmation.kind,
        "text_version": affirmation.text_version,
        "signer": affirmation.signer,
        "title": affirmation.title,
        "signed_on": affirmation.signed_on,
        "expires_on": affirmation.expires_on,
        "document_sha256": affirmation.document_sha256,
    }
    return (Insert("affirmations", values),)


def end_affirmation(affirmation_id: str, on: date) -> tuple[Row, ...]:
    """Return the row that ends an affirmation on a day; who signed it, and when, stays."""
    return (Alter("affirmations", {"id": affirmation_id}, {"expires_on": on}),)


def add_client(client: Client) -> tuple[Row, ...]:
    """Return the rows of a new client and its keys."""
    values = {
        "id": client.id,
        "agency_id": client.agency_id,
        "profile": client.profile,
        "status": client.status,
        "secret_sha256": client.secret_sha256,
        "scopes": client.scopes,
    }
    keys = [row for key in client.keys for row in add_key(client.id, key)]
    return Insert("clients", values), *keys


def revoke_client(client_id: str) -> tuple[Row, ...]:
    """Return the row that revokes an active client, for good."""
    return (Alter("clients", {"id": client_id, "status": "active"}, {"status": "revoked"}),)


def add_key(client_id: str, key: ClientKey) -> tuple[Row, ...]:
    """Return the row of a client's new public key."""
    values = {"client_id": client_id, "kid": key.kid, "alg": key.alg, "jwk": key.jwk, "status": key.status}
    return (Insert("client_keys", values),)


def revoke_key(client_id: str, kid: str, before: str = "active") -> tuple[Row, ...]:
    """Return the row that revokes a key, active or withdrawn, for good."""
    return (
        Alter("client_keys", {"client_id": client_id, "kid": kid, "status": before}, {"status": "revoked"}),
    )


def fetched_keys(
    client_id: str, source: str, new: Sequence[ClientKey], back: Sequence[str], gone: Sequence[str]
) -> tuple[Row, ...]:
    """Return the rows of what an agency's key set changes, while its address *source* is registered.

    A key that was revoked meanwhile is not changed: the whole is refused (Superseded).
    """

    def moved(kid: str, before: str, after: str) -> Row:
        return Alter("client_keys", {"client_id": client_id, "kid": kid, "status": before}, {"status": after})

    return (
        moved(source, "active", "active"),
        *(row for key in new for row in add_key(client_id, key)),
        *(moved(kid, "withdrawn", "active") for kid in back),
        *(moved(kid, "active", "withdrawn") for kid in gone),
    )


def revoke_token(jti: str, expires_at: datetime) -> tuple[Row, ...]:
    """Return the row that revokes one access token until it expires by itself."""
    return (Insert("revoked_tokens", {"jti": jti, "expires_at": expires_at}),)


def add_issuer(issuer: Issuer) -> tuple[Row, ...]:
    """Return the row of a new issuer."""
    values = {"id": issuer.id, "url": issuer.url, "status": issuer.status, "terms": issuer.terms}
    return (Insert("issuers", values),)


def change_issuer(issuer: Issuer, /, **columns: object) -> tuple[Row, ...]:
    """Return the row that changes an issuer that still stands as it was read."""
    return (Alter("issuers", {"id": issuer.id, "status": issuer.status}, columns),)


def suspend_officer(
    suspension_id: str, agency_id: str, *, mark: bytes, key_id: str, box: bytes, since: datetime
) -> tuple[Row, ...]:
    """Return the row of an officer's suspension; it is in force from the commit on."""
    sealed = {"mark": mark, "key_id": key_id, "box": box}
    values = {"id": suspension_id, "agency_id": agency_id, **sealed, "since": since}
    return (Insert("officer_suspensions", values),)


def reinstate_officer(suspension_id: str, at: datetime) -> tuple[Row, ...]:
    """Return the row that ends a suspension, and with it all that is kept of the officer."""
    ended = {"mark": None, "box": None, "ended_at": at}
    return (Alter("officer_suspensions", {"id": suspension_id, "ended_at": None}, ended),)


def set_stop(stop: Stop) -> tuple[Row, ...]:
    """Return the row of a stop; it is in force from the commit on."""
    return (
        Insert("stops", {"id": stop.id, "scope": stop.scope, "value": stop.value, "set_at": stop.set_at}),
    )


def lift_stop(stop_id: str, at: datetime) -> tuple[Row, ...]:
    """Return the row that lifts a stop in force; a stop is lifted once."""
    return (Alter("stops", {"id": stop_id, "lifted_at": None}, {"lifted_at": at}),)
