"""The files of a law as a person looks for them: what belongs together, and what each is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from gatekeeper.policy.layout import Files
from gatekeeper.policy.manifest import Listed
from gatekeeper.policy.provisions import provision_of
from gatekeeper.web.console.languages import later

_GROUPS: Final[Mapping[str, str]] = {
    "sharing": later("Provisions that bind every city"),
    "packs": later("The law of other jurisdictions: packs"),
    "data": later("Settings and word lists"),
    "cases": later("Cases: whole requests with their answer"),
    "main": later("The decision"),
    "facts": later("Facts that several provisions need"),
    "redaction": later("Obligations of a release"),
    "checks": later("Policies that check the policies"),
    "schema": later("What data files and facts may say"),
    "": later("Lists and texts"),
}


class Item(NamedTuple):
    """One file, or a rule with its test: where it is edited, what it is called, and its files."""

    path: str
    title: str
    files: tuple[str, ...]


class Group(NamedTuple):
    """Files that belong together."""

    name: str
    label: str
    items: tuple[Item, ...]


def groups(files: Files) -> list[Group]:
    """Return all files, in the order in which a reader of the law would look."""
    return [Group(name, label, tuple(_items(files, name))) for name, label in _GROUPS.items()]


def beside(path: str, files: Files) -> tuple[str, ...]:
    """Return what stands beside a rule: its test; and beside a test its rule."""
    if path.endswith("_test.rego"):
        other = f"{path.removesuffix('_test.rego')}.rego"
    elif path.endswith(".rego"):
        other = f"{path.removesuffix('.rego')}_test.rego"
    else:
        return ()
    return (other,) if other in files else ()


def code_of(path: str) -> str | None:
    """Return the provision, or whatever else is tested by itself, that a Rego file is about."""
    return path.rsplit("/", 2)[-2] if path.endswith(".rego") and "/" in path else None


def title_of(path: str, files: Files) -> str:
    """Return what a provision is called in its METADATA; the path of any other file."""
    parts = path.split("/")
    if parts[0] not in ("sharing", "packs") or not path.endswith(".rego"):
        return path
    rule = "/".join([*parts[:-1], f"{parts[-2]}.rego"])
    listed = Listed(parts[-2], parts[1] if parts[0] == "packs" else None)
    provision = provision_of(listed, files[rule])[0] if rule in files else None
    return parts[-2].replace("_", " ").capitalize() if provision is None else provision.title


def _items(files: Files, group: str) -> Iterator[Item]:
    mine = [path for path in sorted(files) if _group_of(path) == group]
    for path in mine:
        rule = f"{path.removesuffix('_test.rego')}.rego"
        if path.endswith("_test.rego") and rule in files:
            continue  # it stands with its rule
        yield Item(path, title_of(path, files), (path, *beside(path, files)))


def _group_of(path: str) -> str:
    head = path.partition("/")[0]
    return head if "/" in path and head in _GROUPS else ""
