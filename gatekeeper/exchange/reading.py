"""JSON text to what a schema makes of it, or every fault in it at once.

Guarantees: JSON is read strictly (UTF-8, no name twice, no NaN, bounded depth and size); no fault repeats
what the caller sent, and none quotes a name that the caller made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from marshmallow import Schema, ValidationError, fields
from rapidfuzz import process
from rapidfuzz.fuzz import ratio
from webargs import core as webargs

from gatekeeper.errors import Fault, InvalidRequest, MalformedBody
from gatekeeper.exchange.bodies import SCHEMAS

MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 16
_PARTS = (b"[", b"{", b",")


class _BodyReader(webargs.Parser[tuple[Any]]):
    """webargs without a web framework: the request *is* the parsed document (boxed: it may be null)."""

    def load_json(self, req: tuple[Any], schema: Schema) -> Any:
        del schema
        return req[0]

    def handle_error(self, error: ValidationError, req: tuple[Any], schema: Schema, **_: Any) -> NoReturn:
        del req, schema
        messages = error.messages_dict.get("json", error.messages_dict)
        # Names that are not repeated have one pointer between them: each is told once.
        raise InvalidRequest(tuple(dict.fromkeys(_faults(messages, ""))))


_reader: _BodyReader = _BodyReader()


def load(schema: Schema, document: Any) -> Mapping[str, Any]:
    """Return what the schema makes of a parsed document. Raises InvalidRequest with every fault."""
    loaded: Mapping[str, Any] = _reader.parse(schema, (document,), location="json")
    return loaded


def read_json(body: bytes, most: int = MAX_BODY_BYTES) -> Any:
    """Parse strict JSON: UTF-8, no duplicate names, no NaN, bounded depth and size. Raises MalformedBody."""
    if len(body) > most:
        raise MalformedBody(f"the body is longer than {most} bytes")
    if sum(map(body.count, _PARTS)) > MAX_BODY_BYTES:
        # What is longer may hold long texts, not more values: each takes many times its own length.
        raise MalformedBody("the body holds more values than any request")
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_integer,
        )
    except (ValueError, RecursionError):
        # The parser's own message may quote the body, so it goes no further.
        raise MalformedBody("the body is not valid JSON in UTF-8 with unique names") from None
    if _depth(document) > MAX_DEPTH:
        raise MalformedBody(f"the body is nested deeper than {MAX_DEPTH} levels")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Two readers of one text could each see another request: the one judged and the one logged.
        raise ValueError("duplicate name")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else None
    if number is None or abs(number) > 2**53:
        raise ValueError("an integer beyond 2**53 has no exact value for every reader")
    return number


def _depth(document: Any) -> int:
    """Count the levels of nesting, level by level: no text is deep enough to exhaust our own stack."""
    depth, level = 0, [document]
    while level:
        depth += 1
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return depth


UNKNOWN = "Unknown field."
_CURES = {
    "Missing data for required field.": "Add this field; openapi.yaml describes it.",
    UNKNOWN: "Remove this field, or check its spelling against openapi.yaml.",
    "Not a valid aware datetime.": "Send a date and time with its offset, as 2026-11-01T00:00:00Z.",
    "Not a valid datetime.": "Send a date and time with its offset, as 2026-11-01T00:00:00Z.",
    "Not a valid date.": "Send a date as 2026-11-01.",
}


def _faults(messages: Any, pointer: str) -> Iterator[Fault]:
    """Flatten marshmallow's nested messages into JSON pointers (RFC 6901)."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _faults(inner, pointer + _step(key, inner))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            text = str(message)
            yield Fault(pointer, text, _CURES.get(text, "See this field in openapi.yaml."))


def _step(key: Any, messages: Any) -> str:
    """Name a field, unless the caller made the name up: it could be a plate or a person's."""
    if key == "_schema" or (messages == [UNKNOWN] and not _misspelt(str(key))):
        return ""
    return "/" + str(key).replace("~", "~0").replace("/", "~1")[:80]


def _misspelt(name: str) -> bool:
    """Say whether a name is so near to one of the contract's that it can only be that one, misspelt."""
    return len(name) <= 40 and process.extractOne(name, _NAMES, scorer=ratio, score_cutoff=80) is not None


def names_of(schema: Schema) -> Iterator[str]:
    """Yield the name of every field of a body, at any depth."""
    for name, field in schema.fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        yield field.data_key or name
        if isinstance(inner, fields.Nested):
            yield from names_of(inner.schema)


_NAMES = sorted({name for schema in SCHEMAS for name in names_of(schema)})
