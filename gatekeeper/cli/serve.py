"""``gatekeeper init`` and ``serve``: lay a city out, and serve it for real."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gatekeeper import settings as configuration
from gatekeeper.cli import serving
from gatekeeper.cli.opened import data_option, operator
from gatekeeper.cli.token_key import refuse_destroyed
from gatekeeper.parts import endpoints, found, key_sets, laws_in_force, load_bundle, mail, policies_of, trust
from gatekeeper.policy import files_of, tree_digest
from gatekeeper.settings import Settings
from gatekeeper.state import State, lay_out, open_state, token_keys


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
    state = open_state(settings)
    try:
        state.check_log()
        # Each worker reads them: refused here, once and in words, not by workers that do not start.
        refuse_destroyed(state, token_keys(settings))
        state.bundle_access()
        state.nonces()
        state.officer_marks()
        key_sets(state)
        mail(settings, "")
        endpoints(state)
        trust(settings)
        _begin_law(state)
    finally:
        state.close()
    serving.prepare()
    from gatekeeper.app import create_app  # noqa: PLC0415  after prepare(): metrics choose how to count

    serving.Server(settings, create_app, **hooks).run()


def _begin_law(state: State) -> None:
    """Begin a new city's law, or try the one in force before workers need it; say which, and of any other.

    Raises BundleRefused, OperatorError, PolicyUnavailable, StoreUnavailable.
    """
    settings = state.settings
    active = state.lifecycle().store.active()
    # The usual restart: the directory is the law in force, word for word, which is verified and loaded below.
    files, faults = files_of(policies_of(settings))
    same = active is not None and not faults and active.tree == tree_digest(files)
    bundle = None if same else load_bundle(settings)
    if bundle is not None and found(state, bundle, operator()):
        click.echo(f"policy {bundle.revision} is the law that this city begins with")
        return
    law = laws_in_force(state).now()
    click.echo(f"policy {law.bundle.revision} is in force")
    if bundle is not None and law.bundle.digest != bundle.digest:
        where = settings.policies or "those that came with this program"
        click.echo(
            f"the policies in {where} are {bundle.revision}, and not in force: gatekeeper policy propose",
            err=True,
        )
