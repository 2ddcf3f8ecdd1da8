"""``gatekeeper policy export``: the law for an OPA server; a revision as files, or as a commit."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from gatekeeper import settings
from gatekeeper.cli.opened import city, data_option
from gatekeeper.cli.policy_texts import ACTIVE, directory_option, revision_of
from gatekeeper.errors import OperatorError
from gatekeeper.parts import load_bundle
from gatekeeper.policy import Bundle
from gatekeeper.policy import export as write_bundle
from gatekeeper.policy.layout import Files
from gatekeeper.revisions import Lifecycle
from gatekeeper.revisions.git_text import Author, write_commit
from gatekeeper.revisions.interfaces import Revision
from gatekeeper.state import State


@click.command()
@click.option(
    "--policies",
    type=click.Path(exists=True, file_okay=False),
    help="Directory of policies for FILE [default: GATEKEEPER_POLICIES or those shipped]",
)
@click.option("--revision", "named", metavar="ID", help="The revision to export [default: the one in force].")
@click.option(
    "--tree",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the revision's files into DIR, new.",
)
@click.option(
    "--git",
    "repository",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the revision as one commit into this repository, on --branch.",
)
@click.option("--branch", metavar="B", help="The branch, new or there, that is checked out nowhere.")
@directory_option
@data_option
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
def export(  # noqa: PLR0917 - Click names them
    data: Path | None,
    policies: str | None,
    named: str | None,
    tree: Path | None,
    repository: Path | None,
    branch: str | None,
    subdir: str,
    file: Path | None,
) -> None:
    """Write the bundle FILE (tar.gz) that an OPA server loads: opa run --server --bundle FILE.

    Or a revision that the city keeps, as it was proposed: its files into a new directory, with --tree; or one
    commit whose message names the revision, its author and who approved it, with --git and --branch.
    """
    if [file, tree, repository].count(None) != 2:
        raise OperatorError("name one of them: FILE, --tree DIR, or --git REPO with --branch B")
    if (repository is None) != (branch is None):
        raise OperatorError("--git REPO and --branch B belong together")
    if file is not None and named is None:
        _write_bundle(load_bundle(settings.load(policies=policies)), file)
        return
    with city(data) as state:
        lifecycle = state.lifecycle()
        revision = revision_of(lifecycle, named or ACTIVE)
        files = lifecycle.files(revision)
        bundle = lifecycle.bundle(revision) if file is not None else None
        message, author = _message(state, lifecycle, revision), _author(state, revision)
    if file is not None and bundle is not None:
        _write_bundle(bundle, file)
    elif tree is not None:
        _write_tree(files, tree)
        click.echo(f"{revision.revision}: {len(files)} files → {tree}")
    elif repository is not None and branch is not None:
        commit = write_commit(repository, branch, subdir, files, message=message, author=author)
        said = f"{revision.revision} → {branch} {commit}" if commit else f"{branch} says just this already"
        click.echo(said)


def _write_bundle(bundle: Bundle, file: Path) -> None:
    write_bundle(bundle, file)
    click.echo(f"{bundle.revision} → {file}")


def _write_tree(files: Files, directory: Path) -> None:
    """Write a directory whole or not at all; one that holds anything is left alone. Raises OperatorError."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise OperatorError(f"{directory} holds something: name a directory that is new, or empty")
    unfinished = directory.with_name(f".{directory.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        for path, text in files.items():
            file = unfinished / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        unfinished.replace(directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _author(state: State, revision: Revision) -> Author:
    """Return whom the commit names, at the moment of the proposal: the same commit each time."""
    found = state.staff.get(revision.author)
    name, username = (found.name, found.username) if found is not None else (revision.author, "gatekeeper")
    host = state.log_key.origin.split("/")[0] or "localhost"
    return Author(name, f"{username}@{host}", revision.proposed_at)


def _message(state: State, lifecycle: Lifecycle, revision: Revision) -> str:
    return "\n".join([*_paragraphs(state, lifecycle, revision), ""])


def _paragraphs(state: State, lifecycle: Lifecycle, revision: Revision) -> Iterator[str]:
    yield f"Policies {revision.revision}"
    if revision.reason:
        yield ""
        yield revision.reason
    yield ""
    yield f"Revision: {revision.id} ({revision.revision}), {revision.state}"
    yield f"Digest: {revision.digest}"
    yield f"Tree: {revision.tree}"
    yield f"Origin: {revision.origin}"
    yield f"Author: {_name(state, revision.author)}"
    counted = lifecycle.approvers(revision)
    for approval in lifecycle.store.approvals(revision.id):
        if approval.account_id in counted:
            at = approval.at.isoformat(timespec="seconds")
            yield f"Approved-by: {_name(state, approval.account_id)} ({approval.role}), {at}"
    if revision.effective_at is not None:
        yield f"Effective: {revision.effective_at.isoformat(timespec='seconds')}"


def _name(state: State, author: str) -> str:
    """Return who it is; what was typed as a name stays on its line."""
    found = state.staff.get(author)
    return author if found is None else " ".join(found.name.split())
