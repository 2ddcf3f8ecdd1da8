"""Jurisdiction packs: the law that a city selects on top of the provisions that bind every city.

``packs/<pack>/pack.json`` says what a jurisdiction asks and how sure that is; ``data/city.json`` lists the
packs of the city. Guarantees: a pack is known, whole and of the city's own state, or the bundle is refused
(a misspelt pack must not be a pack that asks nothing); a pack only adds provisions to the list that must be
proved, so where two packs apply, the stricter wins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from gatekeeper.policy.layout import Json, Sources
from gatekeeper.policy.manifest import Manifest
from gatekeeper.policy.soundness import proof, proofs_in
from gatekeeper.policy.syntax import Module

MAIN = "main/main.rego"
_CITY = "data/city.json"


@dataclass(frozen=True, slots=True)
class Idle:
    """What can decide nothing in this city: the provisions of packs that are off, and their rules in main."""

    paths: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()

    def left_out_of(self, modules: Mapping[str, str]) -> dict[str, str]:
        """Return *modules* without it: an engine that has to look at dead rules is slower by half."""
        kept = {path: text for path, text in modules.items() if path not in self.paths}
        for rule in self.rules:
            if MAIN in kept:
                kept[MAIN] = kept[MAIN].replace(rule, "", 1)
        return kept


def idle_in(modules: Collection[Module], manifest: Manifest, packs: Collection[str]) -> Idle:
    """Return what is idle where *packs* are selected.

    Every rule of main that proves a pack's provision begins with the question whether the city selected the
    pack (``soundness`` holds them to that form), so without the pack it is false whatever the facts are.
    """
    off = [listed for listed in manifest.provisions if listed.pack is not None and listed.pack not in packs]
    dead = {proof(listed) for listed in off}
    rules = [
        text for module in modules if module.path == MAIN for form, text in proofs_in(module) if form in dead
    ]
    return Idle(frozenset(listed.path for listed in off), tuple(rules))


def chosen_packs(sources: Sources, manifest: Manifest, faults: list[str]) -> tuple[str, ...]:
    """Return the packs that the city lists, in its order, adding what is wrong to *faults*."""
    faults += _faults_of_packs(sources, manifest)
    city = sources.data.get("city")
    named = city.get("packs") if isinstance(city, dict) else None
    if named is None and not manifest.packs:
        return ()  # a law without packs, which binds every city alike
    if not isinstance(named, list) or not named:
        faults.append(f"{_CITY}: /packs must list at least one of the packs {_choice(manifest)}")
        return ()
    chosen: list[str] = []
    for place, pack in enumerate(named):
        if isinstance(pack, str) and pack in manifest.packs:
            faults += _faults_of_choice(sources, place, pack)
            chosen.append(pack)
        else:
            faults.append(f"{_CITY}: /packs/{place}: {_unknown(pack, manifest)}")
    if len(set(chosen)) != len(chosen):
        faults.append(f"{_CITY}: /packs lists a pack twice")
    return tuple(dict.fromkeys(chosen))


def _faults_of_packs(sources: Sources, manifest: Manifest) -> Iterator[str]:
    """Yield where the manifest and ``packs/`` disagree."""
    for pack in manifest.packs:
        document = sources.packs.get(pack)
        if document is None:
            yield f"packs/{pack}/pack.json: missing or unreadable, though the manifest lists the pack {pack}"
        elif not isinstance(document, dict) or document.get("provisions") != [*manifest.of(pack)]:
            yield (
                f"packs/{pack}/pack.json: /provisions must be those that the manifest lists for {pack}: "
                f"{', '.join(manifest.of(pack)) or 'none'}"
            )
    for pack in sorted(sources.packs.keys() - set(manifest.packs)):
        yield f"packs/{pack}/pack.json: the manifest does not list the pack {pack}: no city could select it"


def _faults_of_choice(sources: Sources, place: int, pack: str) -> Iterator[str]:
    city, document = sources.data.get("city"), sources.packs.get(pack)
    own = city.get("state") if isinstance(city, dict) else None
    state = document.get("state") if isinstance(document, dict) else None
    if own != state:
        yield f"{_CITY}: /packs/{place}: {pack} is the law of {state}, and the city's /state is {own}"


def _unknown(pack: Json, manifest: Manifest) -> str:
    close = get_close_matches(str(pack), manifest.packs, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"there is no pack {str(pack)[:40]!r}; {meant}The packs are {_choice(manifest)}"


def _choice(manifest: Manifest) -> str:
    return ", ".join(sorted(manifest.packs)) or "none"
