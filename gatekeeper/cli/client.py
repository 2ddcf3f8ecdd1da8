"""``gatekeeper client``: the OAuth clients of agencies, and their keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.agency import known
from gatekeeper.cli.by_two import AtTheShell, alone, make, who_options
from gatekeeper.cli.client_credentials import certificate_of, ending, public_key, shown
from gatekeeper.cli.client_key_sets import (
    fetch_keys,
    fetch_now,
    jwks_uri_option,
    published_at,
    refuse_second,
    source,
    with_published,
)
from gatekeeper.cli.opened import (
    city,
    data_option,
    day_option,
    json_option,
    operator,
    reason_option,
    show,
    show_one,
)
from gatekeeper.errors import OperatorError
from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.authenticate import SCOPES
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.oversight.changes import Change
from gatekeeper.settings import PROFILES
from gatekeeper.state import State
from gatekeeper.store import Client, ClientKey, administration
from gatekeeper.store.values import Profile

certificate_name = click.option(
    "--certificate-name",
    "name",
    type=(click.Choice(certificate_names.KINDS), str),
    help="The name that its certificates bear (RFC 8705), for the profile fapi: san_dns gate.example.gov",
)


until_option = day_option("--until", help="Last day, as 2027-06-30, on which the key counts.")


@click.group()
def client() -> None:
    """Register, show and revoke OAuth clients."""


@client.command()
@click.argument("agency_id")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default=PROFILES[0],
    show_default=True,
    help="fapi: its tokens are of no use to a thief; the others where GATEKEEPER_CLIENT_PROFILES has them.",
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The client's public key (JWK or PEM), for the profiles fapi and private_key.",
)
@certificate_name
@jwks_uri_option
@until_option
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=SCOPES)
@who_options
@json_option
@data_option
def add(  # noqa: PLR0913  one for each option of the command
    data: Path | None,
    agency_id: str,
    *,
    profile: Profile,
    key_file: Path | None,
    name: tuple[str, str] | None,
    jwks_uri: str | None,
    until: date | None,
    scopes: tuple[str, ...],
    who: AtTheShell,
    as_json: bool,
) -> None:
    """Register a client of the agency AGENCY_ID; a secret is printed once and never again."""
    key = None if jwks_uri else ending(_credential(profile, key_file, name), until)
    with city(data) as state:
        owner = known(state, agency_id)
        if jwks_uri:
            key = ending(source(state, profile, jwks_uri, key_file or name), until)
        change = entering(owner.id, key=key, scopes=scopes, profile=profile)
        done = make(state, change, who)
        if done is None:
            return
        if jwks_uri:
            fetch_now(state, str(done.made["client_id"]))
    row = {"client_id": done.made["client_id"], "profile": profile, "agency": owner.id}
    if "client_secret" in done.made:
        row["client_secret"] = done.made["client_secret"]
    if key is not None:
        row["kid"] = key.kid
    show_one(row, as_json=as_json)


@client.command("list")
@click.option("--agency", "agency_id", help="Only those of one agency.")
@json_option
@data_option
def list_(data: Path | None, agency_id: str | None, *, as_json: bool) -> None:
    """List clients."""
    with city(data) as state:
        owner = known(state, agency_id).id if agency_id else None
        rows = [_row(found) for found in state.registry.clients(owner)]
    show(rows, as_json=as_json)


@client.command("show")
@click.argument("client_id")
@json_option
@data_option
def show_(data: Path | None, client_id: str, *, as_json: bool) -> None:
    """Show one client and its keys."""
    with city(data) as state:
        found = known_client(state, client_id)
    keys = [shown(key) for key in found.keys]
    show_one({**_row(found), **published_at(found), "keys": keys}, as_json=as_json)


@client.command()
@click.argument("client_id")
@reason_option
@data_option
def suspend(data: Path | None, client_id: str, reason: str) -> None:
    """Revoke a client for good: its tokens are refused from its next request on."""
    with city(data) as state:
        found = known_client(state, client_id)
        if revoke(state, found, reason) is None:
            raise OperatorError("the client is revoked already; nothing was changed")
    click.echo(f"{client_id} is revoked; a new one: gatekeeper client add {found.agency_id} …")


@client.command()
@click.argument("client_id")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@certificate_name
@jwks_uri_option
@until_option
@who_options
@data_option
def add_key(
    data: Path | None,
    client_id: str,
    *,
    file: Path | None,
    name: tuple[str, str] | None,
    jwks_uri: str | None,
    until: date | None,
    who: AtTheShell,
) -> None:
    """Add a public key (FILE: JWK or PEM), a certificate's name, or where its keys are published."""
    with city(data) as state:
        found = known_client(state, client_id)
        if found.profile == "basic":
            raise OperatorError("a client of the profile basic has a secret, not keys")
        if jwks_uri:
            refuse_second(found, jwks_uri)
            key: ClientKey | None = source(state, found.profile, jwks_uri, file or name)
        else:
            key = _credential(found.profile, file, name)
        key = ending(key, until)
        if key is None:
            raise OperatorError(
                "name the FILE of the key, --certificate-name KIND VALUE, or --jwks-uri https://…"
            )
        done = make(state, further(found, key), who)
        if done is not None and jwks_uri:
            fetch_now(state, client_id)
    if done is not None:
        click.echo(f"added {key.kid}")


