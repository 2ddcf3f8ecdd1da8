"""What a verification tells: what was found and what it means, what was compared, and how far it came.

Guarantees: every code of a finding has its plain words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from gatekeeper.errors import SettingsRefused
from gatekeeper.ledger import Finding, VerifierKey

_KEEP: Final = (
    "Keep the database and every checkpoint as they are, stop sharing, and ask who could write there."
)
_COPY: Final = "Fetch the copy again from the city; if it stays so, keep it and show it."
MEANING: Final[Mapping[str, str]] = {
    "altered": f"the text of an entry was changed after it was logged. {_KEEP}",
    "dropped": f"an entry that was logged is not there any more. {_KEEP}",
    "reordered": f"entries do not stand in the order in which they were logged. {_KEEP}",
    "truncated": "the latest entries are gone: they were taken away, or an older backup was put back. "
    f"{_KEEP}",
    "forked": "somebody was shown other entries than these, with the log's signature: there are two "
    f"histories. {_KEEP}",
    "wrong_key": "a checkpoint bears another key's signature: the key is not this log's, or it was forged. "
    "Compare the key with the one that the city published.",
    "malformed": "a file or row that should be a checkpoint is none. Take the file as it was sent to you.",
    "wrong_origin": "a checkpoint belongs to another log, and tells nothing of this one. Give the right one.",
    "head": f"what the database says of its own length or of its tree is wrong. {_KEEP}",
    "tile": f"a stored part of the tree is missing or wrong. It can be made anew from sound entries. {_KEEP}",
    "leaf_hash": f"the hash beside an entry was changed; the entry itself is as it was signed. {_KEEP}",
    "column": "an entry is filed under an event or a query that it does not name, so searches miss it. "
    f"{_KEEP}",
    "schema": f"an entry says what the gatekeeper never writes: another program wrote it. {_KEEP}",
    "not_canonical": f"an entry is not written as the gatekeeper writes: another program wrote it. {_KEEP}",
    "time": f"an entry claims an earlier hour than one before it: it was written later than it says. {_KEEP}",
    "release_without_decision": f"reads were released without a permit for them. {_KEEP}",
    "release_while_stopped": f"reads were released while sharing was stopped for that agency. {_KEEP}",
    "stop_unknown": f"the log tells of the end of a stop whose beginning it does not tell. {_KEEP}",
    "hold_lost": "a legal hold was taken away, or changed, in the database alone; nothing is erased until "
    "that is settled. If a court still needs the query, place a hold on it anew (gatekeeper hold place "
    "QUERY_ID), then lift the one that is named (gatekeeper hold lift HOLD_ID). Ask who could write there.",
    "hold_unlogged": "a legal hold was put into the database, or in force again, by nobody that the log "
    "knows: it keeps what the city's retention would erase. Lift it (gatekeeper hold lift HOLD_ID), and ask "
    "who could write there.",
    "unreadable": f"what the database holds is not a log that can be read. {_KEEP}",
    "bundle": f"the copy lacks entries that its checkpoint covers, or holds others. {_COPY}",
}
"""For whoever is on duty: what each code of a finding means, and what to do."""


class Unverifiable(Exception):
    """Nothing can be said about the log; the message says why, and what to give instead."""


class Interrupted(Exception):
    """The verification was ended; the message says how far it came."""


@dataclass(slots=True)
class Heard:
    """How far a verification came, and what shows it."""

    show: Callable[[int, int], None]
    place: int = 0
    size: int = 0

    def __call__(self, place: int, size: int) -> None:
        """Hear of (entries read, entries in all)."""
        self.place, self.size = place, size
        self.show(place, size)


@dataclass(slots=True)
class Outcome:
    """What came of it. Entries before `read_from` were found sound before, at `found_at`."""

    findings: list[Finding]
    size: int
    root: bytes
    read_from: int = 0
    found_at: int = 0
    checked: dict[str, int] = field(default_factory=dict)
    witnesses: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


def counted(texts: Iterable[str], counts: dict[str, int], name: str) -> Iterator[str]:
    """Yield texts, and count them."""
    counts[name] = 0
    for text in texts:
        counts[name] += 1
        yield text


def key_given(given: Sequence[str]) -> VerifierKey:
    """Return the keys that somebody gave, as one: a checkpoint by any of them counts. Raises Unverifiable."""
    first, *others = map(_key, given)
    return replace(first, also=tuple((other, None) for other in others))


def _key(given: str) -> VerifierKey:
    """Return the verifier key, or the one that a file holds. Raises Unverifiable."""
    try:
        return VerifierKey.parse(given)
    except SettingsRefused as refused:
        try:
            with Path(given).open("rb") as opened:
                text = opened.read(4096).decode("utf-8", "replace")
        except (OSError, ValueError):
            raise Unverifiable(f"--key: {refused}, or the name of a file that holds it") from None
    try:
        return VerifierKey.parse(text)
    except SettingsRefused as refused:
        raise Unverifiable(f"--key: in that file, {refused}") from None
