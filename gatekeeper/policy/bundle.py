"""Load a policy bundle: every file, every check, one digest; or refuse it and name every fault at once.

Guarantees: the provisions are those of the committed manifest, never derived from the files found, so a
provision whose file is deleted refuses the bundle instead of vanishing from the law; those of packs that the
city has not selected are checked all the same, so that selecting one needs no other change; everything that
can change a decision is inside the digest (modules, data, schemas, manifest, closed list of builtins), and
nothing else can change one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.layout import CAPABILITIES, Files, Json, Sources, read, sources_of
from gatekeeper.policy.manifest import Manifest, manifest_of
from gatekeeper.policy.misfits import misfits
from gatekeeper.policy.packs import Idle, chosen_packs, idle_in
from gatekeeper.policy.provisions import Catalogue, Provision, provision_of
from gatekeeper.policy.quotas import quota_faults
from gatekeeper.policy.rehearsal import Rehearsal, rehearse, worst_inputs
from gatekeeper.policy.slowness import blamed
from gatekeeper.policy.soundness import FORBIDDEN, faults_of
from gatekeeper.policy.syntax import Module, module_of

BUDGET_MS = 250.0
"""How long one decision may take on the embedded engine; a later answer is discarded."""

_HOW_SLOW = re.compile(r"the engine did not finish|the engine died|the worst case took")
"""What is said of a law that is too slow where no rule can be named for it."""
_TEST_RULE = re.compile(r"^test_\w+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One revision of the law, checked. Made by ``load``.

    ``catalogue`` and ``provisions`` are the law in force: what binds every city, and what its ``packs`` add.
    ``files`` is its whole text, tests and cases included.
    ``written`` has the provisions of the packs that are off, too; ``idle`` says what of the modules they are.
    """

    files: Files
    revision: str
    digest: str
    label: str
    modules: Mapping[str, str]
    tests: Mapping[str, str]
    checks: Mapping[str, str]
    data: Mapping[str, Json]
    schemas: Mapping[str, Json]
    builtins: tuple[str, ...]
    catalogue: Catalogue
    provisions: tuple[str, ...]
    packs: tuple[str, ...]
    written: Catalogue
    idle: Idle


def shipped_policies() -> Path:
    """Return the directory of the law that came with this program: in the wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    wheel = package / "_policies"
    return wheel if wheel.is_dir() else package.parent / "policies"


def load(directory: Path) -> Bundle:
    """Return the bundle in *directory*. Raises BundleRefused, naming every fault."""
    return load_sources(read(directory))


def load_files(files: Files) -> Bundle:
    """Return the bundle of policies that are held as text. Raises BundleRefused, naming every fault."""
    return load_sources(sources_of(files))


def load_sources(sources: Sources) -> Bundle:
    """Return the bundle of what was read. Raises BundleRefused, naming every fault."""
    faults = list(sources.faults)
    manifest = manifest_of(sources.manifest, faults)
    builtins = _capabilities(sources.capabilities, faults)
    faults += _data_faults(sources)
    packs = chosen_packs(sources, manifest, faults)
    provisions = manifest.in_force(packs)
    faults += _presence(sources, manifest)
    written = _written(sources, manifest, faults)
    faults += [*_provision_faults(sources, manifest), *quota_faults(sources.data.get("city"))]
    rehearsal = _rehearse(sources)
    faults += rehearsal.faults
    modules = [module_of(path, tree) for path, tree in rehearsal.trees.items()]
    faults += faults_of(
        modules,
        provisions=manifest.provisions,
        reviewed={code for code, provision in written.items() if provision.review != "none"},
        schemas=sources.schemas,
        data=sources.data.keys(),
        builtins=builtins,
    )
    faults += _answers(rehearsal, provisions)
    recursive = any("depends on itself" in fault for fault in faults)  # it dies of that, and is named by it
    if not recursive and (slow := _slow(rehearsal, modules, sources)):
        faults = [fault for fault in faults if not _HOW_SLOW.match(fault)] + slow
    if faults:
        raise BundleRefused(list(dict.fromkeys(faults)))
    digest = sources.digest()
    return Bundle(
        files=MappingProxyType(sources.files),
        revision=f"{manifest.label}+{digest[:12]}",
        digest=f"sha256:{digest}",
        label=manifest.label,
        modules=MappingProxyType(sources.modules),
        tests=MappingProxyType(sources.tests),
        checks=MappingProxyType(sources.checks),
        data=MappingProxyType(sources.data),
        schemas=MappingProxyType(sources.schemas),
        builtins=builtins,
        catalogue=Catalogue([written[code] for code in provisions]),
        provisions=provisions,
        packs=packs,
        written=written,
        idle=idle_in(modules, manifest, packs),
    )


def trial(bundle: Bundle, budget_ms: float = BUDGET_MS) -> float:
    """Try *bundle* in a child process; return the slowest decision in ms. Raises BundleRefused."""
    rehearsal = rehearse(bundle.modules, bundle.data, _worst(bundle.schemas))
    faults = [*rehearsal.faults, *_answers(rehearsal, bundle.provisions, budget_ms)]
    if faults:
        raise BundleRefused(faults)
    return rehearsal.slowest_ms


def _rehearse(sources: Sources) -> Rehearsal:
    return rehearse(sources.modules, sources.data, _worst(sources.schemas))


def _worst(schemas: Mapping[str, Json]) -> list[str]:
    return ["{}", *worst_inputs(schemas.get("input"))]


def _slow(rehearsal: Rehearsal, modules: Sequence[Module], sources: Sources) -> list[str]:
    """Name the rules that make the law slow, where it is; else nothing."""
    if not rehearsal.unfinished and rehearsal.slowest_ms <= BUDGET_MS:
        return []
    return blamed(modules, sources.modules, sources.data, _worst(sources.schemas), BUDGET_MS)


def _answers(rehearsal: Rehearsal, provisions: Sequence[str], budget_ms: float = BUDGET_MS) -> list[str]:
    """Return what is wrong with the trial's answers."""
    if rehearsal.faults:
        return []  # it did not get so far; the reason is already said
    faults = []
    nothing = rehearsal.answers[0] if rehearsal.answers else None
    if not isinstance(nothing, dict):
        faults.append("data.main.decision is undefined when there are no facts: it must be a denial")
    else:
        said = nothing.get("unmet")
        unmet = {code for code in said if isinstance(code, str)} if isinstance(said, list) else set()
        faults += [f"{code}: satisfied by no facts at all" for code in sorted(set(provisions) - unmet)]
        faults += [
            f"main/main.rego: asks for {code}, which is neither for every city nor of a pack of this one"
            for code in sorted(unmet - set(provisions))
        ]
        if nothing.get("permit") is not False:
            faults.append("data.main.decision permits when there are no facts")
    if rehearsal.slowest_ms > budget_ms:
        faults.append(f"the worst case took {rehearsal.slowest_ms:.0f} ms; the budget is {budget_ms:.0f} ms")
    return faults


