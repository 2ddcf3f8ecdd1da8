"""The lexicon: legal's words as data, compiled for matching.

``policies/data/lexicon.json`` holds classes of terms, the contexts in which a term means something else,
and the words whose misspellings count; ``policies/schema/lexicon.json`` says what each part means. A term is
matched as whole words; ``deport*`` matches any word that begins so, ``*immigration*`` also inside words that
were run together or pulled apart. Every term also matches with a plural ``s``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import ahocorasick

from gatekeeper.errors import BundleRefused
from gatekeeper.exchange.spelling import Speller
from gatekeeper.exchange.views import Shapes
from gatekeeper.ledger import Json

NARRATIVE = "narrative"
SPECIFIC, BY_CLASS, VAGUE = "specific_crime", "crime_class", "vague"
# What supports or weakens a narrative is looked for in the narrative alone: a unit called
# "Homicide" must not supply what happened.
NARRATIVE_ONLY = frozenset({SPECIFIC, BY_CLASS, VAGUE, "unexplained", "profiling"})
_SUPPORTING = frozenset({SPECIFIC, BY_CLASS, VAGUE})
_SHORTEST_SPELLED_OUT = 3
_SHORTEST_TORN = 6


@dataclass(frozen=True, slots=True)
class Target:
    """What a pattern stands for: a term of a class, or a context in which that term means something else."""

    word_class: str
    term: str
    means: str = ""
    context: bool = False

    @property
    def meant(self) -> tuple[str, str]:
        """Name the term of which this is a form or a context."""
        return (self.word_class, self.term)


Found = Iterator[tuple[int, tuple[int, tuple[Target, ...]]]]


class Lexicon:
    """The terms of ``data.lexicon``, compiled once; immutable and shared by threads."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self._patterns: dict[str, set[Target]] = {}
        self._inside: dict[str, set[Target]] = {}
        self._document = _Reader(document)
        self.shapes = Shapes(self._document.texts("look_alikes"), self._document.texts("digit_swaps"))
        self.fields = {
            name: frozenset(self._document.listed("fields", name)) for name in self._document.names("fields")
        }
        self._acronyms = frozenset(self._document.listed("acronyms"))
        self._accusing: set[str] = set()
        self._supporting: set[str] = set()
        for name in self._document.names("classes"):
            self._add_class(("classes", name), name, "")
        for name in self._document.names("crimes"):
            self._add_class(("crimes", name), SPECIFIC, name)
        self._add_class(("crime_classes",), BY_CLASS, "")
        self._add_compounds()
        known = frozenset(
            chain(self._document.listed("spelled_correctly"), *(p.split() for p in self._patterns))
        )
        self.speller = Speller(
            (self._accusing, self._supporting),
            known,
            shortest=self._document.number("fuzzy", "shortest"),
            two_errors_from=self._document.number("fuzzy", "two_errors_from"),
            most_words=self._document.number("fuzzy", "most_words"),
        )
        self.longest_text = self._document.number("longest_text")
        self.case_placeholders = frozenset(self._document.listed("case_number", "placeholders"))
        self.case_calls = frozenset(self._document.listed("case_number", "call_for_service"))
        self.case_digits = self._document.number("case_number", "fewest_digits")
        self.case_longest = self._document.number("case_number", "longest")
        self.bounded = _automaton(self._patterns)
        self.inside = _automaton(self._inside)

    @classmethod
    def load(cls, document: Mapping[str, Json]) -> Lexicon:
        """Compile ``data.lexicon``. Raises BundleRefused, naming the part that is missing or mistyped."""
        return cls(document)

    def _add_class(self, place: tuple[str, ...], word_class: str, means: str) -> None:
        accuses = word_class not in _SUPPORTING
        for term in self._document.listed(*place, "terms"):
            self._add_term(Target(word_class, term, means), term, spelled_out=accuses)
        (self._accusing if accuses else self._supporting).update(
            word for phrase in self._document.listed(*place, "misspellings_of") for word in phrase.split()
        )
        for term in self._document.names(*place, "not_in"):
            for phrase in self._document.listed(*place, "not_in", term):
                target = Target(word_class, term, means, context=True)
                for form in _forms(phrase):
                    self._patterns.setdefault(form, set()).add(target)

    def _add_term(self, target: Target, term: str, *, spelled_out: bool) -> None:
        bare = term.strip("*")
        if term.startswith("*"):
            self._inside.setdefault(bare.replace(" ", ""), set()).add(target)
            return
        forms = [f" {bare}"] if term.endswith("*") else _forms(bare)
        if spelled_out and " " not in bare and len(bare) >= _SHORTEST_SPELLED_OUT:
            forms = [*forms, f" {' '.join(bare)} ", *_torn(bare)]
        for form in forms:
            self._patterns.setdefault(form, set()).add(target)

    def _add_compounds(self) -> None:
        """Find the short names run together with what follows: ``icehold``, ``assisthsi``."""
        for name in self._acronyms:
            targets = {t for t in self._patterns.get(f" {name} ", set()) if not t.context}
            for companion in self._document.listed("companions"):
                for compound in {name + companion, companion + name} - self._acronyms:
                    self._patterns.setdefault(f" {compound} ", set()).update(targets)


