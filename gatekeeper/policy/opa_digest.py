"""The digest that OPA makes of one file of a bundle, for its signature (OPA's ``bundle/hash.go``).

Guarantees: ``data.json`` and ``.manifest`` are digested as values, in the order of their names and with each
number as it is written, so that a bundle means the same to both; every other file is digested as its bytes.
What two readers of JSON could read differently (a name twice, NaN, half a character) has no digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

_STRUCTURED = frozenset({"data.json", ".manifest"})


class _Number(str):
    """A number as it is written: to OPA 1.0 is not 1."""

    __slots__ = ()


def opa_digest(path: str, text: str) -> str:
    """Return the SHA-256 of a file's text, as OPA computes it. Raises ValueError."""
    if path.rsplit("/", 1)[-1] in _STRUCTURED:
        try:
            text = "".join(_walk(_value(text)))
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return hashlib.sha256(text.encode()).hexdigest()


def _value(text: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise ValueError("a name is written twice")
        return value

    def never(constant: str) -> object:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(
        text, parse_int=_Number, parse_float=_Number, parse_constant=never, object_pairs_hook=once
    )


def _walk(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for number, name in enumerate(sorted(value)):
            yield f"{',' if number else ''}{_said(name)}:"
            yield from _walk(value[name])
        yield "}"
    elif isinstance(value, list):
        yield "["
        for number, item in enumerate(value):
            yield "," if number else ""
            yield from _walk(item)
        yield "]"
    elif isinstance(value, _Number):
        yield value
    else:
        yield _said(value)


def _said(value: object) -> str:
    """Return a string, a truth value or null as Go's encoder writes it: Python's, but for two characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
