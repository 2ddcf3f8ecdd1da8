"""What the rules of a law do with each fact, read from the parser's tree, from ``data.main.decision`` on.

Every value is followed as far as it stays what the input said: through references, imports, function
arguments, ``some``, ``every`` and ``:=``. At each place where a rule does something with one, that is noted
as a *use* of its path. Guarantees: whatever this reader does not know, an expression or a builtin, counts as
``whole``: a use that may tell any two values apart. So too little is never noted; too much only costs time.
The tree is regorus', and the bundle's checks have found no recursion in it (``policy.soundness``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from gatekeeper.policy import Bundle
from gatekeeper.policy.rehearsal import rehearse

Path: TypeAlias = tuple[str, ...]
EACH: Final = "[]"
"""The part of a path that stands for every element of a list, and every value of an object."""

Kind = Literal[
    "exists", "type", "count", "equal", "lookup", "order", "blank", "regex", "contains", "pair", "whole"
]

_TYPES: Final = frozenset({"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_string"})
_ORDER: Final = frozenset({"Lt", "Le", "Gt", "Ge"})


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that a rule does with a fact.

    ``value``: of ``regex`` the pattern; of ``equal``, ``order``, ``lookup`` and ``contains`` what it is held
    against: a place of the law's data (``/city/limits``; with ``keys:`` the names alone of what stands there;
    ``/`` is anywhere), a text behind ``=`` or a number behind ``#``; of ``pair`` the other path, dotted,
    behind ``raw:`` or ``trim:``.
    """

    kind: Kind
    value: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands, and what its line says."""

    path: str
    line: int
    text: str


@dataclass(slots=True)
class Uses:
    """Every use of every path; and which of the law's own data the rules read, with their own constants."""

    found: dict[Path, dict[Use, Place]] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    numbers: set[float] = field(default_factory=set)

    def add(self, path: Path, use: Use, place: Place) -> None:
        """Note a use; the first place is kept."""
        self.found.setdefault(path, {}).setdefault(use, place)


# What an expression may be: a path of the input; one trimmed; the law's data or a constant, unchanged; or
# anything worked out, which no path hides in any more.
_Atom: TypeAlias = tuple[Any, ...]
_Atoms: TypeAlias = frozenset[_Atom]
_OTHER: Final[_Atoms] = frozenset({("other",)})
_NOTHING: Final[_Atoms] = frozenset()
_TRUTH: Final[_Atoms] = frozenset({("truth",)})
# What comes from the law itself: its data, the keys of its objects, its constants, and lists of those.
_LAW: Final = frozenset({"data", "keys", "text", "number", "truth", "listed"})
_Names: TypeAlias = dict[str, _Atoms]


def uses_of(bundle: Bundle) -> Uses:
    """Return what the rules that decide do with the facts. Raises nothing for a bundle that was loaded."""
    modules = bundle.idle.left_out_of(bundle.modules)
    # Parsed in a child again: a bundle keeps no trees, and this process parses nothing of its own accord.
    trees = rehearse(modules, {}, []).trees
    reader = _Reader({path: trees[path] for path in modules}, modules)
    reader.read()
    return reader.uses


@dataclass(frozen=True, slots=True)
class _Module:
    path: str
    package: str
    aliases: Mapping[str, Path]
    rules: Mapping[str, Sequence[Mapping[str, Any]]]
    lines: Sequence[str]