class _Reader:
    """Reads the lexicon's document and refuses it, by path, where it is not as its schema says."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self._document = document

    def _at(self, path: Sequence[str]) -> Json | Mapping[str, Json]:
        here: Json | Mapping[str, Json] = self._document
        for step in path:
            if not isinstance(here, Mapping) or step not in here:
                raise BundleRefused([f"data/lexicon.json: {'.'.join(path)} is missing"])
            here = here[step]
        return here

    def listed(self, *path: str) -> list[str]:
        found = self._at(path)
        if not isinstance(found, list):
            raise BundleRefused([f"data/lexicon.json: {'.'.join(path)} is not a list"])
        if not all(isinstance(item, str) and item.strip(" *") for item in found):
            raise BundleRefused([f"data/lexicon.json: {'.'.join(path)} holds what is not a word"])
        return [item for item in found if isinstance(item, str)]

    def names(self, *path: str) -> list[str]:
        found = self._at(path)
        if not isinstance(found, Mapping):
            raise BundleRefused([f"data/lexicon.json: {'.'.join(path)} is not an object"])
        return list(found)

    def texts(self, *path: str) -> dict[str, str]:
        found = {name: self._at((*path, name)) for name in self.names(*path)}
        if not all(isinstance(value, str) for value in found.values()):
            raise BundleRefused([f"data/lexicon.json: {'.'.join(path)} holds what is not text"])
        return {name: value for name, value in found.items() if isinstance(value, str)}

    def number(self, *path: str) -> int:
        found = self._at(path)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise BundleRefused([f"data/lexicon.json: {'.'.join(path)} is not a whole number"])
        return found


def _forms(phrase: str) -> list[str]:
    """Return the patterns of a phrase: itself, and the plural of its last word."""
    plural = len(phrase) > _SHORTEST_SPELLED_OUT and phrase[-1].isalpha() and phrase[-1] != "s"
    return [f" {phrase} ", f" {phrase}s "] if plural else [f" {phrase} "]


def _torn(word: str) -> list[str]:
    """Return a long word torn in two, ``de port``; short ones would be found in ordinary phrases."""
    if len(word) < _SHORTEST_TORN:
        return []
    return [f" {word[:cut]} {word[cut:]} " for cut in range(2, len(word) - 1)]


def _automaton(patterns: Mapping[str, Iterable[Target]]) -> Callable[[str], Found]:
    made = ahocorasick.Automaton()
    for pattern, targets in patterns.items():
        made.add_word(pattern, (len(pattern), tuple(targets)))
    if not patterns:
        return lambda _: iter(())
    made.make_automaton()
    found: Callable[[str], Found] = made.iter
    return found
