"""Take a rule apart into its statements, and write the questions that find out what each one came to.

Nothing is evaluated here. For each statement of a rule there is, in the rule's own words, one further rule:
it says how often the statements up to this one hold together, which values stood in its parts and what the
rules that it calls were given. Whoever asks the engine for it learns what the engine itself made of the
statement; there is no second reading of Rego. Guarantees: a module's own text is never changed, its
probes stand beside it in a module of the same package; what cannot be read from the parser's tree is shown as
it is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import regorus

from gatekeeper.policy.syntax import Path, bound, flatten, imports_of

_QUOTES = (b'"', b"`")
_CONSTANTS: Final = ("String", "RawString", "Number", "Bool", "Null", "Array", "Object", "Set")
_COMPREHENSIONS: Final = ("ArrayCompr", "SetCompr", "ObjectCompr")
_OWN: Final = "probe_of_the_law"
_COMPARED: Final = {
    "Eq": "equals",
    "Ne": "differs",
    "Lt": "less",
    "Le": "at_most",
    "Gt": "more",
    "Ge": "at_least",
}

RuleName = tuple[str, str]
"""A rule by its package and its own name."""


@dataclass(frozen=True, slots=True)
class Part:
    """What in a statement has a value of its own; ``path`` if it is a reference, imports written out."""

    text: str
    path: Path | None
    constant: bool


@dataclass(frozen=True, slots=True)
class Mention:
    """Another rule that a statement names; ``arguments`` None if it is not called."""

    rule: RuleName
    arguments: tuple[Part, ...] | None


@dataclass(frozen=True, slots=True)
class Step:
    """One statement.

    ``shape`` is equals, differs, less, at_most, more, at_least, among, call (``called`` says of what),
    truth (it is there and not false), assigned, some, every or other. ``probe`` names the rule that answers
    for it: ``[how often, [values of each part], …, [arguments of each call], …]``. ``within`` are the
    statements of an ``every``, asked of the first element for which they do not all hold, and ``element``
    is that element's probe.
    """

    text: str
    line: int
    shape: str
    negated: bool
    called: str
    binds: tuple[str, ...]
    parts: tuple[Part, ...]
    mentions: tuple[Mention, ...]
    probe: str
    within: tuple[Step, ...] = ()
    element: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """One way in which a rule can hold; ``probe`` answers ``[[values], [arguments of each call], …]``."""

    line: int
    is_else: bool
    steps: tuple[Step, ...]
    value: Part | None
    mentions: tuple[Mention, ...]
    probe: str


@dataclass(frozen=True, slots=True)
class Definition:
    """One time that a rule is written: what it calls its arguments, and its bodies, each else of the last."""

    arguments: tuple[str, ...]
    bodies: tuple[Body, ...]


@dataclass(slots=True)
class Probes:
    """The rules of a law taken apart, and the modules that hold the questions, by path."""

    rules: dict[RuleName, list[Definition]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)


def probes_of(modules: Mapping[str, str]) -> Probes:
    """Take every rule of *modules* apart; each must have been parsed before. Raises nothing."""
    trees = {path: tree_of(path, text) for path, text in modules.items()}
    named: dict[str, set[str]] = {}
    for tree in trees.values():
        package = ".".join(map(str, flatten(tree["package"]["refr"])))
        named.setdefault(package, set()).update(_names(tree))
    probes = Probes()
    for path, tree in trees.items():
        reader = _Reader(modules[path].encode(), tree, named)
        for rule in tree["rules"]:
            if "Spec" in rule:
                probes.rules.setdefault(reader.name_of(rule), []).append(reader.definition(rule["Spec"]))
        if reader.written:
            probes.modules[path.removesuffix(".rego") + "_probes.rego"] = reader.module()
    return probes


# --- Reading the parser's tree; shared with whoever runs the tests of a law. -------------------------------


def tree_of(path: str, source: str) -> Any:
    """Return the parser's tree of a module that it has read before."""
    engine = regorus.Engine()
    engine.add_policy(path, source)
    return json.loads(engine.get_ast_as_json())[0]["ast"]


