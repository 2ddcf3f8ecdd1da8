"""Load a policy bundle: every file, every check, one digest; or refuse it and name every fault at once.

Guarantees: the provisions are those of the committed manifest, never derived from the files found, so a
provision whose file is deleted refuses the bundle instead of vanishing from the law; everything that can
change a decision is inside the digest (modules, data, schemas, manifest, closed list of builtins), and
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
from gatekeeper.policy.layout import CAPABILITIES, MANIFEST, Json, Sources, read
from gatekeeper.policy.provisions import Catalogue, Provision, provision_of
from gatekeeper.policy.rehearsal import Rehearsal, rehearse, worst_inputs
from gatekeeper.policy.soundness import FORBIDDEN, faults_of
from gatekeeper.policy.syntax import module_of

BUDGET_MS = 250.0
"""How long one decision may take on the embedded engine; a later answer is discarded."""

_MANIFEST_KEYS = {"label", "roots", "rego_version", "provisions"}
_LABEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,39}")
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_TEST_RULE = re.compile(r"^test_\w+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One revision of the law, checked. Made by ``load``."""

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


def shipped_policies() -> Path:
    """Return the directory of the law that came with this program: in the wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    wheel = package / "_policies"
    return wheel if wheel.is_dir() else package.parent / "policies"


def load(directory: Path) -> Bundle:
    """Return the bundle in *directory*. Raises BundleRefused, naming every fault."""
    sources = read(directory)
    faults = list(sources.faults)
    label, provisions = _manifest(sources.manifest, faults)
    builtins = _capabilities(sources.capabilities, faults)
    faults += _data_faults(sources)
    faults += _presence(sources, provisions)
    catalogue = _catalogue(sources, provisions, faults)
    rehearsal = _rehearse(sources)
    faults += rehearsal.faults
    faults += faults_of(
        [module_of(path, tree) for path, tree in rehearsal.trees.items()],
        provisions=provisions,
        reviewed={code for code, provision in catalogue.items() if provision.review != "none"},
        data=sources.data.keys(),
        builtins=builtins,
    )
    faults += _answers(rehearsal, provisions)
    if faults:
        raise BundleRefused(list(dict.fromkeys(faults)))
    digest = sources.digest()
    return Bundle(
        revision=f"{label}+{digest[:12]}",
        digest=f"sha256:{digest}",
        label=label,
        modules=MappingProxyType(sources.modules),
        tests=MappingProxyType(sources.tests),
        checks=MappingProxyType(sources.checks),
        data=MappingProxyType(sources.data),
        schemas=MappingProxyType(sources.schemas),
        builtins=builtins,
        catalogue=catalogue,
        provisions=provisions,
    )


def trial(bundle: Bundle, budget_ms: float = BUDGET_MS) -> float:
    """Try *bundle* in a child process; return the slowest decision in ms. Raises BundleRefused."""
    rehearsal = rehearse(bundle.modules, bundle.data, ["{}", *worst_inputs(bundle.schemas.get("input"))])
    faults = [*rehearsal.faults, *_answers(rehearsal, bundle.provisions, budget_ms)]
    if faults:
        raise BundleRefused(faults)
    return rehearsal.slowest_ms


def _rehearse(sources: Sources) -> Rehearsal:
    return rehearse(sources.modules, sources.data, ["{}", *worst_inputs(sources.schemas.get("input"))])


def _answers(rehearsal: Rehearsal, provisions: Sequence[str], budget_ms: float = BUDGET_MS) -> list[str]:
    """Return what is wrong with the trial's answers."""
    if rehearsal.faults:
        return []  # it did not get so far; the reason is already said
    faults = []
    nothing = rehearsal.answers[0] if rehearsal.answers else None
    if not isinstance(nothing, dict):
        faults.append("data.main.decision is undefined when there are no facts: it must be a denial")
    else:
        unmet = nothing.get("unmet")
        proven = set(provisions) - set(unmet if isinstance(unmet, list) else [])
        faults += [f"sharing/{code}/{code}.rego: satisfied by no facts at all" for code in sorted(proven)]
        if nothing.get("permit") is not False:
            faults.append("data.main.decision permits when there are no facts")
    if rehearsal.slowest_ms > budget_ms:
        faults.append(f"the worst case took {rehearsal.slowest_ms:.0f} ms; the budget is {budget_ms:.0f} ms")
    return faults


