"""Any sound entry of any event, and others that differ from it only in their values, from the schemas."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st

from gatekeeper.ledger.entries import fault_in, schema_of

Document = dict[str, Any]
_TERMS: Final[Mapping[str, Any]] = schema_of("terms")["$defs"]  # type: ignore[assignment]  # it is an object
_HEX: Final = st.binary(min_size=32, max_size=32).map(bytes.hex)
_WORD: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


@st.composite
def sound(draw: st.DrawFn, event: str) -> Document:
    """Draw an entry that fits its schema."""
    schema: Mapping[str, Any] = schema_of(event)
    leave: set[str] = set()
    if event == "query.refused":
        leave = draw(
            st.sampled_from(
                [
                    {"reasons", "over"},
                    {"agency", "reason", "stage", "over"},
                    {"reason", "stage", "reasons"},
                ]
            )
        )
    document = draw(_object(schema, leave))
    if event == "stop.set":
        scope = document["scope"] = draw(st.sampled_from(["all", "agency", "kind", "camera"]))
        named = {"agency": _fits(_TERMS["identifier"]), "kind": _fits(_TERMS["agency_kind"])}
        document["value"] = draw(named.get(scope, st.none()))
        document["commitments"]["camera"] = draw(_HEX)
    assert fault_in(document) is None
    return document


def another(dice: random.Random, document: Document) -> Document:
    """Return an entry that differs from this one only in its commitments, query, hour, and permit."""
    digits = [str(dice.randrange(10)) for _ in range(10)]
    changed = {
        **document,
        "ref": "".join(dice.choices(_WORD, k=len(document["ref"]))),
        "hour": "{}{}{}{}-{}{}-{}{}T{}{}Z".format(*digits),
        "commitments": {name: dice.randbytes(32).hex() for name in document["commitments"]},
    }
    if document["event"] == "query.released":
        size = len(str(document["decided"]))
        changed["decided"] = dice.randrange(10 ** (size - 1) if size > 1 else 0, 10**size)
    return changed


def _object(schema: Mapping[str, Any], leave: set[str]) -> st.SearchStrategy[Document]:
    given = {name: _fits(value) for name, value in schema["properties"].items() if name not in leave}
    required = {*schema["required"]} | ({"agency", "reason", "stage", "reasons", "over"} & given.keys())
    return st.fixed_dictionaries(
        {name: value for name, value in given.items() if name in required},
        optional={name: value for name, value in given.items() if name not in required},
    )


def _fits(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _fits(_TERMS[schema["$ref"].rpartition("/")[2]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return st.one_of(*(_fits(each) for each in schema["anyOf"]))
    match schema["type"]:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], min(schema["maximum"], 10**15 - 1))
        case "array":
            return st.lists(
                _fits(schema["items"]), unique=True, min_size=schema.get("minItems", 0), max_size=4
            )
        case "object" if "propertyNames" in schema:
            names, values = _fits(schema["propertyNames"]), _fits(schema["additionalProperties"])
            return st.dictionaries(names, values, min_size=1, max_size=3)
        case "object":
            return _object(schema, set())
    return _text(schema.get("pattern"))


def _text(pattern: str | None) -> st.SearchStrategy[Any]:
    if pattern is None:
        return st.none()
    if pattern == "^[0-9a-f]{64}$":
        return _HEX
    return st.from_regex(pattern.removesuffix("$") + r"\Z", fullmatch=True)
