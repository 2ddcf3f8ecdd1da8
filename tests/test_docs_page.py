"""The reference page: whole, without a script, and an anchor for every problem that an error can point to."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient

from gatekeeper import errors
from gatekeeper.web import problems
from gatekeeper.web.docs import contract, docs_blueprint

LOADS = ("src", "srcset", "action", "formaction", "data", "poster", "background", "ping")


class _Elements(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """Serve the two routes alone."""
    app = Flask("docs-alone")
    app.register_blueprint(docs_blueprint())
    return app.test_client()


@pytest.fixture(scope="module")
def elements(client: FlaskClient) -> list[tuple[str, dict[str, str | None]]]:
    """Give the page's elements."""
    return _Elements(client.get("/docs").get_data(as_text=True)).tags


def test_page_loads_nothing_and_runs_nothing(elements: list[tuple[str, dict[str, str | None]]]) -> None:
    """A reference that called elsewhere would tell others who reads it."""
    assert not [
        tag for tag, _ in elements if tag in {"script", "iframe", "object", "embed", "img", "link", "form"}
    ]
    for tag, attributes in elements:
        assert not [
            name for name in attributes if name in LOADS or name.startswith("on") or name == "style"
        ], tag


def test_policy_forbids_what_the_page_does_not_need(client: FlaskClient) -> None:
    """The browser holds the page to it, whatever is written into openapi.yaml one day."""
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_every_link_has_its_target(elements: list[tuple[str, dict[str, str | None]]]) -> None:
    """A link into nowhere is a schema that was renamed on one side."""
    places = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(set(places)) == len(places)
    links = [attributes.get("href") or "" for tag, attributes in elements if tag == "a"]
    assert not [link for link in links if link.startswith("#") and link[1:] not in places]


def test_every_operation_and_schema_is_shown(client: FlaskClient) -> None:
    """What is in the file is on the page."""
    page = client.get("/docs").get_data(as_text=True)
    document = yaml.safe_load(contract())
    for path, item in document["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(f'id="{item[method]["operationId"]}"' in page for method in item)
    assert all(f'id="schema-{name}"' in page for name in document["components"]["schemas"])


def test_every_problem_type_has_an_anchor(client: FlaskClient) -> None:
    """Each ``type`` that an error can carry leads to its explanation, and the file names its true status."""
    page = client.get("/docs").get_data(as_text=True)
    written: dict[str, Any] = yaml.safe_load(contract())["x-problems"]
    served = {code: status for status, (code, _) in problems._HTTP.items()} | {"internal": 500}
    kinds = [errors.GatekeeperError, errors.Unavailable, errors.AppealRefused]
    for kind in [kind for family in kinds for kind in family.__subclasses__()]:
        known = next((problems._KINDS[c] for c in kind.__mro__ if c in problems._KINDS), None)
        if known is not None:
            served[kind.code] = known.status
    assert not {c: s for c, s in served.items() if written.get(c, {}).get("status") != s}
    assert not [code for code in written if f'id="problem-{code}"' not in page]


def test_openapi_is_served_as_it_is(client: FlaskClient) -> None:
    """Programs get the file itself, comments and all."""
    answer = client.get("/openapi.yaml")
    assert contract() == answer.data
    assert answer.content_type == "application/yaml"
    assert re.match(rb"# ", answer.data)
