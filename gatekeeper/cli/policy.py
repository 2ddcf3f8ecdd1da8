"""``gatekeeper policy``: the law of a city: checked, tested, changed by two people, exported."""

from __future__ import annotations

from pathlib import Path

import click

from gatekeeper import settings
from gatekeeper.cli.policy_cases import cases
from gatekeeper.cli.policy_check import check
from gatekeeper.cli.policy_key import key
from gatekeeper.cli.policy_life import activate, approve, list_, reject, rollback, shadow, show_
from gatekeeper.cli.policy_new import new
from gatekeeper.cli.policy_readme import readme
from gatekeeper.cli.policy_tests import test
from gatekeeper.parts import load_bundle
from gatekeeper.policy import export as write_bundle


@click.group()
def policy() -> None:
    """Check, test and extend the policies; propose, approve and undo a change of the law."""


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


for _command in (
    activate,
    approve,
    cases,
    check,
    key,
    list_,
    new,
    readme,
    reject,
    rollback,
    shadow,
    show_,
    test,
):
    policy.add_command(_command)
