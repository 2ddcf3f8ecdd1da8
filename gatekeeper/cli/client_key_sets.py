"""Clients whose keys are fetched from their agency (``jwks_uri``): registered, fetched, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from gatekeeper.cli.opened import city, data_option
from gatekeeper.errors import OperatorError
from gatekeeper.exchange import key_sets as documents
from gatekeeper.notices.fetching import FetchFailed, Fetching
from gatekeeper.parts import key_sets, trust
from gatekeeper.state import State
from gatekeeper.store import Client, ClientKey

CURES: Final = {
    "address_refused": "its host has an address that is not public: if it is to be reached, list the network "
    "in GATEKEEPER_KEY_SET_NETWORKS",
    "no_address": "its host has no address: check the name, and this machine's resolver",
    "no_connection": "its host takes no connection: check that it is up, and the firewalls between",
    "timed_out": "its host did not answer within 3 seconds: check that it is up, and the firewalls between",
    "certificate_refused": "its host's certificate is not valid for the name: the agency renews it, or name "
    "its authority in GATEKEEPER_CA_FILE",
    "tls_failed": "its host speaks no TLS that we speak: the agency switches on TLS 1.2 or 1.3",
    "no_http_answer": "its host does not speak HTTP there: check the address",
    "too_large": "the document has more than 64 KiB: the agency publishes the keys of this client alone",
    "encoded": "the document comes compressed, which we did not ask for: the agency sends it as it is",
    "not_json": "the document is not JSON: check the address",
    "not_a_key_set": 'the document is no key set ({"keys": […]}, RFC 7517): check the address',
    "too_many_keys": f"the set has over {documents.MOST_KEYS} keys: the agency publishes this client's alone",
    "private_key": "the set holds a PRIVATE key, which is everybody's now: the agency replaces it at once",
    "repeated_key": "the set has a key or a kid twice: the agency gives each key one kid",
    "renamed_key": "a key has another kid or algorithm than before: the agency publishes a new key for that",
    "too_many_changes": "this client had too many keys: register another (gatekeeper client add)",
    "superseded": "the client's keys were changed meanwhile: try again",
}

jwks_uri_option: Final = click.option(
    "--jwks-uri",
    help="In place of a key: where its agency publishes them, as https://keys.example.gov/jwks.json.",
)


def cure_of(fault: str, cures: Mapping[str, str] = CURES) -> str:
    """Return what a failed fetch means and who does what, for a person."""
    if fault.startswith("status_"):
        return (
            f"its host answers {fault.removeprefix('status_')} (a redirect is not followed): register the "
            "address where the document is"
        )
    return cures.get(fault, fault)


def source(state: State, profile: str, uri: str, other: object) -> ClientKey:
    """Return an address as it is registered, once its keys were looked at.

    *other* is what was named beside it. Raises OperatorError.
    """
    if profile == "basic" or other is not None:
        raise OperatorError(
            "--jwks-uri is for the profiles fapi and private_key, and stands in a key's place"
        )
    fetching = Fetching.parse(state.settings.key_set_networks, trust(state.settings))
    if (wrong := fetching.fault_in(uri)) is not None:
        raise OperatorError(wrong)
    try:
        found = documents.read(fetching.get(uri), state.clock.now_ms() // 1000)
    except (FetchFailed, documents.KeySetRefused) as failed:
        raise OperatorError(f"the keys cannot be fetched: {cure_of(failed.fault)}") from None
    if not found:
        raise OperatorError(
            "that set has no key that can sign: an EC key on P-256, an RSA key of 2048 to 4096 bits for "
            "PS256, or Ed25519"
        )
    barred = documents.revoked(state.registry.clients())
    if all(key.kid.removeprefix(documents.PREFIX) in barred for key in found):
        raise OperatorError(
            "every key of that set was revoked here, for good: the agency publishes another pair, made on "
            "another machine"
        )
    named = documents.registered(uri)
    return ClientKey(documents.kid_of(named), documents.ALG, named, "active")


def published_at(client: Client) -> dict[str, str]:
    """Return where a client's keys are fetched from, as it is shown."""
    found = documents.source_of(client.keys)
    return {} if found is None else {"jwks_uri": str(found.jwk[documents.ALG])}


def refuse_second(client: Client, uri: str) -> None:
    """Refuse a second address, and one that was revoked, for a client. Raises OperatorError."""
    kid = documents.kid_of(documents.registered(uri))
    if any(key.kid == kid and key.status != "active" for key in client.keys):
        raise OperatorError(
            "that address was revoked for this client, for good: register another client "
            f"(gatekeeper client add {client.agency_id} --jwks-uri …)"
        )
    found = documents.source_of(client.keys)
    if found is not None:
        raise OperatorError(
            "the client's keys are fetched already; to change from where, first: "
            f"gatekeeper client revoke-key {client.id} {found.kid}"
        )


def with_published(client: Client, kid: str) -> list[ClientKey]:
    """Return what is revoked with a key: of an address, also each key that was fetched from there."""
    keys = [key for key in client.keys if key.status != "revoked"]
    named = [key for key in keys if key.kid == kid]
    if named and named[0].alg == documents.ALG:
        named += [key for key in keys if documents.is_published(key)]
    return named


def fetch_now(state: State, client_id: str) -> None:
    """Fetch a client's keys, whenever that was done last. Raises OperatorError, Unavailable."""
    sets = key_sets(state)
    sets.times.claim(client_id, state.clock.now_ms(), 0)
    if (fault := sets.refresh(client_id)) is not None:
        raise OperatorError(f"the keys cannot be fetched: {cure_of(fault)}")


@click.command("fetch-keys")
@click.argument("client_id")
@data_option
def fetch_keys(data: Path | None, client_id: str) -> None:
    """Fetch the keys that the agency publishes for CLIENT_ID now, and say what failed."""
    with city(data) as state:
        found = state.registry.client(client_id)
        if found is None or documents.source_of(found.keys) is None:
            raise OperatorError(
                f"no such client with keys to fetch: gatekeeper client add-key {client_id} --jwks-uri https://…"
            )
        fetch_now(state, client_id)
        now = state.registry.client(client_id)
    active = [] if now is None else [key for key in now.keys if documents.is_published(key)]
    click.echo(
        f"fetched: {sum(key.status == 'active' for key in active)} keys: gatekeeper client show {client_id}"
    )
