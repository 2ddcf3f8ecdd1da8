"""``gatekeeper policy readme``: the tables of policies/README.md, made from the policies themselves."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gatekeeper.cli.policy_check import show_findings
from gatekeeper.cli.policy_directory import directory_argument
from gatekeeper.errors import BundleRefused
from gatekeeper.policy.examination import examine
from gatekeeper.policy.statute_tables import generated, replaced, write
from gatekeeper.policy.statutes import disagreements, read_statutes


@click.command()
@directory_argument
@click.option("--check", "only_compare", is_flag=True, help="Write nothing; exit 1 if they are not true.")
def readme(directory: Path, *, only_compare: bool) -> None:
    """Write the tables of DIR/README.md: statute, provisions and packs, with their tests and cases."""
    examined = examine(directory)
    if examined.bundle is None or examined.findings:
        show_findings(examined.findings, directory, as_json=False)
        sys.exit(1)
    statutes = read_statutes(examined.sources.files)
    if wrong := disagreements(statutes, examined.bundle.written):
        raise BundleRefused(wrong)
    part = generated(examined.bundle, statutes, examined.cases)
    file = directory / "README.md"
    if not only_compare:
        click.echo(f"{file}: {'written anew' if write(directory, part) else 'true already'}")
    elif replaced(page := file.read_text(encoding="utf-8"), part) != page:
        click.echo(f"{file} is not true any more: gatekeeper policy readme {directory}", err=True)
        sys.exit(1)