@client.command()
@click.argument("client_id")
@click.argument("kid")
@data_option
def revoke_key(data: Path | None, client_id: str, kid: str) -> None:
    """Revoke one key: the tokens it obtained are refused from the next request on.

    Of where keys are published: no more is fetched, and those that came from there are revoked too.
    """
    with city(data) as state:
        found = known_client(state, client_id)
        if revoke_one(state, found, kid, {}) is None:
            raise OperatorError(f"no such active key: gatekeeper client show {client_id}")
    click.echo(f"revoked {kid}")


def revoke(state: State, owner: Client, reason: str) -> int | None:
    """Revoke a client for good; return the entry's index, None if it was. Raises LedgerUnavailable."""
    if owner.status != "active":
        return None
    return _commit(
        state, "credential.revoked", owner, {"reason": reason}, administration.revoke_client(owner.id)
    )


def revoke_one(state: State, owner: Client, kid: str, why: dict[str, Json]) -> int | None:
    """Revoke a key, and what came with it; return the entry's index, None if there is no such key to revoke.

    Raises LedgerUnavailable.
    """
    keys = with_published(owner, kid)
    if not keys:
        return None
    rows = tuple(row for key in keys for row in administration.revoke_key(owner.id, key.kid, key.status))
    return _commit(state, "credential.key_revoked", owner, {"kid": kid, **why}, rows)


client.add_command(fetch_keys)


@dataclass(frozen=True, slots=True)
class Made:
    """A client as it was registered; ``secret`` is not kept anywhere else."""

    client: Client
    secret: str | None


def _credential(profile: str, key_file: Path | None, name: tuple[str, str] | None) -> ClientKey | None:
    """Return what a client of this profile is to prove itself by; None for a secret. Raises OperatorError."""
    if name is not None and (profile != "fapi" or key_file is not None):
        raise OperatorError("a certificate's name is for the profile fapi, and stands in the place of a key")
    if name is not None:
        return certificate_of(*name)
    if (profile == "basic") != (key_file is None):
        raise OperatorError(
            "a client of the profile fapi or private_key needs --key FILE or --jwks-uri https://… (fapi also "
            "takes --certificate-name KIND VALUE), one of basic takes none"
        )
    return None if key_file is None else public_key(key_file.read_bytes())


def entering(
    agency_id: str,
    *,
    key: ClientKey | None = None,
    scopes: tuple[str, ...] = SCOPES,
    profile: Profile | None = None,
) -> Change:
    """Return the change by which a client is added, with a key, or with a new secret of 256 bits."""
    content: dict[str, Json] = {
        "client": f"client-{secrets.token_hex(8)}",
        "profile": profile or ("basic" if key is None else "private_key"),
        "scopes": list(scopes),
        "key": None if key is None else _json(key),
    }
    return Change("add_client", agency_id, content)


def further(owner: Client, key: ClientKey) -> Change:
    """Return the change by which a client gets a further key."""
    return Change("add_key", owner.agency_id, {"client": owner.id, "key": _json(key)})


def register(
    state: State,
    agency_id: str,
    *,
    key: ClientKey | None = None,
    scopes: tuple[str, ...] = SCOPES,
    profile: Profile | None = None,
) -> Made:
    """Add a client as ``entering`` has it.

    Raises OperatorError (also where the law wants two people), LedgerUnavailable.
    """
    change = entering(known(state, agency_id).id, key=key, scopes=scopes, profile=profile)
    made = alone(state, change).made
    return Made(known_client(state, made["client_id"]), made.get("client_secret"))


def _json(key: ClientKey) -> dict[str, Json]:
    return {"kid": key.kid, "alg": key.alg, "jwk": dict(key.jwk)}


def _commit(state: State, event: str, owner: Client, private: dict[str, Json], rows: tuple[Row, ...]) -> int:
    draft = Draft(
        event=event,
        ref=f"credential_{secrets.token_hex(8)}",
        clear={"agency": owner.agency_id, "client": owner.id, "profile": owner.profile},
        secret={**private, "by": operator()},
        detail={},
    )
    return state.ledger.append(draft, rows).index


def known_client(state: State, client_id: str) -> Client:
    """Return the client of that id. Raises OperatorError if there is none."""
    found = state.registry.client(client_id)
    if found is None:
        raise OperatorError("no such client: gatekeeper client list shows those registered")
    return found


def _row(found: Client) -> dict[str, Any]:
    return {
        "client_id": found.id,
        "agency": found.agency_id,
        "profile": found.profile,
        "status": found.status,
        "scopes": list(found.scopes),
    }
