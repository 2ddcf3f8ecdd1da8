"""Where a data file breaks its schema: file, line, the rule that is broken, and how to mend it.

Legal edits these files by hand, so a fault is said as an editor would say it: the line on which the faulty
value stands in the file as it is written, never only a path into the parsed document. The cure is the
schema's own description of what may stand there, so that it is written once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

import jsonschema_rs

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_LONGEST_MESSAGE = 110
_LONGEST_CURE = 130


def misfits(file: str, text: str, document: Any, schema: Any, validator: Any) -> list[str]:
    """Return every fault of *document*, which was parsed from *text*, by line. Raises nothing."""
    return [_fault(file, text, schema, error) for error in validator.iter_errors(document)]


def line_of(text: str, path: Sequence[str | int]) -> int:
    """Return the line on which the member or item at *path* begins; 1 if the JSON *text* has none there."""
    return lines_of(text).get(tuple(path), 1)


def lines_of(text: str) -> dict[tuple[str | int, ...], int]:
    """Return the line on which each member and item of the JSON *text* begins, by its path."""
    found: dict[tuple[str | int, ...], int] = {}
    line, counted = 1, 0
    for here, offset in _places(text):
        line, counted = line + text.count("\n", counted, offset), offset
        found.setdefault(tuple(here), line)
    return found


def _places(text: str) -> Iterator[tuple[list[str | int], int]]:
    """Yield the path of every member (at its name) and item (at its beginning), and its offset."""
    path: list[str | int] = []
    opened: list[str] = []
    awaiting_name = False
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "}]":
            opened.pop()
            path.pop()
            awaiting_name = False
        elif mark == ",":
            awaiting_name = opened[-1] == "{"
            if not awaiting_name:
                path[-1] = int(path[-1]) + 1
        elif awaiting_name:
            path[-1], awaiting_name = _name(mark), False
            yield list(path), token.start()
        elif mark != ":":
            if not opened or opened[-1] == "[":
                yield list(path), token.start()
            if mark in "{[":
                opened.append(mark)
                path.append("" if mark == "{" else 0)
                awaiting_name = mark == "{"


def _name(quoted: str) -> str:
    return str(json.loads(quoted))


def _fault(file: str, text: str, schema: Any, error: jsonschema_rs.ValidationError) -> str:
    path = list(error.instance_path)
    strange = getattr(error.kind, "unexpected", [])
    line = line_of(text, [*path, strange[0]] if strange else path)
    place = "/".join(map(str, path))
    message = _rule(error)[:_LONGEST_MESSAGE]
    return f"{file}:{line}: /{place}: {message}; to mend it: {_cure(schema, error)[:_LONGEST_CURE]}"


def _rule(error: jsonschema_rs.ValidationError) -> str:
    """Say which rule is broken; a pattern is no help to anybody who edits a list of words."""
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern):
        return f"{json.dumps(error.instance, ensure_ascii=False)} is not written as it must be"
    return error.message


def _cure(schema: Any, error: jsonschema_rs.ValidationError) -> str:
    """Say what may stand there: the nearest description on the way to the rule that is broken."""
    described, rules = "see its schema", schema
    for step in error.schema_path:
        described = rules.get("description", described) if isinstance(rules, dict) else described
        rules = rules[step]
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties(unexpected=[str(name), *_]):
            known = _known(schema, error)
            near = get_close_matches(name, known, n=1)
            return f'take "{name}" out' + (f', or was "{near[0]}" meant?' if near else "")
        case jsonschema_rs.ValidationErrorKind.Required(property=name):
            return f'add "{name}"'
        case jsonschema_rs.ValidationErrorKind.UniqueItems():
            return "write each item once"
        case _:
            return described


def _known(schema: Any, error: jsonschema_rs.ValidationError) -> list[str]:
    rules = schema
    for step in list(error.schema_path)[:-1]:
        rules = rules[step]
    return list(rules.get("properties", {}))
