"""``/docs``: openapi.yaml as a page for people, and ``/openapi.yaml``: the same for programs.

Guarantees: the page is made from the file alone, once in each worker; it loads nothing from
elsewhere, runs no script, and its policy (Content-Security-Policy) forbids both. Every problem document's
``type`` points to an anchor on it (RFC 9457 section 3.1.1).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Blueprint, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

HERE = Path(__file__).parent
METHODS = ("get", "post", "put", "patch", "delete")

Node = Mapping[str, Any]


def contract() -> bytes:
    """Return openapi.yaml, from the wheel or from the checkout. Raises FileNotFoundError."""
    shipped = HERE.parent / "_openapi.yaml"
    return (shipped if shipped.is_file() else HERE.parents[1] / "openapi.yaml").read_bytes()


def docs_blueprint() -> Blueprint:
    """Return the routes of the reference.

    The file is read now; the page is made when it is first asked for, since it takes longer than all the rest
    of a worker's start. A test makes it, so no request can be the first to find that it fails.
    """
    blueprint = Blueprint("docs", __name__)
    text = contract()

    @cache
    def made() -> tuple[str, str]:
        return render(yaml.safe_load(text))

    @blueprint.get("/docs")
    def docs() -> Response:
        page, policy = made()
        response = Response(page, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = policy
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    @blueprint.get("/openapi.yaml")
    def openapi() -> Response:
        response = Response(text, content_type="application/yaml")
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return blueprint


def render(document: Node) -> tuple[str, str]:
    """Return the page and the Content-Security-Policy under which it is shown."""
    style = (HERE / "templates" / "docs.css").read_text("utf-8")
    # The one style sheet is allowed by its hash; everything else that a page can load or do is not.
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
    policy += "frame-ancestors 'none'"
    markdown = MarkdownIt("commonmark", {"html": False})
    reader = _Reader(document)
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The Markdown is this project's own, with HTML in it turned off.
    environment.filters["markdown"] = lambda source: Markup(markdown.render(source or ""))  # noqa: S704
    environment.filters["inline"] = lambda source: Markup(markdown.renderInline(source or ""))  # noqa: S704
    page = environment.get_template("docs.html").render(
        style=Markup(style),  # noqa: S704  (a file of ours, and quoting would change its hash)
        info=document["info"],
        groups=list(reader.groups()),
        schemas=list(reader.schemas()),
        problems=document["x-problems"],
    )
    return page, policy


class _Reader:
    """Turns the document into what the template prints: plain lists of plain values."""

    def __init__(self, document: Node) -> None:
        self._document = document

    def groups(self) -> Iterator[Node]:
        """Give each tag with its operations."""
        for tag in self._document["tags"]:
            yield {**tag, "operations": [op for op in self._operations() if tag["name"] in op["tags"]]}

    def schemas(self) -> Iterator[Node]:
        """Give each named schema with its fields."""
        for name, schema in self._document["components"]["schemas"].items():
            yield {
                "name": name,
                "description": schema.get("description", ""),
                "kind": self.kind({key: value for key, value in schema.items() if key != "properties"}),
                "fields": list(self._fields(schema)),
            }

    def kind(self, schema: Node) -> str:
        """Say in words what a value may be."""
        if "$ref" in schema:
            return str(schema["$ref"]).rsplit("/", 1)[1]
        if "oneOf" in schema:
            return " or ".join(self.kind(each) for each in schema["oneOf"])
        kinds = schema.get("type", "any value")
        words = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
        if "items" in schema:
            words = words.replace("array", f"array of {self.kind(schema['items'])}")
        return ", ".join([words, *self._rules(schema)])

    def _rules(self, schema: Node) -> Iterator[str]:
        if "const" in schema:
            yield f"always {json.dumps(schema['const'])}"
        if "enum" in schema:
            yield "one of " + ", ".join(map(str, schema["enum"]))
        if "format" in schema:
            yield str(schema["format"])
        for keyword, words in _LIMITS.items():
            if keyword in schema:
                yield words.format(schema[keyword])
        if schema.get("uniqueItems"):
            yield "none twice"
        if schema.get("default") is not None:
            yield f"default {json.dumps(schema['default'])}"

    def _fields(self, schema: Node, prefix: str = "") -> Iterator[Node]:
        for name, inner in schema.get("properties", {}).items():
            target = self._resolve(inner)
            yield {
                "name": prefix + name,
                "required": name in schema.get("required", ()),
                "kind": self.kind(inner),
                "pattern": target.get("pattern") if target.get("pattern") != _NO_CONTROLS else None,
                "description": inner.get("description", target.get("description", "")),
            }
            if "$ref" not in inner:
                yield from self._fields(inner, f"{prefix}{name}.")
                if isinstance(inner.get("items"), Mapping):
                    yield from self._fields(inner["items"], f"{prefix}{name}[].")

    def _operations(self) -> Iterator[Node]:
        for path, item in self._document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield self._operation(path, method, item[method])

    def _operation(self, path: str, method: str, operation: Node) -> Node:
        return {
            "id": operation["operationId"],
            "tags": operation["tags"],
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "description": operation.get("description", ""),
            "parameters": [self._parameter(each) for each in operation.get("parameters", ())],
            "request": list(self._content(operation.get("requestBody", {}))),
            "responses": [
                {
                    "status": status,
                    "description": self._resolve(answer)["description"],
                    "headers": list(self._resolve(answer).get("headers", {})),
                    "content": list(self._content(self._resolve(answer))),
                }
                for status, answer in operation["responses"].items()
            ],
        }

    def _parameter(self, reference: Node) -> Node:
        parameter = self._resolve(reference)
        return {
            **{key: parameter[key] for key in ("name", "in", "required", "description") if key in parameter},
            "kind": self.kind(self._resolve(parameter["schema"])),
        }

    def _content(self, body: Node) -> Iterator[Node]:
        for media, content in body.get("content", {}).items():
            examples = [self._resolve(example) for example in content.get("examples", {}).values()]
            yield {
                "media": media,
                "kind": self.kind(content["schema"]),
                "examples": [(each["summary"], _shown(each["value"])) for each in examples],
            }

    def _resolve(self, node: Node) -> Node:
        while "$ref" in node:
            target: Any = self._document
            for step in str(node["$ref"]).removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node


_NO_CONTROLS = r"^[^\u0000-\u001f\u007f-\u009f]*$"
_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
