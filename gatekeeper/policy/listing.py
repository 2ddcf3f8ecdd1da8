"""Put a new provision where the law lists its provisions: the manifest, the decision, its pack.

Guarantees: it stands where its statute has it, so that denials keep the order of the statutes; a list that is
not as the manifest has it is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from gatekeeper.errors import OperatorError
from gatekeeper.policy.manifest import Listed, Manifest
from gatekeeper.policy.provisions import Catalogue
from gatekeeper.policy.statutes import Statute

MAIN = "main/main.rego"
_CODE = re.compile(r'"(\w+)"')
_LIST = re.compile(r'\[\n(?P<codes>(?:\t"\w+",\n)+)\]')


def place_of(rules: Sequence[str], codes: Sequence[str], law: Catalogue, statutes: Sequence[Statute]) -> int:
    """Return the place among *codes* of a provision that carries out *rules*, by the one named first."""
    paragraphs = [paragraph.code for statute in statutes for paragraph in statute.paragraphs]

    def rank(named: Sequence[str]) -> int:
        return paragraphs.index(named[0]) if named[0] in paragraphs else len(paragraphs)

    later = (place for place, code in enumerate(codes) if rank(law[code].rules) > rank(rules))
    return next(later, len(codes))


def listed_in_manifest(listed: Listed, place: int, manifest: str) -> str:
    """Return .manifest with the code at its place; one of a pack is its pack's last."""
    document = json.loads(manifest)
    if listed.pack is None:
        document["provisions"].insert(place, listed.code)
    else:
        document["packs"][listed.pack].append(listed.code)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def listed_in_main(listed: Listed, place: int, main: str, manifest: Manifest) -> str:
    """Return main/main.rego with the rule that asks for the provision. Raises OperatorError."""
    every_city = [*manifest.of(None)]
    if listed.pack is not None:  # a pack's codes are read from its pack.json
        return _asked_for(listed, [one.code for one in manifest.provisions][-1], main)
    lists = [found for found in _LIST.finditer(main) if _CODE.findall(found["codes"]) == every_city]
    if len(lists) != 1:
        raise OperatorError(f"{MAIN} does not list the provisions as .manifest does: restore it")
    codes = [*every_city[:place], listed.code, *every_city[place:]]
    written = "".join(f'\t"{code}",\n' for code in codes)
    listing = main[: lists[0].start("codes")] + written + main[lists[0].end("codes") :]
    return _asked_for(listed, every_city[max(place - 1, 0)], listing)


def listed_in_pack(code: str, pack: str) -> str:
    """Return pack.json with the code at the end of its provisions, and otherwise as somebody wrote it."""

    def added(found: re.Match[str]) -> str:
        return f"{found[1]}{', ' if found[2] else ''}{json.dumps(code)}]"

    return re.sub(r'("provisions"\s*:\s*\[\s*((?:"\w+"(?:,\s*)?)*))\s*\]', added, pack)


def _asked_for(listed: Listed, after: str, main: str) -> str:
    """Put the rule that proves the provision behind the one that proves *after*. Raises OperatorError."""
    found = main.find(f'proved contains "{after}" if ')
    if found < 0:
        raise OperatorError(f"{MAIN} does not ask for {after}: restore it")
    end = main.find("\n\n", found) + 2
    proof = f"data.{listed.package}.satisfied == true"
    if listed.pack is not None:
        proof = f'{{\n\t"{listed.pack}" in data.city.packs\n\t{proof}\n}}'
    return main[:end] + f'proved contains "{listed.code}" if {proof}\n\n' + main[end:]
