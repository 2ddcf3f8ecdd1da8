"""How often a change of the lexicon would have been felt in what agencies typed lately.

The gate's own screen reads the words of past requests, once as the lexicon is and once as it would be; the
log and its sealed details are only read. Guarantees: no more requests are looked at than are asked for, and
no longer than a moment, with pauses in which queries go on; what was erased is counted as such and never
guessed; a count tells of many requests, never of one: it is rounded down to tens, and what is below ten is
only said to be. So nobody finds out with a name, typed as a term, whether it stands in a request.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper.errors import InvalidRequest, KeyErased
from gatekeeper.exchange.lexicon import BY_CLASS, SPECIFIC, Lexicon
from gatekeeper.exchange.parse import Query, as_recorded
from gatekeeper.exchange.screen import Match, screen
from gatekeeper.ledger import Ledger, StoredEntry
from gatekeeper.revisions.lexicon_text import CRIME_CLASSES, Term

MOST: Final = 5_000
SECONDS: Final = 2.0
FEWEST_LETTERS: Final = 4
"""Letters that a term needs before it is counted: a shorter one fits names and words of any kind."""
_SMALL: Final = 10
_WORK: Final = 0.02
_REST: Final = 0.005
_AROUND: Final = 40
_NUMBERED: Final = re.compile(r"\S*\d\S*")

Page = Callable[[int | None], Sequence[StoredEntry]]
"""Returns the latest decisions before an index (None: of all), the latest first."""


@dataclass(frozen=True, slots=True)
class Example:
    """Words of one request around what was found in it; words with digits are masked."""

    query_id: str
    field: str
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    """The lexicon as it is and as it would be, and the term that makes the difference."""

    was: Lexicon
    would_be: Lexicon
    term: Term


@dataclass(frozen=True, slots=True)
class Count:
    """Of *looked* requests, how many would be read otherwise, and how many of them had the class anyway.

    ``felt`` and ``already`` are rounded down to tens; None is fewer than ten. ``whole``: every request that
    was asked for was looked at. ``erased`` could not be.
    """

    looked: int
    erased: int
    whole: bool
    felt: int | None
    already: int | None
    examples: tuple[Example, ...]


def countable(term: Term) -> bool:
    """Say whether a term is long enough to be counted."""
    return sum(map(str.isalpha, re.sub(r"\{[^}]*\}", "", term.text))) >= FEWEST_LETTERS


def count(
    ledger: Ledger,
    page: Page,
    change: Change,
    *,
    most: int = MOST,
    seconds: float = SECONDS,
    shown: Callable[[str], bool] = lambda _: False,
    examples: int = 0,
) -> Count:
    """Count the requests in which the change finds other words of the term's class.

    *shown* says of a query whether an example may be taken from it. Raises LedgerUnavailable.
    """
    ends = time.monotonic() + seconds
    kind = _kind(change.term)
    looked = erased = felt = already = 0
    found: list[Example] = []
    whole = True
    for entry in _rested(_decisions(page)):
        if looked + erased >= most or time.monotonic() >= ends:
            whole = looked + erased >= most
            break
        query = _query(ledger, entry)
        if query is None:
            erased += 1
            continue
        looked += 1
        words = query.typed_words()
        before, after = (_matches(words, lexicon, kind) for lexicon in (change.was, change.would_be))
        if before == after:
            continue
        felt += 1
        already += bool(before)
        if len(found) < examples and shown(entry.ref):
            # What a change takes away is shown as well as what it adds.
            found.append(_example(entry.ref, query, min(before ^ after)))
    return Count(looked, erased, whole, rounded(felt), rounded(already), tuple(found))


def rounded(number: int) -> int | None:
    """Return a count as it may be told: in tens; None for fewer than ten."""
    return None if number < _SMALL else number - number % 10


def _decisions(page: Page) -> Iterator[StoredEntry]:
    """Yield the latest decision of each query."""
    known: set[str] = set()
    before: int | None = None
    while entries := page(before):
        for entry in entries:
            if entry.ref not in known:
                known.add(entry.ref)
                yield entry
        before = entries[-1].index


def _rested(entries: Iterator[StoredEntry]) -> Iterator[StoredEntry]:
    """Yield them with a pause after each moment of work: the threads that answer agencies go first."""
    worked = time.monotonic()
    for entry in entries:
        yield entry
        if time.monotonic() - worked > _WORK:
            time.sleep(_REST)
            worked = time.monotonic()


def _query(ledger: Ledger, entry: StoredEntry) -> Query | None:
    try:
        return as_recorded(ledger.opened(entry).detail["body"])
    except (KeyErased, InvalidRequest):
        return None


def _kind(term: Term) -> str:
    return BY_CLASS if term.group == CRIME_CLASSES else SPECIFIC if term.group == "crimes" else term.name


def _matches(words: dict[str, str], lexicon: Lexicon, kind: str) -> set[Match]:
    return {match for match in screen(words, lexicon).matches if match.word_class == kind}


def _example(query_id: str, query: Query, match: Match) -> Example:
    text = query.typed_words()[match.field]
    before, after = text[: match.start], text[match.end :]
    return Example(
        query_id,
        match.field.partition("#")[0],
        _masked(before[-_AROUND:], query, cut=len(before) > _AROUND),
        _masked(text[match.start : match.end], query),
        _masked(after[:_AROUND], query, cut_behind=len(after) > _AROUND),
    )


def _masked(text: str, query: Query, *, cut: bool = False, cut_behind: bool = False) -> str:
    """Return words without plates, numbers and the officer's name."""
    said = _NUMBERED.sub("•••", text)
    for private in filter(None, (query.plate, *query.requester.name.split())):
        said = re.sub(re.escape(private), "•••", said, flags=re.IGNORECASE)
    return f"{'…' if cut else ''}{said}{'…' if cut_behind else ''}"
