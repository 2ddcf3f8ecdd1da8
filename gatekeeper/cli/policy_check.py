"""``gatekeeper policy check``: is this directory whole? Every fault at once, for the lawyer who mends it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from gatekeeper.cli.opened import json_option, show
from gatekeeper.cli.policy_directory import directory_argument
from gatekeeper.policy.examination import Examination, examine
from gatekeeper.policy.findings import Finding


@click.command()
@directory_argument
@click.option(
    "--all", "whole", is_flag=True, help="The whole check, as of a revision: tests, both engines, time."
)
@json_option
def check(directory: Path, *, whole: bool, as_json: bool) -> None:
    """Load the policies in DIR as the gate would, and read their checks, tests and cases.

    Every fault is named at once, with its file, its line and what cures it; the exit status is then 1.
    """
    if whole:
        from gatekeeper.cli.policy_checked import check_directory  # noqa: PLC0415  it needs the city's state

        check_directory(directory, as_json=as_json)
    examined = examine(directory)
    if examined.findings:
        show_findings(examined.findings, directory, as_json=as_json)
        sys.exit(1)
    _show_provisions(examined, as_json=as_json)


def show_findings(findings: Sequence[Finding], directory: Path, *, as_json: bool) -> None:
    """Print what was found: one JSON document a line, or three lines each for a person."""
    if as_json:
        for finding in findings:
            click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        return
    count = "1 fault" if len(findings) == 1 else f"{len(findings)} faults"
    click.echo(f"{directory}: {count}. Nothing was changed.", err=True)
    for finding in findings:
        click.echo(f"\n{finding.place or 'the policies as a whole'}", err=True)
        click.echo(f"  {finding.message}", err=True)
        click.echo(f"  → {finding.cure}", err=True)


def _show_provisions(examined: Examination, *, as_json: bool) -> None:
    bundle = examined.bundle
    if bundle is None:
        return
    rows = [
        {
            "code": provision.code,
            "pack": provision.pack,
            "in_force": provision.code in bundle.catalogue,
            "rules": list(provision.rules),
            "review": provision.review,
            "two_people": provision.two_people,
            "verified": provision.verified,
            "citation": provision.citation,
        }
        for provision in bundle.written.values()
    ]
    show(rows, as_json=as_json)
    whole = f"{len(bundle.provisions)} provisions in force, {len(examined.cases)} cases, no faults"
    click.echo(f"{bundle.revision} {bundle.digest}: {whole}", err=True)
