"""A long log without its years: entries as the running service writes them, with their tree.

Each text is one that the log's own ``seal`` made of a draft, with another query's id, hour, commitments and
permit in it: canonical, and fitting its schema, as ``gatekeeper ledger verify`` says at the end. Of sixteen
entries six are permits, five releases, four denials, and one permit could not be answered. Guarantees: the
same log for the same seed and moment; time runs forward and ends an hour ago; memory does not grow with it.
The private side is left out: no boxes, no rows of queries or reviews.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final

from gatekeeper.ledger import DayKeys, Draft, StoredEntry
from gatekeeper.ledger.entries import hour_of, seal
from gatekeeper.ledger.merkle import Frontier, extend, leaf_hash, perfect_root
from gatekeeper.ledger.tiles import WIDTH, Tile
from tests.ledger.made import decided, released

CHUNK: Final = 64 * WIDTH
"""Entries in memory at once."""
PER_HOUR: Final = 2000
"""Ten million are seven months of a busy city."""

_SEALED: Final = "q_" + "0" * 26, 7_000_000_000
"""The query's id and the permit's index that the texts are sealed with, to be replaced."""
_PERMIT, _DENIED, _FAILED = -1, -2, -3
_UNANSWERED: Final = 12
_BLOCK: Final = (
    _PERMIT, _PERMIT, 0, 1, _PERMIT, 4, _DENIED, _PERMIT,
    _DENIED, 7, _DENIED, _PERMIT, _PERMIT, 11, _FAILED, _DENIED,
)  # fmt: skip
"""What each of sixteen entries is; a number: the release of the permit at that place."""
_AGENCIES: Final = tuple(
    (f"agency-{place}", kind, end)
    for place in ("elsewhere", "lakeside", "prairie", "riverbend")
    for kind, end in (("local", None), ("state", None), ("federal", ("agency-beyond", "local")))
)
_LETTERS: Final = bytes(b"abcdefghijklmnopqrstuvwxyz234567"[each % 32] for each in range(256))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Entries, and the tiles that they complete."""

    entries: list[StoredEntry]
    tiles: list[Tile]


class LongLog:
    """A log of ``size`` entries; its frontier and the time of its last entry are known at the end."""

    def __init__(self, size: int, seed: int = 7, now: datetime | None = None) -> None:
        self.size = size
        self._dice = random.Random(seed)  # noqa: S311  a benchmark's dice
        self._last = (now or datetime.now(UTC)) - timedelta(hours=1)
        self._rows: list[list[bytes]] = [[]]
        self._full = [0]

    def chunks(self) -> Iterator[Chunk]:
        """Yield all of it, in order. Once."""
        texts = _texts()
        for start in range(0, self.size, CHUNK):
            entries = self._entries(start, min(start + CHUNK, self.size), texts)
            yield Chunk(entries, list(self._grow([one.leaf_hash for one in entries])))

    @property
    def frontier(self) -> Frontier:
        """The frontier of what was yielded: that of the incomplete tile of each level, the highest first."""
        return tuple(node for row in reversed(self._rows) for node in extend((), 0, row))

    @property
    def at_ms(self) -> int:
        """The time of the last entry, in milliseconds since 1970."""
        return int(self._last.timestamp() * 1000)

    def _entries(self, start: int, stop: int, texts: Sequence[_Texts]) -> list[StoredEntry]:
        found: list[StoredEntry] = []
        while start + len(found) < stop:
            first = start + len(found)
            hour = hour_of(self._last - timedelta(hours=(self.size - 1 - first) // PER_HOUR))
            found += self._block(first, hour, self._dice.choice(texts))
        return found[: stop - start]

    def _block(self, first: int, hour: str, texts: _Texts) -> Iterator[StoredEntry]:
        dice = self._dice.randbytes
        letters = dice(26 * len(_BLOCK)).translate(_LETTERS).decode()
        refs = ["q_" + letters[at : at + 26] for at in range(0, len(letters), 26)]
        secret = dice(32 * 6 * len(_BLOCK)).hex()
        at = count(0, 64 * 6)
        for index, place, ref, s in zip(count(first), _BLOCK, refs, at, strict=False):
            six = (
                secret[s : s + 64], secret[s + 64 : s + 128], secret[s + 128 : s + 192],
                secret[s + 192 : s + 256], secret[s + 256 : s + 320], secret[s + 320 : s + 384],
            )  # fmt: skip
            if place >= 0:
                ref = refs[place]  # noqa: PLW2901  the permit's
                event, text = "query.released", texts.released % (*six, first + place, hour, ref)
            elif place == _FAILED:
                event, text = "query.refused", texts.refused % (six[0], hour, ref := refs[_UNANSWERED])
            else:
                event = "query.decided"
                text = (texts.permitted if place == _PERMIT else texts.denied) % (*six, hour, ref)
            entry = text.encode("ascii")
            yield StoredEntry(index, entry, leaf_hash(entry), event, ref)

    def _grow(self, leaves: list[bytes]) -> Iterator[Tile]:
        """Take in hashes, and yield the tiles that are complete with them."""
        level = 0
        while leaves:
            if level == len(self._rows):
                self._rows.append([])
                self._full.append(0)
            row = self._rows[level] + leaves
            whole = len(row) // WIDTH * WIDTH
            self._rows[level], leaves = row[whole:], []
            for at in range(0, whole, WIDTH):
                tile = row[at : at + WIDTH]
                yield Tile(level, self._full[level], b"".join(tile))
                self._full[level] += 1
                leaves.append(perfect_root(tile))
            level += 1


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of one agency, with a hole for each value: commitments, the permit's index, hour and id."""

    permitted: str
    denied: str
    released: str
    refused: str


def _texts() -> list[_Texts]:
    ref, permit = _SEALED
    with tempfile.TemporaryDirectory() as directory:
        keys = DayKeys(Path(directory) / "days")
        return [
            _Texts(
                _holed(decided(ref, "permit", agency, kind, end), keys),
                _holed(decided(ref, "deny", agency, kind, end), keys),
                _holed(released(ref, permit, agency, kind, end), keys),
                _holed(_failed(ref, agency), keys),
            )
            for agency, kind, end in _AGENCIES
        ]


def _failed(ref: str, agency: str) -> Draft:
    clear = {"agency": agency, "reason": "records_unavailable", "stage": "fetch"}
    return Draft("query.refused", ref, clear, {}, {})


def _holed(draft: Draft, keys: DayKeys) -> str:
    """Return the entry of a draft as a format, whose holes stand in the order of canonical JSON."""
    at = datetime.now(UTC)
    sealed = seal(draft, at, keys)
    text = sealed.entry.decode("ascii")
    promised = json.loads(text)["commitments"]
    holes = [
        *(promised[name] for name in sorted(promised)),
        *([str(_SEALED[1])] if "decided" in draft.clear else []),
        hour_of(at),
        draft.ref,
    ]
    place = 0
    for hole in holes:
        place = text.index(hole, place)
        text = text[:place] + "%s" + text[place + len(hole) :]
    if "%" in text.replace("%s", "") or text.count("%s") != len(holes):
        raise RuntimeError("an entry that cannot be a format")
    return text
