"""The schemas that read requests and openapi.yaml say the same: by structure, and by what they accept."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from gatekeeper.errors import InvalidRequest
from gatekeeper.exchange.bodies import (
    SERVED_KINDS,
    AppealFactsSchema,
    AppealSchema,
    AttestationSchema,
    DocumentSchema,
    EndRequesterSchema,
    LegalProcessSchema,
    PlaceQuerySchema,
    PlateQuerySchema,
    PurposeSchema,
    QuerySchema,
    RequesterSchema,
)
from gatekeeper.exchange.parse import read_again

FILE = Path(__file__).parent.parent / "openapi.yaml"
PAIRS = {
    "QueryRequest": QuerySchema,
    "PlateQuery": PlateQuerySchema,
    "PlaceQuery": PlaceQuerySchema,
    "Purpose": PurposeSchema,
    "Requester": RequesterSchema,
    "EndRequester": EndRequesterSchema,
    "LegalProcess": LegalProcessSchema,
    "Attestation": AttestationSchema,
    "Appeal": AppealSchema,
    "AppealFacts": AppealFactsSchema,
    "Document": DocumentSchema,
}


@cache
def components() -> dict[str, Any]:
    """Read the named parts of the file."""
    return cast("dict[str, Any]", yaml.safe_load(FILE.read_text("utf-8"))["components"])


@cache
def validator() -> Draft202012Validator:
    """Make a validator of the body of ``POST /v1/queries``."""
    whole = {"$ref": "#/components/schemas/QueryRequest", "components": components()}
    return Draft202012Validator(whole, validate_formats=True)


def deref(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Follow one reference, if it is one."""
    reference = str(schema.get("$ref", ""))
    return cast("dict[str, Any]", schemas[reference.rsplit("/", 1)[1]] if reference else schema)


def nullable(schema: dict[str, Any]) -> bool:
    """Say whether null is let through."""
    kinds = schema.get("type", ())
    inner = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return "null" in (kinds if isinstance(kinds, list) else [kinds]) or any(map(nullable, inner))


def _name_of(schema: Any) -> str:
    """Keep apispec from naming nested schemas by itself."""
    kind = schema if isinstance(schema, type) else type(schema)
    return next(name for name, named in PAIRS.items() if named is kind)


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    """Render the schemas as OpenAPI 3.1."""
    spec = APISpec("compare", "0", "3.1.0", plugins=[MarshmallowPlugin(_name_of)])
    for name, schema in PAIRS.items():
        if name not in spec.components.schemas:  # what QueryRequest nests is there already
            spec.components.schema(name, schema=schema)
    return cast("dict[str, Any]", spec.to_dict()["components"]["schemas"])


@pytest.mark.parametrize("name", PAIRS)
def test_fields_are_the_same(name: str, rendered: dict[str, Any]) -> None:
    """A field added to one side only would be refused, or promised in vain."""
    written, read = components()["schemas"][name], rendered[name]
    assert set(written["properties"]) == set(read["properties"])
    assert set(written["required"]) == set(read.get("required", ()))
    assert written["additionalProperties"] is read["additionalProperties"] is False
    for field, reference in written["properties"].items():
        rule, other = deref(reference, components()["schemas"]), deref(read["properties"][field], rendered)
        assert nullable(rule) == nullable(other), f"{field}: null"
        for keyword in ("enum", "default", "minimum", "maximum", "minItems", "maxItems"):
            if keyword in other and not (keyword == "enum" and field == "kind"):
                theirs = [v for v in other["enum"] if v is not None] if keyword == "enum" else other[keyword]
                assert theirs == rule.get(keyword), f"{field}: {keyword}"


def test_kinds_served_are_the_same() -> None:
    """A kind that is served and not written, or the other way round."""
    assert set(SERVED_KINDS) == set(components()["schemas"]["Query"]["discriminator"]["mapping"])


