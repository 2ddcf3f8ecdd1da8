"""The paragraphs of law that the provisions carry out: ``policies/statutes.json``.

Guarantees: a paragraph is carried out by a provision or says why by none, never both and never neither; a
provision that names a paragraph of a listed statute names one that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jsonschema_rs

from gatekeeper.errors import BundleRefused
from gatekeeper.policy.layout import Files, Json, strict_json
from gatekeeper.policy.provisions import Catalogue

FILE = "statutes.json"
_TEXT = {"type": "string", "minLength": 1}
_PARAGRAPH = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$"},
        "says": _TEXT,
        "cited_at": _TEXT,
        "certainty": {"enum": ["verified", "reported", "city", "from_memory"]},
        "without_rule": _TEXT,
    },
    "required": ["code", "says", "cited_at", "certainty"],
    "additionalProperties": False,
}
_STATUTE = {
    "type": "object",
    "properties": {"title": _TEXT, "citation": _TEXT, "paragraphs": {"type": "array", "items": _PARAGRAPH}},
    "required": ["title", "citation", "paragraphs"],
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "properties": {"about": _TEXT, "statutes": {"type": "array", "minItems": 1, "items": _STATUTE}},
    "required": ["about", "statutes"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph in our words; ``without_rule`` is why no provision carries it out, or empty."""

    code: str
    says: str
    cited_at: str
    certainty: str
    without_rule: str = ""


@dataclass(frozen=True, slots=True)
class Statute:
    """A statute or ordinance, with the paragraphs that matter here."""

    title: str
    citation: str
    paragraphs: tuple[Paragraph, ...]


def read_statutes(files: Files) -> tuple[Statute, ...]:
    """Return the statutes that the policies list. Raises BundleRefused."""
    try:
        document = strict_json(files[FILE])
        jsonschema_rs.validate(_SCHEMA, document)
    except KeyError:
        raise BundleRefused([f"{FILE}: missing"]) from None
    except jsonschema_rs.ValidationError as error:
        place = "/".join(map(str, error.instance_path))
        raise BundleRefused([f"{FILE}: /{place}: {error.message[:200]}"]) from None
    except ValueError:
        raise BundleRefused([f"{FILE}: not JSON"]) from None
    return tuple(_statute(found) for found in _list(document, "statutes"))


def disagreements(statutes: Sequence[Statute], provisions: Catalogue) -> list[str]:
    """Return where the paragraphs and the METADATA of the provisions do not say the same."""
    paragraphs = {paragraph.code: paragraph for statute in statutes for paragraph in statute.paragraphs}
    known = {code.split("-")[0] for code in paragraphs}
    named = {rule for provision in provisions.values() for rule in provision.rules}
    wrong = [
        f"{provision.path}: METADATA names {rule}, which {FILE} does not have"
        for provision in provisions.values()
        for rule in provision.rules
        if rule.split("-")[0] in known and rule not in paragraphs
    ]
    for code, paragraph in paragraphs.items():
        if code in named and paragraph.without_rule:
            wrong.append(f"{FILE}: {code} says why it has no rule, and a provision carries it out")
        if code not in named and not paragraph.without_rule:
            wrong.append(f"{FILE}: {code} is carried out by no provision and does not say why (without_rule)")
    return wrong


def _list(document: Json, key: str) -> list[dict[str, Json]]:
    items = document.get(key) if isinstance(document, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _statute(found: dict[str, Json]) -> Statute:
    paragraphs = tuple(
        Paragraph(**{name: str(value) for name, value in one.items()}) for one in _list(found, "paragraphs")
    )
    return Statute(str(found["title"]), str(found["citation"]), paragraphs)
