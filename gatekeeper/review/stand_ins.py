"""Made-up words in the place of private ones, for a case of the law that anybody may read.

Guarantees: of what was typed only the terms of the lexicon stay, for they are what a provision judged; all
else is replaced by words that are visibly made up and that the request did not hold. ``Private.left_in``
finds what is still of the request in any text, whoever wrote it: the plate; a word of a person's or an
agency's name; a number; three words in a row; a word of the narrative that is written as a name is. It may
refuse too much, never too little of these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper.exchange.forms import form_numbers
from gatekeeper.exchange.screen import Lexicon, Match

Texts = Mapping[str, str]
"""What a request says, by the name that the screen knows each field by; and ``plate``, ``agency.id``."""

NARRATIVE: Final = "narrative"
_FILLERS: Final = ("sample", "example", "fictional", "invented", "imaginary", "pretended")
_WORD: Final = re.compile(r"[^\W_]+")
_ODD: Final = re.compile(r"[^A-Za-z0-9\s.,;:/|()!?&'\"#-]")
# Words of every office's name, which tell nobody whose it is, and which the stand-ins are made of.
_COMMON: Final = frozenset({"agency", "and", "court", "for", "the"})
_NAMES: Final = frozenset(
    {"requester.name", "on_behalf_of.person", "legal_process.judge"}
    | {"agency.id", "agency.name", "end_requester.name", "on_behalf_of.agency", "on_behalf_of.component"}
    | {"unit", "legal_process.court"}
)
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "case_number": ("25-10494", "26-30717", "24-20853", "23-61962"),
    "legal_process.number": ("26-CR-0107", "25-CR-0283", "24-CR-0346"),
    "requester.badge": ("4411", "5533", "6677", "8822"),
    "statute": ("625/4-103", "720/16-1", "430/65-2"),
}
_FIRST_NAMES: Final = ("Pat", "Sam", "Kim", "Lee", "Robin", "Alex")
_PLATES: Final = ("DEMO246813", "MADE975310", "SHOW864209")
_NUMBERS: Final = ("100", "2000", "30000", "400000")


@dataclass(frozen=True, slots=True)
class Original:
    """What a request says, and the terms of the lexicon in it."""

    texts: Texts
    matches: tuple[Match, ...]

    def spans(self, name: str) -> list[tuple[int, int, str]]:
        """Return the terms in one field, in order, none inside another."""
        found: list[tuple[int, int, str]] = []
        for match in sorted(self.matches, key=lambda m: (m.start, -m.end)):
            if match.field == name and (not found or found[-1][1] <= match.start):
                found.append((match.start, match.end, match.term))
        return found

    def stand_ins(self, lexicon: Lexicon) -> dict[str, str]:
        """Return made-up words for every field; the same for the same request."""
        squeezed = "".join(map(_squeezed, self.texts.values()))
        filler = next((f for f in _FILLERS if f not in squeezed), _FILLERS[0])
        taken = frozenset(word for text in self.texts.values() for word in _words(text))
        return {name: self._stand_in(name, text, filler, taken, lexicon) for name, text in self.texts.items()}

    def _stand_in(self, name: str, text: str, filler: str, taken: frozenset[str], lexicon: Lexicon) -> str:
        kept, title = self.spans(name), filler.capitalize()
        if name == "plate":
            return _pick((plate[: len(text)] for plate in _PLATES), {text.casefold()})
        if name == "agency.id":
            return f"{filler}-agency"
        if not _words(text):
            return text  # nobody is told by an empty field, or by one of dots alone
        if name == "legal_process.form" and (forms := form_numbers(text)):
            return ", ".join(forms)
        if name == "case_number":
            return _case_number(text, taken, lexicon)
        if kept or name == NARRATIVE:
            return _reworded(text, kept, filler, taken)
        if name in _CHOICES:
            return _pick(_CHOICES[name], taken)
        if name in {"requester.name", "on_behalf_of.person"}:
            return f"{_pick(_FIRST_NAMES, taken)} {title}"
        if name == "legal_process.judge":
            return f"J. {title}"
        whole = {"legal_process.court": f"{title} Court", "on_behalf_of.agency": f"{filler}-end-requester"}
        return whole.get(name, f"{title} Agency" if name.endswith(".name") else title)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a request is still in a field; ``word`` is None for the plate, which nobody is shown."""

    field: str
    word: str | None


