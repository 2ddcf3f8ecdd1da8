"""What a Rego module says, by the parser's own tree: its package, its rules, and what each rule refers to.

The tree is regorus' (``get_ast_as_json``), because it is the parser that decides; the other engine's own
checker (``opa check --capabilities``) is run over the same files in CI. A tokenizer of ours would be a
third opinion. Guarantees: a reference whose target cannot be told from the text is reported as such
(``None`` in its path), never guessed; a reference through an import is resolved even if a local name hides
the import.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | None, ...]
_REFERENCES = ("Var", "RefDot", "RefBrack")


@dataclass(slots=True)
class Rule:
    """One rule body or default: its name, and everything it mentions."""

    name: str
    line: int
    text: str
    is_default: bool
    # Headed by "data" or "input"; of these, the ones that no local variable of the same name can explain.
    references: set[Path] = field(default_factory=set)
    certain: set[Path] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)  # builtins by name
    has_with: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """One parsed .rego file."""

    path: str
    package: str
    imports: tuple[Path, ...]
    rules: tuple[Rule, ...]


def module_of(path: str, document: Mapping[str, Any]) -> Module:
    """Read one element of the parser's answer."""
    tree, source = document["ast"], document["source"]["contents"].encode()
    package = ".".join(str(part) for part in flatten(tree["package"]["refr"]))
    imports, aliases = imports_of(tree, source)
    names = frozenset(_head_name(rule) for rule in tree["rules"])
    rules = tuple(_Reader(package, aliases, names, source).rule(rule) for rule in tree["rules"])
    return Module(path=path, package=package, imports=imports, rules=rules)


def imports_of(tree: Mapping[str, Any], source: bytes) -> tuple[tuple[Path, ...], dict[str, Path]]:
    """Return what a module imports, and by which name it calls each."""
    imports: list[Path] = []
    aliases: dict[str, Path] = {}
    for item in tree["imports"]:
        target = flatten(item["refr"])
        imports.append(target)
        alias = _slice(source, item["as"]) if item.get("as") else target[-1]
        if target[0] in ("data", "input"):
            aliases[str(alias)] = target
    return tuple(imports), aliases


def flatten(node: Mapping[str, Any]) -> Path:
    """Return a reference as its parts; a part that is not a constant text is None."""
    if "Var" in node:
        return (node["Var"]["value"],)
    if "RefDot" in node:
        return (*flatten(node["RefDot"]["refr"]), node["RefDot"]["field"][1])
    if "RefBrack" in node:
        index = node["RefBrack"]["index"]
        constant = index.get("String") or index.get("RawString")
        return (*flatten(node["RefBrack"]["refr"]), constant["value"] if constant else None)
    return (None,)


def _indexes(node: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the expressions inside a reference: what stands in its brackets, and a head that is no name."""
    if "RefDot" in node:
        yield from _indexes(node["RefDot"]["refr"])
    elif "RefBrack" in node:
        yield from _indexes(node["RefBrack"]["refr"])
        yield node["RefBrack"]["index"]
    elif "Var" not in node:
        yield node


def _head(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    if "Default" in rule:
        return {"refr": rule["Default"]["refr"]}
    head: Mapping[str, Any] = next(iter(rule["Spec"]["head"].values()))
    return head


def _head_name(rule: Mapping[str, Any]) -> str:
    return str(flatten(_head(rule)["refr"])[0])


def _slice(source: bytes, span: Mapping[str, int]) -> str:
    return source[span["start"] : span["end"]].decode()


class _Reader:
    """Walks one rule and collects what it mentions."""

    def __init__(
        self, package: str, aliases: Mapping[str, Path], names: frozenset[str], source: bytes
    ) -> None:
        self._package: Path = ("data", *package.split("."))
        self._source = source
        self._aliases = aliases
        self._names = names
        self._found: Rule
        self._bound: set[str] = set()

    def rule(self, node: Mapping[str, Any]) -> Rule:
        kind = "Default" if "Default" in node else "Spec"
        span = node[kind]["span"]
        self._found = Rule(_head_name(node), span["line"], _slice(self._source, span), kind == "Default")
        self._bound = set(bound(node, self._source))
        if kind == "Default":
            self._walk([node[kind]["args"], node[kind]["value"]])
        else:
            head = dict(_head(node))
            self._walk(list(_indexes(head.pop("refr"))))  # the rule's own name is no mention of it
            self._walk([head, node[kind]["bodies"]])
        return self._found

    def _walk(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self._walk(item)
        elif isinstance(node, dict):
            if node.get("with_mods"):
                self._found.has_with = True
            if any(kind in node for kind in _REFERENCES):
                self._mention(flatten(node))
                self._walk(list(_indexes(node)))
            elif "Call" in node:
                self._call(node["Call"])
            else:
                self._walk(list(node.values()))

    def _call(self, call: Mapping[str, Any]) -> None:
        name = flatten(call["fcn"])
        if name[0] in self._aliases or name[0] in self._names or name[0] in ("data", "input"):
            self._mention(name)
        else:
            self._found.calls.add(".".join(part or "?" for part in name))
        self._walk(call["params"])

    def _mention(self, name: Path) -> None:
        head = name[0]
        if head in ("data", "input"):
            target = name
        elif head in self._aliases:
            target = (*self._aliases[str(head)], *name[1:])
        elif head in self._names:
            target = (*self._package, *name)
        else:
            return  # a local variable
        self._found.references.add(target)
        if head not in self._bound:
            self._found.certain.add(target)


def bound(node: Any, source: bytes) -> Iterator[str]:
    """Yield the names that a rule binds itself: its arguments, ``some``, ``every`` and ``:=``."""
    if isinstance(node, list):
        for item in node:
            yield from bound(item, source)
    elif isinstance(node, dict):
        if "Func" in node:
            yield from _variables(node["Func"]["args"], source)
        for kind in ("SomeIn", "SomeVars", "Every"):
            if kind in node:
                for part in ("key", "value", "vars"):
                    yield from _variables(node[kind].get(part), source)
        if "AssignExpr" in node and node["AssignExpr"]["op"] == "ColEq":
            yield from _variables(node["AssignExpr"]["lhs"], source)
        yield from bound(list(node.values()), source)


def _variables(node: Any, source: bytes) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _variables(item, source)
    elif isinstance(node, dict):
        if "Var" in node:
            yield node["Var"]["value"]
        elif node.keys() == {"line", "col", "start", "end"}:
            yield _slice(source, node)  # a name that the tree gives only by its place
        else:
            yield from _variables([item for key, item in node.items() if key != "span"], source)
