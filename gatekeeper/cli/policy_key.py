"""``gatekeeper policy key``: which key signs the policies, which are believed, and what OPA must be told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gatekeeper import settings as configuration
from gatekeeper.cli.opened import as_its_owner, data_option, json_option, show, show_one
from gatekeeper.errors import OperatorError
from gatekeeper.policy.archive import MOST_PACKED, unpacked
from gatekeeper.policy.keyring import PolicyKeys
from gatekeeper.policy.opa_configuration import LONGEST_WAIT_S, ClientCertificate, Token
from gatekeeper.policy.opa_configuration import configuration as opa_configuration
from gatekeeper.state import policy_keys
from gatekeeper.whole import write_whole


@click.group()
def key() -> None:
    """Show, rotate and forget the keys that sign the policies; check what they signed; tell OPA of them."""


@key.command("show")
@data_option
@json_option
def show_keys(data: Path | None, *, as_json: bool) -> None:
    """List the keys that are believed; `signs` is the one that signs now."""
    settings = configuration.load(data=data)
    with as_its_owner(settings.data):
        keys = policy_keys(settings)
        rows = _rows(keys)
    show(rows, as_json=as_json)
    if not as_json:
        for row in rows:
            click.echo(f"\n{row['key id']}\n{keys.known()[row['key id']]}", nl=False)


@key.command()
@data_option
def rotate(data: Path | None) -> None:
    """Sign with another key from now on; what the old one signed still holds."""
    settings = configuration.load(data=data)
    with as_its_owner(settings.data):
        keyid = policy_keys(settings).rotate()
    click.echo(
        f"{keyid} signs from now on. Before the next approval give each OPA its configuration anew "
        "(gatekeeper policy key opa FILE) and restart it: until then it refuses what the new key signs, "
        "and the gate denies."
    )


@key.command(context_settings={"ignore_unknown_options": True})  # an id may begin with a dash
@data_option
@click.argument("key_id")
def forget(data: Path | None, key_id: str) -> None:
    """Refuse from now on what KEY_ID signed, as after a theft; if that is in force, all is denied."""
    settings = configuration.load(data=data)
    with as_its_owner(settings.data):
        policy_keys(settings).forget(key_id)
    click.echo(
        f"{key_id} is believed no more. Restart the gate, and give each OPA its configuration anew "
        "(gatekeeper policy key opa FILE)."
    )


@key.command()
@data_option
@click.option("--url", help="Where OPA reaches the gatekeeper [default: GATEKEEPER_BASE_URL]")
@click.option("--token-path", help="The bundle's token, a file on OPA's machine (/run/secrets/bundle_token)")
@click.option("--certificate", help="In its place: OPA's client certificate, a PEM file on its machine")
@click.option("--key", "private_key", help="That certificate's key, a PEM file on OPA's machine")
@click.option("--ca-file", default="", help="Authority of the gatekeeper's certificate, if OPA knows none")
@click.option(
    "--wait",
    type=click.IntRange(1, LONGEST_WAIT_S),
    default=LONGEST_WAIT_S,
    show_default=True,
    help="Seconds that OPA waits for a change in one request",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def opa(
    *,
    data: Path | None,
    url: str | None,
    token_path: str | None,
    certificate: str | None,
    private_key: str | None,
    ca_file: str,
    wait: int,
    file: Path,
) -> None:
    """Write the configuration FILE of an OPA that takes its signed bundle from here: opa run -s -c FILE."""
    settings = configuration.load(data=data)
    proof = _proof(token_path, certificate, private_key)
    with as_its_owner(settings.data):
        known = policy_keys(settings).known()
    document = opa_configuration(url or settings.issuer, proof=proof, keys=known, wait=wait, ca_file=ca_file)
    # JSON is YAML: OPA reads it, and a PEM keeps its lines.
    write_whole(file, f"{json.dumps(document, indent=2)}\n".encode())
    click.echo(f"{len(known)} keys → {file}")


@key.command()
@data_option
@json_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(data: Path | None, file: Path, *, as_json: bool) -> None:
    """Verify the bundle FILE by the keys that are believed: what it is, or why it is refused."""
    settings = configuration.load(data=data)
    with as_its_owner(settings.data):
        verifier = policy_keys(settings).verifier()
    with file.open("rb") as opened:
        enactment = verifier.verify(unpacked(opened.read(MOST_PACKED + 1)))
    row = {
        "revision": enactment.revision,
        "digest": enactment.digest,
        "tree": enactment.tree,
        "serial": enactment.serial,
        "signed": enactment.signed_at.isoformat(),
        "to be in force before": enactment.lapses_at.isoformat(),
    }
    show_one(row, as_json=as_json)


def _proof(token_path: str | None, certificate: str | None, key: str | None) -> Token | ClientCertificate:
    """Return how OPA proves itself, which must be said in one way. Raises OperatorError."""
    match token_path, certificate, key:
        case str(), None, None:
            return Token(token_path)
        case None, str(), str():
            return ClientCertificate(certificate, key)
    raise OperatorError("say how OPA proves itself: --token-path FILE, or --certificate FILE --key FILE")


def _rows(keys: PolicyKeys) -> list[dict[str, Any]]:
    signing = keys.signer().keyid
    return [{"key id": keyid, "signs": keyid == signing} for keyid in keys.known()]
