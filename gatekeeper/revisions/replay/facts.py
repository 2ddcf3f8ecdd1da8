"""The facts of a past decision as another law would have been given them.

All is as recorded but what Python derives with the help of the law's own data: the words, found by its
lexicon, and the rulings that it lets count. Guarantees: words are screened by the gate's own function, from
the recorded request and the names of the parties, and only where the lexicon is not the one that screened
them then; an agency whose name is not known any more leaves the question open: PolicyUnavailable, never a
guess. The name is the one under which the agency is registered now: the record of then does not hold it. A
query decided before the gate looked at what others asked (``patterns``) is taken as one that stands alone,
and said to be; a law that knows nothing of patterns is not told of them. One decided before officers were
facts is taken as asked by one who was merely named; a law that knows nothing of officers is not told of them,
and one who was suspended leaves its question open. One decided before sessions were told apart is taken as
asked in one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cachetools import LRUCache

from gatekeeper.errors import BundleRefused, InvalidRequest, PolicyUnavailable
from gatekeeper.exchange.decide import SESSIONS, known_to, knows
from gatekeeper.exchange.officer import NAMED
from gatekeeper.exchange.parse import as_recorded
from gatekeeper.exchange.patterns import ALONE
from gatekeeper.exchange.rulings import still_binding
from gatekeeper.exchange.screen import Lexicon, screen
from gatekeeper.ledger import Json, canonical
from gatekeeper.policy import Bundle, Catalogue
from gatekeeper.revisions.replay.past import Decided

_SCREENED = 20_000


@dataclass(frozen=True, slots=True)
class Given:
    """The facts for one law; what of them is not as recorded."""

    facts: Mapping[str, Json]
    rescreened: bool = False
    ruling_set_aside: bool = False
    taken_as_alone: bool = False


def lexicon_digest(bundle: Bundle) -> str:
    """Return what tells one lexicon from another."""
    return hashlib.sha256(canonical(bundle.data.get("lexicon"))).hexdigest()


class Facts:
    """Gives one law its facts; one thread's own.

    *then* are the laws that decided in the past, by digest, as far as they are known: of any other, neither
    lexicon nor catalogue can be told, so its words are always read anew.
    """

    def __init__(self, bundle: Bundle, then: Mapping[str, Bundle], names: Mapping[str, str]) -> None:
        self._bundle = bundle
        self._names = names
        self._lexicon = lexicon_digest(bundle)
        self._knows = {fact: knows(bundle, fact) for fact in ("patterns", "officer", SESSIONS)}
        self._lexicons = {digest: lexicon_digest(law) for digest, law in then.items()}
        self._catalogues: dict[str, Catalogue] = {digest: law.catalogue for digest, law in then.items()}
        self._compiled: Lexicon | None = None
        self._screened: LRUCache[bytes, Any] = LRUCache(_SCREENED)

    def reads_as(self, other: Facts, decided: Decided) -> bool:
        """Say whether this law is given the very facts that another is given."""
        return (
            self._lexicon == other._lexicon
            and decided.facts.get("ruling") is None
            and self._knows == other._knows
            and all(_has(decided.facts, fact) == known for fact, known in self._knows.items())
        )

    def of(self, decided: Decided) -> Given:
        """Return the facts for this law. Raises PolicyUnavailable, BundleRefused."""
        facts, rescreened, set_aside = decided.facts, False, False
        ruling = facts.get("ruling")
        if isinstance(ruling, dict) and decided.policy != self._bundle.digest:
            then = self._catalogues.get(decided.policy) or Catalogue([])
            binding = still_binding(ruling, then, self._bundle.catalogue)
            if binding != ruling:
                facts, set_aside = {**facts, "ruling": binding}, True
        if decided.policy != self._bundle.digest and self._lexicons.get(decided.policy) != self._lexicon:
            facts, rescreened = {**facts, "words": self._words(decided)}, True
        alone = self._knows["patterns"] and "patterns" not in facts
        if alone:
            facts = {**facts, "patterns": ALONE.facts({})}
        if "officer" not in facts:
            facts = {**facts, "officer": NAMED.facts()}
        elif isinstance(officer := facts["officer"], dict) and not _has(facts, SESSIONS):
            facts = {**facts, "officer": {**NAMED.facts(), **officer}}
        return Given(known_to(self._bundle, dict(facts)), rescreened, set_aside, alone)

    def _words(self, decided: Decided) -> dict[str, Json]:
        try:
            typed = as_recorded(decided.body).typed_words()
        except InvalidRequest:
            raise PolicyUnavailable("the recorded request cannot be read any more") from None
        typed |= {f"{party}.name": self._name(decided.facts, party) for party in _parties(decided.facts)}
        key = hashlib.sha256(canonical(typed)).digest()
        if key not in self._screened:
            self._screened[key] = screen(typed, self._terms()).facts()
        words: dict[str, Json] = self._screened[key]
        return words

    def _name(self, facts: Mapping[str, Any], party: str) -> str:
        name = self._names.get(str(facts[party].get("id")))
        if name is None:
            raise PolicyUnavailable("the name of an agency is not known any more: its words are not whole")
        return name

    def _terms(self) -> Lexicon:
        if self._compiled is None:
            document = self._bundle.data.get("lexicon")
            if not isinstance(document, dict):
                raise BundleRefused(["data/lexicon.json is missing: words could not be screened"])
            self._compiled = Lexicon.load(document)
        return self._compiled


def _has(facts: Mapping[str, Any], fact: str) -> bool:
    """Say whether a fact, or a part of one, is recorded."""
    found: Any = facts
    for name in fact.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found is not None


def _parties(facts: Mapping[str, Any]) -> list[str]:
    """Return the parties whose registered names the screen hears: those that the registry knew."""
    return [
        party
        for party in ("agency", "end_requester")
        if isinstance(facts.get(party), dict) and facts[party].get("known") is True
    ]
