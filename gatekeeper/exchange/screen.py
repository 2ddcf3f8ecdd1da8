"""Typed words to matched terms: facts for the policy, no judgement.

Guarantees: the terms are data (``policies/data/lexicon.json``); every word of every typed field is read in
several *views*, so that ``I.C.E.``, ``1mmigration``, ``deportatoin`` and look-alike letters are found,
while ``Alice`` and ``ice cream`` are not; each match says where in the original text it stands; time is
linear in the length of the text. What cannot be read whole (a script we do not know, more unknown words
than are compared) is said to be unreviewed, and the policy then denies. Words are evidence against a
request: the one thing a word can supply is *what happened*, which the policy demands anyway; and only the
words that a request began with can. What was added to it later (a name with a ``#`` in it) is read like the
rest, and supports nothing: it is told apart as ``added_means``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from gatekeeper.exchange.lexicon import (
    BY_CLASS,
    NARRATIVE,
    NARRATIVE_ONLY,
    SUPPORTING,
    Lexicon,
    Target,
)
from gatekeeper.exchange.views import Text, View, read
from gatekeeper.ledger import Json

__all__ = ["Lexicon", "Match", "Words", "screen"]

_MOST_HITS = 500
_MOST_MATCHES = 64
# What parts two statements. A context never reaches over it: "ice, meth" is not the drug.
_APART = re.compile(r"[,;/|:\t\n\r]|[.!?]\s|\s-+\s")


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """A term of the lexicon in the original text of one field: ``text[start:end]``."""

    word_class: str
    field: str
    start: int
    end: int
    term: str


@dataclass(frozen=True, slots=True)
class Words:
    """Everything the screen found in one request."""

    classes: tuple[str, ...]
    matches: tuple[Match, ...]
    letters: int
    words: int
    means: tuple[str, ...]
    added_means: tuple[str, ...]
    offense_class: bool
    vague: bool
    plausible_case: bool
    call_for_service: bool
    reviewed: bool

    def facts(self) -> dict[str, Json]:
        """Return ``input.words`` of the policy."""
        specific = bool(self.means)
        return {
            "classes": list(self.classes),
            "matches": [
                {"class": m.word_class, "term": m.term, "field": m.field, "start": m.start, "end": m.end}
                for m in self.matches
            ],
            "narrative": {
                "letters": self.letters,
                "words": self.words,
                "specific": specific,
                "offense_class": self.offense_class,
                "means": list(self.means),
                "added_means": list(self.added_means),
                "vague_only": self.vague and not specific and not self.offense_class,
            },
            "case_number": {"plausible": self.plausible_case, "call_for_service": self.call_for_service},
            "reviewed": self.reviewed,
        }


_Hit = tuple[Target, int, int]


def screen(fields: Mapping[str, str], lexicon: Lexicon) -> Words:
    """Return what the typed ``fields`` (``narrative``, ``unit``, ``narrative#1``, … by name) say."""
    matches: set[Match] = set()
    means: set[str] = set()
    added: set[str] = set()
    reviewed = True
    letters = words = 0
    vague = True
    case_number = read("", lexicon.shapes).plain
    for name, text in fields.items():
        # What is longer than any statement of a reason is not read whole, and so not reviewed: denied.
        typed = text[: lexicon.longest_text]
        reading = read(typed, lexicon.shapes)
        hits, whole = _search(typed, reading, lexicon)
        reviewed = reviewed and whole and len(text) <= lexicon.longest_text
        field, _, later = name.partition("#")
        for target, start, end in hits:
            if not _concerns(field, target, lexicon):
                continue
            if later and target.word_class in SUPPORTING:
                added.add(target.means)
            else:
                matches.add(Match(target.word_class, name, start, end, target.term))
                means.add(target.means)
        if name == "case_number":
            case_number = reading.plain
        elif name == NARRATIVE:
            letters, words = sum(map(len, reading.plain.words)), len(reading.plain.words)
            vague = all(map(lexicon.generic, reading.plain.words))
    classes = {match.word_class for match in matches}
    plausible, call_for_service = _case_number(fields.get("case_number", ""), case_number, lexicon)
    return Words(
        classes=tuple(sorted(classes)),
        matches=tuple(sorted(matches)[:_MOST_MATCHES]),
        letters=letters,
        words=words,
        means=tuple(sorted(means - {""})),
        added_means=tuple(sorted(added - {""})),
        offense_class=BY_CLASS in classes,
        vague=vague,
        plausible_case=plausible,
        call_for_service=call_for_service,
        reviewed=reviewed,
    )


def _concerns(field: str, target: Target, lexicon: Lexicon) -> bool:
    """Say whether a class is looked for in this field: an officer may be called Roma, a unit Homicide."""
    if field != NARRATIVE and target.word_class in NARRATIVE_ONLY:
        return False
    wanted = lexicon.fields.get(field)
    return wanted is None or target.word_class in wanted


def _search(text: str, reading: Text, lexicon: Lexicon) -> tuple[list[_Hit], bool]:
    """Return the terms meant in one text, and whether the whole of it was read."""
    hits: set[_Hit] = set()
    excused: dict[tuple[str, str], list[tuple[int, int]]] = {}
    meant, compared = lexicon.speller.correct({word for view in reading for word in view.words})
    found = 0
    for target, start, end in islice(_hits(reading, meant, lexicon), _MOST_HITS):
        found += 1
        if not target.context:
            hits.add((target, start, end))
        elif not _APART.search(text, start, end):
            excused.setdefault(target.kind, []).append((start, end))
    # A context excuses the occurrence it surrounds, never another: "ice cream, ICE hold" still says ICE.
    meant_here = [
        (target, start, end)
        for target, start, end in hits
        if not any(first <= start and end <= last for first, last in excused.get(target.kind, ()))
    ]
    return meant_here, reading.legible and compared and found < _MOST_HITS


def _hits(reading: Text, meant: Mapping[str, str], lexicon: Lexicon) -> Iterator[_Hit]:
    lines: set[str] = set()
    for view in reading:
        respelled = () if not meant or meant.keys().isdisjoint(view.words) else (view.respelled(meant),)
        for line in (view, *respelled):
            if line.line not in lines:
                lines.add(line.line)
                yield from _bounded(line, lexicon)
        if view.squeezed not in lines:
            lines.add(view.squeezed)
            for end, (length, targets) in lexicon.inside(view.squeezed):
                span = view.squeezed_span(end + 1 - length, end + 1)
                yield from ((target, *span) for target in targets)


def _bounded(view: View, lexicon: Lexicon) -> Iterator[_Hit]:
    for last, (length, targets) in lexicon.bounded(view.line):
        start, end = last + 1 - length, last + 1
        for target in targets:
            yield target, *view.span(start, end)
            if not target.context:
                # The term found may be the beginning of a word: what surrounds it begins behind the word.
                whole = view.line.find(" ", end - 1) + 1
                for stretch in lexicon.surroundings[target.kind].around(view.line, start, whole):
                    yield Target(target.word_class, "~", target.means, context=True), *view.span(*stretch)


def _case_number(typed: str, plain: View, lexicon: Lexicon) -> tuple[bool, bool]:
    """Say whether a case number could be one, and whether it names a call for service rather than a case."""
    digits = [c for c in plain.squeezed if c.isdigit()]
    plausible = (
        len(typed) <= lexicon.case_longest
        and len(digits) >= lexicon.case_digits
        and len(set(digits)) > 1
        and plain.line.strip() not in lexicon.case_placeholders
        and plain.squeezed not in lexicon.case_placeholders
    )
    names = {word.rstrip("0123456789") for word in plain.words} | {plain.line.strip().rstrip("0123456789 ")}
    return plausible, not names.isdisjoint(lexicon.case_calls)
