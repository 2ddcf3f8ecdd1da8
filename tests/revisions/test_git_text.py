"""The law in a git repository: read as its objects say, with nothing of the repository run; written back."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.errors import OperatorError
from gatekeeper.policy import shipped_policies
from gatekeeper.policy.layout import LARGEST, files_of
from gatekeeper.revisions.git_text import Author, read_commit, write_commit

FILES = {
    "README.md": "# Made up\n",
    "data/city.json": '{"a": "$Format:%H$"}\n',
    "main/main.rego": "package main\n",
}
AUTHOR = Author("Pat Sample", "pat.sample@city.example", datetime(2026, 11, 25, 12, tzinfo=UTC))


def _git(repository: Path, *arguments: str, given: str | None = None) -> str:
    plain = {
        "PATH": os.environ["PATH"],
        "HOME": str(repository),
        "GIT_AUTHOR_NAME": "Lee Sample",
        "GIT_AUTHOR_EMAIL": "lee@city.example",
        "GIT_COMMITTER_NAME": "Lee Sample",
        "GIT_COMMITTER_EMAIL": "lee@city.example",
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=repository,
        env=plain,
        input=given,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose main branch has the law below policies, and something beside it."""
    made = tmp_path / "repository"
    made.mkdir()
    _git(made, "init", "-q", "-b", "main")
    for path, text in {
        **{f"policies/{path}": text for path, text in FILES.items()},
        "notes.txt": "x\n",
    }.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    _commit(made)
    return made


def _commit(repository: Path) -> str:
    _git(repository, "add", "-A")
    _git(repository, "commit", "-q", "-m", "made up")
    return _git(repository, "rev-parse", "HEAD")


def test_the_text_is_that_of_the_commit(repository: Path) -> None:
    """By branch, tag or id; what is in the work tree and not committed is not the commit."""
    head = _git(repository, "rev-parse", "HEAD")
    _git(repository, "tag", "-a", "v1", "-m", "made up")
    (repository / "policies/data/city.json").write_text('{"b": 2}\n')
    for ref in ("main", "v1", head, head[:10], "HEAD"):
        found = read_commit(repository, ref, "policies")
        assert (head, FILES, ()) == (found.commit, found.files, found.faults)
    assert {"notes.txt", *(f"policies/{path}" for path in FILES)} == set(
        read_commit(repository, "main", ".").files
    )


def test_nothing_of_the_repository_is_run(repository: Path) -> None:
    """Filters, hooks, a file-system monitor, a pager, an alias, lazy fetching: each would leave a trace."""
    trace = repository / "ran"
    run = repository / "run.sh"
    run.write_text(f"#!/bin/sh\ntouch {trace}\ncat\n")
    run.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=bad diff=bad export-subst\n")
    (repository / "policies/.gitattributes").write_text("*.rego export-ignore filter=bad\n")
    _commit(repository)
    (repository / "policies/.gitattributes").unlink()
    _git(repository, "rm", "-q", "--cached", "policies/.gitattributes")
    _git(repository, "commit", "-q", "-m", "made up")
    for name in ("clean", "smudge", "process"):
        _git(repository, "config", f"filter.bad.{name}", str(run))
    _git(repository, "config", "core.fsmonitor", str(run))
    _git(repository, "config", "core.pager", str(run))
    _git(repository, "config", "alias.ls-tree", f"!{run}")
    _git(repository, "config", "diff.bad.textconv", str(run))
    _git(repository, "config", "core.sshCommand", str(run))
    _git(repository, "config", "protocol.ext.allow", "always")
    hooks = repository / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit", "post-commit"):
        (hooks / name).write_text(run.read_text())
        (hooks / name).chmod(0o755)
    assert FILES == read_commit(repository, "main", "policies").files
    assert write_commit(repository, "law", "policies", {"README.md": "y\n"}, message="m\n", author=AUTHOR)
    assert not trace.exists()


def test_a_missing_object_is_not_fetched(repository: Path, tmp_path: Path) -> None:
    """A partial clone would ask a remote, by a program that the repository names."""
    trace = tmp_path / "ran"
    blob = _git(repository, "rev-parse", "HEAD:policies/README.md")
    _git(repository, "config", "extensions.partialClone", "origin")
    _git(repository, "config", "core.repositoryFormatVersion", "1")
    _git(repository, "config", "remote.origin.url", f"ext::sh -c touch% {trace}")
    _git(repository, "config", "remote.origin.promisor", "true")
    _git(repository, "config", "remote.origin.uploadpack", f"touch {trace}; true")
    _git(repository, "config", "protocol.ext.allow", "always")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(OperatorError):
        read_commit(repository, "main", "policies")
    assert not trace.exists()