class _Reader:
    """Follows values through the rules of one law."""

    def __init__(self, trees: Mapping[str, Any], sources: Mapping[str, str]) -> None:
        self.uses = Uses()
        self._modules = {
            module.package: module for module in map(_module, trees.items(), [sources] * len(trees))
        }
        self._known: dict[tuple[Any, ...], _Atoms] = {}
        self._silent = False

    def read(self) -> None:
        """Note every use, from the decision on."""
        where = Place("main/main.rego", 1, "decision")
        self._whole(self._rule("main", "decision"), where)

    # --- Rules and functions. -----------------------------------------------------------------------------

    def _rule(self, package: str, name: str, arguments: tuple[_Atoms, ...] | None = None) -> _Atoms:
        """Return what a rule may be; each is read once, a function once for the arguments it is given."""
        key = (package, name, arguments, self._silent)
        if key not in self._known:
            self._known[key] = _OTHER  # only what recursed could see it
            module = self._modules[package]
            found: set[_Atom] = set()
            for rule in module.rules[name]:
                found |= self._one(module, rule, arguments)
            self._known[key] = frozenset(found)
        return self._known[key]

    def _one(self, module: _Module, rule: Mapping[str, Any], arguments: tuple[_Atoms, ...] | None) -> _Atoms:
        if "Default" in rule:
            return self._value(rule["Default"]["value"], {}, module)
        spec = rule["Spec"]
        (form, head), names = next(iter(spec["head"].items())), dict[str, _Atoms]()
        where = _place(module, spec["span"])
        if form == "Func":
            for pattern, given in zip(head["args"], arguments or (), strict=False):
                self._bind(pattern, given, names, module)
            if arguments is None or len(arguments) != len(head["args"]):
                # Called in no way that we know: whatever it was given is used whole.
                for given in arguments or ():
                    self._whole(given, where)
        found: set[_Atom] = set()
        value = (head.get("assign") or {}).get("value")
        for body in spec["bodies"] or [{"assign": None, "query": {"stmts": []}}]:
            inner = self._body(body["query"]["stmts"], names, module)
            said = (body.get("assign") or {}).get("value") or value
            if form == "Set":
                members = self._value(head["key"], inner, module) if head.get("key") else _OTHER
                self._whole(members, where)
                found |= members
            elif "Var" not in head["refr"]:  # p[k] := v: an object that the rule makes
                for part in (head["refr"], said):
                    self._whole(self._parts(part, inner, module), where)
                found |= _OTHER
            else:
                found |= self._value(said, inner, module) if said else _TRUTH
        return frozenset(found)

    def _body(self, statements: Sequence[Any], names: Mapping[str, _Atoms], module: _Module) -> _Names:
        """Read a body twice: what a statement binds may be used by one that stands before it."""
        inner = dict(names)
        with self._quiet():
            for statement in statements:
                self._statement(statement["literal"], inner, module)
        for statement in statements:
            self._statement(statement["literal"], inner, module)
        return inner

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self._silent = self._silent, True
        try:
            yield
        finally:
            self._silent = before

    def _statement(self, literal: Mapping[str, Any], names: _Names, module: _Module) -> None:
        (form, said) = next(iter(literal.items()))
        match form:
            case "Expr":
                self._note(
                    self._value(said["expr"], names, module), Use("exists"), _place(module, said["span"])
                )
            case "NotExpr":
                inner = dict(names)
                found = self._value(said["expr"], inner, module)
                self._note(found, Use("exists"), _place(module, said["span"]))
            case "SomeVars":
                pass  # declared; what they are is said where they are bound
            case "SomeIn":
                self._iterate(said, said["collection"], names, module)
            case "Every":
                inner = dict(names)
                self._iterate(said, said["domain"], inner, module)
                self._body(said["query"]["stmts"], inner, module)
            case _:
                self._whole(self._parts(said, names, module), _place(module, said.get("span")))

    def _iterate(self, said: Mapping[str, Any], domain: Any, names: _Names, module: _Module) -> None:
        collection = self._value(domain, names, module)
        self._note(collection, Use("count"), _place(module, said["span"]))
        elements, keys = set[_Atom](), set[_Atom]()
        for atom in collection:
            elements |= _members(atom)
            # The keys of the law's own objects are texts of its data; of a list they are numbers of nobody's.
            keys.add(("keys", atom[1]) if atom[0] == "data" else ("other",))
            if atom[0] == "in" and said.get("key"):
                self._note(frozenset({atom}), Use("whole"), _place(module, said["span"]))
        for part, bound in (("key", keys), ("value", elements)):
            pattern = said.get(part)
            if pattern:
                self._bind(pattern, frozenset(bound), names, module)

    def _bind(self, pattern: Mapping[str, Any], given: _Atoms, names: _Names, module: _Module) -> None:
        name = _variable(pattern, module)
        if name is not None:
            names[name] = names.get(name, _NOTHING) | given
            return
        # Taken apart, or compared with a constant: nothing is followed any further.
        self._whole(given, _place(module, _span(pattern)))
        for inner in _variables(pattern):
            names[inner] = names.get(inner, _NOTHING) | _OTHER

    # --- Expressions. -------------------------------------------------------------------------------------

    def _value(  # noqa: C901, PLR0912 - one case for each form of expression
        self, node: Mapping[str, Any], names: _Names, module: _Module
    ) -> _Atoms:
        form, said = next(iter(node.items()))
        where = _place(module, _span(node))
        match form:
            case "String" | "RawString":
                self.uses.texts.add(said["value"])
                return frozenset({("text", said["value"])})
            case "Number":
                self.uses.numbers.add(float(said["value"]))
                return frozenset({("number", float(said["value"]))})
            case "Bool" | "Null":
                return _TRUTH
            case "Var" | "RefDot" | "RefBrack":
                return self._reference(node, names, module)
            case "Call":
                return self._call(said, names, module)
            case "BoolExpr":
                left, right = (self._value(said[side], names, module) for side in ("lhs", "rhs"))
                self._compare(left, right, where, order=said["op"] in _ORDER)
                return _TRUTH
            case "Membership":
                self._member(said, names, module, where)
                return _TRUTH
            case "AssignExpr":
                return self._assign(said, names, module, where)
            case "Array" | "Set":
                items = [self._value(item, names, module) for item in said["items"]]
                if all(atom[0] in _LAW for item in items for atom in item):
                    return frozenset({("listed", frozenset(atom for item in items for atom in item))})
                for item in items:
                    self._whole(item, where)
                return _OTHER
            case "ArrayCompr" | "SetCompr":
                inner = self._body(said["query"]["stmts"], names, module)
                members = self._value(said["term"], inner, module)
                if any(atom[0] in ("in", "trim") for atom in members):
                    self._whole(members, where)
                    return _OTHER
                return members
        self._whole(self._parts(said, names, module), where)
        return _OTHER

    def _parts(self, node: Any, names: _Names, module: _Module) -> _Atoms:
        """Return everything that any expression inside *node* may be."""
        found: set[_Atom] = set()
        if isinstance(node, list):
            for item in node:
                found |= self._parts(item, names, module)
        elif isinstance(node, dict):
            if "stmts" in node:
                # A comprehension of a kind that is not followed; its terms stand beside this.
                self._body(node["stmts"], names, module)
            elif (
                len(node) == 1 and isinstance(next(iter(node.values())), dict) and next(iter(node)) in _FORMS
            ):
                found |= self._value(node, names, module)
            else:
                inner = names
                if isinstance(node.get("query"), dict) and "stmts" in node["query"]:
                    inner = self._body(node["query"]["stmts"], names, module)
                for key, item in node.items():
                    if key not in ("span", "query"):
                        found |= self._parts(item, inner, module)
        return frozenset(found)

    def _reference(self, node: Mapping[str, Any], names: _Names, module: _Module) -> _Atoms:
        head, steps = _flat(node)
        if head is None:
            inner = self._value(node[next(iter(node))]["refr"], names, module)
            self._whole(
                inner | self._parts(node[next(iter(node))].get("index"), names, module),
                _place(module, _span(node)),
            )
            return _OTHER
        if head in names:
            found = names[head]
        elif head == "input":
            found = frozenset({("in", ())})
        elif head == "data":
            return self._data((), steps, names, module, node)
        elif head in module.aliases:
            first, *more = module.aliases[head]
            if first == "data":
                return self._data((), [*[(part, None) for part in more], *steps], names, module, node)
            found = frozenset({("in", tuple(more))})
        elif head in module.rules:
            found = self._rule(module.package, head)
        else:
            # A variable that is bound where it is used: an index, over the keys of something.
            names[head] = _OTHER
            return _OTHER
        for step in steps:
            found = self._step(found, step, names, module, node)
        return found

    def _step(
        self, found: _Atoms, step: tuple[str | None, Any], names: _Names, module: _Module, node: Any
    ) -> _Atoms:
        name, index = step
        where = _place(module, _span(node))
        if name is not None:
            return frozenset(_within(atom, name) for atom in found)
        unbound = _variable(index, module)
        if unbound is not None and unbound not in names and not self._means(unbound, module):
            # All of it is looked through, and the place where something was found is known thereafter.
            names[unbound] = _OTHER
            self._whole(frozenset(atom for atom in found if atom[0] != "data"), where)
            return frozenset(_within(atom, EACH) if atom[0] == "data" else ("other",) for atom in found)
        by = self._value(index, names, module)
        if all(atom[0] == "data" for atom in found):
            for atom in found:
                self._note(by, Use("lookup", f"keys:{_against(atom)}"), where)
        else:
            self._whole(found | by, where)
        return frozenset(_within(atom, EACH) if atom[0] == "data" else ("other",) for atom in found)

    def _means(self, name: str, module: _Module) -> bool:
        return name in module.aliases or name in module.rules or name in ("input", "data")

    def _data(
        self, path: Path, steps: Sequence[tuple[str | None, Any]], names: _Names, module: _Module, node: Any
    ) -> _Atoms:
        """Follow ``data``: into a rule of a package, or into the law's own documents."""
        constant = []
        for name, _ in steps:
            if name is None:
                break
            constant.append(name)
        for end in range(len(constant), 0, -1):
            package = ".".join(constant[:end])
            if package in self._modules:
                rules = self._modules[package].rules
                if end < len(constant) and constant[end] in rules:
                    found = self._rule(package, constant[end])
                    for step in steps[end + 1 :]:
                        found = self._step(found, step, names, module, node)
                    return found
        if not constant or any(
            other == ".".join(constant) or other.startswith(f"{'.'.join(constant)}.")
            for other in self._modules
        ):
            return self._packages(constant, module, node)
        self.uses.documents.add(constant[0])
        found = frozenset({("data", path)})
        for step in steps:
            found = self._step(found, step, names, module, node)
        return found

    def _packages(self, constant: Sequence[str], module: _Module, node: Any) -> _Atoms:
        """A reference to packages as a whole: all that their rules may be is used whole."""
        where, prefix = _place(module, _span(node)), ".".join(constant)
        self.uses.documents.add("*")
        for package, other in self._modules.items():
            if not prefix or package == prefix or package.startswith(f"{prefix}."):
                for name in other.rules:
                    self._whole(self._rule(package, name), where)
        return _OTHER

    def _call(self, call: Mapping[str, Any], names: _Names, module: _Module) -> _Atoms:
        head, steps = _flat(call["fcn"])
        name = ".".join([str(head), *(str(step[0]) for step in steps)])
        where = _place(module, _span(call["fcn"]))
        function = self._function(head, steps, module)
        params = call["params"]
        if function is not None:
            return self._rule(*function, tuple(self._value(one, names, module) for one in params))
        if name == "count" and len(params) == 1 and "ArrayCompr" in params[0]:
            # How many there are: what they are is never looked at.
            said = params[0]["ArrayCompr"]
            inner = self._body(said["query"]["stmts"], names, module)
            self._note(self._value(said["term"], inner, module), Use("exists"), where)
            return _OTHER
        given = [self._value(one, names, module) for one in params]
        if name in _TYPES and len(given) == 1:
            self._note(given[0], Use("type"), where)
        elif name == "count" and len(given) == 1:
            self._note(given[0], Use("count"), where)
        elif name == "trim_space" and len(given) == 1:
            self._whole(frozenset(atom for atom in given[0] if atom[0] == "trim"), where)
            return frozenset(("trim", atom[1]) if atom[0] == "in" else ("other",) for atom in given[0])
        elif name == "regex.match" and len(given) == 2 and (pattern := _only_text(given[0])) is not None:
            self._note(given[1], Use("regex", pattern), where)
        elif name == "contains" and len(given) == 2 and (needle := _needle(given[1])) is not None:
            self._note(given[0], Use("contains", needle), where)
        else:
            for one in given:
                self._whole(one, where)
        return _OTHER

    def _function(self, head: str | None, steps: Sequence[Any], module: _Module) -> tuple[str, str] | None:
        target: Path
        if head in module.rules and not steps:
            return module.package, str(head)
        if head in module.aliases:
            target = (*module.aliases[str(head)], *(str(step[0]) for step in steps))
        elif head == "data":
            target = ("data", *(str(step[0]) for step in steps))
        else:
            return None
        package = ".".join(target[1:-1])
        known = package in self._modules and target[-1] in self._modules[package].rules
        return (package, target[-1]) if known else None

    def _compare(self, left: _Atoms, right: _Atoms, where: Place, *, order: bool) -> None:
        for one, other in ((left, right), (right, left)):
            for atom in one:
                if atom[0] not in ("in", "trim"):
                    continue
                for against in other:
                    self._against(atom, against, where, order=order)

    def _against(self, atom: _Atom, against: _Atom, where: Place, *, order: bool) -> None:
        this = frozenset({atom})
        if against[0] == "truth":
            # Null and the truth values stay as they are where they are read: of all else its type counts.
            self._note(this, Use("type" if atom[0] == "in" else "whole"), where)
        elif atom[0] == "in" and against[0] in _LAW:
            self._note(this, Use("order" if order else "equal", _against(against)), where)
        elif atom[0] == "trim" and against == ("text", "") and not order:
            self._note(this, Use("blank"), where)
        elif atom[0] == against[0] and not order:
            how = "raw" if atom[0] == "in" else "trim"
            self._note(this, Use("pair", f"{how}:{'.'.join(against[1])}"), where)
        else:
            self._whole(this, where)

    def _member(self, said: Mapping[str, Any], names: _Names, module: _Module, where: Place) -> None:
        value, collection = (self._value(said[part], names, module) for part in ("value", "collection"))
        if said.get("key"):
            self._whole(value | collection | self._value(said["key"], names, module), where)
            return
        self._note(collection, Use("count"), where)
        self._compare(
            value, frozenset(one for atom in collection for one in _members(atom)), where, order=False
        )

    def _assign(self, said: Mapping[str, Any], names: _Names, module: _Module, where: Place) -> _Atoms:
        right = self._value(said["rhs"], names, module)
        name = _variable(said["lhs"], module)
        if said["op"] == "ColEq" or (name is not None and not self._means(name, module)):
            if name is not None and said["op"] != "ColEq" and name in names:
                self._compare(names[name], right, where, order=False)
            self._bind(said["lhs"], right, names, module)
            return _TRUTH
        left = self._value(said["lhs"], names, module)
        other = _variable(said["rhs"], module)
        if other is not None and not self._means(other, module):
            self._bind(said["rhs"], left, names, module)
        self._compare(left, right, where, order=False)
        return _TRUTH

    # --- What is noted. -----------------------------------------------------------------------------------

    def _note(self, atoms: _Atoms, use: Use, where: Place) -> None:
        if self._silent:
            return
        for atom in atoms:
            if atom[0] == "in":
                self.uses.add(atom[1], use, where)
            elif atom[0] == "trim":
                # Of a trimmed text only that it is blank, or is another's, is followed.
                self.uses.add(
                    atom[1], use if use.kind in ("blank", "pair", "exists") else Use("whole"), where
                )

    def _whole(self, atoms: _Atoms, where: Place) -> None:
        self._note(atoms, Use("whole"), where)


