"""``gatekeeper issuer``: identity providers of agencies, whose access tokens the gate takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show
from gatekeeper.errors import OperatorError
from gatekeeper.exchange.issuers import ALGORITHMS, OFFICER, TYPES
from gatekeeper.oversight.issuers import HOUR, Issuers
from gatekeeper.state import State
from gatekeeper.store import administration

_LARGEST = 256 * 1024
_jwks_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def issuer() -> None:
    """Take in, list, suspend and remove identity providers of agencies."""


@issuer.command()
@click.argument("url")
@click.option("--agency", "agencies", multiple=True, required=True, help="An agency that it speaks for.")
@click.option(
    "--client", "clients", multiple=True, required=True, help="THEIRS=OURS: its client, and ours for it."
)
@click.option("--jwks", "file", type=_jwks_file, required=True, help="Its public keys, as a JWK set.")
@click.option("--audience", help="What its tokens for us name as `aud` [default: our own issuer].")
@click.option("--algorithm", "algorithms", multiple=True, type=click.Choice(ALGORITHMS), default=("ES256",))
@click.option(
    "--type", "types", multiple=True, type=click.Choice(TYPES), default=TYPES[:1], help="Its `typ`."
)
@click.option(
    "--max-life", type=int, default=HOUR, show_default=True, help="Longest life of a token, seconds."
)
@click.option("--client-claim", default="client_id", show_default=True)
@click.option("--scope-claim", default="scope", show_default=True)
@click.option("--agency-claim", help="The claim that must name the client's agency.")
@click.option("--agency-value", "agency_values", multiple=True, help="THEIRS=OURS, for --agency-claim.")
@click.option("--require", "required", multiple=True, help="NAME=VALUE: a claim that each token must have.")
@click.option(
    "--officer", "officer", multiple=True, help=f"OURS=CLAIM, of {', '.join(OFFICER)}: whom a token proves."
)
@click.option("--bearer", is_flag=True, help="Also tokens bound to no key, of clients that are not fapi.")
@reason_option
@data_option
def add(
    data: Path | None,
    url: str,
    file: Path,
    reason: str,
    *,
    audience: str | None,
    bearer: bool,
    **said: Any,
) -> None:
    """Take the tokens of the issuer URL (its `iss`, letter by letter) for named agencies and clients."""
    jwks = _read(file)
    with city(data) as state:
        if bearer and state.settings.profiles <= {"fapi"}:
            raise OperatorError(
                "no profile with bearer tokens is served: GATEKEEPER_CLIENT_PROFILES, or no --bearer"
            )
        terms = {
            "audience": audience or state.settings.issuer,
            "algorithms": list(said["algorithms"]),
            "types": list(said["types"]),
            "max_life": said["max_life"],
            "bearer": bearer,
            "client_claim": said["client_claim"],
            "clients": _pairs(said["clients"], "--client"),
            "agencies": list(said["agencies"]),
            "agency_claim": said["agency_claim"],
            "agency_values": _pairs(said["agency_values"], "--agency-value"),
            "scope_claim": said["scope_claim"],
            "required": _pairs(said["required"], "--require"),
            "officer": _pairs(said["officer"], "--officer"),
            "jwks": jwks,
        }
        made = issuers(state).add(url, terms, reason=reason, by=operator())
    click.echo(f"{made.url} is taken in; to end it: gatekeeper issuer suspend {made.url} --reason …")


@issuer.command("list")
@json_option
@data_option
def list_(data: Path | None, *, as_json: bool) -> None:
    """List the issuers with their standing, agencies and clients."""
    with city(data) as state:
        found = state.registry.snapshot().issuers()
    rows = [
        {
            "issuer": one.url,
            "status": one.status,
            "agencies": list(one.terms["agencies"]),
            "clients": [f"{theirs}={ours}" for theirs, ours in one.terms["clients"].items()],
            "algorithms": list(one.terms["algorithms"]),
            "types": list(one.terms["types"]),
            "audience": one.terms["audience"],
            "max_life": one.terms["max_life"],
            "bearer": one.terms["bearer"],
            "keys": [key["kid"] for key in one.terms["jwks"]["keys"]],
        }
        for one in found
    ]
    show(rows, as_json=as_json)


@issuer.command()
@click.argument("url")
@click.argument("file", type=_jwks_file)
@reason_option
@data_option
def keys(data: Path | None, url: str, file: Path, reason: str) -> None:
    """Give an issuer the keys of FILE (a JWK set); what others signed is refused from the next request on."""
    jwks = _read(file)
    with city(data) as state:
        issuers(state).exchange_keys(url, jwks, reason=reason, by=operator())
    click.echo("exchanged")


def _status(name: str, status: str, told: str) -> None:
    @issuer.command(name, help=told)
    @click.argument("url")
    @reason_option
    @data_option
    def command(data: Path | None, url: str, reason: str) -> None:
        with city(data) as state:
            issuers(state).set_status(url, status, reason=reason, by=operator())
        click.echo(f"{url} is {status} from the next request on")


_status("suspend", "suspended", "Suspend an issuer: its tokens are refused from the next request on.")
_status("reinstate", "active", "Reinstate a suspended issuer.")
_status("remove", "removed", "Remove an issuer for good; it may be added anew.")


def issuers(state: State) -> Issuers:
    """Return what changes which issuers count."""
    return Issuers(state.ledger, state.registry, administration, state.settings.issuer)


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    found = dict[str, str]()
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name or not value or name in found:
            raise OperatorError(f"{option} takes NAME=VALUE, each name once")
        found[name] = value
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_bytes()
        document = json.loads(text) if len(text) <= _LARGEST else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise OperatorError(f"{file} is not a JWK set: save what the issuer's jwks_uri answers")
    return document
