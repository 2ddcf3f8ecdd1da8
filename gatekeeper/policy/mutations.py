"""Facts that nobody sent: those of a case changed at random, and grown to the size that the schema allows.

For the two questions that no list of cases answers: do both engines say the same whatever comes, and does any
facts that may come make a decision slow. Guarantees: the same seed gives the same facts; what is grown still
fits the schema, so that a law is refused only for facts that could reach it; texts that a rule compares with
are among those tried, so that a rule behind a comparison is reached too.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

Place = tuple[str | int, ...]
Way = Literal["words", "letters", "lists", "numbers", "everything"]

WAYS: Final[tuple[Way, ...]] = ("words", "letters", "lists", "numbers", "everything")
JUNK: Final[tuple[Any, ...]] = (None, "", 0, -1, [], {}, True, False, "x" * 10_000, [None], {"": 0}, 1.5)
NUMBERS: Final = (0, -1, 1, 2, 3, 30, 100, 365, 366, 10**6, 2**53, 0.1, 1.0, 99.999)
TEXTS: Final = (
    "ICE target",
    "1mmigration",
    "abortion",
    "Stolen Honda Civic, taken from Ridge Ave overnight",
    "n/a",
    "investigation",
    "ICE cream truck robbery",
    "\0",
    "é" * 50,
    "\u2028\u200b",
    "İı\u0130ß\u1e9e",
)
_LONGEST: Final = 4000
_MOST: Final = 200
_DEEPEST: Final = 16
_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_COMPARED: Final = re.compile(
    r"(?<!not )\binput\.([a-z_0-9]+(?:\.[a-z_0-9]+)*) == (\"[^\"\\\n]*\"|true|false|-?\d+)(?=\s|$)"
)
_REMARK: Final = re.compile(r"^\s*#.*$", re.MULTILINE)
_MOST_TEXTS: Final = 500


def places(document: Any, here: Place = ()) -> Iterator[Place]:
    """Yield the place of every value in *document*, branches too."""
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        yield (*here, key)
        yield from places(value, (*here, key))


def without(document: dict[str, Any], place: Place) -> dict[str, Any]:
    """Return a copy of *document* in which nothing is at *place*."""
    changed = copy.deepcopy(document)
    del _parent(changed, place)[place[-1]]
    return changed


def replaced(document: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """Return a copy of *document* with *value* at *place*."""
    changed = copy.deepcopy(document)
    _parent(changed, place)[place[-1]] = value
    return changed


def _parent(document: Any, place: Place) -> Any:
    for part in place[:-1]:
        document = document[part]
    return document


def texts_of(modules: Mapping[str, str], settings: Any = None) -> tuple[str, ...]:
    """Return the texts that rules compare with, each once: those in them, and those in the city's *settings*.

    No rule is reached by texts that it never heard of.
    """
    found: dict[str, None] = dict.fromkeys(_said_in(settings))
    for path in sorted(modules):
        for quoted in _QUOTED.findall(_REMARK.sub("", modules[path])):
            try:
                found[json.loads(quoted)] = None
            except ValueError:
                continue  # an escape that only Rego has
    return tuple(found)[:_MOST_TEXTS]


def compared_in(modules: Mapping[str, str]) -> Iterator[dict[Place, Any]]:
    """Yield for each part of a rule the facts that it compares with a constant, each with that constant.

    With them, what stands behind the comparisons is reached, however seldom they hold.
    """
    seen = set()
    for path in sorted(modules):
        for part in _REMARK.sub("", modules[path]).split("\n\n"):
            found = {tuple(name.split(".")): json.loads(value) for name, value in _COMPARED.findall(part)}
            told = json.dumps(sorted((".".join(place), value) for place, value in found.items()), default=str)
            if found and told not in seen:
                seen.add(told)
                yield dict(found)


def _said_in(document: Any) -> Iterator[str]:
    """Yield every text in *document*, names too."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        yield from document
        yield from _said_in([*document.values()])
    elif isinstance(document, list):
        for item in document:
            yield from _said_in(item)


def mutated(
    facts: dict[str, Any], chance: random.Random, texts: Sequence[str]
) -> tuple[dict[str, Any], tuple[Place, ...]]:
    """Return *facts* with one to four changes, most of them of the right type, and where they are."""
    changed = []
    for _ in range(chance.randint(1, 4)):
        every = list(places(facts))
        if not every:
            break
        place = chance.choice(every)
        changed.append(place)
        match chance.randrange(6):
            case 0:
                facts = without(facts, place)
            case 1:
                facts = replaced(facts, place, chance.choice(JUNK))
            case 2:
                facts = replaced(facts, place, chance.choice(NUMBERS))
            case 3:
                facts = replaced(facts, place, chance.random() < 0.5)
            case _:
                facts = replaced(facts, place, chance.choice(texts))
    return facts, tuple(changed)


def grown(facts: Any, schema: Any, way: Way) -> Any:
    """Return *facts* with every text, list or number in them as large as *schema* allows.

    What is there stays in front, so that what holds for it mostly still holds.
    """
    return _Growth(schema, way).of(facts, schema, 0)


def placed(facts: dict[str, Any], schema: Any, place: Place, value: Any) -> dict[str, Any]:
    """Return *facts* with *value* at *place*; what is missing on the way is made as *schema* has it."""
    return _Growth(schema, "everything").placed(copy.deepcopy(facts), place, value)