_FORMS: Final = frozenset(
    {
        "String",
        "RawString",
        "Number",
        "Bool",
        "Null",
        "Var",
        "RefDot",
        "RefBrack",
        "Call",
        "BoolExpr",
        "BinExpr",
    }
    | {"ArithExpr", "AssignExpr", "Membership", "Array", "Set", "Object", "ArrayCompr", "SetCompr"}
    | {"ObjectCompr", "UnaryExpr", "OrExpr"}
)


def _module(item: tuple[str, Any], sources: Mapping[str, str]) -> _Module:
    path, document = item
    tree = document["ast"]
    head, steps = _flat(tree["package"]["refr"])
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for rule in tree["rules"]:
        inner = rule.get("Default") or next(iter(rule["Spec"]["head"].values()))
        rules.setdefault(str(_flat(inner["refr"])[0]), []).append(rule)
    aliases: dict[str, Path] = {}
    for item_ in tree["imports"]:
        first, more = _flat(item_["refr"])
        target = (str(first), *(str(name) for name, _ in more))
        span, source = item_.get("as"), document["source"]["contents"].encode()
        name = source[span["start"] : span["end"]].decode() if span else target[-1]
        if first in ("data", "input"):
            aliases[name] = target
    return _Module(
        path=path,
        package=".".join([str(head), *(str(name) for name, _ in steps)]),
        aliases=aliases,
        rules=rules,
        lines=sources[path].split("\n"),
    )


