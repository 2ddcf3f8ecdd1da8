"""Read each provision's METADATA: the one source that the problem document, the API and the ledger quote.

The annotation format is OPA's (https://www.openpolicyagent.org/docs/policy-language#annotations).
Guarantees: every required field is present and of its exact type, nothing unknown is let through (a typo
must not become a default), and the code is the name of the provision's directory, never a value that
somebody typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

import yaml

from gatekeeper.policy.manifest import Listed

Review = Literal["none", "staff", "counsel"]

REVIEWS: tuple[Review, ...] = ("none", "staff", "counsel")
_TOP = {"title", "description", "custom"}
_TOP_OPTIONAL = {"scope", "related_resources", "authors", "organizations"}
_CUSTOM = {"rules", "citation", "verified", "public", "effective_on", "message", "remedy", "review"}
_CUSTOM_OPTIONAL = {"two_people"}


@dataclass(frozen=True, slots=True)
class RelatedResource:
    """A text that a provision rests on: where it is, and what it is."""

    ref: str
    description: str


@dataclass(frozen=True, slots=True)
class Provision:
    """One provision of law, as its METADATA states it; ``pack`` is None if it binds every city.

    ``two_people``: a ruling on it counts only once two different people have made it.
    """

    code: str
    pack: str | None
    title: str
    description: str
    rules: tuple[str, ...]
    citation: str
    verified: bool
    public: bool
    effective_on: date
    message: str
    remedy: str
    review: Review
    two_people: bool
    related_resources: tuple[RelatedResource, ...]
    path: str


class Catalogue(Mapping[str, Provision]):
    """Provisions of a bundle by their codes, in the order of the bundle's manifest."""

    __slots__ = ("_provisions",)

    def __init__(self, provisions: Sequence[Provision]) -> None:
        self._provisions = {provision.code: provision for provision in provisions}

    def __getitem__(self, code: str) -> Provision:
        return self._provisions[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._provisions)

    def __len__(self) -> int:
        return len(self._provisions)

    def public(self, codes: Iterable[str]) -> list[str]:
        """Return those of these codes that a public entry may name; a code that is not here is none."""
        return [code for code in codes if code in self and self[code].public]

    def __repr__(self) -> str:
        return f"Catalogue({', '.join(self._provisions)})"


class _Strict(yaml.SafeLoader):
    """YAML in which a key that is written twice is an error: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Build a mapping whose keys are all different, or raise yaml.YAMLError."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(repr, keys))) != len(keys):
            raise yaml.YAMLError("a key is written twice")
        return super().construct_mapping(node, deep=deep)


def provision_of(listed: Listed, source: str) -> tuple[Provision | None, list[str]]:
    """Return the provision that a module's package METADATA states, and every fault found in it."""
    path = listed.path
    block, faults = _package_annotation(path, source)
    if block is None:
        return None, faults
    faults += _key_faults(path, block, _TOP, _TOP_OPTIONAL)
    custom = block.get("custom")
    if not isinstance(custom, dict):
        return None, [*faults, f"{path}: METADATA custom is not a mapping"]
    faults += _key_faults(f"{path}: custom", custom, _CUSTOM, _CUSTOM_OPTIONAL)
    read = _Fields(path, faults)
    if block.get("scope", "package") != "package":
        faults.append(f"{path}: METADATA scope must be package: it speaks for the whole provision")
    if custom.get("two_people") is True and custom.get("review") == "none":
        faults.append(f"{path}: METADATA two_people must be false where review is none")
    provision = Provision(
        code=listed.code,
        pack=listed.pack,
        title=read.text(block, "title"),
        description=read.text(block, "description"),
        rules=read.texts(custom, "rules"),
        citation=read.text(custom, "citation"),
        verified=read.flag(custom, "verified"),
        public=read.flag(custom, "public"),
        effective_on=read.day(custom, "effective_on"),
        message=read.text(custom, "message"),
        remedy=read.text(custom, "remedy"),
        review=read.review(custom),
        two_people=read.flag(custom, "two_people"),
        related_resources=read.resources(block),
        path=path,
    )
    return (None if faults else provision), faults


