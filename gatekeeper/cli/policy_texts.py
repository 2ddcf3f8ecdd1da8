"""Which text of the law a command is about: a directory, a commit, or a revision that the city keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from gatekeeper.cli.opened import city
from gatekeeper.errors import OperatorError
from gatekeeper.policy.layout import Files, files_of
from gatekeeper.revisions import Lifecycle
from gatekeeper.revisions.git_text import read_commit
from gatekeeper.revisions.interfaces import Revision

ACTIVE: Final = "active"
_REVISION: Final = re.compile(r"rev_[0-9a-f]+|[0-9A-Za-z.-]+\+[0-9a-f]{12}")

repository_option = click.option(
    "--repo",
    "repository",
    type=click.Path(file_okay=False, path_type=Path),
    help="The git repository; what is named is then a branch, tag or commit in it.",
)
directory_option = click.option(
    "--subdir",
    default="policies",
    show_default=True,
    help="Where in the repository the policies are; . for its root.",
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the law; *faults* are of what could not be read, *origin* as a revision records it."""

    name: str
    files: Files
    faults: tuple[str, ...]
    origin: str


def text_of(named: str, *, data: Path | None, repository: Path | None, within: str) -> Text:
    """Return the text that somebody named: kept by the city, in a repository, or in a directory.

    Raises OperatorError.
    """
    if named == ACTIVE or _REVISION.fullmatch(named):
        with city(data) as state:
            lifecycle = state.lifecycle()
            revision = revision_of(lifecycle, named)
            return Text(f"{named} ({revision.revision})", lifecycle.files(revision), (), "")
    if repository is not None:
        return committed(repository, named, within)
    if Path(named).is_dir():
        return in_directory(Path(named))
    if not Path(".git").exists():
        raise OperatorError(
            f"{named} is no directory, no revision (gatekeeper policy list), and here is no git repository "
            "(--repo PATH)"
        )
    return committed(Path(), named, within)


def in_directory(directory: Path) -> Text:
    """Return the text in a directory."""
    files, faults = files_of(directory)
    return Text(str(directory), files, tuple(faults), "directory")


def committed(repository: Path, ref: str, within: str) -> Text:
    """Return the text that a commit holds. Raises OperatorError."""
    found = read_commit(repository, ref, within)
    return Text(f"{ref} ({found.commit[:12]})", found.files, found.faults, f"git:{found.commit}")


def revision_of(lifecycle: Lifecycle, named: str) -> Revision:
    """Return the revision of that id, the latest of that name, or the one in force. Raises OperatorError."""
    if named == ACTIVE:
        active = lifecycle.store.active()
        if active is None:
            raise OperatorError("the city has no law yet: gatekeeper serve founds it")
        return active
    found = lifecycle.store.get(named)
    same = (one for one in lifecycle.store.all() if one.revision == named)
    if (revision := found or next(same, None)) is None:
        raise OperatorError(f"there is no revision {named}: gatekeeper policy list shows them")
    return revision