# ---- what they accept --------------------------------------------------------------------------------------

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 500, 501, -1, 7.5, "", " ", "n/a", "?", "DEMO123", "demo-12 3", "DEMO1234567"),
    *(
        "IL",
        "il",
        "ILL",
        "I1",
        "Ä1",
        "240",
        "13A",
        "240\n",
        "90Z",
        "9",
        "a\nb",
        "a\x00b",
        "a\u0085b",
        "a\u202eb",
    ),
    *("é" * 64, "x" * 32, "x" * 33, "x" * 64, "x" * 65, "x" * 120, "x" * 121, "x" * 2000, "x" * 2001),
    *("plate", "place", "convoy", "other", "fun", "subpoena", "0" * 64, "0" * 63 + "g", "0" * 64 + "\n"),
    *("2026-11-01", "2026-02-30", "20261101", "2026-W45-1", "2026-11-01T00:00:00", "2026-11-01T00:00:00Z"),
    *("2026-11-01T00:00:00+05:30", "2026-11-01T00:00:00.123Z", "20261101T000000Z", "2026-W45-1T00:00:00Z"),
    *("2026-11-01T24:00:00Z", "2026-11-01T00:00Z", "2026-11-01T00Z", "2026-13-01T00:00:00Z"),
    *("2026-11-01t00:00:00z", "2026-11-01 00:00:00Z", "2026-11-01T00:00:60Z", "2026-11-01T00:00:00+25:00"),
    *("2026-11-01T00:00:00.123456789Z", "2026-11-01T00:00:00-00:00", "2026-11-01T00:00:00Z\n"),
    *([], ["cam-1"], ["cam-1", "cam-1"], ["cam 1"], [1], [""], [f"c{i}" for i in range(20)]),
    *([f"c{i}" for i in range(21)], {}, {"kind": "plate"}, {"a": 1}),
]


def bodies() -> dict[str, Any]:
    """Give the bodies that changes are made to: the examples, and one with everything in it."""
    found = {
        name: components()["examples"][name]["value"]
        for name in ("PlateQuery", "PlaceQuery", "MissingPersonQuery")
    }
    full = copy.deepcopy(components()["examples"]["EndRequesterQuery"]["value"])
    names = components()["schemas"]["LegalProcess"]["properties"]
    full["legal_process"] = dict.fromkeys(names) | {"kind": "criminal_warrant"}
    return found | {"full": full}


def agree(body: Any) -> None:
    """Both accept, or both refuse."""
    written = [
        f"{'/'.join(map(str, e.instance_path))}: {e.message[:120]}" for e in validator().iter_errors(body)
    ]
    try:
        read_again(body)
        read: list[str] = []
    except InvalidRequest as error:
        # Two rules that a schema cannot say: the order of the window, and the years it may lie in.
        read = [
            f"{f.pointer}: {f.message}"
            for f in error.faults
            if not f.message.startswith(("Not later", "Not between"))
        ]
    assert bool(written) == bool(read), f"openapi.yaml: {written or 'accepts'}; parse: {read or 'accepts'}"


@pytest.mark.parametrize("name", bodies())
def test_each_field_of_each_body_agrees(name: str) -> None:
    """Every field, missing and with each awkward value: the file and the code give the same answer."""
    apart: list[str] = []

    def attempt(body: Any, where: str) -> None:
        try:
            agree(body)
        except AssertionError as error:
            apart.append(f"{where}: {str(error).splitlines()[0]}")

    original = bodies()[name]
    for part, inner in original.items():
        for path in [(part,), *((part, field) for field in (inner if isinstance(inner, dict) else ()))]:
            for value in [*VALUES, "(absent)"]:
                body = copy.deepcopy(original)
                target = body if len(path) == 1 else body[part]
                if value == "(absent)":
                    del target[path[-1]]
                else:
                    target[path[-1]] = value
                attempt(body, f"{'.'.join(path)} = {str(value)[:40]!r}")
    for part in ("query", "purpose", "requester", "attestation"):
        attempt(original | {part: original[part] | {"extra": 1}}, f"{part}.extra")
    attempt(original | {"extra": 1}, "extra")
    assert not apart


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(bodies())), st.data())
def test_any_text_agrees(name: str, data: st.DataObject) -> None:
    """Text of any kind in any text field: the same answer."""
    body = copy.deepcopy(bodies()[name])
    places = [(part, field) for part, inner in body.items() if isinstance(inner, dict) for field in inner]
    part, field = data.draw(st.sampled_from(places))
    # Composed already, and no lone surrogates: a schema counts code points as sent and cannot speak of these.
    body[part][field] = data.draw(
        st.text(st.characters(max_codepoint=0x2FF, exclude_categories=["Cs"]), max_size=130)
    )
    agree(body)
