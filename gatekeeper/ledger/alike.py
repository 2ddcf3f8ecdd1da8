"""Entries alike but for what no judgement of a single entry turns on: of all those alike, one is judged.

Most entries differ from an earlier one only in their commitments, their query's id, their hour, and the
permit that a release names. Of an entry with which nothing is wrong the rest of its text is remembered, byte
by byte, and where those four stand in it. Another text with the same rest, and in each of those places as
many letters of the same alphabet, is canonical and fits its schema as the first does: each schema takes all
such values or none (``tests/ledger/test_alike.py`` proves it of every one).

Guarantees: nothing is told of an entry but that it is as sound as ``statements.judged_alone`` would find it,
and what it says; what is unusual (an escape, a letter beyond ASCII, over 4 KiB) is judged by itself each
time; what is remembered stays below 8 MiB, so that entries all unlike one another cost time alone.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from itertools import chain, pairwise
from struct import Struct
from typing import Final

from gatekeeper.ledger.statements import Document, Meaning, meaning_of

MOST_REMEMBERED: Final = 8 << 20
"""In bytes; then all is forgotten, and remembered anew."""

MOST_ENTRY: Final = 4096
"""Bytes of an entry that is remembered."""

_MOST_DIGITS: Final = 15
"""Of a number that is below 2**53 whatever its digits are."""

_OVERHEAD: Final = 1024
_ZERO: Final = ord("0")
_HEX: Final = b"0123456789abcdef"
_WORD: Final = f"{string.ascii_letters}{string.digits}_-".encode()
_SHAPE: Final = bytes.maketrans(_WORD, b"0" * len(_WORD))
"""Each letter that a query's id can have becomes one: left is where every string begins and ends."""

_HOUR: Final = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}Z")
_COMMITMENT: Final = re.compile(rb'(?<=":")[0-9a-f]{64}(?=")')
_COMMITMENTS: Final = b'"commitments":{'

Told = tuple[Meaning, bytes, str, int]
"""What an entry says: its meaning, its query's id, its hour, and the permit that it names (else -1)."""


@dataclass(slots=True)
class _Layout:
    """How texts of one shape are cut: rest, value, rest, value, … rest.

    The values are, in the order that canonical texts have: commitments, perhaps the permit, hour, query.
    ``known``: by the rest, joined, what those say that have it. Places in it do not change with the text.
    """

    cut: Struct
    commitments: slice
    permit: int
    known: dict[bytes, Meaning] = field(default_factory=dict)


class Alike:
    """Remembers what was judged; for one log, and one thread."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, _Layout] = {}
        self._remembered = 0
        self._hour, self._hour_text = b"", ""

    def told(self, entry: bytes) -> Told | None:
        """Return what an entry says if one like it was judged, so that nothing is wrong with it; or None."""
        layout = self._layouts.get(entry.translate(_SHAPE))
        if layout is None:
            return None
        parts = layout.cut.unpack(entry)  # texts of one shape have one length
        meaning = layout.known.get(b"".join(parts[::2]))
        if meaning is None or b"".join(parts[layout.commitments]).translate(None, _HEX):
            return None
        hour = parts[-4]
        if hour != self._hour:
            if not _HOUR.fullmatch(hour):
                return None
            self._hour, self._hour_text = hour, hour.decode()
        ref = parts[-2]  # of the same shape as one that was judged: so of no other letters than an id has
        if not layout.permit:
            return meaning, ref, self._hour_text, -1
        digits = parts[layout.permit]
        if not digits.isdigit() or (digits[0] == _ZERO and len(digits) > 1):
            return None
        return meaning, ref, self._hour_text, int(digits)

    def learn(self, entry: bytes, document: Document) -> None:
        """Remember an entry with which nothing is wrong, and what it says."""
        values = _values(entry, document) if len(entry) <= MOST_ENTRY else None
        if values is None:
            return
        edges = [0, *chain.from_iterable(values), len(entry)]
        cut = Struct("".join(f"{stop - start}s" for start, stop in pairwise(edges)))
        shape = entry.translate(_SHAPE)
        layout = self._layouts.get(shape)
        if layout is None or layout.cut.format != cut.format:
            permit = document["event"] == "query.released"
            many = 2 * (len(values) - 2 - permit)
            layout = self._layouts[shape] = _Layout(cut, slice(1, many, 2), many + 1 if permit else 0)
            self._remembered += len(shape) + _OVERHEAD
        rest = b"".join(cut.unpack(entry)[::2])
        if rest not in layout.known:
            layout.known[rest] = meaning_of(document)
            self._remembered += len(rest) + _OVERHEAD
        if self._remembered > MOST_REMEMBERED:
            self._layouts.clear()
            self._remembered = 0


def _values(entry: bytes, document: Document) -> list[tuple[int, int]] | None:
    """Return where in a sound entry the values stand; None where that cannot be told.

    Without an escape there is a quote only where a string begins or ends: so what reads ``"hour":`` is that
    key, and if it is there once it is the entry's own.
    """
    if not entry.isascii() or b"\\" in entry or entry.count(_COMMITMENTS) != 1:
        return None
    start = entry.index(_COMMITMENTS) + len(_COMMITMENTS)
    found = [each.span() for each in _COMMITMENT.finditer(entry, start, entry.index(b"}", start))]
    commitments = document["commitments"]
    if not found or not isinstance(commitments, dict) or len(found) != len(commitments):
        return None
    others = ("decided", "hour", "ref") if document["event"] == "query.released" else ("hour", "ref")
    for name in others:
        value = document[name]
        if isinstance(value, str):
            key, text = f'"{name}":"'.encode(), value.encode()
        else:
            key, text = f'"{name}":'.encode(), str(value).encode()
            if not text.isdigit() or len(text) > _MOST_DIGITS:
                return None
        at = entry.find(key) + len(key)
        if entry.count(f'"{name}":'.encode()) != 1 or entry[at : at + len(text)] != text or at < found[-1][1]:
            return None
        found.append((at, at + len(text)))
    return found