def _manifest(document: Json, faults: list[str]) -> tuple[str, tuple[str, ...]]:
    if not isinstance(document, dict) or document.keys() != _MANIFEST_KEYS:
        faults.append(f"{MANIFEST}: must have exactly {', '.join(sorted(_MANIFEST_KEYS))}")
        document = document if isinstance(document, dict) else {}
    label, provisions = document.get("label"), document.get("provisions")
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        faults.append(f"{MANIFEST}: label must be a short name such as 2026-01")
        label = ""
    if document.get("roots") != [""]:
        faults.append(f'{MANIFEST}: roots must be [""]: the bundle owns all of data, none may add to it')
    if document.get("rego_version") != 1 or isinstance(document.get("rego_version"), bool):
        faults.append(f"{MANIFEST}: rego_version must be 1")
    if not isinstance(provisions, list) or not provisions:
        faults.append(f"{MANIFEST}: provisions must list at least one: an empty law would permit all")
        return label, ()
    codes = [code for code in provisions if isinstance(code, str) and _CODE.fullmatch(code)]
    if len(codes) != len(provisions):
        faults.append(f"{MANIFEST}: a provision's code is lower-case letters, digits and underscores")
    twice = sorted({code for code in codes if codes.count(code) > 1})
    faults += [f"{MANIFEST}: {code} is listed twice" for code in twice]
    return label, tuple(dict.fromkeys(codes))


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
    orphans = sorted(sources.schemas.keys() - sources.data.keys() - {"input"})
    faults = [
        f"schema/{name}.json: there is no data/{name}.json: what it promises is undefined" for name in orphans
    ]
    unbound = sorted(sources.data.keys() - sources.schemas.keys())
    faults += [f"data/{name}.json: has no schema/{name}.json" for name in unbound]
    for name, schema in sorted(sources.schemas.items()):
        try:
            validator = _validator(schema)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError):
            faults.append(f"schema/{name}.json: not a JSON schema")
            continue
        if name in sources.data:
            for error in validator.iter_errors(sources.data[name]):
                place = "/".join(map(str, error.instance_path))
                faults.append(f"data/{name}.json: /{place}: {error.message[:200]}")
    return faults


def _validator(schema: Any) -> Any:
    """Compile *schema*; it may refer to nothing outside itself."""

    def nowhere(uri: str) -> Any:
        raise ValueError(f"a schema may not refer to {uri}")

    if not isinstance(schema, dict) or not jsonschema_rs.meta.is_valid(schema):
        raise ValueError("not a schema")
    return jsonschema_rs.validator_for(schema, retriever=nowhere)


def _presence(sources: Sources, provisions: Sequence[str]) -> list[str]:
    """Return faults where the manifest and the files disagree."""
    faults = []
    for code in provisions:
        path, test = f"sharing/{code}/{code}.rego", f"sharing/{code}/{code}_test.rego"
        if path not in sources.modules:
            faults.append(f"{path}: missing, though the manifest lists {code}")
        if not _TEST_RULE.search(sources.tests.get(test, "")):
            faults.append(f"{test}: missing, or without a test_ rule: an untested provision is not law")
    for path in sorted(sources.modules):
        parts = path.split("/")
        if parts[0] == "sharing" and parts[1] not in provisions:
            faults.append(f"{path}: not listed in the manifest: nothing would require it")
    return faults


def _catalogue(sources: Sources, provisions: Sequence[str], faults: list[str]) -> Catalogue:
    found: list[Provision] = []
    for code in provisions:
        path = f"sharing/{code}/{code}.rego"
        if path in sources.modules:
            provision, wrong = provision_of(code, path, sources.modules[path])
            faults += wrong
            if provision is not None:
                found.append(provision)
    return Catalogue(found)
