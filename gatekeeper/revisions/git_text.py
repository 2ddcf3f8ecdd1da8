"""The text of the law in a git repository, read as git's objects say it, and written back as one commit.

A repository is somebody else's: its settings can name programs, its attributes can rewrite files. Guarantees:
nothing of it is run (no hook, filter, pager, helper or transport), nothing is fetched, and no file is checked
out: what is read are the bytes that the commit names, and nothing else. What is no plain text file (a link, a
submodule, a pointer to large-file storage) is a fault, never left out. Nothing in a work tree or an index is
touched by writing.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from gatekeeper.errors import OperatorError
from gatekeeper.policy.layout import LARGEST, MOST, Files

_SECONDS: Final = 60
_LONGEST_LISTING: Final = 4 * 1024 * 1024
_LARGEST_TREE: Final = 64 * 1024 * 1024
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ENTRY: Final = re.compile(
    rb"(?P<mode>\d{6}) \w+ (?P<id>[0-9a-f]+) +(?P<size>\d+|-)\t(?P<path>.+)", re.DOTALL
)
_PLAIN: Final = frozenset({b"100644", b"100755"})
_KINDS: Final = {b"120000": "a symbolic link", b"160000": "a submodule"}
_POINTER: Final = "version https://git-lfs.github.com/spec/"
# The repository's own settings are read by git whatever we say: these override each that could run something.
_SETTINGS: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.attributesFile": os.devnull,
    "core.pager": "cat",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # whatever the repository allows: nothing is fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # the commit's own files, not what somebody put in their place here
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": os.devnull,
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit holds: the files that can be read, and what is wrong with the others."""

    commit: str
    files: Files
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit names, and when."""

    name: str
    address: str
    at: datetime


def read_commit(repository: Path, ref: str, directory: str) -> Committed:
    """Return the text below *directory* in the commit that *ref* names. Raises OperatorError."""
    git = _Git(repository)
    commit = git.commit(ref)
    if commit is None:
        raise OperatorError(f"{ref} names no commit in {repository}: git log shows what there is")
    within = _directory(directory)
    entries, faults = git.entries(f"{commit}:{within}" if within else commit)
    files = {}
    for path, content in git.contents(entries):
        try:
            text = content.decode()
        except UnicodeDecodeError:
            faults.append(f"{path!r}: not UTF-8")
            continue
        if text.startswith(_POINTER):
            faults.append(
                f"{path!r}: a pointer to large-file storage, not the file; to mend it: commit the file itself"
            )
            continue
        files[path] = text
    return Committed(commit, files, tuple(faults))


def write_commit(
    repository: Path, branch: str, directory: str, files: Files, *, message: str, author: Author
) -> str | None:
    """Put *files* in place of what is below *directory*, as one commit on *branch*; return its id.

    A branch that does not exist begins at HEAD. None if the branch says just this already.
    Raises OperatorError.
    """
    git = _Git(repository)
    name = git.branch(branch)
    if name in git.checked_out():
        raise OperatorError(f"{branch} is checked out: give another branch, and merge that")
    before = git.commit(name)
    parent = before or git.commit("HEAD")
    root = git.graft(parent, _directory(directory).split("/"), git.tree(files))
    if parent is not None and root == git.line("rev-parse", f"{parent}^{{tree}}"):
        return None
    parents = [] if parent is None else ["-p", parent]
    commit = git.line("commit-tree", *parents, root, text=message, environment=_signed(author))
    git.line("update-ref", "--end-of-options", name, commit, before or "0" * len(commit))
    return commit


def _signed(author: Author) -> dict[str, str]:
    at = f"{int(author.at.timestamp())} +0000"
    said = {"NAME": author.name, "EMAIL": author.address, "DATE": at}
    return {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in said.items()}


def _directory(given: str) -> str:
    """Return a directory inside a repository as git writes it. Raises OperatorError."""
    parts = [part for part in given.split("/") if part not in ("", ".")]
    if given.startswith("/") or ".." in parts or not given.isprintable() or ":" in given:
        raise OperatorError("the directory is named from the root of the repository, as --subdir policies")
    return "/".join(parts)


class _Git:
    """The git program on one repository, plumbing only."""

    def __init__(self, repository: Path) -> None:
        if not repository.is_dir():
            raise OperatorError(f"{repository} is no directory: name the repository, as --repo PATH")
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._command = ["git", "--no-pager", "--literal-pathspecs", *settings]
        self._repository = repository
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT}
        self.line("rev-parse", "--git-dir")

    def commit(self, ref: str) -> str | None:
        """Return the id of the commit that *ref* names, or None."""
        done = self._run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"])
        found = done.stdout.decode("ascii", "replace").strip()
        return found if done.returncode == 0 and _COMMIT.fullmatch(found) else None

    def branch(self, name: str) -> str:
        """Return the full name of a branch. Raises OperatorError."""
        if self._run(["check-ref-format", f"refs/heads/{name}"]).returncode != 0 or name.startswith("-"):
            raise OperatorError(f"{name!r} is no name of a branch")
        return f"refs/heads/{name}"

    def checked_out(self) -> set[str]:
        """Return the branches that a work tree shows."""
        listed = self._said(["worktree", "list", "--porcelain"]).decode("utf-8", "replace").splitlines()
        bare = self.line("rev-parse", "--is-bare-repository") == "true"
        return set() if bare else {line[len("branch ") :] for line in listed if line.startswith("branch ")}

    def entries(self, tree: str) -> tuple[dict[str, str], list[str]]:
        """Return the id of every plain file below *tree*, and what is wrong. Raises OperatorError."""
        listing = self._listing(tree)
        found: dict[str, str] = {}
        faults, size = list[str](), 0
        for line in listing.split(b"\0")[:-1]:
            entry = _ENTRY.fullmatch(line)
            if entry is None:
                raise OperatorError("git lists the files in a way that is not understood: update git")
            path = entry["path"].decode("utf-8", "replace")
            if entry["mode"] not in _PLAIN:
                kind = _KINDS.get(entry["mode"], "not a plain file")
                faults.append(f"{path!r}: {kind}; to mend it: commit the file itself in its place")
            elif "\N{REPLACEMENT CHARACTER}" in path:
                faults.append(f"{path!r}: its name is not UTF-8")
            elif int(entry["size"]) > LARGEST:
                faults.append(f"{path!r}: larger than {LARGEST} bytes")
            else:
                found[path] = entry["id"].decode()
                size += int(entry["size"])
        if len(found) > MOST or size > _LARGEST_TREE:
            raise OperatorError(f"more than {MOST} files, or too large for policies: name their --subdir")
        return found, faults

    def _listing(self, tree: str) -> bytes:
        """List *tree*, no further than policies go. Raises OperatorError."""
        with self._started(["ls-tree", "-r", "-z", "-l", "--full-tree", "--end-of-options", tree]) as child:
            listing = _pipe(child.stdout).read(_LONGEST_LISTING + 1)
            if len(listing) > _LONGEST_LISTING:
                child.kill()
                raise OperatorError("too many files for policies: name where they are, as --subdir policies")
        if child.returncode != 0:
            commit, _, within = tree.partition(":")
            raise OperatorError(
                f"there is no directory {within or '/'} in {commit[:12]}: name it, as --subdir"
            )
        return listing

    def contents(self, entries: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of each file. Raises OperatorError."""
        asked = "".join(f"{name}\n" for name in entries.values()).encode()
        said = self._said(["cat-file", "--batch"], asked)
        place = 0
        for path, name in entries.items():
            head = said[place : said.find(b"\n", place)]
            kind = head.split(b" ")
            if len(kind) != 3 or kind[:2] != [name.encode(), b"blob"] or not kind[2].isdigit():
                raise OperatorError(f"{path} cannot be read from the repository: git fsck says why")
            start, size = place + len(head) + 1, int(kind[2])
            yield path, said[start : start + size]
            place = start + size + 1

    def tree(self, files: Files) -> str:
        """Write *files* as a tree; return its id."""
        inner: dict[str, dict[str, str]] = {}
        lines = []
        for path, text in files.items():
            name, slash, rest = path.partition("/")
            if slash:
                inner.setdefault(name, {})[rest] = text
            else:
                blob = self.line("hash-object", "-w", "--no-filters", "--stdin", text=text)
                lines.append(f"100644 blob {blob}\t{name}\0")
        lines += [f"040000 tree {self.tree(below)}\t{name}\0" for name, below in inner.items()]
        return self.line("mktree", "-z", text="".join(lines))

    def graft(self, parent: str | None, place: Sequence[str], tree: str) -> str:
        """Return the tree of *parent* in which *tree* stands at *place*."""
        if list(place) in ([], [""]):
            return tree
        within = f"{parent}:{'/'.join(place[:-1])}" if len(place) > 1 else parent
        lines = []
        if parent is not None:
            done = self._run(["ls-tree", "-z", "--full-tree", "--end-of-options", str(within)])
            beside = done.stdout.split(b"\0")[:-1] if done.returncode == 0 else []
            lines = [line for line in beside if line.split(b"\t", 1)[1] != place[-1].encode()]
        lines.append(f"040000 tree {tree}\t{place[-1]}".encode())
        made = self._said(["mktree", "-z"], b"".join(line + b"\0" for line in lines)).decode().strip()
        return self.graft(parent, place[:-1], made)

    def line(self, *arguments: str, text: str = "", environment: Mapping[str, str] | None = None) -> str:
        """Run git and return its one line. Raises OperatorError."""
        return self._said(arguments, text.encode(), environment).decode("utf-8", "replace").strip()

    def _said(
        self, arguments: Sequence[str], given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        done = self._run(arguments, given, environment)
        if done.returncode != 0:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
            raise OperatorError(f"git cannot do this in {self._repository}: {said or arguments[0]}")
        return done.stdout

    def _run(
        self, arguments: Sequence[str], given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(  # noqa: S603 - git's plumbing, with nothing of the repository's that runs
                [*self._command, *arguments],
                input=given,
                capture_output=True,
                cwd=self._repository,
                env={**self._environment, **(environment or {})},
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise OperatorError("git is not on PATH: install it, or give a directory") from None
        except subprocess.TimeoutExpired:
            raise OperatorError(f"git did not end within {_SECONDS} s in {self._repository}") from None

    def _started(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the same
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._repository,
            env=self._environment,
        )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101 - it was asked for
    return stream
