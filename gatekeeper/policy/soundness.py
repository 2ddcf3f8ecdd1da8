"""The checks that a bundle's Rego must pass before it may decide anything.

Guarantees, each of which would otherwise fail silently in Rego: every reference leads to something that
exists (a typo is undefined, not an error); nothing can recurse (it crashes the embedded engine); no rule
reads a clock, the network or chance (a decision could not be replayed); each provision is proved by one
rule of ``main``, of one fixed form, and by nothing else; no provision leans on another's finding; what binds
every city does not depend on the packs of one, and a pack not on another's data; a staff ruling reaches only
provisions that invite one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from gatekeeper.policy.layout import Json
from gatekeeper.policy.manifest import Listed
from gatekeeper.policy.shapes import may_hold
from gatekeeper.policy.syntax import Module, Path, Rule

# Never, whatever capabilities.json says: the world outside, the clock, chance, words on a terminal.
FORBIDDEN = re.compile(
    r"(?:http|net|rand|uuid|io|crypto|providers|rego|opa)\..*|time\.now_ns|print|trace|internal\.(?!member_).*"
)
# What operators and keywords become inside OPA; the closed list need not name them.
OPERATORS = frozenset(
    {
        "and",
        "assign",
        "div",
        "eq",
        "equal",
        "gt",
        "gte",
        "internal.member_2",
        "internal.member_3",
        "lt",
        "lte",
    }
    | {"minus", "mul", "neq", "or", "plus", "rem"}
)
_Node = tuple[str, str]  # package, rule


def faults_of(
    modules: Sequence[Module],
    *,
    provisions: Sequence[Listed],
    reviewed: Collection[str],
    schemas: Mapping[str, Json],
    data: Collection[str],
    builtins: Collection[str],
) -> list[str]:
    """Return everything wrong with *modules*; *reviewed* are the provisions whose review is not none."""
    graph = _Graph(modules, data, schemas)
    faults = [*_packages(modules, data), *graph.faults]
    for module in modules:
        for rule in module.rules:
            faults += _rule_faults(module, rule, builtins)
        faults += _reach(module)
    faults += _main(modules, provisions)
    faults += graph.recursion()
    faults += _rulings(graph, provisions, reviewed)
    return faults


def astray(
    modules: Sequence[Module], others: Sequence[Module], data: Collection[str], schemas: Mapping[str, Json]
) -> list[str]:
    """Return where *others*, the tests and checks of *modules*, refer to nothing, or to themselves.

    A test that denies what does not exist would pass whatever the law says; one that recurses kills the
    engine that runs it.
    """
    paths = {module.path for module in others}
    # What a check is given is not the facts of a request.
    shapes = {name: schema for name, schema in schemas.items() if name != "input"}
    graph = _Graph([*modules, *others], data, shapes)
    return [fault for fault in (*graph.faults, *graph.recursion()) if _of(fault, paths, others)]


def _of(fault: str, paths: Collection[str], others: Sequence[Module]) -> bool:
    """Say whether a fault is about one of these files, or one of their rules."""
    where = fault.split(":", 1)[0]
    return where in paths or where.rpartition(".")[0] in {module.package for module in others}


def _packages(modules: Sequence[Module], data: Collection[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for module in modules:
        expected = ".".join(module.path.split("/")[:-1])
        if module.package != expected:
            yield f"{module.path}: package {module.package} is not its path, {expected}"
        if module.package in seen:
            yield f"{module.path}: package {module.package} is also that of {seen[module.package]}"
        seen[module.package] = module.path
        if module.package.split(".")[0] in data:
            yield f"{module.path}: data/{module.package.split('.')[0]}.json has the name of a package"


def _rule_faults(module: Module, rule: Rule, builtins: Collection[str]) -> Iterator[str]:
    where = f"{module.path}:{rule.line}"
    for call in sorted(rule.calls):
        if call not in builtins or FORBIDDEN.fullmatch(call):
            yield f"{where}: {call} is not in the closed list of builtins"
    if rule.has_with:
        yield f"{where}: `with` replaces facts while the law is applied: it belongs in tests"
    if rule.name in builtins or rule.name in ("data", "input"):
        yield f"{where}: rule {rule.name} hides what is built in"


def _reach(module: Module) -> Iterator[str]:
    """Yield where a module reads what it may not: only main reads the findings of provisions.

    Packs are read by main and by the obligations, which they can only make stricter, and each by its own
    provisions.
    """
    if module.package == "main":
        return
    targets = {*module.imports, *(target for rule in module.rules for target in rule.references)}
    for target in sorted({_say(target) for target in targets if _foreign(target, module.package)}):
        yield f"{module.path}: reads {target}: each provision is judged on the facts alone"
    if not module.package.startswith("redaction."):
        for target in sorted({_say(target) for target in targets if _of_other_packs(target, module.package)}):
            yield f"{module.path}: reads {target}: the law of a pack depends on no other, that of all on none"


def _foreign(target: Path, package: str) -> bool:
    if target[0] != "data":
        return False
    if len(target) == 1 or target[1] is None:
        return True
    if target[1] == "packs":
        return ".".join(map(str, target[1:4])) != package
    return target[1] in ("main", "sharing") and ".".join(map(str, target[1:3])) != package


def _of_other_packs(target: Path, package: str) -> bool:
    """Say whether *target* may reach the data of a pack that is not *package*'s own, or the city's choice."""
    if target[:2] == ("data", "city"):
        return len(target) == 2 or target[2] in (None, "packs")
    own = package.split(".")[1] if package.startswith("packs.") else None
    return target[:2] == ("data", "pack") and (len(target) == 2 or own is None or target[2] != own)


def _main(modules: Sequence[Module], provisions: Sequence[Listed]) -> Iterator[str]:
    main = next((module for module in modules if module.package == "main"), None)
    if main is None:
        yield "main/main.rego: missing"
        return
    found = [form for form, _ in proofs_in(main)]
    required = [proof(listed) for listed in provisions]
    for form in required:
        if found.count(form) != 1:
            yield f"main/main.rego: needs exactly one rule `{form}`"
    for form in found:
        if form not in required:
            yield f"main/main.rego: `{form[:80]}` could call proved what the manifest does not list"
    if not any(rule.name == "decision" for rule in main.rules):
        yield "main/main.rego: has no rule decision"


def proofs_in(main: Module) -> Iterator[tuple[str, str]]:
    """Yield each rule of *main* that calls a provision proved: its form (on one line), and its text."""
    for rule in main.rules:
        if rule.name == "proved":
            yield " ".join(rule.text.split()), rule.text


def proof(listed: Listed) -> str:
    """Return the one rule that may call a provision proved; of a pack's, only where the city selected it."""
    found = f"data.{listed.package}.satisfied == true"
    if listed.pack is None:
        return f'proved contains "{listed.code}" if {found}'
    return f'proved contains "{listed.code}" if {{ "{listed.pack}" in data.city.packs {found} }}'


