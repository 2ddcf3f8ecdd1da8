"""``gatekeeper policy``: check, test and extend the policies, and export them for an OPA server."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper import settings
from gatekeeper.cli.policy_cases import cases
from gatekeeper.cli.policy_check import check
from gatekeeper.cli.policy_key import key
from gatekeeper.cli.policy_new import new
from gatekeeper.cli.policy_readme import readme
from gatekeeper.cli.policy_tests import test
from gatekeeper.parts import load_bundle
from gatekeeper.policy import export as write_bundle


@click.group()
def policy() -> None:
    """Check, test, extend and export the policies; take accepted cases out of the console."""


@policy.command()
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False),
    help="Directory of policies [default: GATEKEEPER_POLICIES or those shipped]",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(policies: str | None, file: Path) -> None:
    """Write the bundle FILE (tar.gz) that an OPA server loads: opa run --server --bundle FILE."""
    bundle = load_bundle(settings.load(policies=policies))
    write_bundle(bundle, file)
    click.echo(f"{bundle.revision} → {file}")


for _command in (cases, check, key, new, readme, test):
    policy.add_command(_command)