def _package_annotation(path: str, source: str) -> tuple[dict[str, object] | None, list[str]]:
    """Return the annotation that stands directly above the package line, parsed."""
    lines = source.splitlines()
    package = next((n for n, line in enumerate(lines) if line.startswith("package ")), len(lines))
    start = package
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    block = lines[start:package]
    heads = [n for n, line in enumerate(block) if line.rstrip() == "# METADATA"]
    if package == len(lines) or not heads:
        return None, [f"{path}: no METADATA directly above the package line"]
    if len(heads) > 1:
        return None, [f"{path}: more than one METADATA above the package line: only one can be quoted"]
    try:
        body = yaml.load("\n".join(line[1:] for line in block[heads[0] + 1 :]), Loader=_Strict)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [f"{path}: METADATA is not YAML ({type(error).__name__})"]
    if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
        return None, [f"{path}: METADATA is not a mapping"]
    return body, []


def _key_faults(where: str, found: Mapping[str, object], required: set[str], optional: set[str]) -> list[str]:
    missing = [f"{where}: METADATA lacks {key}" for key in sorted(required - found.keys())]
    unknown = sorted(map(str, found.keys() - required - optional))
    return missing + [f"{where}: METADATA has an unknown key {key}" for key in unknown]


class _Fields:
    """Reads typed values; a wrong type becomes a fault, and the placeholder it returns is never used."""

    def __init__(self, path: str, faults: list[str]) -> None:
        self._path = path
        self._faults = faults

    def _wrong(self, key: str, expected: str) -> None:
        self._faults.append(f"{self._path}: METADATA {key} must be {expected}")

    def text(self, found: Mapping[str, object], key: str) -> str:
        value = found.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
        if key in found:
            self._wrong(key, "a text that says something")
        return ""

    def texts(self, found: Mapping[str, object], key: str) -> tuple[str, ...]:
        value = found.get(key)
        if isinstance(value, list) and value and all(isinstance(v, str) and v.strip() for v in value):
            if len(set(value)) != len(value):
                self._wrong(key, "a list without repetition")
            return tuple(value)
        if key in found:
            self._wrong(key, "a list of texts with at least one")
        return ()

    def flag(self, found: Mapping[str, object], key: str) -> bool:
        value = found.get(key)
        if not isinstance(value, bool) and key in found:
            self._wrong(key, "true or false")
        return value is True

    def day(self, found: Mapping[str, object], key: str) -> date:
        value = found.get(key)
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(cast("str", value))
        except (TypeError, ValueError):
            if key in found:
                self._wrong(key, "a date such as 2024-01-01")
            return date.max

    def review(self, found: Mapping[str, object]) -> Review:
        value = found.get("review")
        for review in REVIEWS:
            if value == review:
                return review
        if "review" in found:
            self._wrong("review", "none, staff or counsel")
        return "none"

    def resources(self, found: Mapping[str, object]) -> tuple[RelatedResource, ...]:
        value = found.get("related_resources", [])
        if not isinstance(value, list):
            self._wrong("related_resources", "a list")
            return ()
        return tuple(self._resource(item) for item in value)

    def _resource(self, item: object) -> RelatedResource:
        if isinstance(item, str) and item.strip():
            return RelatedResource(ref=item.strip(), description="")
        if isinstance(item, dict) and item.keys() <= {"ref", "description"}:
            ref, description = item.get("ref"), item.get("description", "")
            if isinstance(ref, str) and ref.strip() and isinstance(description, str):
                return RelatedResource(ref=ref.strip(), description=description.strip())
        self._wrong("related_resources", "a list of links, or of mappings with ref and description")
        return RelatedResource(ref="", description="")
