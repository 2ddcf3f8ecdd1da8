"""openapi.yaml is the truth of the HTTP contract: valid, its examples too, and the routes agree both ways."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gatekeeper.app import create_app
from gatekeeper.parts import load_bundle
from gatekeeper.settings import Settings
from gatekeeper.state import lay_out, open_state
from tests.lawful import put_in_force

FILE = Path(__file__).parent.parent / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@cache
def document() -> dict[str, Any]:
    """Read the file once; nobody may change what is returned."""
    return cast("dict[str, Any]", yaml.safe_load(FILE.read_text("utf-8")))


def resolved(node: Any) -> Any:
    """Follow one reference, if it is one."""
    while isinstance(node, Mapping) and "$ref" in node:
        target: Any = document()
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def faults(schema: Any, value: Any) -> list[str]:
    """Validate ``value`` against a schema of the file, formats included."""
    whole = {"$ref": "#/the_schema", "components": document()["components"], "the_schema": schema}
    validator = Draft202012Validator(whole, validate_formats=True)
    return [f"{'/'.join(map(str, e.instance_path))}: {e.message[:200]}" for e in validator.iter_errors(value)]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give (path, method, operation) for all of them."""
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def bodies() -> Iterator[tuple[str, Any]]:
    """Give every media type object of the file, with its place."""
    for path, method, operation in operations():
        if "requestBody" in operation:
            for media, content in operation["requestBody"]["content"].items():
                yield f"{method} {path} {media}", content
        for status, answer in operation["responses"].items():
            for media, content in resolved(answer).get("content", {}).items():
                yield f"{method} {path} {status} {media}", content


def examples() -> list[Any]:
    """Every example, beside the schema that it stands with."""
    found = []
    for where, content in bodies():
        for name, example in content.get("examples", {}).items():
            value = resolved(example)["value"]
            found.append(pytest.param(content["schema"], value, id=f"{where} {name}"))
    return found


def test_file_is_openapi_3_1() -> None:
    """A broken document would be found by partners' tools first."""
    assert not [error.message for error in OpenAPIV31SpecValidator(document()).iter_errors()]


@pytest.mark.parametrize(("schema", "value"), examples())
def test_example_validates(schema: Any, value: Any) -> None:
    """An example that a developer pastes is one that the contract accepts."""
    assert not faults(schema, value)


def test_example_beside_a_field_validates() -> None:
    """The short examples beside fields, parameters and headers obey the rule that they illustrate."""
    wrong: list[str] = []

    def walk(node: Any, where: str) -> None:
        if isinstance(node, Mapping):
            if isinstance(node.get("examples"), list):
                schema = {key: value for key, value in node.items() if key != "examples"}
                wrong.extend(
                    f"{where}: {fault}" for value in node["examples"] for fault in faults(schema, value)
                )
            if "example" in node:
                wrong.extend(f"{where}: {fault}" for fault in faults(node["schema"], node["example"]))
            for key, value in node.items():
                walk(value, f"{where}/{key}")
        elif isinstance(node, list):
            for index, value in enumerate(node):
                walk(value, f"{where}/{index}")

    parts = {name: part for name, part in document()["components"].items() if name != "examples"}
    walk(parts, "")
    assert not wrong


def test_every_example_is_used() -> None:
    """An example that no operation shows is never validated."""
    text = FILE.read_text("utf-8")
    assert not [n for n in document()["components"]["examples"] if f"components/examples/{n}'" not in text]


def test_every_schema_and_response_is_used() -> None:
    """A part that nothing refers to promises what is not there."""
    text = FILE.read_text("utf-8")
    for part in ("schemas", "responses", "parameters", "headers"):
        names = document()["components"][part]
        assert not [name for name in names if f"components/{part}/{name}'" not in text], part


def test_query_schemas_refuse_unknown_fields() -> None:
    """A misspelt optional field (``on_behalf``) must not be dropped in silence: it may forbid the release."""

    def closed(schema: Any) -> list[str]:
        schema = resolved(schema)
        left = []
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            left.append(str(schema.get("description")))
        inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", [])]
        return left + [fault for each in inner for fault in closed(each)]

    assert not closed(document()["components"]["schemas"]["QueryRequest"])


def test_every_field_is_described() -> None:
    """A field without a word leaves its unit to guesses."""
    silent: list[str] = []
    for name, schema in document()["components"]["schemas"].items():
        if "description" not in schema:
            silent.append(name)
        stack = [(name, schema)]
        while stack:
            where, node = stack.pop()
            for field, inner in node.get("properties", {}).items():
                if "$ref" not in inner and "description" not in inner:
                    silent.append(f"{where}.{field}")
                stack.append((f"{where}.{field}", inner))
            if isinstance(node.get("items"), dict):
                stack.append((f"{where}[]", node["items"]))
    assert not silent