class _Growth:
    """One way of growing; *root* is the schema that references lead into."""

    def __init__(self, root: Any, way: Way) -> None:
        self._root = root
        self._texts = way in ("words", "letters", "everything")
        self._letters = way == "letters"
        self._lists = way in ("lists", "everything")
        self._numbers = way in ("numbers", "everything")

    def of(self, value: Any, schema: Any, depth: int) -> Any:
        """Grow *value*, which *schema* describes."""
        described = self._branch(value, schema)
        if depth > _DEEPEST or not described:
            return value
        match value:
            case bool() | None:
                return value
            case str() if self._texts and described.keys().isdisjoint({"enum", "const", "pattern", "format"}):
                return self._text(value, described.get("maxLength", _LONGEST))
            case int() if self._numbers and described.keys().isdisjoint({"enum", "const"}):
                return described.get("maximum", 2**31)
            case list():
                items = [self.of(item, described.get("items"), depth + 1) for item in value]
                return self._list(items, described) if self._lists else items
            case dict():
                known, others = described.get("properties", {}), described.get("additionalProperties")
                inner = {key: self.of(one, known.get(key, others), depth + 1) for key, one in value.items()}
                return self._map(inner, others, described) if self._lists else inner
        return value

    def placed(self, facts: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
        """Put *value* at *place*."""
        here, described = facts, self._branch(facts, self._root)
        for part in place[:-1]:
            inner = described.get("properties", {}).get(part)
            described = self._branch({}, inner)
            if not isinstance(here.get(str(part)), dict):
                here[str(part)] = self._example(described, 0, 0)
            if not isinstance(here[str(part)], dict):
                return facts  # the schema knows no such fact
            here = here[str(part)]
        here[str(place[-1])] = value
        return facts

    def _branch(self, value: Any, schema: Any) -> dict[str, Any]:
        """Return the part of a schema that describes a value of this type."""
        if not isinstance(schema, dict):
            return {}
        if "$ref" in schema:
            return self._branch(value, self._referred(schema["$ref"]))
        choices = [self._branch(value, one) for key in ("anyOf", "oneOf") for one in schema.get(key, ())]
        if choices:
            return next((one for one in choices if _describes(one, value)), {})
        return schema

    def _referred(self, reference: Any) -> Any:
        target = self._root
        for part in str(reference).removeprefix("#/").split("/"):
            target = target.get(part) if isinstance(target, dict) else None
        return target

    def _text(self, value: str, longest: int) -> str:
        if self._letters:
            return value + "a" * max(0, longest - len(value))
        # Words that all differ, as many as there is room for: what compares each with each has most to do.
        words = (f" {_short(number)}" for number in range(longest))
        text = value
        for word in words:
            if len(text) + len(word) > longest:
                break
            text += word
        return text

    def _list(self, items: list[Any], described: Mapping[str, Any]) -> list[Any]:
        most = described.get("maxItems", _MOST)
        known = {json.dumps(item, sort_keys=True) for item in items}
        for number in range(4 * most):
            if len(items) >= most:
                break
            item = self._example(described.get("items"), number, 0)
            text = json.dumps(item, sort_keys=True)
            if text not in known or not described.get("uniqueItems"):
                known.add(text)
                items.append(item)
        return items

    def _map(self, members: dict[str, Any], others: Any, described: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(others, dict):
            for number in range(described.get("maxProperties", _MOST) - len(members)):
                members.setdefault(f"k{_short(number)}", self._example(others, number, 0))
        return members

    def _example(self, schema: Any, number: int, depth: int) -> Any:
        """Make the value *number* of those that a schema describes."""
        if not isinstance(schema, dict) or depth > _DEEPEST:
            return None
        if "$ref" in schema:
            return self._example(self._referred(schema["$ref"]), number, depth + 1)
        for key in ("anyOf", "oneOf"):
            if choices := schema.get(key):
                return self._example(choices[-1], number, depth + 1)
        choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
        if choices:
            return choices[number % len(choices)]
        return self._example_of(schema, number, depth)

    def _example_of(self, schema: Mapping[str, Any], number: int, depth: int) -> Any:
        match schema.get("type"):
            case "object":
                known = schema.get("properties", {})
                return {key: self._example(one, number, depth + 1) for key, one in known.items()}
            case "array":
                return []
            case "integer" | "number":
                return min(max(number, schema.get("minimum", 0)), schema.get("maximum", 2**31))
            case "boolean":
                return number % 2 == 0
            case "string":
                return _short(number)[: schema.get("maxLength", _LONGEST)]
            case _:
                return None


def _describes(schema: Mapping[str, Any], value: Any) -> bool:
    kinds = schema.get("type")
    named = kinds if isinstance(kinds, list) else [kinds]
    match value:
        case None:
            return "null" in named
        case bool():
            return "boolean" in named
        case int():
            return not {"integer", "number"}.isdisjoint(named)
        case str():
            return "string" in named or "enum" in schema or "const" in schema
        case list():
            return "array" in named
        case dict():
            return "object" in named or "properties" in schema
    return False


def _short(number: int) -> str:
    """Return a short word of its own for each number."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    word = digits[number % 36]
    while number := number // 36:
        word = digits[number % 36] + word
    return word
