"""``gatekeeper client``: the OAuth clients of agencies, and their keys."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gatekeeper.cli.agency import known
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.exchange import certificate_names
from gatekeeper.exchange.authenticate import SCOPES
from gatekeeper.exchange.public_keys import import_key
from gatekeeper.ledger import Draft, Json, Row
from gatekeeper.settings import PROFILES
from gatekeeper.state import State
from gatekeeper.store import Client, ClientKey, administration
from gatekeeper.store.values import Profile
from gatekeeper.web.clients import make_secret

_ALGORITHMS = {"EC": "ES256", "RSA": "PS256", "OKP": "Ed25519"}
_RSA_BITS = 2048
_KID = re.compile(r"[A-Za-z0-9._~-]{1,128}\Z")


certificate_name = click.option(
    "--certificate-name",
    "name",
    type=(click.Choice(certificate_names.KINDS), str),
    help="The name that its certificates bear (RFC 8705), for the profile fapi: san_dns gate.example.gov",
)


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
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), default=SCOPES)
@json_option
@data_option
def add(
    data: Path | None,
    agency_id: str,
    profile: Profile,
    key_file: Path | None,
    name: tuple[str, str] | None,
    scopes: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Register a client of the agency AGENCY_ID; a secret is printed once and never again."""
    key = _credential(profile, key_file, name)
    with city(data) as state:
        made = register(state, agency_id, key=key, scopes=scopes, profile=profile)
    row = {"client_id": made.client.id, "profile": profile, "agency": made.client.agency_id}
    if made.secret is not None:
        row["client_secret"] = made.secret
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
    keys = [f"{key.kid} {key.alg} {key.status}" for key in found.keys]
    show_one({**_row(found), "keys": keys}, as_json=as_json)


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
@data_option
def add_key(data: Path | None, client_id: str, file: Path | None, name: tuple[str, str] | None) -> None:
    """Add a public key (FILE: JWK or PEM) or a certificate's name, before the old one is revoked."""
    with city(data) as state:
        found = known_client(state, client_id)
        if found.profile == "basic":
            raise OperatorError("a client of the profile basic has a secret, not keys")
        key = _credential(found.profile, file, name)
        if key is None:
            raise OperatorError("name the FILE of the key, or --certificate-name KIND VALUE")
        if found.status != "active":
            raise OperatorError(f"the client is revoked: gatekeeper client add {found.agency_id} …")
        if any(kept.kid == key.kid for kept in found.keys):
            raise OperatorError("the client has a key of this kid already; a new key needs a new kid")
        rows = administration.add_key(found.id, key)
        _commit(state, "credential.key_added", found, {"kid": key.kid}, rows)
    click.echo(f"added {key.kid}")


@client.command()
@click.argument("client_id")
@click.argument("kid")
@data_option
def revoke_key(data: Path | None, client_id: str, kid: str) -> None:
    """Revoke one key: the tokens it obtained are refused from the next request on."""
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
    """Revoke a key; return the entry's index, None if no such key is active. Raises LedgerUnavailable."""
    if all(key.kid != kid or key.status != "active" for key in owner.keys):
        return None
    rows = administration.revoke_key(owner.id, kid)
    return _commit(state, "credential.key_revoked", owner, {"kid": kid, **why}, rows)


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
            "a client of the profile fapi or private_key needs --key FILE (fapi also takes "
            "--certificate-name KIND VALUE), one of basic takes none"
        )
    return None if key_file is None else public_key(key_file.read_bytes())


def register(
    state: State,
    agency_id: str,
    *,
    key: ClientKey | None = None,
    scopes: tuple[str, ...] = SCOPES,
    profile: Profile | None = None,
) -> Made:
    """Add a client with a key, or with a new secret of 256 bits. Raises OperatorError, LedgerUnavailable."""
    agency = known(state, agency_id)
    if agency.status == "closed":
        raise OperatorError("the agency is closed: it gets no token, so it needs no client")
    secret, secret_sha256 = make_secret() if key is None else (None, None)
    made = Client(
        id=f"client-{secrets.token_hex(8)}",
        agency_id=agency.id,
        profile=profile or ("basic" if key is None else "private_key"),
        status="active",
        secret_sha256=secret_sha256,
        scopes=tuple(scopes),
        keys=() if key is None else (key,),
    )
    private: dict[str, Json] = {} if key is None else {"kid": key.kid}
    _commit(state, "credential.added", made, private, administration.add_client(made))
    return Made(made, secret)


def certificate_of(kind: str, value: str) -> ClientKey:
    """Return the name of a client's certificates, as it is registered (RFC 8705). Raises OperatorError."""
    try:
        name = certificate_names.registered(kind, value)
    except ValueError as unfit:
        raise OperatorError(f"that is no name of a certificate: {unfit}") from None
    return ClientKey(certificate_names.kid_of(name), certificate_names.ALG, name, "active")


def public_key(text: bytes) -> ClientKey:
    """Read a public key from PEM or JWK text; a JWK keeps its own ``kid``.

    Raises OperatorError for what is no public key, or one that the token endpoint would refuse.
    """
    try:
        jwk = json.loads(text) if text.lstrip().startswith(b"{") else _jwk_of_pem(text)
        if "d" in jwk or b"PRIVATE KEY" in text:
            raise OperatorError("that is a private key: register its public half, and keep this one secret")
        algorithm = jwk.get("alg") or _ALGORITHMS[jwk["kty"]]
        thumbprint = import_key(algorithm, jwk).thumbprint()
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, UnsupportedAlgorithm):
        raise OperatorError(
            "not a public key that tokens can be signed with: send PEM ('BEGIN PUBLIC KEY') or a JWK of an "
            "EC key on P-256, an RSA key of 2048 to 4096 bits, or Ed25519"
        ) from None
    kid = jwk.get("kid", thumbprint)
    if not isinstance(kid, str) or not _KID.match(kid):
        raise OperatorError("the key's kid must be 1 to 128 letters, digits, dots, dashes or underscores")
    return ClientKey(kid=kid, alg=algorithm, jwk=jwk, status="active")


def _jwk_of_pem(text: bytes) -> dict[str, Any]:
    if b"PRIVATE KEY" in text:
        raise OperatorError("that is a private key: register its public half, and keep this one secret")
    key = load_pem_public_key(text)
    if isinstance(key, RSAPublicKey) and key.key_size < _RSA_BITS:
        raise ValueError("a key that can be broken")
    kinds = {EllipticCurvePublicKey: ECKey, RSAPublicKey: RSAKey, Ed25519PublicKey: OKPKey}
    kind: Any = next((ours for theirs, ours in kinds.items() if isinstance(key, theirs)), None)
    if kind is None:
        raise ValueError("a key of another kind")
    jwk: dict[str, Any] = kind.import_key(text).as_dict(private=False)
    return jwk


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
    """Return a registered client. Raises OperatorError."""
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
