"""What one text of the law changes in another: file by file, in the data, and for each provision.

The console and ``gatekeeper policy diff`` show the same ``Changes``. Guarantees: every file that differs is
named, also one that is no law; a data file is compared as data, so that a term that was added is one term and
not a line; a provision is named if its rule, METADATA, tests or place in the manifest changed, and also if
something that its rule reads did, and then with what. Nothing here reads Rego: a text that no engine would
load is compared all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal

from gatekeeper.policy.layout import MANIFEST, Files, Json, Role, role_of, strict_json, tree_digest
from gatekeeper.policy.looked_at import read_by
from gatekeeper.policy.manifest import Listed, manifest_of
from gatekeeper.policy.provisions import Provision, provision_of
from gatekeeper.revisions.data_changes import DataChange, data_changes
from gatekeeper.revisions.line_changes import Line, line_changes

How = Literal["added", "removed", "changed"]

_DECIDE: Final = frozenset({"rule", "data", "pack", "schema", "manifest", "capabilities"})
_AS_DATA: Final = frozenset({"data", "pack", "manifest", "capabilities"})
_NOT_METADATA: Final = frozenset({"code", "path"})


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs. ``decides`` says that it can change a decision."""

    path: str
    how: How
    role: Role
    decides: bool
    added: int
    removed: int
    lines: tuple[Line, ...]
    data: tuple[DataChange, ...] = ()
    """What changed in a file of data, said as data; empty for other files, and where one is not JSON."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a provision's METADATA."""

    field: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class ProvisionChange:
    """A provision that the change touches; ``through`` names what it reads that changed, as paths."""

    code: str
    pack: str | None
    how: How | Literal["reads"]
    metadata: tuple[FieldChange, ...]
    rule: bool
    tests: bool
    through: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What *after* changes in *before*; both are digests of the whole text."""

    before: str
    after: str
    files: tuple[FileChange, ...]
    provisions: tuple[ProvisionChange, ...]

    @property
    def decide(self) -> bool:
        """Say whether a decision could change at all."""
        return any(file.decides for file in self.files)

    def as_json(self) -> dict[str, Json]:
        """Return it as a document."""
        document: dict[str, Json] = json.loads(json.dumps(asdict(self)))
        return {**document, "decide": self.decide}


def changes(before: Files, after: Files) -> Changes:
    """Compare two texts of the law. Raises nothing."""
    differing = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    files = tuple(_file(path, before.get(path), after.get(path)) for path in differing)
    return Changes(
        before=tree_digest(before),
        after=tree_digest(after),
        files=files,
        provisions=tuple(_provisions(before, after, {file.path: _members(file) for file in files})),
    )


def _file(path: str, before: str | None, after: str | None) -> FileChange:
    role = role_of(path)
    lines, added, removed = line_changes(before or "", after or "")
    return FileChange(
        path=path,
        how=_how(before, after),
        role=role,
        decides=role in _DECIDE,
        added=added,
        removed=removed,
        lines=lines,
        data=data_changes(before, after) if role in _AS_DATA else (),
    )


def _how(before: object, after: object) -> How:
    if before is None:
        return "added"
    return "removed" if after is None else "changed"


def _provisions(
    before: Files, after: Files, members: Mapping[str, frozenset[str]]
) -> Iterator[ProvisionChange]:
    """Yield the provisions that are touched, in the order of the new manifest, then those that are gone."""
    earlier, later = _listed(before), _listed(after)
    for code in dict.fromkeys([*later, *earlier]):
        old, new = earlier.get(code), later.get(code)
        listed = new or old
        if listed is None:
            continue
        moved = old is not None and new is not None and old != new
        rule = moved or listed.path in members
        tests = listed.test in members
        through = tuple(
            sorted({*_through(before, old or listed, members), *_through(after, listed, members)})
        )
        how: How | Literal["reads"] = "reads"
        if old is None or new is None:
            how = _how(old, new)
        elif rule or tests:
            how = "changed"
        if how != "reads" or through:
            metadata = tuple(_metadata(_stated(before, old), _stated(after, new)))
            yield ProvisionChange(code, listed.pack, how, metadata, rule, tests, through)


def _through(files: Files, listed: Listed, members: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield what the rule of a provision reads that changed, of a file of data the member."""
    for path, named in read_by(files, listed.path).items():
        if path == listed.path or path not in members:
            continue
        changed = members[path]
        if not named or not changed:
            yield path
        yield from (f"{path}#/{member}" for member in sorted(named & changed))


def _members(file: FileChange) -> frozenset[str]:
    """Return the members of a file of data that changed; none if what changed is not known."""
    return frozenset(change.pointer.split("/", 2)[1] for change in file.data if change.pointer)


def _listed(files: Files) -> dict[str, Listed]:
    try:
        document = strict_json(files.get(MANIFEST, ""))
    except ValueError:
        return {}
    return {listed.code: listed for listed in manifest_of(document, []).provisions}


def _stated(files: Files, listed: Listed | None) -> Provision | None:
    """Return what a provision states of itself; None if it is not there, or cannot be read."""
    if listed is None or listed.path not in files:
        return None
    return provision_of(listed, files[listed.path])[0]


def _metadata(before: Provision | None, after: Provision | None) -> Iterator[FieldChange]:
    earlier, later = _said(before), _said(after)
    for name in dict.fromkeys([*earlier, *later]):
        old, new = earlier.get(name), later.get(name)
        if json.dumps(old) != json.dumps(new):
            yield FieldChange(name, old, new)


def _said(provision: Provision | None) -> dict[str, Json]:
    if provision is None:
        return {}
    names = [field.name for field in fields(provision) if field.name not in _NOT_METADATA]
    return {name: _plain(getattr(provision, name)) for name in names}


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return [asdict(one) if not isinstance(one, str) else one for one in value]
    plain: Json = value if isinstance(value, bool | str | None) else str(value)
    return plain
