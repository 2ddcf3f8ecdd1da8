"""What a schema allows at a path: "no" only where it is certain."""

from __future__ import annotations

from typing import Any

import pytest

from gatekeeper.policy.shapes import may_hold

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "agency": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/agency"}]},
        "list": {"type": "array", "items": {"type": "string"}},
        "kind": {"enum": ["a", "b"]},
        "open": {"type": "object"},
        "words": {"type": "object", "additionalProperties": {"type": "array"}},
        "years": {"type": "object", "patternProperties": {"^[0-9]+$": {}}, "additionalProperties": False},
        "loop": {"$ref": "#/properties/loop"},
        "anything": {},
    },
    "additionalProperties": False,
    "$defs": {
        "agency": {"type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": False}
    },
}


@pytest.mark.parametrize(
    "path",
    [
        [],
        ["name"],
        ["agency", "id"],
        ["list", None],
        [None, "name"],
        ["open", "x", "y"],
        ["words", "en"],
        ["years", "2026", "x"],
        ["loop", "x"],
        ["anything", "x"],
    ],
)
def test_what_may_be_there(path: list[str | None]) -> None:
    """Named, an item, any name, or what the schema leaves open; a schema that goes round says nothing."""
    assert may_hold(SCHEMA, path)


@pytest.mark.parametrize(
    "path",
    [
        ["nme"],
        ["name", "first"],
        ["agency", "idd"],
        ["agency", "id", "x"],
        ["list", "first"],
        ["kind", "a"],
        ["words", "en", "first"],
        ["years", "soon"],
    ],
)
def test_what_never_is(path: list[str | None]) -> None:
    """A name that is not among those of a closed group, or a part of what has none."""
    assert not may_hold(SCHEMA, path)


@pytest.mark.parametrize("schema", [True, None, 7, {"$ref": "#/$defs/none"}, {"properties": {}}])
def test_a_schema_that_says_nothing_allows_all(schema: Any) -> None:
    """What is not certain is no fault."""
    assert may_hold(schema, ["a", "b"])