def test_what_was_put_in_a_files_place_is_not_read(repository: Path) -> None:
    """A replacement in this clone alone would be another law under the same commit."""
    blob = _git(repository, "rev-parse", "HEAD:policies/README.md")
    other = _git(repository, "hash-object", "-w", "--stdin", given="another\n")
    _git(repository, "replace", blob, other)
    assert FILES == read_commit(repository, "main", "policies").files


def test_what_is_no_plain_text_file_is_a_fault(repository: Path) -> None:
    """A link, a submodule, a pointer to large files, a huge file, a binary one: named, each with its cure."""
    policies = repository / "policies"
    (policies / "link.rego").symlink_to("/etc/passwd")
    (policies / "large.json").write_text("a" * (LARGEST + 1))
    (policies / "binary.json").write_bytes(b"\xff\xfe")
    (policies / "pointer.json").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    )
    _git(repository, "add", "-A")
    sub = f"160000,{'1' * 40},policies/sub"
    _git(repository, "update-index", "--add", "--cacheinfo", sub)
    _git(repository, "commit", "-q", "-m", "made up")
    found = read_commit(repository, "main", "policies")
    assert FILES == found.files
    said = "\n".join(found.faults)
    for part in (
        "link.rego'",
        "symbolic link",
        "sub'",
        "submodule",
        "larger than",
        "not UTF-8",
        "large-file",
    ):
        assert part in said
    assert 5 == len(found.faults)


@pytest.mark.parametrize(
    ("ref", "directory", "said"),
    [
        ("nothing", "policies", "no commit"),
        ("--all", "policies", "no commit"),
        ("HEAD:notes.txt", "policies", "no commit"),
        ("", "policies", "no commit"),
        ("main", "elsewhere", "--subdir"),
        ("main", "notes.txt", "--subdir"),
        ("main", "../policies", "--subdir"),
        ("main", "/policies", "--subdir"),
    ],
)
def test_what_is_not_there_is_said(repository: Path, ref: str, directory: str, said: str) -> None:
    """With what to type instead."""
    with pytest.raises(OperatorError, match=said):
        read_commit(repository, ref, directory)


def test_no_repository_and_no_git(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, with what to do."""
    with pytest.raises(OperatorError, match="git cannot"):
        read_commit(tmp_path, "main", "policies")
    with pytest.raises(OperatorError, match="--repo"):
        read_commit(tmp_path / "nothing", "main", "policies")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="install"):
        read_commit(repository, "main", "policies")


@pytest.mark.parametrize("directory", ["policies", "", "law/of/the-city"])
def test_a_revision_is_written_back_as_one_commit(repository: Path, directory: str) -> None:
    """Read back it is the same text, all that is beside it stays, and the same again is no second commit."""
    law = files_of(shipped_policies())[0]
    before = _git(repository, "rev-parse", "HEAD")
    made = write_commit(repository, "law", directory, law, message="Policies\n\nRevision: x\n", author=AUTHOR)
    assert made == _git(repository, "rev-parse", "law")
    assert before == _git(repository, "rev-parse", "law^")
    found = read_commit(repository, "law", directory)
    assert (law, ()) == (found.files, found.faults)
    if directory:
        assert "x" == _git(repository, "show", "law:notes.txt")
    assert "Pat Sample <pat.sample@city.example>" in _git(
        repository, "log", "-1", "--format=%an <%ae>", "law"
    )
    assert "Revision: x" in _git(repository, "log", "-1", "--format=%B", "law")
    assert write_commit(repository, "law", directory, law, message="m\n", author=AUTHOR) is None
    assert "" == _git(repository, "status", "--porcelain")
    assert "" == _git(repository, "fsck", "--strict")


def test_a_branch_that_is_checked_out_is_left_alone(repository: Path) -> None:
    """Its work tree would show the opposite of the commit as a change."""
    with pytest.raises(OperatorError, match="another branch"):
        write_commit(repository, "main", "policies", FILES, message="m\n", author=AUTHOR)
    for name in ("-x", "a..b", "a b", ""):
        with pytest.raises(OperatorError, match="no name of a branch"):
            write_commit(repository, name, "policies", FILES, message="m\n", author=AUTHOR)


def test_a_bare_and_empty_repository_takes_a_first_commit(tmp_path: Path) -> None:
    """There is nothing that it could begin at."""
    _git(tmp_path, "init", "-q", "--bare", "-b", "main")
    made = write_commit(tmp_path, "main", "policies", FILES, message="m\n", author=AUTHOR)
    assert [made] == _git(tmp_path, "rev-list", "main").splitlines()