def test_every_error_is_a_problem_document() -> None:
    """Only ``/oauth`` (RFC 6749) and ``/readyz`` answer errors in another shape."""
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            if int(status) < 400 or path == "/readyz":
                continue
            media = set(resolved(answer).get("content", {}))
            allowed = {"application/problem+json"} | (
                {"application/json"} if path.startswith("/oauth/") else set()
            )
            assert media, f"{method} {path} {status}"
            assert set() == media - allowed, f"{method} {path} {status}"


def test_refusals_carry_their_headers() -> None:
    """A 401 says how to authenticate, a 429 and a 503 when to come back, everything its request id."""
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            headers = set(resolved(answer).get("headers", {}))
            needed = {"X-Request-Id"}
            needed |= {"WWW-Authenticate"} if status == "401" else set()
            needed |= {"Retry-After"} if status in {"429", "503"} else set()
            assert set() == needed - headers, f"{method} {path} {status}"


def test_plates_and_persons_are_visibly_made_up() -> None:
    """No example may be taken for somebody's plate."""
    text = FILE.read_text("utf-8")
    plates = re.findall(r'"plate": "([^"]+)"', text)
    assert plates
    assert not [plate for plate in plates if not plate.replace(" ", "").startswith("DEMO")]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("query.kind", "convoy"),
        ("query.plate", "DEM?123"),
        ("query.plate", ""),
        ("query.plate", "DEMO1234567"),
        ("query.from", "2026-11-01T00:00:00"),
        ("query.limit", 501),
        ("query.limit", 0),
        ("query.limit", "100"),
        ("query.plate_state", "ILL"),
        ("purpose.category", "fun"),
        ("purpose.offense", "stolen car"),
        ("query.plate", "DEMO123\n"),
        ("purpose.offense", "240\n"),
        ("purpose.narrative", "a\nb"),
        ("purpose.narrative", "a\x00b"),
        ("purpose.narrative", "a" * 2001),
        ("purpose.case_number", "1" * 65),
        ("requester.name", "P" * 121),
        ("requester.badge", "1" * 33),
        ("requester.badge", None),
        ("requester.rank", "sergeant"),
        ("attestation.accepted", "yes"),
    ],
)
def test_faulty_query_is_refused_by_the_schema(pointer: str, value: object) -> None:
    """What the gate answers with 422 the file refuses too."""
    body = copy.deepcopy(document()["components"]["examples"]["PlateQuery"]["value"])
    part, field = pointer.split(".")
    body[part][field] = value
    assert faults({"$ref": "#/components/schemas/QueryRequest"}, body)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("purpose.narrative", ""),
        ("purpose.narrative", "n/a"),
        ("purpose.case_number", ""),
        ("purpose.offense", ""),
        ("purpose.offense", None),
        ("requester.name", ""),
        ("requester.badge", ""),
        ("attestation.accepted", False),
        ("attestation.text_version", ""),
        ("query.plate", "demo-12 3"),
    ],
)
def test_worthless_values_are_left_to_the_policy(pointer: str, value: object) -> None:
    """Present but empty is a denial with its reasons (403), not a mistake of shape (422)."""
    body = copy.deepcopy(document()["components"]["examples"]["PlateQuery"]["value"])
    part, field = pointer.split(".")
    body[part][field] = value
    assert not faults({"$ref": "#/components/schemas/QueryRequest"}, body)


# ---- the code ----------------------------------------------------------------------------------------------

PLACEHOLDER = re.compile(r"<[^<>]+>|{[^{}]+}")
SERVED_ELSEWHERE = (
    "/static/",
    "/console",
    "/public/",
    "/policy/",
)  # pages and files, not the API


def test_routes_and_file_agree_both_ways(served: Any) -> None:
    """A route that is not in the file is undocumented; a path that is not served is a lie."""
    routes = set()
    for rule in served.url_map.iter_rules():
        path = PLACEHOLDER.sub("{}", rule.rule)
        if not path.startswith(SERVED_ELSEWHERE):
            routes |= {(path, method) for method in rule.methods - {"HEAD", "OPTIONS"}}
    written = {(PLACEHOLDER.sub("{}", path), method.upper()) for path, method, _ in operations()}
    assert not sorted(routes - written), "served, not written"
    assert not sorted(written - routes), "written, not served"


@pytest.fixture
def served(tmp_path: Path) -> Any:
    """Build the application as ``gatekeeper serve`` does, on a city that has just been laid out."""
    settings = Settings(data=tmp_path / "city", engine="embedded", client_profiles="fapi basic")
    lay_out(settings)
    state = open_state(settings)
    put_in_force(state, load_bundle(settings))
    state.close()
    return create_app(settings)
