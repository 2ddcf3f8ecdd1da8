"""``gatekeeper init`` and ``serve``: lay a city out, and serve it for real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gatekeeper import settings as configuration
from gatekeeper.cli import serving
from gatekeeper.cli.opened import data_option, operator
from gatekeeper.parts import endpoints, found, laws_in_force, load_bundle, mail, trust
from gatekeeper.policy import Bundle
from gatekeeper.settings import Settings
from gatekeeper.state import State, lay_out, open_state
from gatekeeper.web.keys import TokenKeys


@click.command()
@data_option
def init(data: Path | None) -> None:
    """Create keys, schema and directories for a new city; leaves alone what is there."""
    settings = configuration.load(data=data)
    lay_out(settings)
    state = open_state(settings)
    origin = state.log_key.origin
    state.close()
    click.echo(f"a city is laid out in {settings.data}; its log is named {origin}, for ever")
    if not settings.log_origin and origin.startswith(("127.", "localhost", "[::1]")):
        click.echo(
            "that name is this machine's own: for a real city remove the directory, set GATEKEEPER_BASE_URL "
            "(https://alpr.example.gov), and run this again before anything else",
            err=True,
        )
    click.echo("next: gatekeeper agency add …, gatekeeper client add …, gatekeeper doctor, gatekeeper serve")


@click.command()
@data_option
@click.option("--port", type=int, help="Port to listen on [default: GATEKEEPER_PORT or 8080]")
def serve(data: Path | None, port: int | None) -> None:
    """Serve the gate. Refuses to start on unsafe settings, and says which."""
    settings = configuration.load(data=data, port=port)
    settings.refuse_unsafe()
    run(settings)


def run(settings: Settings, **hooks: Callable[..., Any]) -> None:
    """Check the parts, make the policies the active ones, and serve until told to end.

    Raises SettingsRefused, OperatorError, BundleRefused, LedgerCorrupt or an Unavailable.
    """
    bundle = load_bundle(settings)
    state = open_state(settings)
    try:
        state.ledger.check_tail()
        # Each worker reads them: refused here, once and in words, not by workers that do not start.
        TokenKeys(settings.key_directory / "tokens")
        state.bundle_access()
        mail(settings, "")
        endpoints(state)
        trust(settings)
        if found(state, bundle, operator()):
            click.echo(f"policy {bundle.revision} is the law that this city begins with")
        else:
            _say_what_is_in_force(state, bundle)
    finally:
        state.close()
    serving.prepare()
    from gatekeeper.app import create_app  # noqa: PLC0415  after prepare(): metrics choose how to count

    serving.Server(settings, create_app, **hooks).run()


def _say_what_is_in_force(state: State, bundle: Bundle) -> None:
    """Try the law in force before workers need it. Raises PolicyUnavailable, StoreUnavailable."""
    law = laws_in_force(state).now()
    click.echo(f"policy {law.bundle.revision} is in force")
    if law.bundle.digest != bundle.digest:
        where = state.settings.policies or "those that came with this program"
        click.echo(
            f"the policies in {where} are {bundle.revision}, and not in force: gatekeeper policy propose",
            err=True,
        )
