"""Identity providers whose keys are fetched (``issuer … --jwks-uri``): looked at, fetched; what failed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from gatekeeper.cli.client_key_sets import CURES, cure_of
from gatekeeper.cli.opened import city, data_option
from gatekeeper.errors import OperatorError
from gatekeeper.exchange.issuer_keys import MOST_KEYS, address_of, fit_keys
from gatekeeper.exchange.key_sets import KeySetRefused, parsed
from gatekeeper.notices.fetching import FetchFailed, Fetching
from gatekeeper.oversight.issuer_terms import LONGEST_STALE_HOURS, STALE_HOURS, signing_keys
from gatekeeper.oversight.issuers import Known
from gatekeeper.parts import issuer_keys, trust
from gatekeeper.state import State

_CURES: Final = {
    **CURES,
    "too_large": "the document has more than 64 KiB: save it, and give it as a file",
    "encoded": "the document comes compressed, which we did not ask for: save it, and give it as a file",
    "too_many_keys": f"the set has over {MOST_KEYS} keys: save those that sign tokens; give them as a file",
    "certificate_refused": "its host's certificate is not valid for the name: the provider renews it, or "
    "name its authority in GATEKEEPER_CA_FILE",
    "tls_failed": "its host speaks no TLS that we speak: the provider switches on TLS 1.2 or 1.3",
    "private_key": "the set holds a PRIVATE key, which is everybody's now: the provider replaces it at once",
    "repeated_key": "the set has a kid twice: the provider gives each key one kid",
    "superseded": "the issuer was changed meanwhile: try again",
}

jwks_uri_option: Final = click.option(
    "--jwks-uri", help="In place of a file: where it publishes its keys, as https://login.example.gov/jwks."
)
stale_option: Final = click.option(
    "--stale-hours",
    type=click.IntRange(1, LONGEST_STALE_HOURS),
    help=f"For so long fetched keys are believed while they cannot be fetched. [default: {STALE_HOURS}]",
)


def terms_of(
    state: State, uri: str, hours: int | None, algorithms: Sequence[str], other: object
) -> dict[str, Any]:
    """Return the terms of keys that are fetched, once they were looked at. Raises OperatorError."""
    if other is not None:
        raise OperatorError("the keys are those of a file, or of --jwks-uri: name one of the two")
    fetching = Fetching.parse(state.settings.key_set_networks, trust(state.settings))
    if (wrong := fetching.fault_in(uri)) is not None:
        raise OperatorError(wrong)
    try:
        said = parsed(fetching.get(uri))
        fit_keys(said, algorithms)
    except (FetchFailed, KeySetRefused) as failed:
        raise OperatorError(f"the keys cannot be fetched: {cure_of(failed.fault, _CURES)}") from None
    signing_keys(said, algorithms)
    return {"jwks": {"keys": []}, "jwks_uri": uri, "stale_hours": hours or STALE_HOURS}


def fetch_now(state: State, url: str) -> int:
    """Fetch an issuer's keys, whenever that was done last; return how many count. Raises OperatorError."""
    found = Known.of(state.registry.snapshot(), url)
    keys = issuer_keys(state)
    keys.times.claim(found.id, state.clock.now_ms(), 0)
    if (fault := keys.refresh(url)) is not None:
        raise OperatorError(
            f"the keys cannot be fetched: {cure_of(fault, _CURES)}; afterwards: "
            f"gatekeeper issuer fetch-keys {url}"
        )
    return len(Known.of(state.registry.snapshot(), url).terms["jwks"]["keys"])


def fetch_published(state: State, url: str) -> None:
    """Fetch the keys of an issuer that was changed, if they are to be fetched. Raises OperatorError."""
    if address_of(Known.of(state.registry.snapshot(), url)) is not None:
        fetch_now(state, url)


@click.command("fetch-keys")
@click.argument("url")
@data_option
def fetch_keys(data: Path | None, url: str) -> None:
    """Fetch the keys that the issuer URL publishes now, and say what failed."""
    with city(data) as state:
        found = Known.of(state.registry.snapshot(), url)
        if address_of(found) is None:
            raise OperatorError(
                f"the keys of this issuer are those of a file: gatekeeper issuer keys {url} --jwks-uri https://…"
            )
        if found.status != "active":
            raise OperatorError(f"the issuer is {found.status}: gatekeeper issuer reinstate {url} --reason …")
        number = fetch_now(state, url)
    click.echo(f"fetched: {number} keys that can sign: gatekeeper issuer list")
