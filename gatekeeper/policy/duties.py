"""Which tests every provision owes: a fact that is missing, one of a wrong type, and the days around a date.

Guarantees: what counts is what a test does, before what it is called: it takes a fact away, or puts one of
another type in its place (as ``schema/input.json`` has it). The days of a date are known by their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gatekeeper.policy.layout import Json
from gatekeeper.policy.syntax import Module, Rule

MISSING = 'a test without a fact that the rule needs: not CODE.satisfied with input as without("/…")'
WRONG_TYPE = 'a test with a fact of the wrong type: not CODE.satisfied with input as having("/…", 7)'
DAYS = (
    "tests of the day before and the day itself: two tests with `day`, `today` or `tomorrow` in their names"
)

_DATE = r"\b(?:age_days|accepted_until|issued_on|expires\w*|date|until)\b"
_DATED = re.compile(rf"{_DATE}[^\n]*[<>]|[<>][^\n]*{_DATE}|\btime\.\w+\(")
_DAY = re.compile(r"^test_\w*(?:day|tomorrow)\w*", re.MULTILINE)
# A test that goes through values one by one cannot be read from here: it says so in its name.
_MISTYPED = re.compile(r"^test_\w*(?:mistyped|another_type|wrong_type)\w*", re.MULTILINE)
_WITHOUT = re.compile(r'\bwithout\("/|"op": "remove"|\bobject\.remove\(')
_HAVING = re.compile(r'(?:\bhaving\(|"path": )"(?P<path>/[^"]+)",\s*(?:"value":\s*)?')
_KINDS: dict[type, str] = {str: "string", bool: "boolean", list: "array", dict: "object", type(None): "null"}
_DECODER = json.JSONDecoder()


def owed(package: str, test: str, modules: Sequence[Module], schema: Json) -> list[str]:
    """Name the tests that the provision of *package* still owes; *test* is the text of its tests."""
    rules = _looked_at(package, modules)
    missing = []
    if any(reference[0] == "input" for rule in rules for reference in rule.references):
        put = (_of_another_type(path, value, schema) for path, value in _replaced(test))
        missing += [] if _WITHOUT.search(test) else [MISSING]
        missing += [] if any(put) or _MISTYPED.search(test) else [WRONG_TYPE]
    if any(_DATED.search(rule.text) for rule in rules) and len(set(_DAY.findall(test))) < 2:
        missing.append(DAYS)
    return [duty.replace("CODE", package.rsplit(".", 1)[-1]) for duty in missing]


def _replaced(test: str) -> Iterator[tuple[str, Json]]:
    """Yield each fact that a test puts in another's place, with its value where that is written out."""
    for found in _HAVING.finditer(test):
        try:
            value, _ = _DECODER.raw_decode(test, found.end())
        except ValueError:
            continue
        yield found["path"], value


def _of_another_type(path: str, value: Json, schema: Json) -> bool:
    kinds = set(_kinds_at(schema, path.strip("/").split("/")))
    kind = "number" if isinstance(value, int | float) and not isinstance(value, bool) else _KINDS[type(value)]
    return bool(kinds) and kind not in kinds


def _kinds_at(schema: Json, path: Sequence[str]) -> Iterator[str]:
    """Yield the types that the facts may have at *path*."""
    if not isinstance(schema, dict):
        return
    for key in ("anyOf", "oneOf"):
        choices = schema.get(key)
        for choice in choices if isinstance(choices, list) else ():
            yield from _kinds_at(choice, path)
    properties = schema.get("properties")
    if path:
        if isinstance(properties, dict):
            yield from _kinds_at(properties.get(path[0]), path[1:])
        return
    said = schema.get("type")
    values = schema.get("enum")
    for kind in said if isinstance(said, list) else [said]:
        if isinstance(kind, str):
            yield "number" if kind == "integer" else kind
    for value in values if isinstance(values, list) else ():
        yield "number" if isinstance(value, int) and not isinstance(value, bool) else _KINDS[type(value)]


def _looked_at(package: str, modules: Sequence[Module]) -> list[Rule]:
    """Return the rules of a provision, and those of the facts that it looks at."""
    rules: dict[tuple[str, str], list[Rule]] = {}
    for module in modules:
        for rule in module.rules:
            rules.setdefault((module.package, rule.name), []).append(rule)
    seen = set()
    waiting = [node for node in rules if node[0] == package]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [target for rule in rules[node] for target in _targets(rule, rules)]
    return [rule for node in sorted(seen) for rule in rules[node]]


def _targets(rule: Rule, rules: Mapping[tuple[str, str], object]) -> Iterable[tuple[str, str]]:
    for reference in rule.references:
        names = [str(part) for part in reference[1:]]
        for end in range(1, len(names)):
            if (node := (".".join(names[:end]), names[end])) in rules:
                yield node
