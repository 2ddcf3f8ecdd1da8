"""Whether a document of a schema could have anything at a path: for references that would never hold.

Guarantees: "no" only where the schema is certain to allow nothing there; what it leaves open may be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

_DEEPEST: Final = 32


def may_hold(schema: Any, path: Sequence[str | None]) -> bool:
    """Say whether a document that fits *schema* may have something at *path*; None is any name."""
    return _may_hold(schema, schema, path, 0)


def _may_hold(root: Any, schema: Any, path: Sequence[str | None], depth: int) -> bool:
    if not isinstance(schema, dict) or not path or depth > _DEEPEST:
        return schema is not False
    if "$ref" in schema:
        return _may_hold(root, _target(root, str(schema["$ref"])), path, depth + 1)
    for key in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(key), list):
            return any(_may_hold(root, choice, path, depth + 1) for choice in choices)
    if not {"object", "array"} & _kinds(schema):
        return False
    name, rest = path[0], path[1:]
    if name is None or "object" not in _kinds(schema):
        return name is None  # of a list, any item; a name never
    properties = schema.get("properties", {})
    if name in properties:
        return _may_hold(root, properties[name], rest, depth + 1)
    for pattern, inner in schema.get("patternProperties", {}).items():
        if re.search(pattern, name):
            return _may_hold(root, inner, rest, depth + 1)
    return _may_hold(root, schema.get("additionalProperties", True), rest, depth + 1)


def _kinds(schema: dict[str, Any]) -> set[str]:
    """Return the types that the schema allows; all that could have parts where it does not say."""
    said = schema.get("type")
    if said is None:
        values = schema.get("enum", [schema["const"]] if "const" in schema else None)
        open_ = values is None or any(isinstance(value, dict | list) for value in values)
        return {"object", "array"} if open_ else set()
    return set(said) if isinstance(said, list) else {said}


def _target(root: Any, reference: str) -> Any:
    found = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        found = found.get(part, True) if isinstance(found, dict) and part else found
    return found
