"""``gatekeeper issuer``: identity providers of agencies, whose access tokens the gate takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gatekeeper.cli.by_two import AtTheShell, make
from gatekeeper.cli.issuer_key_sets import (
    fetch_keys,
    fetch_published,
    jwks_uri_option,
    stale_option,
    terms_of,
)
from gatekeeper.cli.opened import city, data_option, json_option, operator, reason_option, show
from gatekeeper.cli.persons import as_option
from gatekeeper.errors import OperatorError
from gatekeeper.exchange.compact import RS256
from gatekeeper.exchange.issuers import ALGORITHMS, OFFICER, TYPES
from gatekeeper.oversight.changes import Change
from gatekeeper.oversight.issuer_terms import HOUR
from gatekeeper.oversight.issuers import Known, adding, exchanging, reinstating
from gatekeeper.parts import issuers
from gatekeeper.state import State
from gatekeeper.store.key_sets import Fetched, KeySetTimes

_LARGEST = 256 * 1024
_RS256 = (
    "warning: FAPI 2.0 forbids RS256 (RSASSA-PKCS1-v1_5), and clients' own assertions and proofs are never "
    "signed with it here; have the provider sign with PS256 or ES256 as soon as it can"
)
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
@click.option("--jwks", "file", type=_jwks_file, help="Its public keys, as a JWK set in a file.")
@jwks_uri_option
@stale_option
@click.option("--audience", help="What its tokens for us name as `aud` [default: our own issuer].")
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    type=click.Choice(ALGORITHMS),
    default=("ES256",),
    help="What it signs with [default: ES256]; RS256 only for a provider that has nothing else.",
)
@click.option(
    "--type", "types", multiple=True, type=click.Choice(TYPES), default=TYPES[:1], help="Its `typ`."
)
@click.option(
    "--max-life", type=int, default=HOUR, show_default=True, help="Longest life of a token, seconds."
)
@click.option("--client-claim", default="client_id", show_default=True)
@click.option("--scope-claim", default="scope", show_default=True)
@click.option("--id-claim", default="jti", show_default=True, help="What names a token; of Entra: uti.")
@click.option("--agency-claim", help="The claim that must name the client's agency.")
@click.option("--agency-value", "agency_values", multiple=True, help="THEIRS=OURS, for --agency-claim.")
@click.option("--require", "required", multiple=True, help="NAME=VALUE: a claim that each token must have.")
@click.option(
    "--officer", "officer", multiple=True, help=f"OURS=CLAIM, of {', '.join(OFFICER)}: whom a token proves."
)
@click.option("--bearer", is_flag=True, help="Also tokens bound to no key, of clients that are not fapi.")
@reason_option
@as_option
@data_option
def add(
    data: Path | None,
    url: str,
    reason: str,
    *,
    username: str | None,
    audience: str | None,
    bearer: bool,
    **said: Any,
) -> None:
    """Take the tokens of the issuer URL (its `iss`, letter by letter) for named agencies and clients."""
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
            "id_claim": said["id_claim"],
            **_keys(state, said, said["algorithms"]),
        }
        if RS256 in terms["algorithms"]:
            click.echo(_RS256, err=True)
        if not _made(state, url, adding(url, terms), AtTheShell(username, reason)):
            return
    click.echo(f"{url} is taken in; to end it: gatekeeper issuer suspend {url} --reason …")


@issuer.command("list")
@json_option
@data_option
def list_(data: Path | None, *, as_json: bool) -> None:
    """List the issuers with their standing, agencies and clients."""
    with city(data) as state:
        found, times = state.registry.snapshot().issuers(), KeySetTimes(state.database).all()
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
            **_fetched(one.terms, times.get(one.id, Fetched())),
        }
        for one in found
    ]
    show(rows, as_json=as_json)


@issuer.command()
@click.argument("url")
@click.argument("file", required=False, type=_jwks_file)
@jwks_uri_option
@stale_option
@reason_option
@as_option
@data_option
def keys(data: Path | None, url: str, reason: str, *, username: str | None, **said: Any) -> None:
    """Give an issuer the keys of FILE (a JWK set), or have them fetched from where it publishes them.

    What others signed is refused from the next request on.
    """
    with city(data) as state:
        found = Known.of(state.registry.snapshot(), url)
        change = exchanging(found, _keys(state, said, found.terms["algorithms"]))
        if _made(state, url, change, AtTheShell(username, reason)):
            click.echo("exchanged")


@issuer.command()
@click.argument("url")
@reason_option
@as_option
@data_option
def reinstate(data: Path | None, url: str, reason: str, username: str | None) -> None:
    """Reinstate a suspended issuer."""
    with city(data) as state:
        change = reinstating(Known.of(state.registry.snapshot(), url))
        if _made(state, url, change, AtTheShell(username, reason)):
            click.echo(f"{url} is active from the next request on")


def _ending(name: str, status: str, told: str) -> None:
    @issuer.command(name, help=told)
    @click.argument("url")
    @reason_option
    @data_option
    def command(data: Path | None, url: str, reason: str) -> None:
        with city(data) as state:
            issuers(state).end(url, status, reason=reason, by=operator())
        click.echo(f"{url} is {status} from the next request on")


_ending("suspend", "suspended", "Suspend an issuer: its tokens are refused from the next request on.")
_ending("remove", "removed", "Remove an issuer for good; it may be added anew.")
issuer.add_command(fetch_keys)


def _made(state: State, url: str, change: Change, who: AtTheShell) -> bool:
    """Make a change, and fetch the keys that are to be fetched; False if it was only proposed."""
    if make(state, change, who) is None:
        return False
    fetch_published(state, url)
    return True


def _keys(state: State, said: Mapping[str, Any], algorithms: Sequence[str]) -> dict[str, Any]:
    """Return the terms of an issuer's keys, of a file or of an address. Raises OperatorError."""
    file, uri, hours = said["file"], said["jwks_uri"], said["stale_hours"]
    if uri:
        return terms_of(state, uri, hours, algorithms, file)
    if file is None:
        raise OperatorError("name the issuer's keys: a file (a JWK set), or --jwks-uri https://…")
    if hours is not None:
        raise OperatorError("--stale-hours is for keys that are fetched: --jwks-uri https://…")
    return {"jwks": _read(file)}


def _fetched(terms: Mapping[str, Any], times: Fetched) -> dict[str, Any]:
    """Return from where keys are fetched, and how that stands, as it is shown."""
    if "jwks_uri" not in terms:
        return {"keys_from": "file", "stale_hours": None, "fetched": None, "fault": None}
    at = datetime.fromtimestamp(times.fetched_ms / 1000, UTC)
    return {
        "keys_from": terms["jwks_uri"],
        "stale_hours": terms["stale_hours"],
        "fetched": f"{at:%Y-%m-%d %H:%M} UTC" if times.fetched_ms else "never",
        "fault": times.fault,
    }


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