def _flat(node: Mapping[str, Any]) -> tuple[str | None, list[tuple[str | None, Any]]]:
    """Return the name that a reference begins with (None: an expression), and its steps."""
    if "Var" in node:
        return node["Var"]["value"], []
    if "RefDot" in node:
        head, steps = _flat(node["RefDot"]["refr"])
        return head, [*steps, (node["RefDot"]["field"][1], None)]
    if "RefBrack" in node:
        head, steps = _flat(node["RefBrack"]["refr"])
        index = node["RefBrack"]["index"]
        constant = index.get("String") or index.get("RawString")
        return head, [*steps, (constant["value"], None) if constant else (None, index)]
    return None, []


def _within(atom: _Atom, name: str) -> _Atom:
    if atom[0] == "in":
        return ("in", (*atom[1], name))
    if atom[0] == "data":
        return ("data", None if atom[1] is None else (*atom[1], name))
    return ("other",)


def _members(atom: _Atom) -> set[_Atom]:
    """Return what stands in a list."""
    return set(atom[1]) if atom[0] == "listed" else {_within(atom, EACH)}


def _variable(node: Mapping[str, Any], module: _Module) -> str | None:
    if "Var" in node:
        return str(node["Var"]["value"])
    if node.keys() == {"line", "col", "start", "end"}:  # a name that the tree gives only by its place
        source = "\n".join(module.lines).encode()
        return source[node["start"] : node["end"]].decode()
    return None


