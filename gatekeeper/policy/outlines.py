"""The outline of a law: which provisions it has, which of them are asked, and how each is written.

For pages that set one revision beside another, never for a decision: it is read from text that nobody has
checked. Guarantees: a draft with faults has an outline all the same; a provision whose METADATA cannot be
read is not taken for one that the public may know of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gatekeeper.policy.layout import Files, sources_of
from gatekeeper.policy.manifest import Listed, manifest_of
from gatekeeper.policy.packs import chosen_packs
from gatekeeper.policy.provisions import Catalogue, Provision, provision_of

_PROVISION: Final = re.compile(r"(?:sharing|packs/(\w+))/(\w+)/\2\.rego")


@dataclass(frozen=True, slots=True)
class Outline:
    """What pages ask of a whole text; ``written`` lacks a provision that cannot be read."""

    written: Catalogue
    in_force: frozenset[str]
    hidden: frozenset[str]
    """Codes that the public may not know of, and those of which nobody can tell."""
    prints: Mapping[str, tuple[str, str]]
    """By code, a digest of its rule and one of its tests."""


def outline_of(files: Files) -> Outline:
    """Return the outline of a text."""
    sources = sources_of(files)
    unread: list[str] = []
    manifest = manifest_of(sources.manifest, unread)
    # Of a draft, also what stands there and is not listed yet.
    listed = {one.path: one for one in (*manifest.provisions, *_standing(sources.modules))}.values()
    found: dict[str, Provision | None] = {
        one.code: provision_of(one, files.get(one.path, ""))[0] for one in listed
    }
    return Outline(
        written=Catalogue([provision for provision in found.values() if provision is not None]),
        in_force=frozenset(manifest.in_force(chosen_packs(sources, manifest, unread))),
        hidden=frozenset(code for code, one in found.items() if one is None or not one.public),
        prints={one.code: _prints(files, one) for one in listed},
    )


def _standing(paths: Iterable[str]) -> Iterator[Listed]:
    for path in paths:
        if found := _PROVISION.fullmatch(path):
            yield Listed(found[2], found[1])


def _prints(files: Files, listed: Listed) -> tuple[str, str]:
    rule, tests = (files.get(path, "") for path in (listed.path, listed.test))
    return hashlib.sha256(rule.encode()).hexdigest(), hashlib.sha256(tests.encode()).hexdigest()