def _rulings(graph: _Graph, provisions: Sequence[Listed], reviewed: Collection[str]) -> Iterator[str]:
    for listed in provisions:
        read = graph.rulings_read(listed.package)
        if read and listed.code not in reviewed:
            yield f"{listed.path}: its review is none, yet it reads input.ruling"
        elif read - {listed.code}:
            yield f"{listed.path}: may read of input.ruling only its own, input.ruling.{listed.code}"


def _say(target: Path) -> str:
    return ".".join("[…]" if part is None else part for part in target)


class _Graph:
    """Which rule refers to which, across modules."""

    def __init__(self, modules: Sequence[Module], data: Collection[str], schemas: Mapping[str, Json]) -> None:
        self._rules = {(module.package, rule.name) for module in modules for rule in module.rules}
        self._packages = {module.package for module in modules}
        self._data = data
        self._schemas = schemas
        self._edges: dict[_Node, set[_Node]] = {node: set() for node in self._rules}
        self._certain: dict[_Node, set[_Node]] = {node: set() for node in self._rules}
        # The rulings that a rule reads, by the provision each is for; None: it may read any.
        self._ruled: dict[_Node, set[str | None]] = {}
        self.faults: list[str] = []
        for module in modules:
            for target in module.imports:
                self._imported(module, target)
            for rule in module.rules:
                self._read(module, rule)

    def _imported(self, module: Module, target: Path) -> None:
        if target[0] == "rego" and target[1:] == ("v1",):
            return
        name = ".".join(map(str, target[1:]))
        if target[0] == "data" and (name in self._packages or self._resolve(target) is not False):
            return
        if target[0] == "input" and len(target) > 1 and "ruling" not in target:
            return
        self.faults.append(f"{module.path}: imports {_say(target)}, which is nothing that exists")

    def _read(self, module: Module, rule: Rule) -> None:
        node = (module.package, rule.name)
        for target in sorted(rule.references, key=_say):
            if target in rule.certain and not self._shaped(target):
                self.faults.append(f"{module.path}:{rule.line}: {_say(target)} is nothing that exists")
                continue
            if target[0] == "input":
                if len(target) == 1 or target[1] in (None, "ruling"):
                    named = target[2] if len(target) > 2 and target[1] == "ruling" else None
                    self._ruled.setdefault(node, set()).add(named)
                continue
            found = self._resolve(target)
            if found is False:
                self.faults.append(f"{module.path}:{rule.line}: {_say(target)} is nothing that exists")
            elif found is not None:
                self._edges[node].add(found)
                if target in rule.certain:
                    self._certain[node].add(found)

    def _resolve(self, target: Path) -> _Node | Literal[False] | None:
        """Return the rule that *target* names, None if it is a data file, False if it is neither."""
        for end in range(len(target), 1, -1):
            package = ".".join(map(str, target[1:end]))
            if package in self._packages and None not in target[1:end]:
                rule = target[end] if end < len(target) else None
                return (package, rule) if rule is not None and (package, rule) in self._rules else False
        return None if len(target) > 1 and target[1] in self._data else False

    def _shaped(self, target: Path) -> bool:
        """Say whether the schema of the facts, or of a data file, allows anything there."""
        if target[0] == "input":
            return may_hold(self._schemas.get("input", True), target[1:])
        name = target[1] if len(target) > 1 else None
        if name not in self._data or ".".join(map(str, target[1:3])) in self._packages:
            return True  # a package, or nothing, which is said elsewhere
        rest = target[3:] if name == "pack" else target[2:]
        return may_hold(self._schemas.get(str(name), True), rest)

    def recursion(self) -> Iterator[str]:
        """Yield each rule that depends on itself."""
        for node in sorted(self._rules):
            if node in _reachable(self._certain, self._certain[node]):
                yield f"{node[0]}.{node[1]}: depends on itself; recursion crashes the embedded engine"

    def rulings_read(self, package: str) -> set[str | None]:
        """Return the rulings that *package* reads; None where it may read any (a whole, a computed name)."""
        roots = {node for node in self._rules if node[0] == package}
        found = [self._ruled.get(node, set()) for node in roots | _reachable(self._edges, roots)]
        return set().union(*found)


def _reachable(edges: Mapping[_Node, Collection[_Node]], roots: Collection[_Node]) -> set[_Node]:
    seen: set[_Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += edges[node]
    return seen
