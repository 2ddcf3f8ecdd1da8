"""Misspelt words put right: only long words, only towards words that legal has listed.

``immgration`` and ``deportatoin`` are meant as they sound. A word that is itself spelled correctly is left
alone (``reported`` is one letter from ``deported``): legal lists those beside the terms. The work is bounded:
a text with more unknown words than ``most_words`` is not read whole, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

_LONGEST = 24
_STRETCHED = re.compile(r"([a-z])\1\1+")


class Speller:
    """Maps misspelt words to the listed word they are nearest to; immutable after construction.

    ``vocabularies`` are tried in order, so that a word that could accuse is preferred to one that could
    support. One error (a letter missing, added, changed, or two swapped) is forgiven in words of ``shortest``
    letters and more, two in words of ``two_errors_from`` and more.
    """

    def __init__(
        self,
        vocabularies: Sequence[Iterable[str]],
        known: Collection[str],
        *,
        shortest: int,
        two_errors_from: int,
        most_words: int,
    ) -> None:
        self._known = known
        self._shortest = shortest
        self._most_words = most_words
        # For each length of a typed word: (words, errors forgiven) to compare it with, most forgiving last.
        self._near: dict[int, list[tuple[list[str], int]]] = {}
        for vocabulary in vocabularies:
            listed = sorted(vocabulary)
            for errors, group in (
                (1, [w for w in listed if shortest <= len(w)]),
                (2, [w for w in listed if two_errors_from <= len(w)]),
            ):
                for length in range(shortest - 1, _LONGEST + 1):
                    near = [w for w in group if abs(len(w) - length) <= errors]
                    if near:
                        self._near.setdefault(length, []).append((near, errors))

    def correct(self, words: Iterable[str]) -> tuple[dict[str, str], bool]:
        """Return {typed: meant} for the misspelt words, and whether all of them were looked at."""
        unknown = {w: _unstretched(w) for w in words if w not in self._known and not w.isdigit()}
        compared = {typed: word for typed, word in unknown.items() if len(word) in self._near}
        meant = {typed: word for typed, word in unknown.items() if word in self._known}
        for typed in sorted(compared.keys() - meant.keys())[: self._most_words]:
            word = compared[typed]
            for near, errors in self._near[len(word)]:
                best = process.extractOne(word, near, scorer=OSA.distance, score_cutoff=errors)
                if best is not None:
                    meant[typed] = best[0]
                    break
        return meant, len(compared) <= self._most_words


def _unstretched(word: str) -> str:
    """Return ``immmigration`` with the letter that was held down typed once."""
    return _STRETCHED.sub(r"\1", word) if _STRETCHED.search(word) else word