def _variables(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _variables(item)
    elif isinstance(node, dict):
        if "Var" in node:
            yield node["Var"]["value"]
        else:
            yield from _variables([item for key, item in node.items() if key != "span"])


def _span(node: Any) -> Any:
    inner = next(iter(node.values())) if isinstance(node, dict) and len(node) == 1 else node
    return inner.get("span") if isinstance(inner, dict) else None


def _place(module: _Module, span: Any) -> Place:
    line = span["line"] if isinstance(span, dict) else 1
    return Place(module.path, line, module.lines[line - 1].strip() if line <= len(module.lines) else "")


def _only_text(atoms: _Atoms) -> str | None:
    (atom, *more) = atoms or (("other",),)
    return str(atom[1]) if atom[0] == "text" and not more else None


def _needle(atoms: _Atoms) -> str | None:
    """Say where the needle of ``contains`` comes from, if it is one constant or place of the law."""
    (atom, *more) = atoms or (("other",),)
    return _against(atom) if not more and atom[0] in ("data", "keys", "text") else None


def _against(atom: _Atom) -> str:
    """Say what a fact is held against, as ``Use.value`` does; a list of several things is anywhere."""
    match atom[0]:
        case "text":
            return f"={atom[1]}"
        case "number":
            return f"#{atom[1]!r}"
        case "data" | "keys":
            return f"{'keys:' if atom[0] == 'keys' else ''}/{'/'.join(atom[1] or ())}"
    return "/"