class Private:
    """What of a request must not be in a case."""

    def __init__(self, original: Original) -> None:
        self._plate = _squeezed(original.texts.get("plate", ""))
        self._words: set[str] = set()
        self._rows: set[tuple[str, ...]] = set()
        lawful: set[str] = set()
        for name, text in original.texts.items():
            if name == "plate":
                continue
            spans = original.spans(name)
            placed = [
                (word, any(s <= at and end <= e for s, e, _ in spans)) for word, at, end in _placed(text)
            ]
            lawful.update(word for word, kept in placed if kept)
            self._words.update(_telling(name, placed, text))
            self._rows.update(
                tuple(word for word, _ in row)
                for row in zip(placed, placed[1:], placed[2:], strict=False)
                if not all(kept for _, kept in row)
            )
        self._words -= lawful

    def left_in(self, texts: Texts) -> Iterator[Left]:
        """Say what is still of the request, field by field."""
        for name, text in texts.items():
            words = _words(text)
            if len(self._plate) > 1 and self._plate in _squeezed(text):
                yield Left(name, None)
            yield from (Left(name, word) for word in dict.fromkeys(words) if word in self._words)
            for row in zip(words, words[1:], words[2:], strict=False):
                if row in self._rows:
                    yield Left(name, " ".join(row))


def _telling(name: str, placed: Sequence[tuple[str, bool]], text: str) -> Iterator[str]:
    """Yield the words of one field each of which tells of somebody by itself."""
    name = name.partition("#")[0]  # what an appeal added, or took the place of, is as private as the rest
    public = frozenset(_words(" ".join(form_numbers(text)))) if name == "legal_process.form" else frozenset()
    for (word, kept), found in zip(placed, _WORD.finditer(text), strict=True):
        long = len(word) > 2
        if not kept and (
            (len(word) > 1 and any(map(str.isdigit, word)) and word not in public)
            or (name in _NAMES and long and word not in _COMMON)
            or (name == NARRATIVE and long and not found[0].islower())
        ):
            yield word


def _case_number(text: str, taken: frozenset[str], lexicon: Lexicon) -> str:
    """Return a case number of the same worth: a good one, a call for service, or one that says nothing."""
    plain = " ".join(_words(text))
    if plain in lexicon.case_placeholders:
        return text
    if sum(map(str.isdigit, text)) < lexicon.case_digits or len(set(filter(str.isdigit, text))) < 2:
        return "n/a"
    call = next((c for c in sorted(lexicon.case_calls, key=len, reverse=True) if plain.startswith(c)), "")
    return f"{call} {_pick(_CHOICES['case_number'], taken)}".lstrip()


def _reworded(text: str, kept: Sequence[tuple[int, int, str]], filler: str, taken: frozenset[str]) -> str:
    """Return the text with its terms as they stand and every other word made up."""
    number = _pick(_NUMBERS, taken)

    def replaced(piece: str) -> str:
        made_up = _WORD.sub(lambda found: number if found[0].isdigit() else filler, piece)
        return _ODD.sub("", made_up)

    made, at = "", 0
    for start, end, term in kept:
        said = text[start:end]
        # A term that was found across more than itself is written as the lexicon writes it.
        near = len(_squeezed(said)) <= len(_squeezed(term)) + 3
        made += replaced(text[at:start]) + (said if near else term.strip("*"))
        at = end
    return made + replaced(text[at:])


def _pick(candidates: Iterable[str], taken: Iterable[str]) -> str:
    """Return the first candidate that is free; if none is, the last, which the check then finds."""
    forbidden, last = frozenset(taken), ""
    for candidate in candidates:
        last = candidate
        if forbidden.isdisjoint(word for word in _words(last) if len(word) > 1):
            break
    return last


def _placed(text: str) -> list[tuple[str, int, int]]:
    return [(_folded(found[0]), found.start(), found.end()) for found in _WORD.finditer(text)]


def _words(text: str) -> list[str]:
    return [word for word, _, _ in _placed(text)]


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _squeezed(text: str) -> str:
    return "".join(_words(text))
