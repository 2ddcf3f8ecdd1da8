"""Examine a directory of policies as a whole: load it, and look at what the load leaves alone.

``load`` refuses what could decide wrongly. Before legal relies on a directory, its checks, tests and cases
must be readable too. Guarantees: every fault at once, each with its place and its cure; a directory without
a finding is one that ``load`` accepts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.bundle import Bundle, load_sources
from gatekeeper.policy.cases import Case, read_cases
from gatekeeper.policy.checks import run_checks
from gatekeeper.policy.findings import Finding, finding_of
from gatekeeper.policy.layout import Files, Sources, read, sources_of
from gatekeeper.policy.rehearsal import rehearse
from gatekeeper.policy.soundness import astray
from gatekeeper.policy.syntax import module_of

_NOTHING = re.compile(r"(data\.\S+?)(?:,)? (?:which )?is nothing that exists")
_SETTING = re.compile(r"(data/\w+\.json): /")
_MISSING_DATA = re.compile(r": there is no (data/\w+\.json)")


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found; ``bundle`` is None if it may not be loaded."""

    bundle: Bundle | None
    sources: Sources
    cases: tuple[Case, ...]
    findings: tuple[Finding, ...]


def examine(directory: Path) -> Examination:
    """Examine the policies in *directory*. Raises nothing that is the policies' fault."""
    return _examined(read(directory))


def examine_files(files: Files, faults: Sequence[str] = ()) -> Examination:
    """Examine policies that are held as text; *faults* are those of reading them.

    Raises nothing that is the policies' fault.
    """
    return _examined(sources_of(files, faults))


def _examined(sources: Sources) -> Examination:
    faults: list[str] = []
    bundle = None
    try:
        bundle = load_sources(sources)
        run_checks(bundle)
    except BundleRefused as refused:
        faults += refused.faults
    faults += _unread(sources)
    cases, wrong = read_cases(sources.files, _codes(sources))
    broken = _broken(sources, faults)
    faults = [fault for fault in faults if not _follows_from(fault, broken)]
    texts = {**sources.modules, **sources.tests, **sources.checks, **sources.documents}
    findings = [finding_of(fault, texts) for fault in dict.fromkeys([*faults, *wrong])]
    return Examination(bundle, sources, tuple(cases), tuple(dict.fromkeys(findings)))


def _broken(sources: Sources, faults: Sequence[str]) -> set[str]:
    """Return what rules cannot find because its file cannot be read, as they name it, and the file."""
    unread = {path for path in sources.documents if path.startswith("data/")}
    unread -= {f"data/{name}.json" for name in sources.data}
    found = {path.removesuffix(".json").replace("/", ".") for path in unread}
    modules = {fault.split(":")[0] for fault in faults if ".rego: --> " in fault}
    return unread | found | {f"data.{module.rpartition('/')[0].replace('/', '.')}" for module in modules}


def _follows_from(fault: str, broken: Collection[str]) -> bool:
    """Say whether *fault* would be gone if what is *broken* could be read: that is named where it broke."""
    if missing := _MISSING_DATA.search(fault):
        return missing[1] in broken
    if (setting := _SETTING.match(fault)) and setting[1] in broken:
        return True
    named = _NOTHING.search(fault)
    return named is not None and any(
        named[1] == name or named[1].startswith((f"{name}.", f"{name}[")) for name in broken
    )


def _codes(sources: Sources) -> set[str]:
    return {path.split("/")[-2] for path in sources.modules if path.startswith(("sharing/", "packs/"))}


def _unread(sources: Sources) -> Iterator[str]:
    """Yield what is wrong with tests and checks, which the load does not read."""
    others = {**sources.checks, **sources.tests}
    # The rules with them, and one question: only then does the engine look for names that nothing explains.
    rehearsal = rehearse({**sources.modules, **others}, sources.data, ["{}"])
    yield from rehearsal.faults
    modules = [module_of(path, tree) for path, tree in rehearsal.trees.items()]
    mine = [module for module in modules if module.path in others]
    law = [module for module in modules if module.path not in others]
    yield from astray(law, mine, sources.data.keys(), sources.schemas)
    for module in mine:
        for name, times in Counter(rule.name for rule in module.rules).items():
            if name.startswith("test_") and times > 1:
                yield f"{module.path}: {name} is written twice: it would pass if either of the two held"
