"""The committed list of the law: ``.manifest`` names every provision, those of all and those of each pack.

A pack is what another jurisdiction adds to the provisions in ``sharing/``, which bind every city; the city
lists its packs in ``data/city.json``. Guarantees: what must be proved follows from the list and the city's
choice alone, never from the files found, and a code names one provision of one pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gatekeeper.policy.layout import MANIFEST, Json

_KEYS = {"label", "roots", "rego_version", "provisions", "packs"}
_LABEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,39}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Listed:
    """One provision that the manifest lists; ``pack`` is None for those that bind every city."""

    code: str
    pack: str | None = None

    @property
    def directory(self) -> str:
        """Return where it stands: one directory with its rule and its test."""
        return f"sharing/{self.code}" if self.pack is None else f"packs/{self.pack}/{self.code}"

    @property
    def path(self) -> str:
        """Return the path of its rule."""
        return f"{self.directory}/{self.code}.rego"

    @property
    def test(self) -> str:
        """Return the path of its test."""
        return f"{self.directory}/{self.code}_test.rego"

    @property
    def package(self) -> str:
        """Return its Rego package, which is its directory."""
        return self.directory.replace("/", ".")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The label of the law, and every provision: those of ``sharing/`` first, then pack by pack."""

    label: str
    provisions: tuple[Listed, ...]
    packs: tuple[str, ...]

    def of(self, pack: str | None) -> tuple[str, ...]:
        """Return the codes that *pack* adds; None for those that bind every city."""
        return tuple(listed.code for listed in self.provisions if listed.pack == pack)

    def in_force(self, packs: Iterable[str]) -> tuple[str, ...]:
        """Return the codes that bind a city with these packs, in the order in which denials name them."""
        return self.of(None) + tuple(code for pack in packs for code in self.of(pack))


def manifest_of(document: Json, faults: list[str]) -> Manifest:
    """Read ``.manifest``, adding what is wrong with it to *faults*; what is wrong is left out."""
    if not isinstance(document, dict) or document.keys() != _KEYS:
        faults.append(f"{MANIFEST}: must have exactly {', '.join(sorted(_KEYS))}")
        document = document if isinstance(document, dict) else {}
    label = document.get("label")
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        faults.append(f"{MANIFEST}: label must be a short name such as 2026-01")
        label = ""
    if document.get("roots") != [""]:
        faults.append(f'{MANIFEST}: roots must be [""]: the bundle owns all of data, none may add to it')
    if document.get("rego_version") != 1 or isinstance(document.get("rego_version"), bool):
        faults.append(f"{MANIFEST}: rego_version must be 1")
    provisions, packs = document.get("provisions"), document.get("packs")
    if not isinstance(provisions, list) or not provisions:
        faults.append(f"{MANIFEST}: provisions must list at least one: an empty law would permit all")
        provisions = []
    if not isinstance(packs, dict) or not all(isinstance(codes, list) for codes in packs.values()):
        faults.append(f"{MANIFEST}: packs must give for each pack the list of the provisions that it adds")
        packs = {}
    faults += [f"{MANIFEST}: {pack!r} is no name of a pack" for pack in packs if not _NAME.fullmatch(pack)]
    listed = [*_listed(provisions, None, faults)]
    for pack, codes in packs.items():
        listed += _listed(codes if isinstance(codes, list) else [], pack, faults)
    seen = [one.code for one in listed]
    faults += [
        f"{MANIFEST}: {code} is listed twice" for code in sorted({c for c in seen if seen.count(c) > 1})
    ]
    return Manifest(label, tuple(dict.fromkeys(listed)), tuple(packs))


def _listed(codes: list[Json], pack: str | None, faults: list[str]) -> Iterator[Listed]:
    for code in codes:
        if not isinstance(code, str) or not _NAME.fullmatch(code):
            faults.append(f"{MANIFEST}: a provision's code is lower-case letters, digits and underscores")
        elif pack is not None and not code.startswith(f"{pack}_"):
            faults.append(f"{MANIFEST}: {code} must begin with the name of its pack, {pack}_")
        else:
            yield Listed(code, pack)