def slice_of(text: bytes, span: Mapping[str, int]) -> str:
    """Return what a span covers; the parser leaves the quotes of a text at either end outside of it."""
    start, end = span["start"], span["end"]
    start -= text[start - 1 : start] in _QUOTES
    end += text[end : end + 1] in _QUOTES
    return text[start:end].decode()


def parts_of(statement: Mapping[str, Any]) -> list[Any]:
    """Return the nodes of a statement that have a value of their own; of one that is denied, the whole."""
    kind, literal = next(iter(statement["literal"].items()))
    if kind not in ("Expr", "NotExpr"):
        return []  # `every` and `some` hold or not for what they bind
    expression = next(iter(literal["expr"].values()))
    sides = [
        expression[side]
        for side in ("lhs", "rhs", "value", "collection")
        if isinstance(expression.get(side), dict)
    ]
    if kind == "NotExpr" or len(sides) < 2 or "AssignExpr" in literal["expr"]:
        sides = [expression["rhs"] if "AssignExpr" in literal["expr"] else literal["expr"]]
    return [node for node in sides if not is_constant(node)] or sides


def is_constant(node: Mapping[str, Any]) -> bool:
    """Say whether an expression is written out: a text, a number, a list."""
    return next(iter(node)) in _CONSTANTS


def span_of(node: Mapping[str, Any]) -> Mapping[str, int]:
    """Return where an expression stands."""
    span: Mapping[str, int] = next(iter(node.values()))["span"]
    return span


def given_of(statement: Mapping[str, Any], text: bytes) -> str:
    """Return the ``with`` of a statement, under which its parts are asked."""
    return " ".join(slice_of(text, with_["span"]) for with_ in statement.get("with_mods", ()))


def complaint(error: BaseException) -> str:
    """Return the engine's own sentence, without its picture of the place."""
    return " ".join(str(error).split("Stack backtrace")[0].split("error: ")[-1].split())


def _names(tree: Mapping[str, Any]) -> Iterator[str]:
    for rule in tree["rules"]:
        yield str(flatten(_refr(rule))[0])


def _refr(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any]
    if "Default" in rule:
        found = rule["Default"]["refr"]
    else:
        found = next(iter(rule["Spec"]["head"].values()))["refr"]
    return found


