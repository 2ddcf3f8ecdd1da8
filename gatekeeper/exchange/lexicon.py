"""The lexicon: legal's words as data, compiled for matching.

``policies/data/lexicon.json`` holds classes of terms by language, the contexts in which they mean something
else, and the words whose misspellings count; ``policies/schema/lexicon.json`` says what each part means. A
term is matched as whole words; ``deport*`` matches any word that begins so, ``*immigration*`` also inside
words that were run together or pulled apart; ``ex {partner}`` is every phrase that the set ``partner`` makes.
Every term also matches with a plural ``s``. In a context, ``~`` stands for any term of its class:
``~ {attacked}`` is a protest that was shot at, whatever the protest is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import ahocorasick

from gatekeeper.errors import BundleRefused
from gatekeeper.exchange.spelling import Speller
from gatekeeper.exchange.views import Shapes
from gatekeeper.ledger import Json
from gatekeeper.policy import Bundle

NARRATIVE = "narrative"
SPECIFIC, BY_CLASS, VAGUE = "specific_crime", "crime_class", "vague"
# What supports or weakens a narrative is looked for in the narrative alone: a unit called
# "Homicide" must not supply what happened.
NARRATIVE_ONLY = frozenset({SPECIFIC, BY_CLASS, VAGUE, "unexplained", "profiling"})
SUPPORTING = frozenset({SPECIFIC, BY_CLASS, VAGUE})
_SHORTEST_SPELLED_OUT = 3
_SHORTEST_TORN = 6
_SHORTEST_COMPANION = 3
_SET = re.compile(r"\{([^{}]*)\}")
_MOST_PHRASES = 20_000
_LONGEST_PHRASE = 160
# How far to either side of a term a context may reach: about six words.
_REACH = 48


@dataclass(frozen=True, slots=True)
class Target:
    """What a pattern stands for: a term of a class, or a context in which that class is not meant."""

    word_class: str
    term: str
    means: str = ""
    context: bool = False

    @property
    def kind(self) -> tuple[str, str]:
        """Name the list of the lexicon in which this stands."""
        return (self.word_class, self.means)


Found = Iterator[tuple[int, tuple[int, tuple[Target, ...]]]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The contexts of a class that hold for each of its terms: what stands before one, what after it."""

    before: re.Pattern[str] | None
    after: re.Pattern[str] | None

    def around(self, line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches of ``line`` that excuse the term at ``start:end`` (its spaces included)."""
        if self.before and (found := self.before.search(line, max(0, start - _REACH), start + 1)):
            yield found.start(), end
        if self.after and (found := self.after.match(line, end - 1, end + _REACH)):
            yield start, found.end()


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
        self.surroundings: dict[tuple[str, str], Surroundings] = {}
        self._accusing: set[str] = set()
        self._supporting: set[str] = set()
        for name in self._document.names("classes"):
            self._add_class(("classes", name), name, "")
        for name in self._document.names("crimes"):
            self._add_class(("crimes", name), SPECIFIC, name)
        self._add_class(("crime_classes",), BY_CLASS, "")
        vague = self._terms("classes", VAGUE)
        self._generic = frozenset(vague)
        self._generic_stems = tuple(term.rstrip("*") for term in vague if term.endswith("*"))
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

    @classmethod
    def of(cls, bundle: Bundle) -> Lexicon:
        """Return the bundle's lexicon. Raises BundleRefused if it has none."""
        document = bundle.data.get("lexicon")
        if not isinstance(document, dict):
            raise BundleRefused(
                ["data/lexicon.json is missing: the words of a request could not be screened"]
            )
        return cls.load(document)

    def generic(self, word: str) -> bool:
        """Say whether a word fits any search: a number, or a word of police business."""
        return word.isdigit() or word in self._generic or word.startswith(self._generic_stems)

    def _terms(self, *place: str) -> list[str]:
        """Return the terms of one class in every language, each set written out."""
        languages = self._document.names(*place, "terms")
        listed = (self._document.listed(*place, "terms", language) for language in languages)
        return [phrase for term in chain.from_iterable(listed) for phrase in self._phrases(term)]

    def _phrases(self, written: str) -> list[str]:
        """Return every phrase that a term with ``{sets}`` stands for. Raises BundleRefused if none."""
        unfinished, phrases = [written], []
        while unfinished:
            phrase = unfinished.pop()
            found = _SET.search(phrase)
            if found is None:
                phrases.append(phrase)
                continue
            words = self._document.listed("sets", found[1])
            unfinished += [f"{phrase[: found.start()]}{word}{phrase[found.end() :]}" for word in words]
            # A set that is empty, or stands inside itself, would be a term that nobody can find.
            if not words or len(phrase) > _LONGEST_PHRASE or len(unfinished) + len(phrases) > _MOST_PHRASES:
                raise BundleRefused(
                    [f"data/lexicon.json: {written!r}: the set {found[1]!r} has no words or no end"]
                )
        return phrases

    def _pattern(self, written: str) -> str:
        """Return a context with ``{sets}`` as a regular expression."""
        pieces = []
        for number, piece in enumerate(_SET.split(written)):
            # The pieces are, in turn, literal text and the name of a set.
            words = [piece] if number % 2 == 0 else self._phrases(f"{{{piece}}}")
            pieces.append(f"(?:{'|'.join(map(re.escape, words))})")
        return "".join(pieces)

    def _add_class(self, place: tuple[str, ...], word_class: str, means: str) -> None:
        accuses = word_class not in SUPPORTING
        for term in self._terms(*place):
            self._add_term(Target(word_class, term, means), term, spelled_out=accuses)
        (self._accusing if accuses else self._supporting).update(
            word for phrase in self._document.listed(*place, "misspellings_of") for word in phrase.split()
        )
        before, after = [], []
        for context in self._document.listed(*place, "not_in"):
            target = Target(word_class, context, means, context=True)
            if context.endswith("~"):
                before.append(self._pattern(context.rstrip("~ ")))
            elif context.startswith("~"):
                after.append(self._pattern(context.lstrip("~ ")))
            else:
                for form in chain.from_iterable(map(_forms, self._phrases(context))):
                    self._patterns.setdefault(form, set()).add(target)
        self.surroundings[(word_class, means)] = Surroundings(
            _any_of(before, r" (?:{})(?: a| an| the)? $"), _any_of(after, r" (?:{}) ")
        )

    def _add_term(self, target: Target, term: str, *, spelled_out: bool) -> None:
        bare = term.strip("*")
        if term.startswith("*"):
            self._inside.setdefault(bare.replace(" ", ""), set()).add(target)
        forms = [f" {bare}"] if term.endswith("*") else _forms(bare)
        if spelled_out and " " not in bare and len(bare) >= _SHORTEST_SPELLED_OUT:
            forms = [*forms, f" {' '.join(bare)} ", *_torn(bare)]
        for form in forms:
            self._patterns.setdefault(form, set()).add(target)

    def _add_compounds(self) -> None:
        """Find the short names run together with a word of police business: ``icehold``, ``assisthsi``."""
        acronyms = frozenset(self._document.listed("acronyms"))
        companions = acronyms | {word for word in self._generic if len(word) >= _SHORTEST_COMPANION}
        for name in acronyms:
            targets = {t for t in self._patterns.get(f" {name} ", set()) if not t.context}
            for cut in range(1, len(name)):
                self._patterns.setdefault(f" {name[:cut]} {name[cut:]} ", set()).update(targets)
            for companion in companions:
                for compound in {name + companion, companion + name} - acronyms:
                    for form in _forms(compound):
                        self._patterns.setdefault(form, set()).update(targets)


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
        if not all(isinstance(item, str) and item.strip(" *~") for item in found):
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


def _any_of(patterns: Iterable[str], frame: str) -> re.Pattern[str] | None:
    """Compile any of the patterns inside *frame*; None for no pattern at all."""
    alternatives = "|".join(patterns)
    return re.compile(frame.format(alternatives)) if alternatives else None


def _automaton(patterns: Mapping[str, Iterable[Target]]) -> Callable[[str], Found]:
    made = ahocorasick.Automaton()
    for pattern, targets in patterns.items():
        made.add_word(pattern, (len(pattern), tuple(targets)))
    if not patterns:
        return lambda _: iter(())
    made.make_automaton()
    found: Callable[[str], Found] = made.iter
    return found
