"""``gatekeeper policy propose``: ask for a text to be the law, which is then checked and approved, or not."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gatekeeper.cli.opened import city, data_option, json_option, reason_option, show_one
from gatekeeper.cli.persons import as_option, proved
from gatekeeper.cli.policy_check import show_findings
from gatekeeper.cli.policy_life import parsed
from gatekeeper.cli.policy_texts import directory_option, repository_option, revision_of, text_of
from gatekeeper.errors import OperatorError
from gatekeeper.policy.examination import examine_files
from gatekeeper.review.roles import may
from gatekeeper.revisions.changes import changes


@click.command()
@click.argument("source", metavar="DIR|GITREF")
@repository_option
@directory_option
@reason_option
@click.option(
    "--at",
    "moment",
    metavar="TIME",
    help="From when it decides, in the city's time: 2026-12-01, 2026-12-01T06:00 [default: once approved].",
)
@as_option
@json_option
@data_option
def propose(  # noqa: PLR0917 - Click names them
    data: Path | None,
    source: str,
    repository: Path | None,
    subdir: str,
    reason: str,
    moment: str | None,
    username: str | None,
    *,
    as_json: bool,
) -> None:
    """Propose the policies in a directory, or in a commit, to be the law.

    You prove who you are, as a member of legal or counsel. Nothing changes by it: the revision is then
    checked, replayed on past requests and approved by two other people. Of a repository nothing is run: the
    files are read as the commit has them, and its id is recorded.
    """
    text = text_of(source, data=data, repository=repository, within=subdir)
    if not text.origin:
        raise OperatorError("that is a revision already: gatekeeper policy list shows how far it has come")
    examined = examine_files(text.files, text.faults)
    if examined.bundle is None or examined.findings:
        show_findings(examined.findings, Path(text.name), as_json=as_json)
        sys.exit(1)
    with city(data) as state:
        when = parsed(state, moment)
        lifecycle = state.lifecycle()
        found = changes(lifecycle.files(revision_of(lifecycle, "active")), text.files)
        person = proved(state, username, "approve_policies").account
        revision = lifecycle.propose(
            examined.bundle, author=person, reason=reason, origin=text.origin, effective_at=when
        )
        others = [
            one.username
            for one in state.staff.all()
            if one.status == "active" and may(one.role, "approve_policies") and one.id != person.id
        ]
    row = {
        "id": revision.id,
        "revision": revision.revision,
        "digest": revision.digest,
        "origin": revision.origin,
        "state": revision.state,
        "effective": revision.effective_at,
        "files": len(found.files),
        "provisions": [one.code for one in found.provisions],
    }
    show_one(row, as_json=as_json)
    if not as_json:
        click.echo(f"\nNext: gatekeeper policy check-revision {revision.id}")
        if len(others) < 2:
            click.echo(
                f"Two other people must approve it; there are {len(others)}: gatekeeper staff add", err=True
            )