class _Reader:
    """Takes the rules of one module apart."""

    def __init__(self, text: bytes, tree: Mapping[str, Any], named: Mapping[str, set[str]]) -> None:
        self._text = text
        self._tree = tree
        self._named = named
        self._package = ".".join(map(str, flatten(tree["package"]["refr"])))
        _, self._aliases = imports_of(tree, text)
        self._bound: frozenset[str] = frozenset()
        self._arguments = ""
        self.written: list[str] = []

    def name_of(self, rule: Mapping[str, Any]) -> RuleName:
        return self._package, str(flatten(_refr(rule))[0])

    def module(self) -> str:
        """Return the module of the questions, under the imports of the rules' own."""
        lines = [f"package {self._package}", ""]
        lines += [f"import {slice_of(self._text, item['refr_span'])}" for item in self._imports()]
        return "\n".join([*lines, "", *self.written])

    def _imports(self) -> Iterator[Mapping[str, Any]]:
        for item in self._tree["imports"]:
            start, end = span_of(item["refr"])["start"], span_of(item["refr"])["end"]
            end = max(end, item["as"]["end"]) if item.get("as") else end
            yield {"refr_span": {"start": start, "end": end}}

    def definition(self, spec: Mapping[str, Any]) -> Definition:
        head = next(iter(spec["head"].values()))
        arguments = tuple(self._slice(span_of(node)) for node in head.get("args", ()))
        self._arguments = f"({', '.join(arguments)})" if "Func" in spec["head"] else ""
        self._bound = frozenset(bound({"Spec": spec}, self._text))
        value = head.get("key") if "Set" in spec["head"] else _assigned(head)
        bodies = spec["bodies"] or [
            {"span": spec["span"], "is_else": False, "assign": None, "query": {"stmts": []}}
        ]
        made = [self._body(body, _assigned(body) if body["is_else"] else value) for body in bodies]
        return Definition(arguments, tuple(made))

    def _body(self, body: Mapping[str, Any], value: Any) -> Body:
        before: list[str] = []
        steps = self._steps(body["query"]["stmts"], before)
        mentions: tuple[Mention, ...] = ()
        said = None if value is None else self._part(value)
        if said is not None:
            mentions = tuple(self._mentions(value))
        asked = [] if said is None else [_values(before, said.text)]
        asked += self._arguments_of(before, mentions)
        return Body(
            line=body["span"]["line"],
            is_else=bool(body["is_else"]),
            steps=steps,
            value=said,
            mentions=mentions,
            probe=self._write(asked),
        )

    def _steps(self, statements: Sequence[Mapping[str, Any]], before: list[str]) -> tuple[Step, ...]:
        """Return the statements, each asked after those *before* it, which grows by them."""
        steps = []
        for statement in statements:
            steps.append(self._step(statement, before))
            before.append(self._slice(statement["span"]))
        return tuple(steps)

    def _step(self, statement: Mapping[str, Any], before: list[str]) -> Step:
        kind, literal = next(iter(statement["literal"].items()))
        given = given_of(statement, self._text)
        text = self._slice(statement["span"])
        shape, called, binds, nodes = _shape(kind, literal)
        parts = tuple(map(self._part, nodes))
        mentions = tuple(self._mentions(statement["literal"]))
        holds = f"count([1 |\n{_lines([*before, text])}\n])"
        probe = self._write(
            [
                holds,
                *(_values(before, f"{part.text} {given}".strip()) for part in parts),
                *self._arguments_of(before, mentions, given),
            ]
        )
        names = tuple(self._slice(name) if "start" in name else self._slice(span_of(name)) for name in binds)
        within: tuple[Step, ...] = ()
        element = ""
        if kind == "Every":
            inner = [self._slice(one["span"]) for one in literal["query"]["stmts"]]
            pattern = f"[{', '.join(name for name in names if name != '_')}]"
            each = f"some {', '.join(names)} in {parts[0].text}"
            failing = f"[{pattern} |\n{each}\ncount([1 |\n{_lines(inner)}\n]) == 0\n]"
            chosen = [*before, f"probed_elements := {failing}", f"{pattern} := probed_elements[0]"]
            element = self._write([_values(chosen[:-1], "probed_elements[0]")])
            within = self._steps(literal["query"]["stmts"], chosen)
        return Step(
            text=" ".join(text.split()),
            line=statement["span"]["line"],
            shape=shape,
            negated=kind == "NotExpr",
            called=called,
            binds=names,
            parts=parts,
            mentions=mentions,
            probe=probe,
            within=within,
            element=element,
        )

    def _part(self, node: Mapping[str, Any]) -> Part:
        path = flatten(node) if next(iter(node)) in ("Var", "RefDot", "RefBrack") else None
        if path is not None and path[0] in self._aliases and path[0] not in self._bound:
            path = (*self._aliases[str(path[0])], *path[1:])
        return Part(self._expression(node), path, is_constant(node))

    def _expression(self, node: Mapping[str, Any]) -> str:
        if "Object" not in node:
            return self._slice(span_of(node))
        # The parser places an object at its last field: it begins at the brace before the first.
        fields, end = node["Object"]["fields"], span_of(node)["end"]
        start = self._text.rfind(b"{", 0, fields[0][0]["start"] if fields else end)
        return self._text[start:end].decode()

    def _mentions(self, node: Any, *, inner: bool = False) -> Iterator[Mention]:
        """Yield the rules that an expression names, but for calls with what a comprehension binds."""
        if isinstance(node, list):
            for one in node:
                yield from self._mentions(one, inner=inner)
        elif isinstance(node, dict):
            inner = inner or any(kind in node for kind in _COMPREHENSIONS)
            if "Every" in node:
                yield from self._mentions(node["Every"]["domain"], inner=inner)
            elif "Call" in node:
                rule = self._rule(flatten(node["Call"]["fcn"]))
                if rule is not None and not inner:
                    yield Mention(rule, tuple(map(self._part, node["Call"]["params"])))
                yield from self._mentions(node["Call"]["params"], inner=inner)
            elif any(kind in node for kind in ("Var", "RefDot", "RefBrack")):
                rule = self._rule(flatten(node))
                if rule is not None:
                    yield Mention(rule, None)
                yield from self._mentions(_brackets(node), inner=inner)
            else:
                yield from self._mentions(list(node.values()), inner=inner)

    def _rule(self, path: Path) -> RuleName | None:
        """Return the rule of the law that a reference leads to, if it leads to one."""
        head = path[0]
        if head in self._bound or None in path[:1]:
            return None
        if head in self._aliases:
            path = (*self._aliases[str(head)], *path[1:])
        elif head in self._named[self._package]:
            return self._package, str(head)
        if path[0] != "data":
            return None
        for end in range(len(path) - 1, 1, -1):
            package = ".".join(map(str, path[1:end]))
            if path[end] in self._named.get(package, ()):
                return package, str(path[end])
        return None

    def _arguments_of(self, before: Sequence[str], mentions: Sequence[Mention], given: str = "") -> list[str]:
        return [
            _values(before, f"[{', '.join(part.text for part in mention.arguments)}] {given}".strip())
            for mention in mentions
            if mention.arguments is not None
        ]

    def _write(self, asked: Sequence[str]) -> str:
        name = f"{_OWN}_{len(self.written)}"
        self.written.append(f"{name}{self._arguments} := [\n" + ",\n".join(asked) + "\n]\n")
        return name

    def _slice(self, span: Mapping[str, int]) -> str:
        return slice_of(self._text, span)


