"""``gatekeeper policy``: check the policies, and export them for an OPA server."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper import settings
from gatekeeper.cli.opened import json_option, show
from gatekeeper.parts import load_bundle
from gatekeeper.policy import export as write_bundle
from gatekeeper.policy.checks import run_checks

policies_option = click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False),
    help="Directory of policies [default: GATEKEEPER_POLICIES or those shipped]",
)


@click.group()
def policy() -> None:
    """Check and export the policies."""


@policy.command()
@policies_option
@json_option
def check(policies: str | None, *, as_json: bool) -> None:
    """Load the policies as the gate would and run policies/checks, or name every fault."""
    bundle = load_bundle(settings.load(policies=policies))
    run_checks(bundle)
    rows = [
        {
            "code": provision.code,
            "rules": list(provision.rules),
            "review": provision.review,
            "verified": provision.verified,
            "citation": provision.citation,
        }
        for provision in bundle.catalogue.values()
    ]
    show(rows, as_json=as_json)
    click.echo(f"{bundle.revision} {bundle.digest}: {len(rows)} provisions", err=True)


@policy.command()
@policies_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(policies: str | None, file: Path) -> None:
    """Write the bundle FILE (tar.gz) that an OPA server loads: opa run --server --bundle FILE."""
    bundle = load_bundle(settings.load(policies=policies))
    write_bundle(bundle, file)
    click.echo(f"{bundle.revision} → {file}")
