"""``gatekeeper policy diff``: what one text of the law changes in another, for a person and for a machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from gatekeeper.cli.opened import data_option, json_option
from gatekeeper.cli.policy_texts import ACTIVE, directory_option, repository_option, text_of
from gatekeeper.policy.layout import Json
from gatekeeper.revisions.changes import Changes, FileChange, ProvisionChange, changes
from gatekeeper.revisions.data_changes import DataChange

_SIGN = {"same": " ", "added": "+", "removed": "-"}
_LONGEST = 160


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@repository_option
@directory_option
@json_option
@data_option
def diff(
    data: Path | None, first: str, second: str | None, repository: Path | None, subdir: str, *, as_json: bool
) -> None:
    """Show what B changes in A; with one name, what it changes in the law in force.

    Each is a directory, a revision (its id or name, or `active`), or a branch, tag or commit (of --repo, or
    of the repository that you are in). Data is compared as data, and each provision that is touched is named.
    """
    before, after = (ACTIVE, first) if second is None else (first, second)
    texts = [text_of(one, data=data, repository=repository, within=subdir) for one in (before, after)]
    found = changes(texts[0].files, texts[1].files)
    if as_json:
        names = [text.name for text in texts]
        click.echo(json.dumps({"names": names, **found.as_json()}, ensure_ascii=False))
        return
    for text in texts:
        for fault in text.faults:
            click.echo(f"{text.name}: {fault} (left out here)", err=True)
    click.echo(f"{texts[0].name} → {texts[1].name}")
    for line in said(found):
        click.echo(line)


def said(found: Changes) -> Iterator[str]:
    """Yield the change in lines for a person."""
    if not found.files:
        yield "Nothing differs."
        return
    decides = "" if found.decide else " None of it can change a decision."
    yield f"Files that differ: {len(found.files)}. Provisions touched: {len(found.provisions)}.{decides}"
    for provision in found.provisions:
        yield from _provision(provision)
    for file in found.files:
        yield from _file(file)


def _provision(one: ProvisionChange) -> Iterator[str]:
    parts = [name for name, changed in (("its rule", one.rule), ("its tests", one.tests)) if changed]
    how = {"reads": "reads what changed", "changed": f"changed: {', '.join(parts)}"}.get(one.how, one.how)
    yield f"\n{one.code}  {how}"
    if one.how != "removed":
        for field in one.metadata:
            yield f"  METADATA {field.field}: {_value(field.before)} → {_value(field.after)}"
    if one.through and one.how == "reads":
        yield f"  through {', '.join(one.through)}"


def _file(file: FileChange) -> Iterator[str]:
    decides = "" if file.decides else ", decides nothing"
    yield f"\n=== {file.path}  {file.how} (+{file.added} -{file.removed}{decides})"
    if file.data:
        for change in file.data:
            yield _change(file.path, change)
        return
    if file.role in ("data", "pack") and file.how == "changed":
        yield "  (the same data in another layout, or no JSON)"
    for line in file.lines:
        if line.kind == "gap":
            yield "  ⋯"
        else:
            yield f"{line.after or line.before:>6} {_SIGN[line.kind]} {line.text}"


def _change(path: str, one: DataChange) -> str:
    place = f"{path}:{one.line} {one.pointer or '/'}"
    match one.how:
        case "added":
            return f"  + {_value(one.after)}  {place}"
        case "removed":
            return f"  - {_value(one.before)}  {place}"
        case "order":
            return f"  ~ another order  {place}"
        case "changed":
            return f"  ~ {_value(one.before)} → {_value(one.after)}  {place}"


def _value(value: Json) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