def _assigned(node: Mapping[str, Any]) -> Any:
    assign = node.get("assign")
    return None if assign is None else assign["value"]


def _shape(kind: str, literal: Mapping[str, Any]) -> tuple[str, str, list[Any], list[Any]]:
    """Return what kind of statement this is, what it calls, what it binds, and the nodes of its parts."""
    if kind == "Every":
        names = [literal["key"], literal["value"]] if literal["key"] else [literal["value"]]
        return "every", "", names, [literal["domain"]]
    if kind == "SomeIn":
        names = [literal["key"], literal["value"]] if literal["key"] else [literal["value"]]
        return "some", "", names, [literal["collection"]]
    if kind not in ("Expr", "NotExpr"):
        return "other", "", [], []
    node = literal["expr"]
    what, expression = next(iter(node.items()))
    match what:
        case "BoolExpr":
            return _COMPARED.get(expression["op"], "other"), "", [], [expression["lhs"], expression["rhs"]]
        case "AssignExpr":
            return "assigned", "", [expression["lhs"]], [expression["rhs"]]
        case "Membership" if not expression["key"]:
            return "among", "", [], [expression["value"], expression["collection"]]
        case "Call":
            called = ".".join(str(part) for part in flatten(expression["fcn"]))
            return "call", called, [], expression["params"]
        case "Var" | "RefDot" | "RefBrack":
            return "truth", "", [], [node]
    return "other", "", [], [node]


def _brackets(node: Mapping[str, Any]) -> list[Any]:
    """Return what stands in the brackets of a reference."""
    if "RefDot" in node:
        return _brackets(node["RefDot"]["refr"])
    if "RefBrack" in node:
        return [*_brackets(node["RefBrack"]["refr"]), node["RefBrack"]["index"]]
    return []


def _values(before: Sequence[str], asked: str) -> str:
    return f"[probed_value |\n{_lines([*before, f'probed_value := {asked}'])}\n]"


def _lines(statements: Sequence[str]) -> str:
    return "\n".join(statements)
