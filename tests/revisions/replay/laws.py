"""Laws that differ from the shipped one in a place that a test chooses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache

from gatekeeper.policy import Bundle, load_files, shipped_policies
from gatekeeper.policy.layout import files_of

_RULE = "sharing/repeated_search/repeated_search.rego"


@cache
def files() -> Mapping[str, str]:
    """Return the text of the shipped law."""
    found, faults = files_of(shipped_policies())
    assert [] == faults
    return found


@cache
def another(
    *, days: int | None = None, letters: int | None = None, rule: str | None = None, field: str | None = None
) -> Bundle:
    """Return the shipped law with other numbers in its data, or one more condition in a provision.

    *rule* stands in a rule of its own beside the others of ``repeated_search``; *field* is one more fact of
    the requester that the schema allows.
    """
    changed = dict(files())
    city = json.loads(changed["data/city.json"])
    if days is not None:
        city["most_days_searched"] = days
    if letters is not None:
        city["narrative_fewest_letters"] = letters
    changed["data/city.json"] = json.dumps(city)
    if rule is not None:
        body = "\n\t".join(part.strip() for part in rule.split(";"))
        changed[_RULE] += f"\nsatisfied if {{\n\t{body}\n}}\n"
    if field is not None:
        schema = json.loads(changed["schema/input.json"])
        schema["properties"]["requester"]["properties"][field] = {"type": "string"}
        changed["schema/input.json"] = json.dumps(schema)
    return load_files(changed)


def with_lexicon(term: str) -> Bundle:
    """Return the shipped law with one more term for what it forbids."""
    changed = dict(files())
    lexicon = json.loads(changed["data/lexicon.json"])
    lexicon["classes"]["immigration_enforcement"]["terms"]["en"].append(term)
    changed["data/lexicon.json"] = json.dumps(lexicon)
    return load_files(changed)


def without_provision(code: str) -> Bundle:
    """Return the shipped law without one of the provisions that bind every city."""
    changed = {path: text for path, text in files().items() if not path.startswith(f"sharing/{code}/")}
    manifest = json.loads(changed[".manifest"])
    manifest["provisions"].remove(code)
    changed[".manifest"] = json.dumps(manifest)
    main = changed["main/main.rego"]
    main = re.sub(rf'proved contains "{code}" if [^\n]*\n', "", main)
    changed["main/main.rego"] = main.replace(f'\t"{code}",\n', "")
    city = json.loads(changed["data/city.json"])
    city["review"]["hours"]["by_provision"].pop(code, None)
    changed["data/city.json"] = json.dumps(city)
    return load_files(changed)


def with_hidden(code: str) -> Bundle:
    """Return the shipped law with a provision that is told to nobody outside."""
    changed = dict(files())
    path = f"sharing/{code}/{code}.rego"
    changed[path] = changed[path].replace("public: true", "public: false")
    assert changed[path] != files()[path]
    return load_files(changed)