def _capabilities(document: Json, faults: list[str]) -> tuple[str, ...]:
    builtins = document.get("builtins") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(builtins, list) or not all(isinstance(name, str) for name in builtins):
        faults.append(f'{CAPABILITIES}: must be {{"builtins": [names]}}')
        return ()
    names = [name for name in builtins if isinstance(name, str)]
    faults += [f"{CAPABILITIES}: {name} may never be used" for name in names if FORBIDDEN.fullmatch(name)]
    if names != sorted(set(names)):
        faults.append(f"{CAPABILITIES}: builtins must be sorted and each named once")
    return tuple(names)


def _data_faults(sources: Sources) -> list[str]:
    documents = {
        f"data/{name}.json": (name, document) for name, document in sources.data.items() if name != "pack"
    }
    documents |= {f"packs/{name}/pack.json": ("pack", document) for name, document in sources.packs.items()}
    faults = [
        f"schema/{name}.json: there is no data/{name}.json: what it promises is undefined"
        for name in sorted(sources.schemas.keys() - sources.data.keys() - {"input"})
    ]
    faults += [
        f"{path}: has no schema/{name}.json"
        for path, (name, _) in sorted(documents.items())
        if name not in sources.schemas
    ]
    for name, schema in sorted(sources.schemas.items()):
        try:
            validator = _validator(schema)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
            faults.append(f"schema/{name}.json: not a JSON schema")
            continue
        for path, (described_by, document) in sorted(documents.items()):
            if described_by == name:
                faults += misfits(path, sources.documents[path], document, schema, validator)
    return faults


def _provision_faults(sources: Sources, manifest: Manifest) -> list[str]:
    """Return what the city says of a provision that there is not: nobody would be told."""
    known = {listed.code for listed in manifest.provisions}
    faults = []
    for place in (("review", "hours", "by_provision"), ("rephrasing", "provisions")):
        found: Any = sources.data.get("city")
        for name in place:
            found = found.get(name) if isinstance(found, dict) else None
        faults += [
            f"data/city.json: /{'/'.join(place)}/{code}: there is no provision of that code"
            for code in sorted((found if isinstance(found, dict) else {}).keys() - known)
        ]
    return faults


def _validator(schema: Any) -> Any:
    """Compile *schema*; it may refer to nothing outside itself."""

    def nowhere(uri: str) -> Any:
        raise ValueError(f"a schema may not refer to {uri}")

    if not isinstance(schema, dict) or not jsonschema_rs.meta.is_valid(schema):
        raise ValueError("not a schema")
    return jsonschema_rs.validator_for(schema, retriever=nowhere)


def _presence(sources: Sources, manifest: Manifest) -> list[str]:
    """Return faults where the manifest and the files disagree."""
    faults = []
    for listed in manifest.provisions:
        if listed.path not in sources.modules:
            faults.append(f"{listed.path}: missing, though the manifest lists {listed.code}")
        if not _TEST_RULE.search(sources.tests.get(listed.test, "")):
            faults.append(
                f"{listed.test}: missing, or without a test_ rule: an untested provision is not law"
            )
    unlisted = sources.modules.keys() - {listed.path for listed in manifest.provisions}
    faults += [
        f"{path}: not listed in the manifest: nothing would require it"
        for path in sorted(unlisted)
        if path.startswith(("sharing/", "packs/"))
    ]
    return faults


def _written(sources: Sources, manifest: Manifest, faults: list[str]) -> Catalogue:
    found: list[Provision] = []
    for listed in manifest.provisions:
        if listed.path in sources.modules:
            provision, wrong = provision_of(listed, sources.modules[listed.path])
            faults += wrong
            if provision is not None:
                found.append(provision)
    return Catalogue(found)
